"""What stands in the room as solids: equipment, tables with instruments, the lamp, and scenery along the walls."""

from __future__ import annotations

import math
import random
from itertools import pairwise

from orqa_plugin_hybridor.geometry.solids import Colour, SolidBuilder, shade
from orqa_plugin_hybridor.geometry.vectors import add, forward
from orqa_plugin_hybridor.scene.room import (
    CASE_COLOURS,
    CLOTH_COLOURS,
    EQUIPMENT_FOOTPRINTS,
    EQUIPMENT_POSITIONS,
    LAMP_POSITION,
    PAD_COLOURS,
    Room,
)


def build_scenery(room: Room) -> SolidBuilder:
    """Return what stands in the corners and along the walls: it has no name in the vocabulary, but for the c-arm."""
    solids = SolidBuilder()
    rng = random.Random(room.clutter_seed)
    grey, steel = (120, 124, 130), (176, 180, 186)
    for name in room.scenery:
        x, y = rng.uniform(-150, 150), rng.uniform(-150, 150)
        if name == "bin":
            colour = rng.choice([(196, 160, 30), (60, 90, 60), (150, 40, 40), (70, 74, 80)])
            solids.add_cone((-2450.0 + x, -1950.0, 0.0), (-2450.0 + x, -1950.0, 560.0), 190.0, colour, 230.0)
        elif name == "second bin":
            solids.add_cone((700.0 + x, -2700.0, 0.0), (700.0 + x, -2700.0, 500.0), 180.0, (90, 96, 104), 210.0)
        elif name == "iv stand":
            base = (-1350.0, -1150.0 + y, 0.0)
            solids.add_cone(base, (base[0], base[1], 40.0), 200.0, grey)
            solids.add_cone(base, (base[0], base[1], 1900.0), 18.0, steel)
            solids.add_ellipsoid((base[0], base[1] + 70.0, 1750.0), (50.0, 70.0, 120.0), (206, 222, 226))
        elif name == "cart":
            solids.add_box((-2650.0, 1650.0 + y, 450.0), (240.0, 330.0, 400.0), (96, 120, 150))
            solids.add_box((-2650.0, 1650.0 + y, 870.0), (260.0, 350.0, 20.0), steel)
        elif name == "cables":
            for bend in range(4):
                start = (-900.0 + 380 * bend, 1700.0 + 60 * (-1) ** bend, 12.0)
                solids.add_cone(start, (-520.0 + 380 * bend, 1700.0, 12.0), 14.0, (40, 40, 44))
        elif name == "c_arm":
            _add_c_arm(solids.tag("c_arm"), room)
            solids.tag("")
        elif name == "stool":
            solids.add_cone((1500.0 + x, -2350.0, 0.0), (1500.0 + x, -2350.0, 480.0), 30.0, grey)
            solids.add_cone((1500.0 + x, -2350.0, 480.0), (1500.0 + x, -2350.0, 540.0), 190.0, (44, 60, 84))
        elif name == "cabinet":
            solids.add_box((1400.0 + x, 2850.0, 800.0), (450.0, 180.0, 800.0), shade(CASE_COLOURS["grey"], 1.15))
            solids.add_box((1400.0 + x, 2668.0, 1180.0), (420.0, 8.0, 370.0), (126, 150, 166))
        elif name == "door":
            solids.add_box((-3060.0, -900.0 + y, 1050.0), (40.0, 550.0, 1050.0), (136, 110, 84))
        else:
            solids.add_cone((300.0 + x, -3090.0, 2300.0), (300.0 + x, -3050.0, 2300.0), 170.0, (240, 240, 240))
    return solids


def _add_c_arm(solids: SolidBuilder, room: Room) -> None:
    x, y = EQUIPMENT_POSITIONS["c_arm"]
    white = CASE_COLOURS["white"]
    solids.add_box((x, y, 350.0), (280.0, 260.0, 330.0), white)
    solids.add_box((x, y, 900.0), (90.0, 110.0, 240.0), white)
    points = [
        (x - 60.0, y + 560.0 * math.cos(angle), 1150.0 + 430.0 * math.sin(angle))
        for angle in [math.radians(30.0 + 38.0 * turn) for turn in range(7)]
    ]
    for start, end in pairwise(points):
        solids.add_cone(start, end, 62.0, (170, 176, 184))
    for end in (points[0], points[-1]):
        solids.add_sphere(end, 120.0, (90, 96, 104))


def build_furniture(room: Room) -> SolidBuilder:
    """Return the equipment that stays where it is, the robot's arm and the lit panels excepted."""
    solids = SolidBuilder()
    case, pad, cloth = CASE_COLOURS[room.case], PAD_COLOURS[room.pad], CLOTH_COLOURS[room.cloth]
    steel, dark = (182, 186, 192), (52, 56, 62)
    _add_operating_table(solids.tag("operating_table"), pad)
    for name, count in (("instrument_table", 9), ("secondary_table", 4)):
        _add_table(solids, room, name, cloth if name == "instrument_table" else shade(cloth, 0.75), count)
    solids.tag("anesthesia_equipment")
    (x, y), yaw = EQUIPMENT_POSITIONS["anesthesia_equipment"], room.yaws["anesthesia_equipment"]
    solids.add_box((x, y, 480.0), (250.0, 300.0, 440.0), case, yaw)
    solids.add_box((x, y, 1010.0), (230.0, 310.0, 30.0), dark, yaw)
    solids.add_box((x - 80.0, y, 1180.0), (60.0, 260.0, 140.0), shade(case, 0.8), yaw)
    solids.add_cone((x + 120.0, y - 220.0, 1030.0), (x + 120.0, y - 220.0, 1270.0), 70.0, (70, 150, 190))
    solids.add_cone((x + 120.0, y + 220.0, 1030.0), (x + 120.0, y + 220.0, 1230.0), 70.0, (230, 232, 236))
    solids.add_limb((x + 200.0, y - 150.0, 980.0), (-1020.0, 120.0, 1020.0), 26.0, (190, 214, 220))
    solids.tag("mps_station")
    (x, y), yaw = EQUIPMENT_POSITIONS["mps_station"], room.yaws["mps_station"]
    solids.add_box((x, y, 420.0), (340.0, 220.0, 400.0), shade(dark, 1.4), yaw)
    solids.add_box((x, y - 60.0, 850.0), (360.0, 260.0, 25.0), case, yaw)
    solids.add_box((x, y + 80.0, 1230.0), (330.0, 25.0, 230.0), dark, yaw)
    solids.tag("monitor")
    x, y = EQUIPMENT_POSITIONS["monitor"]
    solids.add_cone((x, y, 1000.0), (x, y, 1450.0), 32.0, steel)
    solids.add_box((x, y, 1640.0), (30.0, 300.0, 210.0), (24, 26, 30), -0.3)
    ahead = forward(-0.3)
    solids.add_box(add((x, y, 1640.0), ahead, 30.0), (8.0, 275.0, 185.0), (20, 50, 36), -0.3)
    for row, colour in enumerate([(70, 230, 90), (240, 220, 60), (80, 190, 250)]):
        solids.add_box(add((x, y, 1740.0 - 105.0 * row), ahead, 38.0), (6.0, 240.0, 20.0), colour, -0.3)
    solids.tag("tracker")
    x, y = EQUIPMENT_POSITIONS["tracker"]
    solids.add_cone((x, y, 0.0), (x, y, 40.0), 220.0, dark)
    solids.add_cone((x, y, 0.0), (x, y, 2000.0), 26.0, dark)
    solids.add_box((x, y, 2030.0), (50.0, 260.0, 60.0), (236, 238, 240), 0.4)
    for side in (-1, 1):
        solids.add_sphere((x - 45.0 - 60 * side, y - 20.0 + 170 * side, 2030.0), 52.0, (30, 34, 44))
    _add_lamp(solids.tag(""))
    return solids


def _add_operating_table(solids: SolidBuilder, pad: Colour) -> None:
    solids.add_box((-150.0, 0.0, 60.0), (520.0, 240.0, 60.0), (110, 114, 120))
    solids.add_box((-200.0, 0.0, 450.0), (190.0, 160.0, 380.0), (150, 154, 160))
    solids.add_box((0.0, 0.0, 810.0), (1000.0, 290.0, 35.0), (126, 130, 136))
    solids.add_box((0.0, 0.0, 870.0), (990.0, 280.0, 40.0), pad)


def _add_table(solids: SolidBuilder, room: Room, name: str, cloth: Colour, count: int) -> None:
    """A table under a cloth, with instruments in rows; they are steel, so that no tool in use looks like them."""
    solids.tag(name)
    (x, y), (half_x, half_y) = EQUIPMENT_POSITIONS[name], EQUIPMENT_FOOTPRINTS[name]
    solids.add_box((x, y, 890.0), (half_x, half_y, 30.0), cloth)
    solids.add_box((x, y, 720.0), (half_x * 0.97, half_y * 0.97, 150.0), shade(cloth, 0.86))
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            leg = x + sign_x * half_x * 0.9, y + sign_y * half_y * 0.9
            solids.add_cone((*leg, 0.0), (*leg, 600.0), 26.0, (150, 154, 160))
    rng = random.Random(f"{room.clutter_seed} {name}")
    solids.tag("instrument")
    for index in range(count):
        position = x - half_x * 0.8 + 1.6 * half_x * (index + 0.5) / count, y + rng.uniform(-60.0, 60.0)
        if index % 4 == 3:
            solids.add_cone((*position, 918.0), (*position, 990.0), 55.0, (206, 210, 216), 70.0)
        else:
            reach = rng.uniform(90.0, 170.0)
            solids.add_cone(
                (position[0], position[1] - reach, 935.0),
                (position[0], position[1] + reach, 935.0),
                16.0,
                (214, 218, 224),
            )


def _add_lamp(solids: SolidBuilder) -> None:
    """A surgical lamp; high enough to hide nobody, and beside the detail camera."""
    centre = LAMP_POSITION
    solids.add_cone((-250.0, -250.0, 2430.0), (-250.0, -250.0, 3090.0), 45.0, (200, 204, 208))
    solids.add_cone(centre, (centre[0], centre[1], 2440.0), 300.0, (216, 220, 224), 170.0)
    solids.add_cone((centre[0], centre[1], 2318.0), (centre[0], centre[1], 2331.0), 250.0, (255, 252, 220))
