"""What the tracker camera sees: the poses of the arrays that nobody stands in front of."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from orqa_plugin_hybridor.geometry.vectors import Vector, add, interpolate
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.scene.robot import ARRAY_POSITIONS
from orqa_plugin_hybridor.scene.room import EQUIPMENT_POSITIONS, Room
from orqa_registry import seeded_rng
from orqa_registry.data.vocabulary import TRACKED

UNIQUE_IDS = {name: int(number) for number, name in reversed(list(TRACKED.items()))}
"""The numbers under which the tracker reports each array (protocol.md 2)."""

TRACKER_POSITION: Vector = (*EQUIPMENT_POSITIONS["tracker"], 2030.0)
BODY_RADIUS = 170.0
"""How thick somebody is who stands in the way, mm."""


@frozen
class TrackedArray:
    """One array in sight. position: mm in the room. angles: Euler angles in degrees."""

    name: str
    position: Vector
    angles: Vector
    pressed: int

    def as_json(self) -> dict[str, Any]:
        """Return the entry of the tracker's own log."""
        return {
            "unique_id": UNIQUE_IDS[self.name],
            "button_state": self.pressed,
            "Translation": [round(value, 1) for value in self.position],
            "euler_rot": [round(value, 1) for value in self.angles],
        }


def track_arrays(room: Room, situation: Situation, seed: int, take: str) -> list[TrackedArray]:
    """Return the arrays that the tracker camera sees now."""
    rng = seeded_rng(seed, take, "tracker", situation.seconds)
    tracked: list[TrackedArray] = []
    for name, point, pressed in _mounted_arrays(situation):
        noise = (rng.gauss(0, 0.4), rng.gauss(0, 0.4), rng.gauss(0, 0.4))
        turn = (rng.uniform(-8, 8), rng.uniform(-8, 8), rng.uniform(-180, 180))
        if not is_hidden(situation, point):
            tracked.append(TrackedArray(name, room.to_room(add(point, noise)), turn, pressed))
    return tracked


def _mounted_arrays(situation: Situation) -> list[tuple[str, Vector, int]]:
    arm, mounted = situation.arm, []
    tools = {tool.name: tool for tool in situation.tools}
    if arm.base_array:
        mounted.append(("base_array", ARRAY_POSITIONS["base_array"](arm), 0))
    if "calibration array" in tools:
        mounted.append(("calibration_array", tools["calibration array"].tip, 1))
    elif arm.calibration_array:
        mounted.append(("calibration_array", ARRAY_POSITIONS["calibration_array"](arm), 0))
    if situation.patient is not None and situation.patient.trackers:
        mounted += [(name, ARRAY_POSITIONS[name](arm), 0) for name in ("upper_tracker", "lower_tracker")]
    if "pointer" in tools:
        mounted.append(("green_tip", tools["pointer"].grip, 1))
    return mounted


def is_hidden(situation: Situation, point: Vector) -> bool:
    """Tell whether somebody stands between the tracker camera and a point, both in the furniture's coordinates."""
    squared_distance = (point[0] - TRACKER_POSITION[0]) ** 2 + (point[1] - TRACKER_POSITION[1]) ** 2
    for placed in situation.people:
        share = (
            (placed.x - TRACKER_POSITION[0]) * (point[0] - TRACKER_POSITION[0])
            + (placed.y - TRACKER_POSITION[1]) * (point[1] - TRACKER_POSITION[1])
        ) / squared_distance
        if 0.0 < share < 0.96:
            x, y, z = interpolate(TRACKER_POSITION, point, share)
            if (x - placed.x) ** 2 + (y - placed.y) ** 2 < BODY_RADIUS**2 and z < placed.person.height:
                return True
    return False
