"""Tools and the robot as solids.

Tools are drawn about 1.6 times life size: a model that sees 84 pixels has to see them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from orqa_plugin_hybridor.figures import LOWER_TRACKER, UPPER_TRACKER, add_array
from orqa_plugin_hybridor.geometry import (
    Vector,
    beside,
    between,
    cross,
    distance,
    forward,
    minus,
    plus,
    right_of,
    times,
    unit,
)
from orqa_plugin_hybridor.room import PLACES, Room
from orqa_plugin_hybridor.situation import Arm, Used
from orqa_plugin_hybridor.solids import Colour, Solids, shade

STEEL: Colour = (206, 212, 220)
DARK: Colour = (44, 48, 54)
ORANGE: Colour = (255, 128, 10)
LIME: Colour = (190, 255, 50)

LINK = 470.0
"""Length of each half of the robot's arm, mm."""

ENTITY_OF_TOOL: dict[str, str] = {
    "scalpel": "instrument",
    "forceps": "instrument",
    "pointer": "instrument",
    "screwdriver": "instrument",
    "drill": "drill",
    "saw": "saw",
    "hammer": "hammer",
    "cementer": "cementer",
    "calibration array": "tracker",
    "sheet": "drape",
    "cloth": "",
}


def add_tool(solids: Solids, used: Used) -> None:
    """Add a tool where it is held: its tip at `used.tip`, a hand at `used.grip`."""
    solids.about(ENTITY_OF_TOOL[used.name], used.holder.person.number, used.name)
    tip, grip = used.tip, used.grip
    along = unit(minus(grip, tip))
    across = right_of(used.holder.yaw)
    if used.name == "scalpel":
        thick = times(cross(along, across), 5.0)
        solids.slab(plus(tip, along, 60.0), times(along, 60.0), times(across, 18.0), thick, STEEL)
        solids.rod(plus(tip, along, 115.0), plus(grip, along, 70.0), 17.0, (250, 250, 250))
    elif used.name == "drill":
        _add_drill(solids, tip, grip, along)
    elif used.name == "saw":
        blade = plus(tip, along, 70.0)
        solids.slab(blade, times(along, 75.0), times(across, 44.0), (0.0, 0.0, 6.0), STEEL)
        solids.rod(plus(tip, along, 130.0), plus(grip, along, 90.0), 50.0, (0, 224, 250))
        solids.rod(plus(grip, along, 88.0), plus(grip, along, 104.0), 54.0, (0, 120, 150))
    elif used.name == "hammer":
        _add_hammer(solids, tip, grip, across)
    elif used.name == "cementer":
        purple = (136, 104, 176)
        solids.rod(tip, plus(tip, along, 90.0), 12.0, purple, 34.0)
        solids.rod(plus(tip, along, 90.0), plus(grip, along, 60.0), 46.0, purple)
        solids.rod(plus(grip, along, 60.0), plus(grip, along, 170.0), 16.0, shade(purple, 0.55))
        solids.egg(plus(tip, (0.0, 0.0, -12.0)), (92.0, 64.0, 26.0), (150, 140, 160))
    elif used.name == "forceps":
        _add_forceps(solids, tip, grip, across)
    elif used.name == "cloth":
        solids.egg(plus(tip, (0.0, 0.0, 4.0)), (155.0, 120.0, 42.0), (52, 138, 255), used.holder.yaw + 0.5)
        solids.egg(plus(tip, (30.0, 40.0, 22.0)), (85.0, 55.0, 40.0), (110, 176, 255), used.holder.yaw)
    elif used.name == "pointer":
        solids.rod(plus(tip, along, 20.0), plus(grip, along, 60.0), 12.0, STEEL)
        solids.ball(plus(tip, (0.0, 0.0, 10.0)), 36.0, (40, 235, 60))
        add_array(solids, plus(grip, along, 90.0), 105.0, DARK, (40, 235, 60))
    elif used.name == "calibration array":
        _add_calibration_plate(solids, tip)
    elif used.name == "screwdriver":
        solids.rod(tip, plus(tip, along, 90.0), 13.0, STEEL)
        solids.rod(plus(tip, along, 88.0), plus(grip, along, 70.0), 40.0, ORANGE)
    elif used.name == "sheet":
        # Held out slantwise, so that it is seen from above and from every side.
        ahead = forward(used.holder.yaw)
        up, out = plus(times(ahead, -150.0), (0.0, 0.0, 150.0)), plus(times(ahead, 6.0), (0.0, 0.0, 6.0))
        solids.slab(tip, times(across, 340.0), times(up, 1.25), out, LIME)


def _add_drill(solids: Solids, tip: Vector, grip: Vector, along: Vector) -> None:
    yellow = (255, 222, 0)
    solids.rod(tip, plus(tip, along, 95.0), 11.0, STEEL)
    solids.rod(plus(tip, along, 90.0), plus(tip, along, 130.0), 30.0, DARK)
    solids.rod(plus(tip, along, 128.0), plus(grip, along, 80.0), 52.0, yellow)
    solids.rod(plus(grip, along, 30.0), plus(plus(grip, along, 60.0), (0.0, 0.0, -150.0)), 34.0, shade(yellow, 0.85))


def _add_hammer(solids: Solids, tip: Vector, grip: Vector, across: Vector) -> None:
    """A mallet over a punch that stands in the field."""
    red = (235, 24, 20)
    solids.rod(tip, plus(tip, (0.0, 0.0, 90.0)), 16.0, STEEL)
    head = plus(tip, (0.0, 0.0, 120.0))
    solids.rod(plus(head, across, -105.0), plus(head, across, 105.0), 54.0, red)
    solids.rod(head, plus(grip, unit(minus(grip, head)), 60.0), 20.0, (92, 60, 36))


def _add_forceps(solids: Solids, tip: Vector, grip: Vector, across: Vector) -> None:
    for side in (-1.0, 1.0):
        middle = plus(between(tip, grip), across, 44.0 * side)
        solids.rod(tip, middle, 9.0, STEEL, 12.0)
        solids.rod(middle, grip, 12.0, STEEL)
        solids.ball(plus(grip, across, 40.0 * side), 30.0, STEEL)
    blue = (20, 60, 255)
    thread = [plus(tip, (70.0 * math.cos(turn) - 90.0, 75.0 * math.sin(turn), 26.0)) for turn in range(6)]
    for start, end in pairwise(thread):
        solids.rod(start, end, 13.0, blue)


def _add_calibration_plate(solids: Solids, middle: Vector) -> None:
    """The calibration array: a white plate with four balls."""
    solids.block(middle, (95.0, 125.0, 10.0), (250, 250, 252))
    for x, y in ((-65.0, -92.0), (65.0, -92.0), (-65.0, 92.0), (50.0, 80.0)):
        solids.ball(plus(middle, (x, y, 30.0)), 32.0, (36, 40, 46))


def add_robot(solids: Solids, room: Room, arm: Arm, screen: Colour, operated: frozenset[str]) -> None:
    """Add the robot with its arm, the pictures on the screens, and the panels that light up when they are operated."""
    (x, y), yaw = PLACES["mako_robot"], room.turns["mako_robot"]
    bare, covered = (196, 200, 206), (226, 240, 248)
    body = covered if arm.dressed else bare
    solids.about("mako_robot")
    solids.block((x, y, 470.0), (280.0, 330.0, 400.0), body, yaw)
    solids.block((x, y, 60.0), (290.0, 340.0, 50.0), DARK, yaw)
    solids.block((x, y, 700.0), (286.0, 336.0, 50.0), (30, 90, 190), yaw)
    shoulder = _shoulder_position()
    solids.rod((shoulder[0], shoulder[1], 860.0), shoulder, 130.0, body, 100.0)
    elbow = _elbow_position(shoulder, arm.end, LINK)
    joint = (110, 118, 128) if not arm.dressed else (176, 200, 222)
    solids.ball(shoulder, 118.0, joint)
    solids.rod(shoulder, elbow, 84.0, body, 72.0)
    solids.ball(elbow, 92.0, joint)
    solids.rod(elbow, arm.end, 70.0, body, 50.0)
    solids.ball(arm.end, 64.0, joint)
    solids.rod((x + 120.0, y + 250.0, 860.0), (x + 120.0, y + 250.0, 1500.0), 30.0, DARK)
    solids.block((x + 120.0, y + 220.0, 1620.0), (40.0, 300.0, 210.0), DARK, -0.8)
    solids.block((x + 150.0, y + 188.0, 1620.0), (12.0, 275.0, 185.0), screen, -0.8)
    if arm.saw:
        solids.about("saw")
        down = unit((arm.end[0] * 0.0 - 60.0, -160.0, -120.0))
        solids.rod(arm.end, plus(arm.end, down, 130.0), 46.0, (0, 224, 250))
        solids.rod(plus(arm.end, down, 130.0), plus(arm.end, down, 220.0), 14.0, STEEL)
    solids.about("tracker")
    if arm.base_array:
        add_array(solids, ARRAY_AT["base_array"](arm), 105.0, DARK, (236, 236, 240))
    if arm.calibration_array:
        solids.block(ARRAY_AT["calibration_array"](arm), (60.0, 70.0, 8.0), (250, 250, 252))
    _add_panels(solids, room, screen, operated)


def _shoulder_position() -> Vector:
    x, y = PLACES["mako_robot"]
    return x - 40.0, y - 150.0, 1130.0


ARRAY_AT: dict[str, Callable[[Arm], Vector]] = {
    "base_array": lambda arm: plus(between(_shoulder_position(), _elbow_position(_shoulder_position(), arm.end, LINK), 0.55), (0.0, 0.0, 120.0)),
    "calibration_array": lambda arm: plus(arm.end, (0.0, 40.0, 70.0)),
    "upper_tracker": lambda arm: UPPER_TRACKER,
    "lower_tracker": lambda arm: LOWER_TRACKER,
}
"""Where each array is while it is mounted, by the pose of the arm."""


def _add_panels(solids: Solids, room: Room, screen: Colour, operated: frozenset[str]) -> None:
    def panel_colour(name: str, idle_colour: Colour) -> Colour:
        return ORANGE if name in operated else idle_colour

    x, y = PLACES["mako_robot"]
    solids.about("mako_robot")
    solids.block((x + 270.0, y - 60.0, 1010.0), (30.0, 190.0, 130.0), panel_colour("mako_robot", (60, 64, 72)))
    x, y = PLACES["mps_station"]
    solids.about("mps_station")
    solids.block((x, y + 52.0, 1230.0), (305.0, 8.0, 205.0), panel_colour("mps_station", screen), room.turns["mps_station"])
    x, y = PLACES["anesthesia_equipment"]
    solids.about("anesthesia_equipment")
    solids.block((x + 240.0, y, 560.0), (14.0, 220.0, 200.0), panel_colour("anesthesia_equipment", (96, 104, 114)))


def _elbow_position(start: Vector, end: Vector, link: float) -> Vector:
    """Return where an arm of two links of this length bends: above the line between its ends."""
    apart = distance(start, end)
    rise = math.sqrt(max(30.0**2, link * link - apart * apart / 4))
    first, second = beside(minus(end, start))
    bend = first if abs(first[2]) > abs(second[2]) else second
    return plus(between(start, end), bend, rise if bend[2] > 0 else -rise)
