"""The known numbers of MVOR beside what is on disk (datasets.md 4.2, 4.3, 9.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from orqa_plugin_mvor import names
from orqa_plugin_mvor.reader.root import Root
from orqa_registry import Check

ANNOTATION_COUNTS = {
    "images": ("images in the annotation file", 2196),
    "multiview_images": ("multi-view frames", 732),
    "annotations": ("2D boxes and poses of people", 4699),
    "annotations3D": ("3D poses of people", 1061),
}
CLIP_FRAME_COUNTS = {"train": 536, "validation": 115, "test": 78}
"""Split -> frames in its clips."""

SCAN_COUNT = 23
"""Object scans that the object poses name."""


def checks(root: Root) -> Iterator[Check]:
    """Yield each number; a file that is not there counts nothing."""
    for day, frames in names.FRAME_COUNTS.items():
        for kind in names.IMAGE_KINDS:
            images = sum(len(root.images(day, camera, kind)) for camera in names.CAMERAS)
            yield Check(f"{kind} images of day {day}", images, frames * len(names.CAMERAS))
    counts = root.annotations.counts if root.annotations else {}
    for name, (what, expected) in ANNOTATION_COUNTS.items():
        yield Check(what, counts.get(name, 0), expected, names.ANNOTATION_FILE)
    yield Check("calibrated cameras", len(root.annotations.cameras) if root.annotations else 0, len(names.CAMERAS))
    yield Check(
        "frames with 3D poses",
        _count_files(root.files(names.HUMAN_POSES_FOLDER), "pred_day_", ".npy"),
        629,
        names.HUMAN_POSES_FOLDER,
    )
    yield Check(
        "frames with object poses",
        _count_files(root.files(names.OBJECT_POSES_FOLDER), "day_", ".npz"),
        732,
        names.OBJECT_POSES_FOLDER,
    )
    yield Check(
        "files about patients", _is_file(root, names.PATIENT_CENTRES_FILE) + _is_file(root, names.DUMMY_POSE_FILE), 2
    )
    yield Check("labelled frames", len(root.labels), 732, names.FRAME_LABELS_FILE)
    yield from _check_clips(root)
    scans = sum(1 for _ in (root.home / names.OBJECT_SCANS_FOLDER).glob("*/*.ply"))
    yield Check("object scans", scans, SCAN_COUNT, "those that the poses name; not in the first additions")


def _check_clips(root: Root) -> Iterator[Check]:
    has_clips = (root.home / names.CLIPS_FILE).is_file()
    clips, frames = (root.clips, root.frames) if has_clips else ([], {})
    yield Check("clips", len(clips), len(names.FIRST_FRAMES), names.CLIPS_FILE)
    split_frames = sum(map(len, root.splits.values()))
    yield Check("frames in splits", split_frames, sum(CLIP_FRAME_COUNTS.values()), names.SPLITS_FILE)
    by_split: dict[str, set[str]] = {split: set() for split in CLIP_FRAME_COUNTS}
    for clip in clips:
        by_split[clip.split].update(f"{clip.start[0]}_{frame}" for frame in frames[clip.take])
    for split, expected in CLIP_FRAME_COUNTS.items():
        yield Check(f"frames in clips of {split}", len(by_split[split]), expected)
    mismatches = sum(len(set(frames) - by_split[split]) for split, frames in root.splits.items())
    yield Check("frames that clips and splits put into different splits", mismatches, 0)


def _count_files(files: Mapping[str, Path], prefix: str, suffix: str) -> int:
    return sum(name.startswith(prefix) and name.endswith(suffix) for name in files)


def _is_file(root: Root, name: str) -> bool:
    return (root.home / name).is_file()
