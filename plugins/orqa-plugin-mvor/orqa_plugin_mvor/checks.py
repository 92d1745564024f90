"""The known numbers of MVOR beside what is on disk (datasets.md 4.2, 4.3, 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from orqa_plugin_mvor import names
from orqa_plugin_mvor.root import Root
from orqa_registry import Check

ENTRIES = {
    "images": ("images in the annotation file", 2196),
    "multiview_images": ("multi-view frames", 732),
    "annotations": ("2D boxes and poses of people", 4699),
    "annotations3D": ("3D poses of people", 1061),
}
TAKEN = {"train": 536, "validation": 115, "test": 78}
"""Split -> frames in its clips."""

SCANS = 23
"""Object scans that the object poses name."""


def checks(root: Root) -> Iterator[Check]:
    """Yield each number; a file that is not there counts nothing."""
    for day, frames in names.FRAMES.items():
        for kind in names.KINDS:
            found = sum(len(root.images(day, camera, kind)) for camera in names.CAMERAS)
            yield Check(f"{kind} images of day {day}", found, frames * len(names.CAMERAS))
    counts = root.annotations.counts if root.annotations else {}
    for name, (what, expected) in ENTRIES.items():
        yield Check(what, counts.get(name, 0), expected, names.CAMMA)
    yield Check("calibrated cameras", len(root.annotations.cameras) if root.annotations else 0, len(names.CAMERAS))
    yield Check("frames with 3D poses", _many(root.files(names.POSES), "pred_day_", ".npy"), 629, names.POSES)
    yield Check("frames with object poses", _many(root.files(names.OBJECTS), "day_", ".npz"), 732, names.OBJECTS)
    yield Check("files about patients", _there(root, names.CENTRES) + _there(root, names.DUMMY), 2)
    yield Check("labelled frames", len(root.labels), 732, names.LABELS)
    yield from _clips(root)
    scans = sum(1 for _ in (root.home / names.SCANS).glob("*/*.ply"))
    yield Check("object scans", scans, SCANS, "those that the poses name; not in the first additions")


def _clips(root: Root) -> Iterator[Check]:
    there = (root.home / names.CLIPS).is_file()
    clips, frames = (root.clips, root.frames) if there else ([], {})
    yield Check("clips", len(clips), len(names.FIRST_FRAMES), names.CLIPS)
    listed = sum(map(len, root.splits.values()))
    yield Check("frames in splits", listed, sum(TAKEN.values()), names.SPLIT_FILE)
    by_split: dict[str, set[str]] = {split: set() for split in TAKEN}
    for clip in clips:
        by_split[clip.split].update(f"{clip.start[0]}_{frame}" for frame in frames[clip.take])
    for split, expected in TAKEN.items():
        yield Check(f"frames in clips of {split}", len(by_split[split]), expected)
    contrary = sum(len(set(frames) - by_split[split]) for split, frames in root.splits.items())
    yield Check("frames that clips and splits put into different splits", contrary, 0)


def _many(files: Mapping[str, Path], start: str, end: str) -> int:
    return sum(name.startswith(start) and name.endswith(end) for name in files)


def _there(root: Root, file: str) -> bool:
    return (root.home / file).is_file()
