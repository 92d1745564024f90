"""The manifest of a folder that was mended: what only the old one knew is kept, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any

import orjson

from orqa_registry import Dataset, OrqaError
from orqa_shards import manifest
from orqa_shards.manifest import Manifest, SplitEntry
from orqa_shards.store import Store

KEPT = ("datasets", "parameters", "versions")
SAID = ("title", "licence", "citation")
"""What a manifest says of a dataset."""


def restored(
    store: Store, splits: Mapping[str, SplitEntry], datasets: Mapping[str, Dataset], skipped: Sequence[str]
) -> Manifest:
    """Return the manifest of what is left in a folder; the old one lies there, damaged or not, or is gone.

    datasets: those that are known, by name: they say what the old one says no more. skipped: what was dropped.
    """
    raw = _raw(store)
    old = {name: raw[name] if isinstance(raw.get(name), dict) else {} for name in KEPT}
    named = dict.fromkeys(take.dataset for split in splits.values() for take in split.takes)
    order = [*(raw["splits"] if isinstance(raw.get("splits"), dict) else ())]
    order += [split for name in named if name in datasets for split in datasets[name].splits]
    order = [*dict.fromkeys([*order, *Dataset.splits, *splits])]
    before = [one for one in raw.get("skipped", ()) if isinstance(one, str)]
    return Manifest(
        datasets={name: _card(old["datasets"].get(name), datasets.get(name)) for name in named},
        splits={name: splits[name] for name in sorted(splits, key=order.index)},
        parameters=old["parameters"],
        versions={**old["versions"], "repaired by": f"orqa-registry {metadata.version('orqa-registry')}"},
        skipped=tuple(dict.fromkeys([*before, *skipped])),
    )


def forgotten(made: Manifest) -> Iterator[str]:
    """Yield what a manifest does not say any more, and says where it was written with the shards."""
    if not made.parameters:
        yield "parameters (how the shards were written)"
    for name, card in made.datasets.items():
        if not any(card.values()):
            yield f"{', '.join(SAID)} of {name} (no plugin that is installed knows it)"


def _card(before: Any, known: Dataset | None) -> dict[str, str]:
    """Return what a manifest says of a dataset: as it did, or where it is silent as the dataset does."""
    old = {name: value for name, value in before.items() if value} if isinstance(before, dict) else {}
    return {**{name: "" if known is None else getattr(known.card, name) for name in SAID}, **old}


def _raw(store: Store) -> dict[str, Any]:
    with suppress(OrqaError, ValueError):
        found = orjson.loads(store.read(manifest.NAME, manifest.LARGEST))
        return found if isinstance(found, dict) else {}
    return {}
