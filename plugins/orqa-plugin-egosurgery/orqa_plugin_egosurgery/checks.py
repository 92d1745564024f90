"""What is on disk beside the numbers that are known of EgoSurgery (datasets.md 5.2, 5.4 and 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from orqa_plugin_egosurgery.coco_reader import EntryCounts, FrameBoxes, count_entries, read_boxes
from orqa_plugin_egosurgery.csv_files import read_phases
from orqa_plugin_egosurgery.names import BOX_FILES, SEGMENTS, box_file, frame_take, phase_file
from orqa_registry import Check, OrqaError
from orqa_registry.readers.io import read_or_warn

KNOWN_COUNTS: Mapping[str, Mapping[str, EntryCounts]] = {
    "tools": {
        "train": EntryCounts(9657, 32272),
        "validation": EntryCounts(1515, 4707),
        "test": EntryCounts(4265, 12673),
    },
    "hands": {
        "train": EntryCounts(9627, 27726),
        "validation": EntryCounts(1515, 4918),
        "test": EntryCounts(4255, 13676),
    },
}
"""Kind of boxes -> split -> images and boxes that its file lists."""

DAMAGED = "damaged"
"""What is found where a file is there and cannot be read."""


def checks(home: Path) -> Iterator[Check]:
    """Yield the counts of the box files, and how many of their frames have a phase. Opens no image.

    Raises nothing for a file that is damaged: a DataWarning says what is wrong with it.
    """
    for split in BOX_FILES:
        for kind in KNOWN_COUNTS:
            yield from _check_counts(home, kind, split)
        yield from _check_frames(home, split)


def _check_counts(home: Path, kind: str, split: str) -> Iterator[Check]:
    path, expected = box_file(home, kind, split), KNOWN_COUNTS[kind][split]
    file_name = path.relative_to(home).as_posix()
    counts: tuple[int | str, int | str] = (0, 0)
    note = f"there is no {file_name}"
    if path.is_file():
        entry_counts = read_or_warn(count_entries, path)
        counts, note = (entry_counts, "") if entry_counts else ((DAMAGED, DAMAGED), f"{file_name} cannot be read")
    yield Check(f"{split}: images in the file of {kind}", counts[0], expected.images, note)
    yield Check(f"{split}: boxes of {kind}", counts[1], expected.boxes, note)


def _check_frames(home: Path, split: str) -> Iterator[Check]:
    path, expected = box_file(home, "tools", split), KNOWN_COUNTS["tools"][split].images
    segments_check, phases_check = f"{split}: segments", f"{split}: images with a phase"
    try:
        frames: Mapping[str, FrameBoxes] = read_boxes(path) if path.is_file() else {}
    except OrqaError:
        # What is wrong was said when its boxes were counted.
        note = f"{path.relative_to(home).as_posix()} cannot be read"
        yield Check(segments_check, DAMAGED, len(SEGMENTS[split]), note)
        yield Check(phases_check, DAMAGED, expected, note)
        return
    takes = sorted({frame_take(frame) for frame in frames})
    yield Check(segments_check, len(takes), len(SEGMENTS[split]))
    phases: set[str] = set()
    for take in takes:
        table = phase_file(home, take)
        phases.update((read_or_warn(read_phases, table, take) or {}) if table.is_file() else {})
    yield Check(phases_check, len(phases & frames.keys()), expected, "every image has one")
