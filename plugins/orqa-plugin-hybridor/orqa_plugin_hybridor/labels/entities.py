"""Who and what is present at one second of a take, and where: from the same situation that is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.scene.room import EQUIPMENT_POSITIONS, HALF_SIDE, Room
from orqa_plugin_hybridor.scene.tools import ENTITY_OF_TOOL
from orqa_registry.data.vocabulary import ROLES

EQUIPMENT_HEIGHTS: dict[str, float] = {
    "operating_table": 840.0,
    "mako_robot": 500.0,
    "mps_station": 600.0,
    "anesthesia_equipment": 600.0,
    "instrument_table": 800.0,
    "secondary_table": 800.0,
    "monitor": 1640.0,
    "tracker": 2030.0,
    "c_arm": 350.0,
}
"""Height of the middle of equipment above the floor, mm."""
PATIENT_POSITION: Vector = (-100.0, 0.0, 1000.0)
DRAPE_POSITION: Vector = (160.0, 20.0, 920.0)
TRAY_POSITION: Vector = (1500.0, -1350.0, 935.0)


def list_roles(situation: Situation) -> list[str]:
    """Return the people present, one entry a person, in the vocabulary's order."""
    present = [placed.person.role for placed in situation.people]
    if situation.patient is not None:
        present.append("patient")
    return sorted(present, key=ROLES.index)


def locate_entities(situation: Situation, room: Room) -> dict[str, Vector]:
    """Return the middle of everything present, in the furniture's coordinates, mm."""
    points: dict[str, Vector] = {}
    for name, (x, y) in EQUIPMENT_POSITIONS.items():
        if name != "c_arm" or "c_arm" in room.scenery:
            points[name] = (x, y, EQUIPMENT_HEIGHTS[name])
    for placed in situation.people:
        points.setdefault(placed.person.role, placed.centre)
    if situation.patient is not None:
        points["patient"] = PATIENT_POSITION
        if situation.patient.draped:
            points["drape"] = DRAPE_POSITION
    for tool in situation.tools:
        if ENTITY_OF_TOOL[tool.name]:
            points.setdefault(ENTITY_OF_TOOL[tool.name], tool.centre)
    if situation.arm.saw:
        x, y, z = situation.arm.end
        points.setdefault("saw", (x - 20.0, y - 50.0, z - 40.0))
    points.setdefault("instrument", TRAY_POSITION)
    return dict(sorted(points.items()))


def label_positions(present: Mapping[str, Vector], room: Room) -> dict[str, Any]:
    """Return where the middle of everything is in the room: extents that are points, mm."""
    middles = {name: [round(value, 1) for value in room.to_room(point)] for name, point in present.items()}
    return {"reach": HALF_SIDE, "extents": {name: (*middle, *middle) for name, middle in middles.items()}}
