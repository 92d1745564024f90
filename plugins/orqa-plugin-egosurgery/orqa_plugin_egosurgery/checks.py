"""What is on disk beside the numbers that are known of EgoSurgery (datasets.md 5.2, 5.4 and 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from orqa_plugin_egosurgery.boxes import Counts, Image, count, read_boxes
from orqa_plugin_egosurgery.names import BOX_FILES, SEGMENTS, box_file, phase_file, take_of
from orqa_plugin_egosurgery.tables import read_phases
from orqa_registry import Check
from orqa_registry.reading import spare

KNOWN: Mapping[str, Mapping[str, Counts]] = {
    "tools": {"train": Counts(9657, 32272), "validation": Counts(1515, 4707), "test": Counts(4265, 12673)},
    "hands": {"train": Counts(9627, 27726), "validation": Counts(1515, 4918), "test": Counts(4255, 13676)},
}
"""Kind of boxes -> split -> images and boxes that its file lists."""


def checks(home: Path) -> Iterator[Check]:
    """Yield the counts of the box files, and how many of their frames have a phase. Opens no image."""
    for split in BOX_FILES:
        for kind in KNOWN:
            yield from _counts(home, kind, split)
        yield from _frames(home, split)


def _counts(home: Path, kind: str, split: str) -> Iterator[Check]:
    path, known = box_file(home, kind, split), KNOWN[kind][split]
    found, note = Counts(0, 0), f"there is no {path.relative_to(home).as_posix()}"
    if path.is_file():
        counted = spare(count, path)
        found, note = counted or found, "" if counted else f"{path.relative_to(home).as_posix()} cannot be read"
    yield Check(f"{split}: images in the file of {kind}", found.images, known.images, note)
    yield Check(f"{split}: boxes of {kind}", found.boxes, known.boxes, note)


def _frames(home: Path, split: str) -> Iterator[Check]:
    path = box_file(home, "tools", split)
    frames: Mapping[str, Image] = (spare(read_boxes, path) or {}) if path.is_file() else {}
    takes = sorted({take_of(frame) for frame in frames})
    yield Check(f"{split}: segments", len(takes), len(SEGMENTS[split]))
    phases: set[str] = set()
    for take in takes:
        table = phase_file(home, take)
        phases.update((spare(read_phases, table, take) or {}) if table.is_file() else {})
    known = KNOWN["tools"][split].images
    yield Check(f"{split}: images with a phase", len(phases & frames.keys()), known, "every image has one")
