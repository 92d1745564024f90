"""MVOR in its real layout (datasets.md 4), with the additions of the ORQA authors: read, checked, written."""

from collections.abc import Iterator

from orqa_plugin_mvor.dataset import MVOR
from orqa_registry import Dataset, hookimpl

__all__ = ["MVOR", "orqa_datasets"]


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Bring the dataset."""
    yield MVOR()
