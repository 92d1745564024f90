"""A calibrated pinhole camera."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from attrs import evolve, frozen

from orqa_plugin_hybridor.geometry.solids import Floats
from orqa_plugin_hybridor.geometry.vectors import Vector

ImageSize = tuple[int, int]
"""Width and height in pixels."""


@frozen(eq=False)
class Camera:
    """A pinhole camera, OpenCV's way: x right, y down, z forward; pixel centres at whole numbers.

    size: width and height in pixels. focal: in pixels. rotation (3, 3), translation (3,): room in mm to camera in mm.
    """

    size: ImageSize
    focal: float
    rotation: Floats
    translation: Floats

    @property
    def centre(self) -> tuple[float, float]:
        """The principal point, x and y: the middle of the picture."""
        return (self.size[0] - 1) / 2, (self.size[1] - 1) / 2

    @property
    def position(self) -> Floats:
        """Where the camera hangs in the room, mm."""
        return -self.rotation.T @ self.translation

    @property
    def pose(self) -> Floats:
        """The 4 x 4 matrix that takes the room to the camera, mm."""
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.rotation, self.translation
        return pose

    def upscaled(self, times: int) -> Camera:
        """Return the camera whose pictures are those of this one, each pixel `times` as wide and as high."""
        return evolve(self, size=(self.size[0] * times, self.size[1] * times), focal=self.focal * times)

    def project(self, points: Floats) -> Floats:
        """Return (N, 3): column, row in pixels and depth in mm, for points (N, 3) of the room in mm.

        A point behind the camera, or nearer to its plane than 1e-6 mm, has the pixel of one at 1e-6 mm, far outside.
        """
        camera_points = points @ self.rotation.T + self.translation
        depth = np.maximum(camera_points[:, 2], 1e-6)
        pixels = self.focal * camera_points[:, :2] / depth[:, None] + self.centre
        return np.column_stack([pixels, camera_points[:, 2]])

    def as_json(self) -> dict[str, Any]:
        """Return the calibration as take.json holds it: size, intrinsics 3 x 3 in pixels, world_to_camera 4 x 4."""
        (x, y), focal = self.centre, self.focal
        intrinsics = [[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]]
        return {"size": list(self.size), "intrinsics": intrinsics, "world_to_camera": self.pose.tolist()}


def look_at(size: ImageSize, angle: float, position: Vector, target: Vector, above: Vector = (0.0, 0.0, 1.0)) -> Camera:
    """Return a camera at a position that looks at a target; `angle` is the field of its longer side in degrees.

    Raises ValueError where it looks at itself, or straight along `above`: no direction is up in its pictures.
    """
    forward = np.subtract(target, position)
    right = np.cross(forward, above)
    if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(forward) > 0:
        raise ValueError(f"a camera at {position} that looks at {target} has no {above} in its pictures")
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, above)
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    focal = max(size) / 2 / math.tan(math.radians(angle) / 2)
    return Camera(size, focal, rotation, -rotation @ np.asarray(position, dtype=np.float64))
