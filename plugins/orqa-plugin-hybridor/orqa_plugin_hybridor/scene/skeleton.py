"""Where the joints of people are: what figures are drawn around, and what poses say. Furniture coordinates, mm."""

from __future__ import annotations

from orqa_plugin_hybridor.geometry.vectors import Vector, add, distance_between, forward, interpolate, right_of
from orqa_plugin_hybridor.procedure.situation import OPERATING_FIELD, PlacedPerson
from orqa_plugin_hybridor.procedure.staff import STERILE_ROLES
from orqa_registry.data.vocabulary import JOINTS

LEFT_SIDE, RIGHT_SIDE = -1.0, 1.0
SIDES = {"left": LEFT_SIDE, "right": RIGHT_SIDE}

KNEE_POSITION: Vector = add(OPERATING_FIELD, (-5.0, 0.0, -85.0))
"""The operated knee."""

PATIENT_JOINTS: dict[str, Vector] = {
    "head": (-840.0, 0.0, 1010.0),
    "neck": (-690.0, 0.0, 1000.0),
    "left_shoulder": (-590.0, 225.0, 985.0),
    "right_shoulder": (-590.0, -225.0, 985.0),
    "left_hip": (-120.0, 100.0, 985.0),
    "right_hip": (-120.0, -90.0, 990.0),
    "left_elbow": (-320.0, 238.0, 967.0),
    "right_elbow": (-320.0, -238.0, 967.0),
    "left_wrist": (-50.0, 250.0, 950.0),
    "right_wrist": (-50.0, -250.0, 950.0),
    "left_knee": (420.0, 120.0, 970.0),
    "right_knee": KNEE_POSITION,
    "left_foot": (905.0, 120.0, 985.0),
    "right_foot": (770.0, -70.0, 985.0),
}
"""The patient lies on the back, the right knee bent for the operation."""


class Body:
    """The body of somebody who stands: bent to the front as far as the hands have to reach."""

    def __init__(self, placed: PlacedPerson) -> None:
        self._placed = placed
        self.ahead, self.across = forward(placed.yaw), right_of(placed.yaw)
        self._base: Vector = (placed.x, placed.y, 0.0)
        self._lean = _forward_lean(placed, self.ahead)

    def point_at(self, level: float, right: float = 0.0, front: float = 0.0) -> Vector:
        """Return a point of the body: share of the height, mm to the right, mm to the front."""
        person = self._placed.person
        tilt = front + self._lean * max(0.0, level - 0.45)
        upright = add(add(self._base, (0.0, 0.0, level * person.height)), self.across, right * person.build)
        return add(upright, self.ahead, tilt)

    @property
    def head(self) -> Vector:
        """The middle of the head."""
        return self.point_at(0.915, 0.0, 18.0)

    def arm_joints(self, side: float) -> tuple[Vector, Vector, Vector]:
        """Return shoulder, elbow and palm of the LEFT_SIDE or the RIGHT_SIDE."""
        hand = self._placed.hands[side > 0]
        shoulder = self.point_at(0.795, 205.0 * side)
        sterile = self._placed.person.role in STERILE_ROLES
        rest = self.point_at(0.6, 120.0 * side, 270.0) if sterile else self.point_at(0.45, 262.0 * side, 70.0)
        palm = hand or rest
        elbow = add(interpolate(shoulder, palm, 0.48), self.across, 85.0 * side)
        elbow = add(elbow, (0.0, 0.0, -0.16 * max(0.0, 620.0 - distance_between(shoulder, palm)) - 30.0))
        return shoulder, elbow, palm


def staff_joints(placed: PlacedPerson) -> dict[str, Vector]:
    """Return the joints of a member of staff by name."""
    body = Body(placed)
    positions = {"head": body.head, "neck": body.point_at(0.84)}
    for name, side in SIDES.items():
        shoulder, elbow, palm = body.arm_joints(side)
        positions[f"{name}_shoulder"], positions[f"{name}_elbow"] = shoulder, elbow
        positions[f"{name}_wrist"] = interpolate(elbow, palm, 0.85)
        positions[f"{name}_hip"] = body.point_at(0.52, 90.0 * side)
        positions[f"{name}_knee"], positions[f"{name}_foot"] = (
            body.point_at(0.28, 83.0 * side),
            body.point_at(0.03, 95.0 * side),
        )
    return {joint: positions[joint] for joint in JOINTS}


def mirror_joints(pose: dict[str, Vector]) -> dict[str, Vector]:
    """Return a pose as it is named in a room that is furnished the other way round: left is right there."""
    opposite = {"left": "right", "right": "left"}
    return {joint: pose["_".join(opposite.get(word, word) for word in joint.split("_"))] for joint in pose}


def _forward_lean(placed: PlacedPerson, ahead: Vector) -> float:
    """Return how far, mm, the body bends to the front: as much as its hands need to be reached."""
    reach = 0.0
    for hand in placed.hands:
        if hand is not None:
            reach = max(reach, (hand[0] - placed.x) * ahead[0] + (hand[1] - placed.y) * ahead[1])
    return min(420.0, max(0.0, (reach - 330.0) * 1.1))
