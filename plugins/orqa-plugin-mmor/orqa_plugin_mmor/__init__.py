"""MM-OR in its real layout, for orqa-registry: reader, and writer of small copies."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_plugin_mmor.dataset import MMOR
from orqa_registry import Dataset, hookimpl

__all__ = ["MMOR", "orqa_datasets"]


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Bring the dataset."""
    yield MMOR()
