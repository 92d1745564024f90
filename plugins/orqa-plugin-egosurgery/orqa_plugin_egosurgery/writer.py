"""Writes takes as an EgoSurgery download, with all that is irregular in one (datasets.md 9.4)."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from orqa_plugin_egosurgery import names
from orqa_plugin_egosurgery.coco_writer import to_coco
from orqa_registry import Box, OrqaError, Take, Timepoint

GAZE_HEADER = ("world_timestamp", " Frame", "confidence", " norm_pos_y", " norm_pos_x")
"""More columns than anybody needs, padded, and y before x: columns go by name."""


@frozen
class Frame:
    """What the layout can carry of a timepoint. Boxes that are no tools and no hands are gone.

    None: not annotated, and for the hands also: none of them there.
    """

    name: str
    phase: str | None
    gaze: tuple[float, float] | None
    size: tuple[int, int]
    tools: tuple[Box, ...] | None
    hands: tuple[Box, ...] | None


@frozen
class SplitFrames:
    """The frames of a split by take."""

    takes: dict[str, list[Frame]] = field(factory=dict)

    @property
    def frames(self) -> list[Frame]:
        """All frames, take after take."""
        return [frame for _, frames in sorted(self.takes.items()) for frame in frames]


def write_takes(root: Path, takes: Sequence[Take], gaze_origin: str = "top") -> None:
    """Write takes of timepoints with the medium ego.jpg and the labels actions, tools, boxes and gaze.

    A frame is VV_S_NNNN in take VV_S: its number is the clock. Boxes are those of the view ego, and count where the
    timepoint has tools too: a tool file lists every frame with boxes. A split without such timepoints gets no box
    files; one with them gets both, and its other timepoints are listed nowhere and gone. gaze_origin: where y of the
    gaze file begins. Raises OrqaError where a split, take or frame has a name that the layout cannot hold.
    """
    splits: dict[str, SplitFrames] = {}
    for take in takes:
        if take.split not in names.BOX_FILES or not names.TAKE_NAME.fullmatch(take.name):
            raise OrqaError(
                f"{names.DATASET} has takes VV_S, 01_1 for instance, in {', '.join(names.BOX_FILES)}: "
                f"{take.name!r} in {take.split!r} cannot be written"
            )
        frames = [_write_image(root, take, timepoint) for timepoint in take]
        splits.setdefault(take.split, SplitFrames()).takes[take.name] = sorted(
            frames, key=lambda frame: names.frame_number(frame.name)
        )
    for name, split in splits.items():
        has_boxes = _write_boxes(root, name, split.frames)
        for take_name, frames in split.takes.items():
            _write_phases(names.phase_file(root, take_name), frames, extra_row=has_boxes)
            _write_gaze(names.gaze_file(root, take_name), frames, gaze_origin)


def _write_image(root: Path, take: Take, timepoint: Timepoint) -> Frame:
    if names.parse_frame(timepoint.frame) != timepoint.frame or names.frame_take(timepoint.frame) != take.name:
        raise OrqaError(f"{names.DATASET}: a frame of take {take.name} is {take.name}_NNNN, not {timepoint.frame!r}")
    if names.MEDIUM in timepoint.media:
        path = names.image_folder(root, take.name) / f"{timepoint.frame}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(timepoint.read(names.MEDIUM))
    return _make_frame(timepoint.frame, timepoint.labels)


def _make_frame(name: str, labels: Mapping[str, Any]) -> Frame:
    """Return what the layout can carry of a timepoint's labels."""
    phase = next(iter(labels.get("actions", ())), None)
    gaze = labels.get("gaze")
    view_boxes = labels.get("boxes", {}).get(names.VIEW)
    if phase is not None and not (phase.strip() and phase.isprintable()):
        phase = None
    if gaze is not None and not all(0 <= coordinate <= 1 for coordinate in gaze):
        gaze = None
    if view_boxes is None or "tools" not in labels:
        return Frame(name, phase, gaze, names.IMAGE_SIZE, None, None)
    boxes = [box for box in view_boxes["boxes"] if _has_area(box)]
    tools, hands = _select_categories(boxes, names.TOOL_CLASSES), _select_categories(boxes, names.HANDS)
    width, height = view_boxes["size"]
    # A hand file leaves out frames without hands.
    return Frame(name, phase, gaze, (int(width), int(height)), tools, hands or None)


def _has_area(box: Box) -> bool:
    return all(math.isfinite(corner) for corner in box[1:]) and box.x1 > box.x0 and box.y1 > box.y0


def _select_categories(boxes: Iterable[Box], categories: tuple[str, ...]) -> tuple[Box, ...]:
    category_names = {names.display_name(category) for category in categories}
    return tuple(box for box in boxes if box.entity in category_names)


def _write_boxes(root: Path, split: str, frames: Sequence[Frame]) -> bool:
    """Write both box files of a split, if any of its frames has boxes; return whether.

    The hand file lists fewer frames, the last one first, and numbers them itself: who joins by id is wrong. One of its
    boxes has no width.
    """
    tools = [(frame.name, frame.size, frame.tools) for frame in frames if frame.tools is not None]
    hands = [(frame.name, frame.size, frame.hands) for frame in reversed(frames) if frame.hands is not None]
    if not tools:
        return False
    empty_box = Box(names.display_name(names.HANDS[0]), 10, 10, 10, 60)
    hands[:1] = [(name, size, (*boxes, empty_box)) for name, size, boxes in hands[:1]]
    for kind, images, categories, first_id in (
        ("tools", tools, names.TOOL_CLASSES, 0),
        ("hands", hands, names.HANDS, 1),
    ):
        path = names.box_file(root, kind, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(to_coco(images, categories, first_id)), encoding="utf-8")
    return True


def _write_phases(path: Path, frames: Sequence[Frame], *, extra_row: bool) -> None:
    """Write the phases of a take, none where none is annotated; extra_row: one of a frame that is no timepoint too."""
    rows = [(frame.name, frame.phase) for frame in frames if frame.phase is not None]
    if rows and extra_row:
        next_number = names.frame_number(frames[-1].name) + 1
        rows.append((f"{names.frame_take(frames[-1].name)}_{next_number:04d}", rows[-1][1]))
    if rows:
        _write_csv(path, names.PHASE_COLUMNS, rows)


def _write_gaze(path: Path, frames: Sequence[Frame], origin: str) -> None:
    """Write the gaze of a take, none where none is annotated; an earlier row of the first frame does not count."""
    rows: list[tuple[object, ...]] = []
    for index, frame in enumerate(frames):
        if frame.gaze is not None:
            x, y = frame.gaze
            if not rows:
                rows.append((f"{index}.0", frame.name, "0.2", 1 - y, 1 - x))
            rows.append((f"{index}.5", frame.name, "0.9", 1 - y if origin == "bottom" else y, x))
    if rows:
        _write_csv(path, GAZE_HEADER, rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
