"""How the room of one take looks, and where equipment stands in it."""

from __future__ import annotations

import math
import random

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.geometry.solids import Colour, Floats
from orqa_plugin_hybridor.geometry.vectors import Vector

HALF_SIDE = 3100.0
"""Half the side of the square room, mm."""
CEILING_HEIGHT = 3100.0

EQUIPMENT_POSITIONS: dict[str, tuple[float, float]] = {
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

LAMP_POSITION: Vector = (-250.0, -250.0, 2330.0)
"""The surgical lamp."""

EQUIPMENT_FOOTPRINTS: dict[str, tuple[float, float]] = {
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

WALL_COLOURS: dict[str, Colour] = {
    "pale green": (168, 190, 172),
    "pale blue": (164, 182, 200),
    "beige": (196, 186, 164),
    "grey": (176, 178, 180),
    "mint": (150, 196, 188),
}
FLOOR_COLOURS: dict[str, Colour] = {
    "grey": (138, 142, 148),
    "blue grey": (112, 126, 144),
    "green grey": (120, 140, 128),
    "sand": (164, 150, 128),
}
PAD_COLOURS: dict[str, Colour] = {"black": (38, 38, 42), "dark blue": (34, 44, 78), "brown": (92, 62, 44)}
CLOTH_COLOURS: dict[str, Colour] = {"blue": (70, 110, 160), "green": (70, 130, 100), "grey": (150, 154, 160)}
CASE_COLOURS: dict[str, Colour] = {"white": (222, 224, 224), "beige": (208, 196, 168), "grey": (150, 156, 164)}


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
    yaws: dict[str, float]
    scenery: tuple[str, ...]
    clutter_seed: int

    def to_room(self, point: Vector) -> Vector:
        """Return a point of the furniture's coordinates in the room's, mm."""
        x, y, z = self.placement[:, :3] @ np.asarray(point) + self.placement[:, 3]
        return float(x), float(y), float(z)


SCENERY_ITEMS = ("bin", "second bin", "iv stand", "cart", "cables", "c_arm", "stool", "cabinet", "door", "clock")


def draw_room(rng: random.Random) -> Room:
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
        wall=rng.choice(list(WALL_COLOURS)),
        floor=rng.choice(list(FLOOR_COLOURS)),
        pad=rng.choice(list(PAD_COLOURS)),
        cloth=rng.choice(list(CLOTH_COLOURS)),
        case=rng.choice(list(CASE_COLOURS)),
        yaws={name: math.radians(rng.uniform(-8.0, 8.0)) for name in EQUIPMENT_POSITIONS},
        scenery=tuple(name for name in SCENERY_ITEMS if rng.random() < 0.6),
        clutter_seed=rng.randrange(1 << 30),
    )
