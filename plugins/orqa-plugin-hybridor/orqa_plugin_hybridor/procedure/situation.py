"""What is to be known about one second of a take, before any camera looks. Coordinates are the furniture's, in mm."""

from __future__ import annotations

from attrs import define, field, frozen

from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.procedure.script import Step
from orqa_plugin_hybridor.procedure.staff import Person

OPERATING_FIELD: Vector = (330.0, -70.0, 1195.0)
"""The operated knee: tools work here."""
ARM_REST: Vector = (600.0, 830.0, 1560.0)
ARM_SERVICE: Vector = (690.0, 270.0, 1130.0)
"""Where the end of the robot's arm is when it is not used, and when it is calibrated or something is mounted on it."""


@frozen
class Breach:
    """Somebody who is not sterile touches what is: from `start` to `end`, s."""

    start: float
    end: float
    role: str
    target: str

    def __str__(self) -> str:
        return f"The {self.role.replace('_', ' ')} touches the sterile {self.target.replace('_', ' ')}."


@define
class PlacedPerson:
    """A person in the room. x, y: mm. yaw: radians. hands: left and right, where they reach; None: at rest."""

    person: Person
    x: float
    y: float
    yaw: float
    hands: tuple[Vector | None, Vector | None] = (None, None)
    busy: bool = False

    @property
    def centre(self) -> Vector:
        """The middle of the body."""
        return self.x, self.y, self.person.height / 2


@frozen
class HeldTool:
    """A tool in somebody's hands: from its tip to its grip."""

    name: str
    holder: PlacedPerson
    tip: Vector
    grip: Vector

    @property
    def centre(self) -> Vector:
        """The middle of the tool."""
        (ax, ay, az), (bx, by, bz) = self.tip, self.grip
        return (ax + bx) / 2, (ay + by) / 2, (az + bz) / 2


@frozen
class PatientState:
    """How the patient is. wound: closed, incised, open or sutured. trackers: whether bone trackers are mounted."""

    draped: bool
    wound: str
    trackers: bool
    wet: bool


@frozen
class RobotArm:
    """The robot's arm: where its end is, and what it carries or wears."""

    end: Vector
    dressed: bool
    base_array: bool
    calibration_array: bool
    saw: bool


@define
class Situation:
    """Everything about one second of a take that is to be drawn or labelled."""

    seconds: float
    phase: str
    steps: list[Step]
    people: list[PlacedPerson]
    tools: list[HeldTool]
    patient: PatientState | None
    arm: RobotArm
    operated: frozenset[str]
    breaches: list[Breach]
    assisted: bool = field(default=False)
    soothed: bool = field(default=False)

    def find_person(self, role: str) -> PlacedPerson | None:
        """Return the first person of a role who is here."""
        return next((placed for placed in self.people if placed.person.role == role), None)
