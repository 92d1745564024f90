"""What is on disk beside the numbers that are known of EgoSurgery (datasets.md 5.2, 5.4 and 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from orqa_plugin_egosurgery.boxes import Counts, Image, count, read_boxes
from orqa_plugin_egosurgery.names import BOX_FILES, SEGMENTS, box_file, phase_file, take_of
from orqa_plugin_egosurgery.tables import read_phases
from orqa_registry import Check, OrqaError
from orqa_registry.reading import spare

KNOWN: Mapping[str, Mapping[str, Counts]] = {
    "tools": {"train": Counts(9657, 32272), "validation": Counts(1515, 4707), "test": Counts(4265, 12673)},
    "hands": {"train": Counts(9627, 27726), "validation": Counts(1515, 4918), "test": Counts(4255, 13676)},
}
"""Kind of boxes -> split -> images and boxes that its file lists."""

DAMAGED = "damaged"
"""What is found where a file is there and cannot be read."""


def checks(home: Path) -> Iterator[Check]:
    """Yield the counts of the box files, and how many of their frames have a phase. Opens no image.

    Raises nothing for a file that is damaged: a DataWarning says what is wrong with it.
    """
    for split in BOX_FILES:
        for kind in KNOWN:
            yield from _counts(home, kind, split)
        yield from _frames(home, split)


def _counts(home: Path, kind: str, split: str) -> Iterator[Check]:
    path, known = box_file(home, kind, split), KNOWN[kind][split]
    place = path.relative_to(home).as_posix()
    found: tuple[int | str, int | str] = (0, 0)
    note = f"there is no {place}"
    if path.is_file():
        counted = spare(count, path)
        found, note = (counted, "") if counted else ((DAMAGED, DAMAGED), f"{place} cannot be read")
    yield Check(f"{split}: images in the file of {kind}", found[0], known.images, note)
    yield Check(f"{split}: boxes of {kind}", found[1], known.boxes, note)


def _frames(home: Path, split: str) -> Iterator[Check]:
    path, known = box_file(home, "tools", split), KNOWN["tools"][split].images
    segments, phased = f"{split}: segments", f"{split}: images with a phase"
    try:
        frames: Mapping[str, Image] = read_boxes(path) if path.is_file() else {}
    except OrqaError:
        # What is wrong was said when its boxes were counted.
        note = f"{path.relative_to(home).as_posix()} cannot be read"
        yield Check(segments, DAMAGED, len(SEGMENTS[split]), note)
        yield Check(phased, DAMAGED, known, note)
        return
    takes = sorted({take_of(frame) for frame in frames})
    yield Check(segments, len(takes), len(SEGMENTS[split]))
    phases: set[str] = set()
    for take in takes:
        table = phase_file(home, take)
        phases.update((spare(read_phases, table, take) or {}) if table.is_file() else {})
    yield Check(phased, len(phases & frames.keys()), known, "every image has one")
