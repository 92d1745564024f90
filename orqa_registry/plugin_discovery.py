"""Which plugins are installed, by the entry points of their distributions; none of them is imported here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata

from attrs import frozen

PLUGIN_GROUP = "orqa_registry"
FIRST_PARTY_GROUP = "orqa_registry.known"


@frozen
class InstalledPlugin:
    """A plugin that some distribution names. known: it is on the directory of first-party plugins."""

    name: str
    module: str
    distribution: str
    version: str
    known: bool = False


def find_plugins() -> list[InstalledPlugin]:
    """Return the plugins of everything that is installed: known first-party ones first, then by name, none twice.

    A known plugin that is installed as a distribution of its own is that distribution's.
    """
    entries = sorted(_entry_points(), key=lambda entry: (entry.group != FIRST_PARTY_GROUP, entry.name, entry.value))
    owners = {(entry.name, entry.value): entry for entry in entries if entry.group == PLUGIN_GROUP}
    read_origin = lru_cache(maxsize=None)(_read_origin)  # one distribution names a dozen plugins
    plugins: dict[tuple[str, str], InstalledPlugin] = {}
    for entry in entries:
        identity = (entry.name, entry.value)
        if identity not in plugins:
            name, version = read_origin(owners.get(identity, entry).dist)
            plugins[identity] = InstalledPlugin(
                entry.name, entry.module, name, version, entry.group == FIRST_PARTY_GROUP
            )
    return list(plugins.values())


def _entry_points() -> Iterator[metadata.EntryPoint]:
    """Yield the entry points of our groups, parsing the files of those distributions alone that name one.

    `metadata.entry_points` parses the files of all distributions, three times as long.
    """
    for distribution in metadata.distributions():
        text = distribution.read_text("entry_points.txt")
        if text and PLUGIN_GROUP in text:
            for entry in distribution.entry_points:
                if entry.group in (PLUGIN_GROUP, FIRST_PARTY_GROUP):
                    yield entry


def _read_origin(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Return name and version of a distribution, from the head of its metadata: below it lies a whole README."""
    if distribution is None:
        return "?", "?"
    head = (distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or "").partition("\n\n")[0]
    fields = dict(line.partition(": ")[::2] for line in head.splitlines())
    return fields.get("Name", "?"), fields.get("Version", "?")
