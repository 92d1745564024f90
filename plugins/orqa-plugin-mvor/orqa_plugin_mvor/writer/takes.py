"""Writes takes in the layout of MVOR, with what is irregular in the download (datasets.md 9.3).

What the reader has to see through is always there and changes nothing that is read: frames in no clip, a label that is
none, other spellings, blanks and CRLF, the annotation file in its own folder, a sheet that looks like the label file,
people in 3D with twelve joints, a dictionary that asks for code to be run. What the layout cannot carry is left out:
no action, or a second one; people of other names than `human k` and patient; the pose of a patient beyond where it
lies; a clock; and that nobody looked for people in a frame: once there are poses, one without them has no people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define, field

from orqa_plugin_mvor import names
from orqa_plugin_mvor.writer.annotation_file import AnnotationFile
from orqa_plugin_mvor.writer.irregularities import add_irregularities
from orqa_plugin_mvor.writer.room_files import RoomFiles
from orqa_registry import CallError, Take, Timepoint

NORMAL_CLIP_FRAMES = 6
"""Frames below which a clip is of the type `mini`."""

WORD_SPELLINGS = {"ct": "CT", "c": "C", "arm": "arm"}
"""How the label file spells words; all others begin with a capital."""


@define
class LabelTables:
    """The rows of the label files so far. clips: take -> row. labels: frame -> action."""

    clips: dict[str, tuple[str, str, str, str]] = field(factory=dict)
    labels: dict[str, str] = field(factory=dict)
    splits: dict[str, list[str]] = field(factory=lambda: {key: [] for key in sorted(names.SPLIT_KEYS.values())})


def write_takes(root: Path, takes: Sequence[Take]) -> None:
    """Write takes, each on the day of the official take of its name.

    Raises CallError where a take has another name, frames have other than six digits or those of two takes of a day
    mix, where cameras move, or where there is an MVOR already. Geometry is carried as camera 1 sees it: the room frame
    that is read back is the one that was written if camera 1 stands where `names.ALIGNMENT` says.
    """
    if (root / names.CLIPS_FILE).exists():
        raise CallError(f"{root / names.CLIPS_FILE}: already there; MVOR is written into an empty folder")
    root.mkdir(parents=True, exist_ok=True)
    room, annotation_file, tables = RoomFiles(root, takes), AnnotationFile(), LabelTables()
    for take in takes:
        if take.name not in names.FIRST_FRAMES:
            raise CallError(f"take {take.name!r}: MVOR has the takes 000 to {max(names.FIRST_FRAMES)}")
        _write_take(root, take, room, annotation_file, tables)
    _check_order(tables)
    add_irregularities(root, room, annotation_file, tables.clips, tables.labels)
    room.finish()
    annotation_file.write(root / names.ANNOTATION_PATHS[-1], room.cameras())
    _write_tables(root, tables)


def _write_take(root: Path, take: Take, room: RoomFiles, annotation_file: AnnotationFile, tables: LabelTables) -> None:
    day = names.FIRST_FRAMES[take.name][1]
    frames = []
    for timepoint in take:
        if not names.FRAME_ID.fullmatch(timepoint.frame):
            raise CallError(f"{timepoint.key}: MVOR numbers the frames of a day with six digits, 000017")
        frames.append(names.frame_name(day, timepoint.frame))
        _write_images(root, day, timepoint)
        annotation_file.add(day, timepoint)
        people = room.add(day, timepoint)
        if people is not None:
            annotation_file.add_people(day, timepoint.frame, people)
        for action in timepoint.labels.get("actions", ())[:1]:
            tables.labels[frames[-1]] = _spell_action(action)
    if frames:
        label = next(label for label, split in names.SPLIT_BY_CLIP_LABEL.items() if split == take.split)
        kind = "mini" if len(frames) < NORMAL_CLIP_FRAMES else "normal"
        tables.clips[take.name] = (min(frames), max(frames), kind, label)
        tables.splits[names.SPLIT_KEYS[take.split]] += frames


def _write_images(root: Path, day: int, timepoint: Timepoint) -> None:
    for camera in names.CAMERAS:
        for kind, suffix in zip(names.IMAGE_KINDS, ("png", "depth.png"), strict=True):
            if f"room{camera}.{suffix}" in timepoint.media:
                path = root / f"day{day}" / f"cam{camera}" / kind / f"{timepoint.frame}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(timepoint.read(f"room{camera}.{suffix}"))


def _check_order(tables: LabelTables) -> None:
    """Raise CallError where the frames of two takes mix: a clip is all frames from one to another."""
    rows = sorted((start, end, take) for take, (start, end, _, _) in tables.clips.items())
    for (_, end, before), (start, _, after) in pairwise(rows):
        if start <= end:
            raise CallError(
                f"takes {before} and {after} are of one day and frame {start} is not after {end}: "
                "number frames from names.FIRST_FRAMES on"
            )


def _spell_action(action: str) -> str:
    """Return an action as the label file writes it, one of them unlike the others (datasets.md 4.3)."""
    if action == "ct roll in":
        return "CT roll In"
    words = action.split()
    return (
        " ".join(WORD_SPELLINGS.get(word, word.capitalize()) for word in words)
        if action != names.UNLABELLED_ACTION
        else action
    )


def _write_tables(root: Path, tables: LabelTables) -> None:
    # The row number is the name of a take, so takes that are not there have a row, with a frame of no day.
    empty_row = ("0_000000", "0_000000", "empty", "0")
    rows = (tables.clips.get(take, empty_row) for take in names.FIRST_FRAMES)
    clips = [f"{start}  ,{end},{kind:<9},{label}" for start, end, kind, label in rows]
    _write_table(root / names.CLIPS_FILE, names.CLIP_COLUMNS, clips)
    labels = [f"{frame}    ,{label}" for frame, label in sorted(tables.labels.items())]
    _write_table(root / names.FRAME_LABELS_FILE, names.FRAME_LABEL_COLUMNS, labels)
    splits: Mapping[str, Any] = {key: sorted(frames) for key, frames in tables.splits.items()}
    (root / names.SPLITS_FILE).write_text(json.dumps(splits))


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Write rows with CRLF between them and none at the end."""
    path.write_bytes("\r\n".join([",".join(columns), *rows]).encode())
