"""The robot as solids: its arm with what is mounted on it, its screens, and the panels that light up."""

from __future__ import annotations

import math
from collections.abc import Callable

from orqa_plugin_hybridor.geometry.solids import Colour, SolidBuilder
from orqa_plugin_hybridor.geometry.vectors import (
    Vector,
    add,
    distance_between,
    interpolate,
    normalise,
    perpendicular_axes,
    subtract,
)
from orqa_plugin_hybridor.procedure.situation import RobotArm
from orqa_plugin_hybridor.scene.figures import LOWER_TRACKER_POSITION, UPPER_TRACKER_POSITION, add_tracking_array
from orqa_plugin_hybridor.scene.room import EQUIPMENT_POSITIONS, Room
from orqa_plugin_hybridor.scene.tools import DARK, ORANGE, STEEL

LINK_LENGTH = 470.0
"""Length of each half of the robot's arm, mm."""


def add_robot(solids: SolidBuilder, room: Room, arm: RobotArm, screen: Colour, operated: frozenset[str]) -> None:
    """Add the robot with its arm, the pictures on the screens, and the panels that light up when they are operated."""
    (x, y), yaw = EQUIPMENT_POSITIONS["mako_robot"], room.yaws["mako_robot"]
    bare, covered = (196, 200, 206), (226, 240, 248)
    body = covered if arm.dressed else bare
    solids.tag("mako_robot")
    solids.add_box((x, y, 470.0), (280.0, 330.0, 400.0), body, yaw)
    solids.add_box((x, y, 60.0), (290.0, 340.0, 50.0), DARK, yaw)
    solids.add_box((x, y, 700.0), (286.0, 336.0, 50.0), (30, 90, 190), yaw)
    shoulder = _shoulder_position()
    solids.add_cone((shoulder[0], shoulder[1], 860.0), shoulder, 130.0, body, 100.0)
    elbow = _elbow_position(shoulder, arm.end, LINK_LENGTH)
    joint = (110, 118, 128) if not arm.dressed else (176, 200, 222)
    solids.add_sphere(shoulder, 118.0, joint)
    solids.add_cone(shoulder, elbow, 84.0, body, 72.0)
    solids.add_sphere(elbow, 92.0, joint)
    solids.add_cone(elbow, arm.end, 70.0, body, 50.0)
    solids.add_sphere(arm.end, 64.0, joint)
    solids.add_cone((x + 120.0, y + 250.0, 860.0), (x + 120.0, y + 250.0, 1500.0), 30.0, DARK)
    solids.add_box((x + 120.0, y + 220.0, 1620.0), (40.0, 300.0, 210.0), DARK, -0.8)
    solids.add_box((x + 150.0, y + 188.0, 1620.0), (12.0, 275.0, 185.0), screen, -0.8)
    if arm.saw:
        solids.tag("saw")
        down = normalise((arm.end[0] * 0.0 - 60.0, -160.0, -120.0))
        solids.add_cone(arm.end, add(arm.end, down, 130.0), 46.0, (0, 224, 250))
        solids.add_cone(add(arm.end, down, 130.0), add(arm.end, down, 220.0), 14.0, STEEL)
    solids.tag("tracker")
    if arm.base_array:
        add_tracking_array(solids, ARRAY_POSITIONS["base_array"](arm), 105.0, DARK, (236, 236, 240))
    if arm.calibration_array:
        solids.add_box(ARRAY_POSITIONS["calibration_array"](arm), (60.0, 70.0, 8.0), (250, 250, 252))
    _add_panels(solids, room, screen, operated)


def _shoulder_position() -> Vector:
    x, y = EQUIPMENT_POSITIONS["mako_robot"]
    return x - 40.0, y - 150.0, 1130.0


ARRAY_POSITIONS: dict[str, Callable[[RobotArm], Vector]] = {
    "base_array": lambda arm: add(
        interpolate(_shoulder_position(), _elbow_position(_shoulder_position(), arm.end, LINK_LENGTH), 0.55),
        (0.0, 0.0, 120.0),
    ),
    "calibration_array": lambda arm: add(arm.end, (0.0, 40.0, 70.0)),
    "upper_tracker": lambda arm: UPPER_TRACKER_POSITION,
    "lower_tracker": lambda arm: LOWER_TRACKER_POSITION,
}
"""Where each array is while it is mounted, by the pose of the arm."""


def _add_panels(solids: SolidBuilder, room: Room, screen: Colour, operated: frozenset[str]) -> None:
    def panel_colour(name: str, idle_colour: Colour) -> Colour:
        return ORANGE if name in operated else idle_colour

    x, y = EQUIPMENT_POSITIONS["mako_robot"]
    solids.tag("mako_robot")
    solids.add_box((x + 270.0, y - 60.0, 1010.0), (30.0, 190.0, 130.0), panel_colour("mako_robot", (60, 64, 72)))
    x, y = EQUIPMENT_POSITIONS["mps_station"]
    solids.tag("mps_station")
    solids.add_box(
        (x, y + 52.0, 1230.0), (305.0, 8.0, 205.0), panel_colour("mps_station", screen), room.yaws["mps_station"]
    )
    x, y = EQUIPMENT_POSITIONS["anesthesia_equipment"]
    solids.tag("anesthesia_equipment")
    solids.add_box((x + 240.0, y, 560.0), (14.0, 220.0, 200.0), panel_colour("anesthesia_equipment", (96, 104, 114)))


def _elbow_position(start: Vector, end: Vector, link: float) -> Vector:
    """Return where an arm of two links of this length bends: above the line between its ends."""
    apart = distance_between(start, end)
    rise = math.sqrt(max(30.0**2, link * link - apart * apart / 4))
    first, second = perpendicular_axes(subtract(end, start))
    bend = first if abs(first[2]) > abs(second[2]) else second
    return add(interpolate(start, end), bend, rise if bend[2] > 0 else -rise)
