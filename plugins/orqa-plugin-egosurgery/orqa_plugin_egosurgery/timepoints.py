"""One take of EgoSurgery, read anew at each pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_plugin_egosurgery.boxes import Image
from orqa_plugin_egosurgery.images import find_images
from orqa_plugin_egosurgery.names import DATASET, MEDIUM, SECONDS, VIEW, gaze_file, number_of, phase_file
from orqa_plugin_egosurgery.tables import read_gaze, read_phases
from orqa_registry import Timepoint
from orqa_registry.reading import spare

Frames = Mapping[str, Image]


@frozen
class Reader:
    """Yields the timepoints of a take when called; can be pickled, for worker processes.

    tools, hands: frame -> boxes, of the frames that the box file lists; None where no such file can be read.
    origin: where y of the gaze file begins, `top` or `bottom`.
    """

    home: Path
    split: str
    take: str
    origin: str
    tools: Frames | None
    hands: Frames | None

    def __call__(self) -> Iterator[Timepoint]:
        """Yield a timepoint for each frame that a box file lists; without box files, for each phase and image."""
        frames: set[str] | None = None
        if self.tools is not None or self.hands is not None:
            frames = {*(self.tools or ()), *(self.hands or ())}
        images = spare(find_images, self.home, self.take, frames) or {}
        phases = self._phases(needed=frames is None and not images)
        gaze = self._gaze()
        order = sorted({*images, *phases} if frames is None else frames, key=number_of)
        for frame in order:
            labels = self._labels(frame)
            if frame in phases:
                labels["actions"] = (phases[frame],)
            if frame in gaze:
                labels["gaze"] = gaze[frame]
            media = {MEDIUM: images[frame]} if frame in images else {}
            number = number_of(frame)
            seconds = SECONDS * (number - number_of(order[0]))
            yield Timepoint(DATASET, self.split, self.take, frame, number, seconds, media, labels)

    def _phases(self, *, needed: bool) -> Mapping[str, str]:
        """Return frame -> phase. Raises OrqaError where the file is damaged and needed: no other names the frames."""
        path = phase_file(self.home, self.take)
        if needed:
            return read_phases(path, self.take)
        return (spare(read_phases, path, self.take) or {}) if path.is_file() else {}

    def _gaze(self) -> Mapping[str, tuple[float, float]]:
        path = gaze_file(self.home, self.take)
        return (spare(read_gaze, path, self.take, self.origin) or {}) if path.is_file() else {}

    def _labels(self, frame: str) -> dict[str, Any]:
        """Return what the box files say about a frame: tools before hands, as a gaze is looked up (protocol 4.22).

        A tool file lists every frame that is annotated, so one that it does not list has none of these labels.
        """
        tools = (self.tools or {}).get(frame)
        if tools is None:
            return {}
        labels: dict[str, Any] = {"tools": _names(tools)}
        if self.hands is not None:
            # A hand file that leaves a frame out says: no hands. One that cannot be read says nothing, and without it
            # the boxes of the tools alone would pass for everything there is.
            hands = self.hands.get(frame)
            labels["entities"] = _names(hands, tools)
            boxes = (*tools.boxes, *(hands.boxes if hands is not None else ()))
            labels["boxes"] = {VIEW: {"size": tools.size, "boxes": boxes}}
        return labels


def _names(*images: Image | None) -> tuple[str, ...]:
    """Return the categories of the boxes, each once, in the order of the files."""
    return tuple(dict.fromkeys(box.entity for image in images if image is not None for box in image.boxes))
