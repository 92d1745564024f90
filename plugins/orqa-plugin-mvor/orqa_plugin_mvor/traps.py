"""What is irregular in MVOR beside its takes (datasets.md 4.3, 9.3): a reader has to see through it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from orqa_plugin_mvor import names
from orqa_plugin_mvor.pickled import HOSTILE, pickled_member
from orqa_plugin_mvor.sheet import Sheet
from orqa_plugin_mvor.space import Space

OUTSIDE = ((6, "OUT"), (2, "CT roll In"))
"""Frames in no clip: how many people are there, and what the label file says."""

DECOY = "mvor_action_labels.csv"


def set_traps(
    root: Path,
    space: Space,
    sheet: Sheet,
    clips: Mapping[str, tuple[str, str, str, str]],
    labels: dict[str, str],
) -> None:
    """Add two frames after the last one of a day, in no clip, and a sheet of labels that nobody should read.

    The first of the frames has poses of objects that ask for code to be run.
    """
    if not clips:
        return
    last = max(end for _, end, _, _ in clips.values() if end[0] == min(clips.values())[0][0])
    day, number = int(last[0]), int(last[2:])
    for place, (people, label) in enumerate(OUTSIDE, start=1):
        frame = f"{number + place:06d}"
        if not names.FRAME.fullmatch(frame):
            return
        labels[names.frame_name(day, frame)] = label
        sheet.add_images(day, frame, names.CAMERAS)
        _copy_images(root, day, last[2:], frame)
        if space.posed:
            rows = np.arange(people * len(names.JOINTS) * 3, dtype=np.float64)
            space.write_people(day, frame, rows.reshape(people, len(names.JOINTS), 3) + 1000)
        if place == 1:
            space.write_objects(day, frame, pickled_member(HOSTILE))
    rows_of_decoy = [f"{frame},No label ,,Sterile Preparation ," for frame in sorted(labels)]
    lines = ["Frame number,Label,Comments,Categories,Meaning", *rows_of_decoy]
    (root / DECOY).write_bytes("\r\n".join(lines).encode())


def _copy_images(root: Path, day: int, source: str, frame: str) -> None:
    for camera in names.CAMERAS:
        for kind in names.KINDS:
            folder = root / f"day{day}" / f"cam{camera}" / kind
            if (folder / f"{source}.png").is_file():
                (folder / f"{frame}.png").write_bytes((folder / f"{source}.png").read_bytes())
