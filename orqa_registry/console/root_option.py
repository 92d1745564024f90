"""Where the raw files of several datasets lie, as the option `--root [NAME=]DIR` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from orqa_registry.data.dataset import Dataset
from orqa_registry.errors import CallError
from orqa_registry.registry import Registry


def parse_roots(registry: Registry, roots: Iterable[str], datasets: Sequence[Dataset]) -> dict[str, Path]:
    """Return dataset name -> folder, of `--root [NAME=]DIR`. Raises CallError where it is not clear whose it is."""
    by_dataset: dict[str, Path] = {}
    for root in roots:
        name, equals, folder = root.partition("=")
        if equals:
            by_dataset[registry.dataset(name).name] = Path(folder)
        elif len(datasets) == 1:
            by_dataset[datasets[0].name] = Path(root)
        else:
            raise CallError(f"--root {root}: of which dataset? Write --root NAME={root}")
    return by_dataset
