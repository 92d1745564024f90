"""Where things are in an image, in the bins of the benchmark (protocol.md R4): 0 to 999 along each axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from attrs import frozen

from orqa_registry.data.records import Box
from orqa_registry.questions.question import Moment

LAST_BIN = 999
"""The bin of the far edge; the near edge is bin 0."""

ORDERED_BY_PIXELS = frozenset({"EgoSurgery"})
"""Datasets whose boxes the original orders by pixels rather than bins, and asks nothing of where there are none."""


def bin_of(value: float, size: float) -> int:
    """Return the bin of a coordinate in pixels, in an image of so many."""
    return math.trunc(value / size * LAST_BIN)


class BinnedBox(NamedTuple):
    """A box and the bins of its sides."""

    box: Box
    x_min: int
    x_max: int
    y_min: int
    y_max: int

    @property
    def entity(self) -> str:
        """What it is a box of."""
        return self.box.entity

    @property
    def as_text(self) -> str:
        """The answer to where it is: x before y, unlike the corners of a box."""
        return f"{self.x_min}, {self.x_max}, {self.y_min}, {self.y_max}"


@frozen
class ViewBoxes:
    """What one view shows. size: width and height in pixels."""

    size: tuple[float, float]
    boxes: tuple[BinnedBox, ...]

    def from_left_to_right(self, moment: Moment) -> list[str]:
        """Return the entities by the middles of their boxes; the original counts whole bins, or whole pixels."""

        def middle(placed: BinnedBox) -> float:
            pixel = (placed.box.x0 + placed.box.x1) / 2
            if not moment.compat:
                return pixel
            return pixel // 1 if moment.timepoint.dataset in ORDERED_BY_PIXELS else (placed.x_min + placed.x_max) // 2

        return [placed.entity for placed in sorted(self.boxes, key=middle)]


def boxes_by_view(moment: Moment) -> Mapping[str, ViewBoxes]:
    """Return each annotated view with what it shows.

    What lies outside the image is cut off. The original cuts nothing, and knows one box an entity, the last (D10). A
    box of which a side is not finite, in pixels or in bins, is nowhere in the image and left out.
    """
    return moment.cached(_read_views)


def _read_views(moment: Moment) -> dict[str, ViewBoxes]:
    shown = {}
    for view, annotation in moment.labels["boxes"].items():
        size, boxes = annotation["size"], annotation["boxes"]
        if moment.compat:
            boxes = {box.entity: box for box in boxes}.values()
        else:
            boxes = [clipped for box in boxes if (clipped := _clip_box(box, size)) is not None]
        binned = (_bin_box(box, size) for box in boxes)
        shown[view] = ViewBoxes(size, tuple(placed for placed in binned if placed is not None))
    return shown


def _clip_box(box: Box, size: Sequence[float]) -> Box | None:
    """Return the part of a box that lies in the image, or None."""
    if box.x0 >= 0 and box.y0 >= 0 and box.x0 <= box.x1 < size[0] and box.y0 <= box.y1 < size[1]:
        return box
    x0, y0, x1, y1 = max(box.x0, 0), max(box.y0, 0), min(box.x1, size[0]), min(box.y1, size[1])
    return Box(box.entity, x0, y0, x1, y1) if x0 < size[0] and y0 < size[1] and x1 >= 0 and y1 >= 0 else None


def _bin_box(box: Box, size: Sequence[float]) -> BinnedBox | None:
    """Return a box with its bins, None where a side of it, or of the image, gives none."""
    width, height = size
    try:
        return BinnedBox(
            box, bin_of(box.x0, width), bin_of(box.x1, width), bin_of(box.y0, height), bin_of(box.y1, height)
        )
    except (OverflowError, ValueError, ZeroDivisionError):  # infinite, NaN, an image without pixels
        return None


@frozen
class BinnedGaze:
    """A gaze within the image. view: the view it is of, where that is known. x, y: bins. pixel: None without a size."""

    view: str | None
    x: int
    y: int
    pixel: tuple[int, int] | None

    def met(self, moment: Moment) -> str | None:
        """Return the entity of the first box, in the order of the file, that holds the gaze."""
        if self.view is None or self.pixel is None:
            return None
        x, y = self.pixel
        boxes = moment.labels["boxes"][self.view]["boxes"]
        return next((box.entity for box in boxes if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1), None)


def binned_gaze(moment: Moment) -> BinnedGaze | None:
    """Return the gaze of a timepoint, or None where it is outside the image, or the image has no pixels."""
    x, y = moment.labels["gaze"]
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    by_view = moment.labels.get("boxes", {})
    if len(by_view) != 1:
        return BinnedGaze(None, math.trunc(x * LAST_BIN), math.trunc(y * LAST_BIN), None)
    ((view, annotation),) = by_view.items()
    width, height = annotation["size"]
    if not (0 < width < math.inf and 0 < height < math.inf):
        return None
    pixel = math.trunc(x * width), math.trunc(y * height)
    return BinnedGaze(view, bin_of(pixel[0], width), bin_of(pixel[1], height), pixel)
