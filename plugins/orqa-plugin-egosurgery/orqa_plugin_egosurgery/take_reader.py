"""One take of EgoSurgery, read anew at each pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_plugin_egosurgery.coco_reader import FrameBoxes
from orqa_plugin_egosurgery.csv_files import read_gaze, read_phases
from orqa_plugin_egosurgery.image_files import find_images
from orqa_plugin_egosurgery.names import DATASET, FRAME_SECONDS, MEDIUM, VIEW, frame_number, gaze_file, phase_file
from orqa_registry import Timepoint
from orqa_registry.readers.io import read_or_warn

BoxesByFrame = Mapping[str, FrameBoxes]


@frozen
class TakeReader:
    """Yields the timepoints of a take when called; can be pickled, for worker processes.

    tools, hands: frame -> boxes, of the frames that the box file lists; None where no such file can be read.
    origin: where y of the gaze file begins, `top` or `bottom`.
    """

    home: Path
    split: str
    take: str
    origin: str
    tools: BoxesByFrame | None
    hands: BoxesByFrame | None

    def __call__(self) -> Iterator[Timepoint]:
        """Yield a timepoint for each frame that a box file lists; without box files, for each phase and image."""
        frames: set[str] | None = None
        if self.tools is not None or self.hands is not None:
            frames = {*(self.tools or ()), *(self.hands or ())}
        images = read_or_warn(find_images, self.home, self.take, frames) or {}
        phases = self._read_phases(needed=frames is None and not images)
        gaze = self._read_gaze()
        ordered = sorted({*images, *phases} if frames is None else frames, key=frame_number)
        for frame in ordered:
            labels = self._box_labels(frame)
            if frame in phases:
                labels["actions"] = (phases[frame],)
            if frame in gaze:
                labels["gaze"] = gaze[frame]
            media = {MEDIUM: images[frame]} if frame in images else {}
            number = frame_number(frame)
            seconds = FRAME_SECONDS * (number - frame_number(ordered[0]))
            yield Timepoint(DATASET, self.split, self.take, frame, number, seconds, media, labels)

    def _read_phases(self, *, needed: bool) -> Mapping[str, str]:
        """Return frame -> phase. Raises OrqaError where the file is damaged and needed: no other names the frames."""
        path = phase_file(self.home, self.take)
        if needed:
            return read_phases(path, self.take)
        return (read_or_warn(read_phases, path, self.take) or {}) if path.is_file() else {}

    def _read_gaze(self) -> Mapping[str, tuple[float, float]]:
        path = gaze_file(self.home, self.take)
        return (read_or_warn(read_gaze, path, self.take, self.origin) or {}) if path.is_file() else {}

    def _box_labels(self, frame: str) -> dict[str, Any]:
        """Return what the box files say about a frame: tools before hands, as a gaze is looked up (protocol 4.22).

        A tool file lists every frame that is annotated, so one that it does not list has none of these labels.
        """
        tools = (self.tools or {}).get(frame)
        if tools is None:
            return {}
        labels: dict[str, Any] = {"tools": _category_names(tools)}
        if self.hands is not None:
            # A hand file that leaves a frame out says: no hands. One that cannot be read says nothing, and without it
            # the boxes of the tools alone would pass for everything there is.
            hands = self.hands.get(frame)
            labels["entities"] = _category_names(hands, tools)
            boxes = (*tools.boxes, *(hands.boxes if hands is not None else ()))
            labels["boxes"] = {VIEW: {"size": tools.size, "boxes": boxes}}
        return labels


def _category_names(*images: FrameBoxes | None) -> tuple[str, ...]:
    """Return the categories of the boxes, each once, in the order of the files."""
    return tuple(dict.fromkeys(box.entity for image in images if image is not None for box in image.boxes))
