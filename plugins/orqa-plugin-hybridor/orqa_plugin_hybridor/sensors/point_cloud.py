"""Point clouds from what calibrated cameras see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from attrs import frozen

from orqa_plugin_hybridor.geometry.solids import Floats
from orqa_plugin_hybridor.render.rendered_view import RenderedView
from orqa_plugin_hybridor.scene.camera import Camera

CLOUD_POINTS = 1024
"""Points of a cloud, shared evenly among the cameras."""


@frozen(eq=False)
class PointCloud:
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


def sample_cloud(
    cameras: Mapping[str, Camera], pictures: Mapping[str, RenderedView], views: Sequence[str], rng: np.random.Generator
) -> PointCloud:
    """Return CLOUD_POINTS points that these views see, drawn by chance."""
    parts: list[tuple[Floats, npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = []
    for index, view in enumerate(views):
        camera, picture = cameras[view], pictures[view]
        count = CLOUD_POINTS // len(views) + (index < CLOUD_POINTS % len(views))
        row, column = rng.integers(0, camera.size[1], count), rng.integers(0, camera.size[0], count)
        depth = picture.depth[row, column].astype(np.float64)
        x, y = (column - camera.centre[0]) / camera.focal, (row - camera.centre[1]) / camera.focal
        camera_points = np.column_stack([x * depth, y * depth, depth])
        points = (camera_points - camera.translation) @ camera.rotation
        parts.append((points, picture.colour[row, column], picture.mask[row, column]))
    return PointCloud(*(np.concatenate(column) for column in zip(*parts, strict=True)))
