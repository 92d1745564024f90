"""Calibrated pinhole cameras, and where in the room they hang."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
from attrs import evolve, frozen

from orqa_plugin_hybridor.geometry import Vector
from orqa_plugin_hybridor.layout import CAMERAS
from orqa_plugin_hybridor.room import PLACES
from orqa_plugin_hybridor.solids import Floats

ROOM_VIEWS: tuple[str, ...] = CAMERAS[:3]
SCREEN_VIEW = "screen"
VIEWS: tuple[str, ...] = (*CAMERAS, SCREEN_VIEW)

CORNERS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Where `room1`, `room2`, ... hang below the ceiling: in a corner, or in the middle of a wall."""
CORNER_AT = 2930.0
"""How far from the middle of the floor a room camera hangs, along x and along y, in mm."""
CAMERA_HEIGHT = 2780.0

OVER_FIELD: tuple[tuple[Vector, Vector], ...] = (
    ((600.0, -60.0, 2420.0), (-1.0, 0.0, 0.0)),
    ((1750.0, -420.0, 2050.0), (0.0, 0.0, 1.0)),
    ((1150.0, 820.0, 2150.0), (0.0, 0.0, 1.0)),
    ((560.0, -950.0, 2650.0), (0.0, 0.0, 1.0)),
)
"""Where `detail0`, `detail1`, ... hang, and what is up in their pictures; in the furniture's coordinates."""

Size = tuple[int, int]
"""Width and height in pixels."""


@frozen(eq=False)
class Camera:
    """A pinhole camera, OpenCV's way: x right, y down, z forward; pixel centres at whole numbers.

    size: width and height in pixels. focal: in pixels. rotation (3, 3), translation (3,): room in mm to camera in mm.
    """

    size: Size
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

    def enlarged(self, times: int) -> Camera:
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


def look(size: Size, angle: float, position: Vector, target: Vector, above: Vector = (0.0, 0.0, 1.0)) -> Camera:
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


def hang_cameras(rng: random.Random, size: int, placement: Floats) -> dict[str, Camera]:
    """Return the cameras of one take of ours by view: three in corners of the room, one over the operating field."""
    square = (size, size)
    cameras = {view: _room_camera(rng, square, index) for index, view in enumerate(ROOM_VIEWS)}
    return {**cameras, "detail": _detail_camera(rng, square, placement, 0)}


def hang(view: str, rng: random.Random, size: Size, placement: Floats) -> Camera | None:
    """Return a camera by the name that views have in every dataset; None where no camera of this name hangs still.

    `placement` (3, 4) maps the furniture's coordinates to the room's: cameras over the field follow it.
    """
    kind, number = _split_view(view)
    if kind == "room" and number:
        return _room_camera(rng, size, int(number) - 1)
    if kind == "detail":
        return _detail_camera(rng, size, placement, int(number or 0))
    return _tracker_camera(size, placement) if view == "trackercam" else None


def _split_view(view: str) -> tuple[str, str]:
    """Return the word and the number of a view: room12 -> room, 12."""
    match = re.fullmatch(r"([a-z]+)(\d{0,2})", view, re.ASCII)
    return (match[1], match[2]) if match else (view, "")


def _room_camera(rng: random.Random, size: Size, index: int) -> Camera:
    def jitter(scale: float) -> float:
        return rng.uniform(-scale, scale)

    x, y = CORNERS[index % len(CORNERS)]
    position = (x * CORNER_AT + jitter(60), y * CORNER_AT + jitter(60), CAMERA_HEIGHT + jitter(60))
    target = (-90.0 * x + jitter(90), -90.0 * y + jitter(90), 700.0 + jitter(40))
    return look(size, 61.0 + jitter(1.5), position, target)


def _detail_camera(rng: random.Random, size: Size, placement: Floats, index: int) -> Camera:
    def jitter(scale: float) -> float:
        return rng.uniform(-scale, scale)

    (x, y, z), above = OVER_FIELD[index % len(OVER_FIELD)]
    position, target, up = (
        placement[:, :3] @ np.array(point) + placement[:, 3] * weight
        for point, weight in (
            ((x + jitter(50), y + jitter(50), z + jitter(30)), 1.0),
            ((430.0 + jitter(20), 40.0 + jitter(20), 1080.0), 1.0),
            (above, 0.0),
        )
    )
    return look(size, 46.0, tuple(position), tuple(target), tuple(up))


def _tracker_camera(size: Size, placement: Floats) -> Camera:
    """Return the camera between the eyes of the tracker: it looks at the field and at the robot."""
    x, y = PLACES["tracker"]
    position, target = (
        placement[:, :3] @ np.array(point) + placement[:, 3]
        for point in ((x - 170.0, y - 40.0, 2060.0), (500.0, 250.0, 1100.0))
    )
    return look(size, 60.0, tuple(position), tuple(target))
