"""The room and what stands in it: walls, light, furniture, and things that have nothing to do with the procedure."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.geometry import Vector, forward, plus
from orqa_plugin_hybridor.solids import Colour, Floats, Solids, shade

HALF = 3100.0
"""Half the side of the square room, mm."""
CEILING = 3100.0

PLACES: dict[str, tuple[float, float]] = {
    "operating_table": (0.0, 0.0),
    "mako_robot": (640.0, 1050.0),
    "mps_station": (-450.0, 2250.0),
    "anesthesia_equipment": (-1780.0, 700.0),
    "instrument_table": (1500.0, -1350.0),
    "secondary_table": (-700.0, -2350.0),
    "monitor": (-1880.0, 700.0),
    "tracker": (2380.0, 1130.0),
    "c_arm": (2500.0, -300.0),
}
"""Where equipment stands, in mm from the middle of the table; the patient's head lies towards -x."""

LAMP: Vector = (-250.0, -250.0, 2330.0)
"""The surgical lamp."""

FOOTPRINTS: dict[str, tuple[float, float]] = {
    "operating_table": (1000.0, 290.0),
    "mako_robot": (290.0, 340.0),
    "mps_station": (360.0, 240.0),
    "anesthesia_equipment": (270.0, 330.0),
    "instrument_table": (460.0, 290.0),
    "secondary_table": (450.0, 260.0),
    "monitor": (150.0, 150.0),
    "tracker": (150.0, 150.0),
    "c_arm": (300.0, 450.0),
}
"""Half sides of the ground that equipment covers, mm."""

WALLS: dict[str, Colour] = {
    "pale green": (168, 190, 172),
    "pale blue": (164, 182, 200),
    "beige": (196, 186, 164),
    "grey": (176, 178, 180),
    "mint": (150, 196, 188),
}
FLOORS: dict[str, Colour] = {
    "grey": (138, 142, 148),
    "blue grey": (112, 126, 144),
    "green grey": (120, 140, 128),
    "sand": (164, 150, 128),
}
PADS: dict[str, Colour] = {"black": (38, 38, 42), "dark blue": (34, 44, 78), "brown": (92, 62, 44)}
CLOTHS: dict[str, Colour] = {"blue": (70, 110, 160), "green": (70, 130, 100), "grey": (150, 154, 160)}
CASES: dict[str, Colour] = {"white": (222, 224, 224), "beige": (208, 196, 168), "grey": (150, 156, 164)}


@frozen(eq=False)
class Room:
    """How the room of one take looks. placement: (3, 4), the furniture's coordinates to the room's, mm.

    light: unit direction towards the lamp. tint: factors of red, green, blue (brightness and colour temperature).
    wall .. case: colour words. scenery: names of the things that have nothing to do with the procedure.
    """

    placement: Floats
    light: Floats
    tint: tuple[float, float, float]
    wall: str
    floor: str
    pad: str
    cloth: str
    case: str
    turns: dict[str, float]
    scenery: tuple[str, ...]
    stock: int

    def to_room(self, point: Vector) -> Vector:
        """Return a point of the furniture's coordinates in the room's, mm."""
        x, y, z = self.placement[:, :3] @ np.asarray(point) + self.placement[:, 3]
        return float(x), float(y), float(z)


SCENERY = ("bin", "second bin", "iv stand", "cart", "cables", "c_arm", "stool", "cabinet", "door", "clock")


def furnish(rng: random.Random) -> Room:
    """Return the room of one take."""
    turn = rng.choice((0.0, math.pi)) + math.radians(rng.uniform(-7.0, 7.0))
    mirror = rng.choice((1.0, -1.0))
    placement = np.zeros((3, 4))
    placement[0, :2] = math.cos(turn), -math.sin(turn) * mirror
    placement[1, :2] = math.sin(turn), math.cos(turn) * mirror
    placement[2, 2] = 1.0
    placement[:2, 3] = rng.uniform(-120.0, 120.0), rng.uniform(-120.0, 120.0)
    light = np.array([rng.uniform(-0.35, 0.35), rng.uniform(-0.35, 0.35), 1.0])
    brightness, warmth = rng.uniform(0.98, 1.24), rng.uniform(-0.06, 0.07)
    return Room(
        placement=placement,
        light=light / np.linalg.norm(light),
        tint=(brightness * (1 + warmth), brightness, brightness * (1 - warmth)),
        wall=rng.choice(list(WALLS)),
        floor=rng.choice(list(FLOORS)),
        pad=rng.choice(list(PADS)),
        cloth=rng.choice(list(CLOTHS)),
        case=rng.choice(list(CASES)),
        turns={name: math.radians(rng.uniform(-8.0, 8.0)) for name in PLACES},
        scenery=tuple(name for name in SCENERY if rng.random() < 0.6),
        stock=rng.randrange(1 << 30),
    )


def scenery(room: Room) -> Solids:
    """Return what stands in the corners and along the walls: it has no name in the vocabulary, but for the c-arm."""
    solids = Solids()
    rng = random.Random(room.stock)
    grey, steel = (120, 124, 130), (176, 180, 186)
    for name in room.scenery:
        x, y = rng.uniform(-150, 150), rng.uniform(-150, 150)
        if name == "bin":
            colour = rng.choice([(196, 160, 30), (60, 90, 60), (150, 40, 40), (70, 74, 80)])
            solids.rod((-2450.0 + x, -1950.0, 0.0), (-2450.0 + x, -1950.0, 560.0), 190.0, colour, 230.0)
        elif name == "second bin":
            solids.rod((700.0 + x, -2700.0, 0.0), (700.0 + x, -2700.0, 500.0), 180.0, (90, 96, 104), 210.0)
        elif name == "iv stand":
            base = (-1350.0, -1150.0 + y, 0.0)
            solids.rod(base, (base[0], base[1], 40.0), 200.0, grey)
            solids.rod(base, (base[0], base[1], 1900.0), 18.0, steel)
            solids.egg((base[0], base[1] + 70.0, 1750.0), (50.0, 70.0, 120.0), (206, 222, 226))
        elif name == "cart":
            solids.block((-2650.0, 1650.0 + y, 450.0), (240.0, 330.0, 400.0), (96, 120, 150))
            solids.block((-2650.0, 1650.0 + y, 870.0), (260.0, 350.0, 20.0), steel)
        elif name == "cables":
            for bend in range(4):
                start = (-900.0 + 380 * bend, 1700.0 + 60 * (-1) ** bend, 12.0)
                solids.rod(start, (-520.0 + 380 * bend, 1700.0, 12.0), 14.0, (40, 40, 44))
        elif name == "c_arm":
            _add_c_arm(solids.about("c_arm"), room)
            solids.about("")
        elif name == "stool":
            solids.rod((1500.0 + x, -2350.0, 0.0), (1500.0 + x, -2350.0, 480.0), 30.0, grey)
            solids.rod((1500.0 + x, -2350.0, 480.0), (1500.0 + x, -2350.0, 540.0), 190.0, (44, 60, 84))
        elif name == "cabinet":
            solids.block((1400.0 + x, 2850.0, 800.0), (450.0, 180.0, 800.0), shade(CASES["grey"], 1.15))
            solids.block((1400.0 + x, 2668.0, 1180.0), (420.0, 8.0, 370.0), (126, 150, 166))
        elif name == "door":
            solids.block((-3060.0, -900.0 + y, 1050.0), (40.0, 550.0, 1050.0), (136, 110, 84))
        else:
            solids.rod((300.0 + x, -3090.0, 2300.0), (300.0 + x, -3050.0, 2300.0), 170.0, (240, 240, 240))
    return solids


def _add_c_arm(solids: Solids, room: Room) -> None:
    x, y = PLACES["c_arm"]
    white = CASES["white"]
    solids.block((x, y, 350.0), (280.0, 260.0, 330.0), white)
    solids.block((x, y, 900.0), (90.0, 110.0, 240.0), white)
    points = [
        (x - 60.0, y + 560.0 * math.cos(angle), 1150.0 + 430.0 * math.sin(angle))
        for angle in [math.radians(30.0 + 38.0 * turn) for turn in range(7)]
    ]
    for start, end in pairwise(points):
        solids.rod(start, end, 62.0, (170, 176, 184))
    for end in (points[0], points[-1]):
        solids.ball(end, 120.0, (90, 96, 104))


def furniture(room: Room) -> Solids:
    """Return the equipment that stays where it is, the robot's arm and the lit panels excepted."""
    solids = Solids()
    case, pad, cloth = CASES[room.case], PADS[room.pad], CLOTHS[room.cloth]
    steel, dark = (182, 186, 192), (52, 56, 62)
    _add_operating_table(solids.about("operating_table"), pad)
    for name, count in (("instrument_table", 9), ("secondary_table", 4)):
        _add_table(solids, room, name, cloth if name == "instrument_table" else shade(cloth, 0.75), count)
    solids.about("anesthesia_equipment")
    (x, y), yaw = PLACES["anesthesia_equipment"], room.turns["anesthesia_equipment"]
    solids.block((x, y, 480.0), (250.0, 300.0, 440.0), case, yaw)
    solids.block((x, y, 1010.0), (230.0, 310.0, 30.0), dark, yaw)
    solids.block((x - 80.0, y, 1180.0), (60.0, 260.0, 140.0), shade(case, 0.8), yaw)
    solids.rod((x + 120.0, y - 220.0, 1030.0), (x + 120.0, y - 220.0, 1270.0), 70.0, (70, 150, 190))
    solids.rod((x + 120.0, y + 220.0, 1030.0), (x + 120.0, y + 220.0, 1230.0), 70.0, (230, 232, 236))
    solids.bone((x + 200.0, y - 150.0, 980.0), (-1020.0, 120.0, 1020.0), 26.0, (190, 214, 220))
    solids.about("mps_station")
    (x, y), yaw = PLACES["mps_station"], room.turns["mps_station"]
    solids.block((x, y, 420.0), (340.0, 220.0, 400.0), shade(dark, 1.4), yaw)
    solids.block((x, y - 60.0, 850.0), (360.0, 260.0, 25.0), case, yaw)
    solids.block((x, y + 80.0, 1230.0), (330.0, 25.0, 230.0), dark, yaw)
    solids.about("monitor")
    x, y = PLACES["monitor"]
    solids.rod((x, y, 1000.0), (x, y, 1450.0), 32.0, steel)
    solids.block((x, y, 1640.0), (30.0, 300.0, 210.0), (24, 26, 30), -0.3)
    ahead = forward(-0.3)
    solids.block(plus((x, y, 1640.0), ahead, 30.0), (8.0, 275.0, 185.0), (20, 50, 36), -0.3)
    for row, colour in enumerate([(70, 230, 90), (240, 220, 60), (80, 190, 250)]):
        solids.block(plus((x, y, 1740.0 - 105.0 * row), ahead, 38.0), (6.0, 240.0, 20.0), colour, -0.3)
    solids.about("tracker")
    x, y = PLACES["tracker"]
    solids.rod((x, y, 0.0), (x, y, 40.0), 220.0, dark)
    solids.rod((x, y, 0.0), (x, y, 2000.0), 26.0, dark)
    solids.block((x, y, 2030.0), (50.0, 260.0, 60.0), (236, 238, 240), 0.4)
    for side in (-1, 1):
        solids.ball((x - 45.0 - 60 * side, y - 20.0 + 170 * side, 2030.0), 52.0, (30, 34, 44))
    _add_lamp(solids.about(""))
    return solids


def _add_operating_table(solids: Solids, pad: Colour) -> None:
    solids.block((-150.0, 0.0, 60.0), (520.0, 240.0, 60.0), (110, 114, 120))
    solids.block((-200.0, 0.0, 450.0), (190.0, 160.0, 380.0), (150, 154, 160))
    solids.block((0.0, 0.0, 810.0), (1000.0, 290.0, 35.0), (126, 130, 136))
    solids.block((0.0, 0.0, 870.0), (990.0, 280.0, 40.0), pad)


def _add_table(solids: Solids, room: Room, name: str, cloth: Colour, count: int) -> None:
    """A table under a cloth, with instruments in rows; they are steel, so that no tool in use looks like them."""
    solids.about(name)
    (x, y), (half_x, half_y) = PLACES[name], FOOTPRINTS[name]
    solids.block((x, y, 890.0), (half_x, half_y, 30.0), cloth)
    solids.block((x, y, 720.0), (half_x * 0.97, half_y * 0.97, 150.0), shade(cloth, 0.86))
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            leg = x + sign_x * half_x * 0.9, y + sign_y * half_y * 0.9
            solids.rod((*leg, 0.0), (*leg, 600.0), 26.0, (150, 154, 160))
    rng = random.Random(f"{room.stock} {name}")
    solids.about("instrument")
    for index in range(count):
        position = x - half_x * 0.8 + 1.6 * half_x * (index + 0.5) / count, y + rng.uniform(-60.0, 60.0)
        if index % 4 == 3:
            solids.rod((*position, 918.0), (*position, 990.0), 55.0, (206, 210, 216), 70.0)
        else:
            reach = rng.uniform(90.0, 170.0)
            solids.rod((position[0], position[1] - reach, 935.0), (position[0], position[1] + reach, 935.0), 16.0, (214, 218, 224))


def _add_lamp(solids: Solids) -> None:
    """A surgical lamp; high enough to hide nobody, and beside the detail camera."""
    centre = LAMP
    solids.rod((-250.0, -250.0, 2430.0), (-250.0, -250.0, 3090.0), 45.0, (200, 204, 208))
    solids.rod(centre, (centre[0], centre[1], 2440.0), 300.0, (216, 220, 224), 170.0)
    solids.rod((centre[0], centre[1], 2318.0), (centre[0], centre[1], 2331.0), 250.0, (255, 252, 220))
