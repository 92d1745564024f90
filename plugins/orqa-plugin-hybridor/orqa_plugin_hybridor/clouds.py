"""Point clouds from what calibrated cameras see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from orqa_plugin_hybridor.cameras import Camera
from orqa_plugin_hybridor.filming import Picture
from orqa_plugin_hybridor.solids import Floats

POINTS = 1024
"""Points of a cloud, shared evenly among the cameras."""


@frozen(eq=False)
class Cloud:
    """Points (N, 3) of the room in mm, their colours (N, 3) 0..255, and their ids of MASK_LABELS (N,)."""

    points: Floats
    colours: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    @property
    def coloured(self) -> npt.NDArray[np.float32]:
        """Rows x, y, z, red, green, blue."""
        return np.column_stack([self.points, self.colours]).astype(np.float32)

    @property
    def labelled(self) -> npt.NDArray[np.float32]:
        """Rows x, y, z, id; 0 is none."""
        return np.column_stack([self.points, self.labels]).astype(np.float32)


def cloud(
    cameras: Mapping[str, Camera], pictures: Mapping[str, Picture], views: Sequence[str], rng: np.random.Generator
) -> Cloud:
    """Return POINTS points that these views see, drawn by chance."""
    parts: list[tuple[Floats, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = []
    for index, view in enumerate(views):
        camera, picture = cameras[view], pictures[view]
        count = POINTS // len(views) + (index < POINTS % len(views))
        row, column = rng.integers(0, camera.size[1], count), rng.integers(0, camera.size[0], count)
        depth = picture.depth[row, column].astype(np.float64)
        x, y = (column - camera.centre[0]) / camera.focal, (row - camera.centre[1]) / camera.focal
        camera_points = np.column_stack([x * depth, y * depth, depth])
        points = (camera_points - camera.translation) @ camera.rotation
        parts.append((points, picture.colour[row, column], picture.mask[row, column]))
    return Cloud(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def thinned(mask: npt.NDArray[np.uint8], side: int = 32) -> npt.NDArray[np.uint8]:
    """Return a mask of `side` x `side` cells; of the classes in a cell the one that is rarest in the picture wins.

    Background wins only where there is nothing else; what is left over at the right and at the bottom is cut off
    (datasets.md 1.6).
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    counts[0] = mask.size + 1
    order = np.argsort(-counts, kind="stable").astype(np.uint8)
    rank = np.empty(256, dtype=np.uint8)
    rank[order] = np.arange(256)
    cell_height, cell_width = mask.shape[0] // side, mask.shape[1] // side
    cells = rank[mask[: side * cell_height, : side * cell_width]].reshape(side, cell_height, side, cell_width)
    return np.asarray(order[cells.max(axis=(1, 3))])
