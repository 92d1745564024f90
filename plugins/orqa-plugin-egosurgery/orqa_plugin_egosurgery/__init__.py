"""EgoSurgery in its real layout (datasets.md 5): a head-mounted camera, tool and hand boxes, phases, gaze."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_plugin_egosurgery.dataset import EgoSurgery
from orqa_registry import Dataset, hookimpl

__all__ = ["EgoSurgery", "orqa_datasets"]


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Bring the dataset."""
    yield EgoSurgery()
