"""Where in the room cameras hang."""

from __future__ import annotations

import random
import re

import numpy as np

from orqa_plugin_hybridor.files.names import CAMERA_VIEWS
from orqa_plugin_hybridor.geometry.solids import Floats
from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.scene.camera import Camera, ImageSize, look_at
from orqa_plugin_hybridor.scene.room import EQUIPMENT_POSITIONS

ROOM_VIEWS: tuple[str, ...] = CAMERA_VIEWS[:3]
SCREEN_VIEW = "screen"
VIEWS: tuple[str, ...] = (*CAMERA_VIEWS, SCREEN_VIEW)

ROOM_CAMERA_CORNERS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Where `room1`, `room2`, ... hang below the ceiling: in a corner, or in the middle of a wall."""
CORNER_DISTANCE = 2930.0
"""How far from the middle of the floor a room camera hangs, along x and along y, in mm."""
CAMERA_HEIGHT = 2780.0

DETAIL_CAMERA_POSES: tuple[tuple[Vector, Vector], ...] = (
    ((600.0, -60.0, 2420.0), (-1.0, 0.0, 0.0)),
    ((1750.0, -420.0, 2050.0), (0.0, 0.0, 1.0)),
    ((1150.0, 820.0, 2150.0), (0.0, 0.0, 1.0)),
    ((560.0, -950.0, 2650.0), (0.0, 0.0, 1.0)),
)
"""Where `detail0`, `detail1`, ... hang, and what is up in their pictures; in the furniture's coordinates."""


def place_cameras(rng: random.Random, size: int, placement: Floats) -> dict[str, Camera]:
    """Return the cameras of one take of ours by view: three in corners of the room, one over the operating field."""
    square = (size, size)
    cameras = {view: _room_camera(rng, square, index) for index, view in enumerate(ROOM_VIEWS)}
    return {**cameras, "detail": _detail_camera(rng, square, placement, 0)}


def place_camera(view: str, rng: random.Random, size: ImageSize, placement: Floats) -> Camera | None:
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


def _room_camera(rng: random.Random, size: ImageSize, index: int) -> Camera:
    def jitter(scale: float) -> float:
        return rng.uniform(-scale, scale)

    x, y = ROOM_CAMERA_CORNERS[index % len(ROOM_CAMERA_CORNERS)]
    position = (x * CORNER_DISTANCE + jitter(60), y * CORNER_DISTANCE + jitter(60), CAMERA_HEIGHT + jitter(60))
    target = (-90.0 * x + jitter(90), -90.0 * y + jitter(90), 700.0 + jitter(40))
    return look_at(size, 61.0 + jitter(1.5), position, target)


def _detail_camera(rng: random.Random, size: ImageSize, placement: Floats, index: int) -> Camera:
    def jitter(scale: float) -> float:
        return rng.uniform(-scale, scale)

    (x, y, z), above = DETAIL_CAMERA_POSES[index % len(DETAIL_CAMERA_POSES)]
    position, target, up = (
        placement[:, :3] @ np.array(point) + placement[:, 3] * weight
        for point, weight in (
            ((x + jitter(50), y + jitter(50), z + jitter(30)), 1.0),
            ((430.0 + jitter(20), 40.0 + jitter(20), 1080.0), 1.0),
            (above, 0.0),
        )
    )
    return look_at(size, 46.0, tuple(position), tuple(target), tuple(up))


def _tracker_camera(size: ImageSize, placement: Floats) -> Camera:
    """Return the camera between the eyes of the tracker: it looks at the field and at the robot."""
    x, y = EQUIPMENT_POSITIONS["tracker"]
    position, target = (
        placement[:, :3] @ np.array(point) + placement[:, 3]
        for point in ((x - 170.0, y - 40.0, 2060.0), (500.0, 250.0, 1100.0))
    )
    return look_at(size, 60.0, tuple(position), tuple(target))
