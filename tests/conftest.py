"""What several tests build on."""

import sys
from pathlib import Path

import pytest

from orqa_registry import Registry, Take, Timepoint

sys.path.insert(0, str(Path(__file__).parent))  # small_room.py


@pytest.fixture
def registry():
    """Return all that is installed."""
    return Registry.load()


@pytest.fixture
def make_take():
    """Return a maker of takes from labels, a timepoint each, `step` seconds apart or without a clock."""

    def make(labels, step=1.0, name="t", split="train"):
        points = [
            Timepoint("d", split, name, f"{k:06d}", k, None if step is None else k * step, labels=one)
            for k, one in enumerate(labels)
        ]
        return Take("d", split, name, lambda: iter(points))

    return make
