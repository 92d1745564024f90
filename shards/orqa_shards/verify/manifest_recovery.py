"""The manifest of a folder that was mended: what only the old one knew is kept, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any

import orjson

from orqa_registry import Dataset, OrqaError
from orqa_shards.format import manifest
from orqa_shards.format.manifest import Manifest, SplitEntry
from orqa_shards.storage.store import Store

KEPT_KEYS = ("datasets", "parameters", "versions")
CARD_FIELDS = ("title", "licence", "citation")
"""What a manifest says of a dataset."""


def rebuild_manifest(
    store: Store, splits: Mapping[str, SplitEntry], datasets: Mapping[str, Dataset], skipped: Sequence[str]
) -> Manifest:
    """Return the manifest of what is left in a folder; the old one lies there, damaged or not, or is gone.

    datasets: those that are known, by name: they say what the old one says no more. skipped: what was dropped.
    """
    raw = _read_raw(store)
    old = {name: raw[name] if isinstance(raw.get(name), dict) else {} for name in KEPT_KEYS}
    dataset_names = dict.fromkeys(take.dataset for split in splits.values() for take in split.takes)
    split_order = [*(raw["splits"] if isinstance(raw.get("splits"), dict) else ())]
    split_order += [split for name in dataset_names if name in datasets for split in datasets[name].splits]
    split_order = [*dict.fromkeys([*split_order, *Dataset.splits, *splits])]
    skipped_before = [reason for reason in raw.get("skipped", ()) if isinstance(reason, str)]
    return Manifest(
        datasets={name: _merge_card(old["datasets"].get(name), datasets.get(name)) for name in dataset_names},
        splits={name: splits[name] for name in sorted(splits, key=split_order.index)},
        parameters=old["parameters"],
        versions={**old["versions"], "repaired by": f"orqa-registry {metadata.version('orqa-registry')}"},
        skipped=tuple(dict.fromkeys([*skipped_before, *skipped])),
    )


def lost_facts(made: Manifest) -> Iterator[str]:
    """Yield what a manifest does not say any more, and says where it was written with the shards."""
    if not made.parameters:
        yield "parameters (how the shards were written)"
    for name, card in made.datasets.items():
        if not any(card.values()):
            yield f"{', '.join(CARD_FIELDS)} of {name} (no plugin that is installed knows it)"


def _merge_card(old_card: Any, dataset: Dataset | None) -> dict[str, str]:
    """Return what a manifest says of a dataset: as it did, or where it is silent as the dataset does."""
    old_values = {name: value for name, value in old_card.items() if value} if isinstance(old_card, dict) else {}
    return {**{name: "" if dataset is None else getattr(dataset.card, name) for name in CARD_FIELDS}, **old_values}


def _read_raw(store: Store) -> dict[str, Any]:
    with suppress(OrqaError, ValueError):
        data = orjson.loads(store.read(manifest.MANIFEST, manifest.MAX_MANIFEST_BYTES))
        return data if isinstance(data, dict) else {}
    return {}
