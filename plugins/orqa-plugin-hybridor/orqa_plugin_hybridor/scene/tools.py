"""Tools in somebody's hands as solids.

Tools are drawn about 1.6 times life size: a model that sees 84 pixels has to see them.
"""

from __future__ import annotations

import math
from itertools import pairwise

from orqa_plugin_hybridor.geometry.solids import Colour, SolidBuilder, shade
from orqa_plugin_hybridor.geometry.vectors import (
    Vector,
    add,
    cross,
    forward,
    interpolate,
    normalise,
    right_of,
    scale,
    subtract,
)
from orqa_plugin_hybridor.procedure.situation import HeldTool
from orqa_plugin_hybridor.scene.figures import add_tracking_array

STEEL: Colour = (206, 212, 220)
DARK: Colour = (44, 48, 54)
ORANGE: Colour = (255, 128, 10)
LIME: Colour = (190, 255, 50)

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


def add_tool(solids: SolidBuilder, tool: HeldTool) -> None:
    """Add a tool where it is held: its tip at `tool.tip`, a hand at `tool.grip`."""
    solids.tag(ENTITY_OF_TOOL[tool.name], tool.holder.person.number, tool.name)
    tip, grip = tool.tip, tool.grip
    along = normalise(subtract(grip, tip))
    across = right_of(tool.holder.yaw)
    if tool.name == "scalpel":
        thick = scale(cross(along, across), 5.0)
        solids.add_oriented_box(add(tip, along, 60.0), scale(along, 60.0), scale(across, 18.0), thick, STEEL)
        solids.add_cone(add(tip, along, 115.0), add(grip, along, 70.0), 17.0, (250, 250, 250))
    elif tool.name == "drill":
        _add_drill(solids, tip, grip, along)
    elif tool.name == "saw":
        blade = add(tip, along, 70.0)
        solids.add_oriented_box(blade, scale(along, 75.0), scale(across, 44.0), (0.0, 0.0, 6.0), STEEL)
        solids.add_cone(add(tip, along, 130.0), add(grip, along, 90.0), 50.0, (0, 224, 250))
        solids.add_cone(add(grip, along, 88.0), add(grip, along, 104.0), 54.0, (0, 120, 150))
    elif tool.name == "hammer":
        _add_hammer(solids, tip, grip, across)
    elif tool.name == "cementer":
        purple = (136, 104, 176)
        solids.add_cone(tip, add(tip, along, 90.0), 12.0, purple, 34.0)
        solids.add_cone(add(tip, along, 90.0), add(grip, along, 60.0), 46.0, purple)
        solids.add_cone(add(grip, along, 60.0), add(grip, along, 170.0), 16.0, shade(purple, 0.55))
        solids.add_ellipsoid(add(tip, (0.0, 0.0, -12.0)), (92.0, 64.0, 26.0), (150, 140, 160))
    elif tool.name == "forceps":
        _add_forceps(solids, tip, grip, across)
    elif tool.name == "cloth":
        solids.add_ellipsoid(add(tip, (0.0, 0.0, 4.0)), (155.0, 120.0, 42.0), (52, 138, 255), tool.holder.yaw + 0.5)
        solids.add_ellipsoid(add(tip, (30.0, 40.0, 22.0)), (85.0, 55.0, 40.0), (110, 176, 255), tool.holder.yaw)
    elif tool.name == "pointer":
        solids.add_cone(add(tip, along, 20.0), add(grip, along, 60.0), 12.0, STEEL)
        solids.add_sphere(add(tip, (0.0, 0.0, 10.0)), 36.0, (40, 235, 60))
        add_tracking_array(solids, add(grip, along, 90.0), 105.0, DARK, (40, 235, 60))
    elif tool.name == "calibration array":
        _add_calibration_plate(solids, tip)
    elif tool.name == "screwdriver":
        solids.add_cone(tip, add(tip, along, 90.0), 13.0, STEEL)
        solids.add_cone(add(tip, along, 88.0), add(grip, along, 70.0), 40.0, ORANGE)
    elif tool.name == "sheet":
        # Held out slantwise, so that it is seen from above and from every side.
        ahead = forward(tool.holder.yaw)
        up, out = add(scale(ahead, -150.0), (0.0, 0.0, 150.0)), add(scale(ahead, 6.0), (0.0, 0.0, 6.0))
        solids.add_oriented_box(tip, scale(across, 340.0), scale(up, 1.25), out, LIME)


def _add_drill(solids: SolidBuilder, tip: Vector, grip: Vector, along: Vector) -> None:
    yellow = (255, 222, 0)
    solids.add_cone(tip, add(tip, along, 95.0), 11.0, STEEL)
    solids.add_cone(add(tip, along, 90.0), add(tip, along, 130.0), 30.0, DARK)
    solids.add_cone(add(tip, along, 128.0), add(grip, along, 80.0), 52.0, yellow)
    solids.add_cone(add(grip, along, 30.0), add(add(grip, along, 60.0), (0.0, 0.0, -150.0)), 34.0, shade(yellow, 0.85))


def _add_hammer(solids: SolidBuilder, tip: Vector, grip: Vector, across: Vector) -> None:
    """A mallet over a punch that stands in the field."""
    red = (235, 24, 20)
    solids.add_cone(tip, add(tip, (0.0, 0.0, 90.0)), 16.0, STEEL)
    head = add(tip, (0.0, 0.0, 120.0))
    solids.add_cone(add(head, across, -105.0), add(head, across, 105.0), 54.0, red)
    solids.add_cone(head, add(grip, normalise(subtract(grip, head)), 60.0), 20.0, (92, 60, 36))


def _add_forceps(solids: SolidBuilder, tip: Vector, grip: Vector, across: Vector) -> None:
    for side in (-1.0, 1.0):
        middle = add(interpolate(tip, grip), across, 44.0 * side)
        solids.add_cone(tip, middle, 9.0, STEEL, 12.0)
        solids.add_cone(middle, grip, 12.0, STEEL)
        solids.add_sphere(add(grip, across, 40.0 * side), 30.0, STEEL)
    blue = (20, 60, 255)
    thread = [add(tip, (70.0 * math.cos(turn) - 90.0, 75.0 * math.sin(turn), 26.0)) for turn in range(6)]
    for start, end in pairwise(thread):
        solids.add_cone(start, end, 13.0, blue)


def _add_calibration_plate(solids: SolidBuilder, middle: Vector) -> None:
    """The calibration array: a white plate with four balls."""
    solids.add_box(middle, (95.0, 125.0, 10.0), (250, 250, 252))
    for x, y in ((-65.0, -92.0), (65.0, -92.0), (-65.0, 92.0), (50.0, 80.0)):
        solids.add_sphere(add(middle, (x, y, 30.0)), 32.0, (36, 40, 46))
