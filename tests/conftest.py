"""What several tests build on."""

import shutil
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


@pytest.fixture(scope="session")
def written_once(tmp_path_factory):
    """Return a folder of small shards that is whole, and stays so."""
    from small_room import written

    folder = tmp_path_factory.mktemp("sound") / "s"
    written(Registry.load(), folder, shard_bytes=12_000)
    return folder


@pytest.fixture
def folder(written_once, tmp_path):
    """Return a copy of it, to be damaged."""
    shutil.copytree(written_once, tmp_path / "s")
    return tmp_path / "s"
