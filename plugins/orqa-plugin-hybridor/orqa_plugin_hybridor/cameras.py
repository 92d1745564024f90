"""The calibrated cameras: three in corners of the room, one over the operating field."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.geometry import Vector
from orqa_plugin_hybridor.layout import CAMERAS
from orqa_plugin_hybridor.solids import Floats

ROOM_VIEWS: tuple[str, ...] = CAMERAS[:3]
SCREEN_VIEW = "screen"
VIEWS: tuple[str, ...] = (*CAMERAS, SCREEN_VIEW)

CORNERS = {"room1": (1, 1), "room2": (-1, 1), "room3": (1, -1)}
CORNER_AT = 2930.0
"""How far from the middle of the floor a room camera hangs, along x and along y, in mm."""
CAMERA_HEIGHT = 2780.0


@frozen(eq=False)
class Camera:
    """A pinhole camera, OpenCV's way: x right, y down, z forward; pixel centres at whole numbers.

    size: pixels a side. focal, centre: in pixels. rotation (3, 3), translation (3,): room in mm to camera in mm.
    """

    size: int
    focal: float
    rotation: Floats
    translation: Floats

    @property
    def centre(self) -> float:
        """The principal point, the same for both axes."""
        return (self.size - 1) / 2

    @property
    def position(self) -> Floats:
        """Where the camera hangs in the room, mm."""
        return -self.rotation.T @ self.translation

    def project(self, points: Floats) -> Floats:
        """Return (N, 3): column, row in pixels and depth in mm, for points (N, 3) of the room in mm."""
        seen = points @ self.rotation.T + self.translation
        depth = np.maximum(seen[:, 2], 1e-6)
        pixels = self.focal * seen[:, :2] / depth[:, None] + self.centre
        return np.column_stack([pixels, seen[:, 2]])

    def as_json(self) -> dict[str, Any]:
        """Return the calibration as take.json holds it: size, intrinsics 3 x 3 in pixels, world_to_camera 4 x 4."""
        intrinsics = [[self.focal, 0.0, self.centre], [0.0, self.focal, self.centre], [0.0, 0.0, 1.0]]
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.rotation, self.translation
        return {"size": [self.size, self.size], "intrinsics": intrinsics, "world_to_camera": pose.tolist()}


def look(size: int, angle: float, position: Vector, target: Vector, above: Vector = (0.0, 0.0, 1.0)) -> Camera:
    """Return a camera at a position that looks at a target; `angle` is the whole field of view in degrees."""
    forward = np.subtract(target, position)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, above)
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    focal = size / 2 / math.tan(math.radians(angle) / 2)
    return Camera(size, focal, rotation, -rotation @ np.asarray(position, dtype=np.float64))


def hang_cameras(rng: random.Random, size: int, placement: Floats) -> dict[str, Camera]:
    """Return the cameras of one take by view, each a little off its nominal place.

    `placement` (3, 4) maps the furniture's coordinates to the room's: the detail camera follows the operating field.
    """

    def jitter(scale: float) -> float:
        return rng.uniform(-scale, scale)

    cameras: dict[str, Camera] = {}
    for view, (x, y) in CORNERS.items():
        position = (x * CORNER_AT + jitter(60), y * CORNER_AT + jitter(60), CAMERA_HEIGHT + jitter(60))
        target = (-90.0 * x + jitter(90), -90.0 * y + jitter(90), 700.0 + jitter(40))
        cameras[view] = look(size, 61.0 + jitter(1.5), position, target)
    over, field, up = (
        placement[:, :3] @ np.array(point) + placement[:, 3] * weight
        for point, weight in (
            ((600.0 + jitter(50), -60.0 + jitter(50), 2420.0 + jitter(30)), 1.0),
            ((430.0 + jitter(20), 40.0 + jitter(20), 1080.0), 1.0),
            ((-1.0, 0.0, 0.0), 0.0),
        )
    )
    cameras["detail"] = look(size, 46.0, tuple(over), tuple(field), tuple(up))
    return cameras
