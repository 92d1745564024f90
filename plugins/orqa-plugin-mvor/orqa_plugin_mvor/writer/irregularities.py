"""What is irregular in MVOR beside its takes (datasets.md 4.3, 9.3): a reader has to see through it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from orqa_plugin_mvor import names
from orqa_plugin_mvor.writer.annotation_file import AnnotationFile
from orqa_plugin_mvor.writer.npz_files import HOSTILE_PICKLE, object_npz
from orqa_plugin_mvor.writer.room_files import RoomFiles

UNCLIPPED_FRAMES = ((6, "OUT"), (2, "CT roll In"))
"""Frames in no clip: how many people are there, and what the label file says."""

UNUSED_LABELS_FILE = "mvor_action_labels.csv"


def add_irregularities(
    root: Path,
    room: RoomFiles,
    annotation_file: AnnotationFile,
    clips: Mapping[str, tuple[str, str, str, str]],
    labels: dict[str, str],
) -> None:
    """Add two frames after the last one of a day, in no clip, and a sheet of labels that nobody should read.

    The first of the frames has poses of objects that ask for code to be run.
    """
    if not clips:
        return
    last_frame = max(end for _, end, _, _ in clips.values() if end[0] == min(clips.values())[0][0])
    day, number = int(last_frame[0]), int(last_frame[2:])
    for offset, (people, label) in enumerate(UNCLIPPED_FRAMES, start=1):
        frame = f"{number + offset:06d}"
        if not names.FRAME_ID.fullmatch(frame):
            return
        labels[names.frame_name(day, frame)] = label
        annotation_file.add_images(day, frame, names.CAMERAS)
        _copy_images(root, day, last_frame[2:], frame)
        if room.posed:
            poses = np.arange(people * len(names.POSE_JOINTS) * 3, dtype=np.float64)
            room.write_people(day, frame, poses.reshape(people, len(names.POSE_JOINTS), 3) + 1000)
        if offset == 1:
            room.write_objects(day, frame, object_npz(HOSTILE_PICKLE))
    rows = [f"{frame},No label ,,Sterile Preparation ," for frame in sorted(labels)]
    lines = ["Frame number,Label,Comments,Categories,Meaning", *rows]
    (root / UNUSED_LABELS_FILE).write_bytes("\r\n".join(lines).encode())


def _copy_images(root: Path, day: int, source: str, frame: str) -> None:
    for camera in names.CAMERAS:
        for kind in names.IMAGE_KINDS:
            folder = root / f"day{day}" / f"cam{camera}" / kind
            if (folder / f"{source}.png").is_file():
                (folder / f"{frame}.png").write_bytes((folder / f"{source}.png").read_bytes())
