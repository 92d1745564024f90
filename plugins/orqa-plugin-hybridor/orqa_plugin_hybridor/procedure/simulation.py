"""Who goes where and does what: from the staff and the script to the situation at any second."""

from __future__ import annotations

import math
import random

from attrs import frozen

from orqa_plugin_hybridor.geometry.vectors import Vector, add, forward, heading, normalise, right_of
from orqa_plugin_hybridor.procedure.script import Procedure, Step
from orqa_plugin_hybridor.procedure.situation import (
    ARM_REST,
    ARM_SERVICE,
    OPERATING_FIELD,
    Breach,
    HeldTool,
    PatientState,
    PlacedPerson,
    RobotArm,
    Situation,
)
from orqa_plugin_hybridor.procedure.staff import STERILE_ROLES, Person
from orqa_registry import seeded_rng

WORK_POSITIONS: dict[tuple[str, str], tuple[float, float]] = {
    ("patient", "head_surgeon"): (340.0, -640.0),
    ("patient", "assistant_surgeon"): (20.0, 650.0),
    ("patient", "nurse"): (900.0, -640.0),
    ("mako_robot", ""): (1310.0, 330.0),
    ("instrument_table", "nurse"): (1480.0, -770.0),
    ("instrument_table", "circulator"): (1480.0, -1960.0),
    ("secondary_table", ""): (-700.0, -1800.0),
    ("secondary_table", "nurse"): (-80.0, -2300.0),
    ("anesthesia_equipment", ""): (-1230.0, 900.0),
    ("mps_station", ""): (-450.0, 1720.0),
}
"""Where somebody stands to work on something; the role "" stands for every other one."""

IDLE_POSITIONS: dict[tuple[str, int], tuple[tuple[float, float], ...]] = {
    ("head_surgeon", 0): ((340.0, -640.0), (140.0, -790.0)),
    ("assistant_surgeon", 0): ((20.0, 650.0), (-500.0, 700.0)),
    ("nurse", 0): ((1480.0, -770.0), (900.0, -640.0)),
    ("nurse", 1): ((2080.0, -900.0), (1950.0, -250.0)),
    ("circulator", 0): ((-700.0, -1720.0), (600.0, -2050.0), (-1750.0, -1500.0)),
    ("anaesthetist", 0): ((-1400.0, -120.0), (-1350.0, -600.0)),
    ("mps", 0): ((-350.0, 1500.0), (250.0, 1950.0)),
    ("student", 0): ((300.0, -1380.0), (-350.0, -1150.0)),
    ("student", 1): ((-1000.0, -1100.0), (1150.0, 2050.0)),
    ("unrelated_person", 0): ((-2200.0, -250.0), (2250.0, 500.0), (-2100.0, 1700.0)),
}
"""Where people stay while they do nothing in particular: far enough apart for all to be there at once."""

BREACH_CONTACTS: dict[str, tuple[tuple[float, float], Vector]] = {
    "instrument_table": ((950.0, -1200.0), (1200.0, -1260.0, 935.0)),
    "operating_table": ((-480.0, -640.0), (-420.0, -240.0, 1000.0)),
    "mako_robot": ((1180.0, 1400.0), (900.0, 1150.0, 1010.0)),
}
"""Sterile things that somebody who is not scrubbed in may touch: where he stands, and where his hand is."""


@frozen
class Simulation:
    """What a take is about before any camera looks: its staff, its procedure, what goes wrong."""

    name: str
    seed: int
    staff: tuple[Person, ...]
    procedure: Procedure
    breaches: tuple[Breach, ...]

    def situation_at(self, seconds: float) -> Situation:
        """Return the situation at a second. A pure function: no situation depends on another one."""
        procedure = self.procedure
        present = procedure.patient_from <= seconds < procedure.patient_until
        steps = procedure.steps_at(seconds)
        rng = seeded_rng(self.seed, self.name, "situation", int(seconds))
        people = [self._place_person(person, seconds) for person in self.staff if person.present(seconds)]
        situation = Situation(
            seconds=seconds,
            phase=next((step.phase for step in steps if step.phase), ""),
            steps=[],
            people=people,
            tools=[],
            patient=self._patient_state(seconds, steps) if present else None,
            arm=self._arm_state(seconds, steps),
            operated=frozenset(),
            breaches=[],
        )
        for step in steps:
            placed = situation.find_person(step.actor)
            if placed is not None and not placed.busy:
                situation.steps.append(step)
                _apply_step(situation, placed, step, rng)
        situation.operated = frozenset(step.target for step in situation.steps if step.action == "manipulating")
        for breach in self.breaches:
            placed = situation.find_person(breach.role)
            if breach.start <= seconds < breach.end and placed is not None and not placed.busy:
                _apply_breach(situation, placed, breach)
        _place_helpers(situation, rng)
        return situation

    def _place_person(self, person: Person, seconds: float) -> PlacedPerson:
        dwell = max(20.0, self.procedure.length * 0.17)
        slot = int((seconds + person.sway * dwell) // dwell)
        x, y = seeded_rng(self.seed, self.name, person.number, slot).choice(IDLE_POSITIONS[person.role, person.twin])
        drift = math.sin(0.11 * seconds + person.sway), math.sin(0.07 * seconds + 2.0 * person.sway)
        x, y = x + 45.0 * drift[0], y + 45.0 * drift[1]
        towards = (100.0, 0.0, 0.0) if abs(y) < 2400 else (x, y + 500.0, 0.0)
        yaw = heading((x, y, 0.0), towards) + 0.25 * math.sin(0.05 * seconds + person.sway)
        return PlacedPerson(person, x, y, yaw)

    def _patient_state(self, seconds: float, steps: list[Step]) -> PatientState:
        procedure = self.procedure
        incised, opened = procedure.first_start("incise"), procedure.last_end("incise")
        closing, closed = procedure.first_start("close wound"), procedure.last_end("close wound")
        wound = "closed"
        if seconds >= incised:
            wound = "incised" if seconds < opened or any(step.action == "cutting" for step in steps) else "open"
        if seconds >= closing:
            wound = "sutured"
        return PatientState(
            draped=incised <= seconds < closed + 20.0,
            wound=wound,
            trackers=procedure.last_end("drill pins") <= seconds < closing,
            wet=any(step.action == "cleaning" for step in steps),
        )

    def _arm_state(self, seconds: float, steps: list[Step]) -> RobotArm:
        procedure = self.procedure
        end = ARM_REST
        if any(step.target == "mako_robot" and step.tool != "sheet" for step in steps):
            end = ARM_SERVICE
        if any(step.action == "sawing" for step in steps):
            end = add(OPERATING_FIELD, (275.0, 190.0, 190.0))
        arrays = [step for step in procedure.steps if step.name in {"install array", "remove array"}]
        last = next((step for step in reversed(arrays) if step.start <= seconds), None)
        return RobotArm(
            end=end,
            dressed=seconds >= procedure.last_end("drape robot"),
            base_array=seconds >= procedure.first_start("install base array"),
            calibration_array=last is not None and (last.name == "install array" or seconds < last.end),
            saw=procedure.last_end("install saw") <= seconds < procedure.last_end("saw bone")
            and all(step.tool != "saw" for step in steps),
        )


def _apply_step(situation: Situation, placed: PlacedPerson, step: Step, rng: random.Random) -> None:
    """Let a person do a step: go to its place, and put a tool into his hands."""
    position = (
        WORK_POSITIONS.get((step.target, placed.person.role))
        or WORK_POSITIONS.get((step.target, ""))
        or (placed.x, placed.y)
    )
    placed.x, placed.y = position[0] + rng.uniform(-25, 25), position[1] + rng.uniform(-25, 25)
    placed.busy = True
    tip, reach = _tool_pose(placed, step, rng)
    placed.yaw = heading((placed.x, placed.y, 0.0), tip)
    grip = add(tip, reach)
    across = right_of(placed.yaw)
    if step.tool == "sheet":
        upper = add(tip, forward(placed.yaw), -125.0)
        left, right = (add(add(upper, across, side), (0.0, 0.0, 125.0)) for side in (-260.0, 260.0))
        placed.hands = left, right
    elif step.tool in {"cloth", "calibration array"}:
        placed.hands = add(grip, across, -85.0), add(grip, across, 85.0)
    else:
        support = add(add(tip, across, -120.0), forward(placed.yaw), -110.0)
        placed.hands = add(support, (0.0, 0.0, -20.0)), grip
    situation.tools.append(HeldTool(step.tool, placed, tip, grip))


def _tool_pose(placed: PlacedPerson, step: Step, rng: random.Random) -> tuple[Vector, Vector]:
    """Return where the tip of a tool is and the way from there to the hand."""
    if step.target == "patient":
        if not step.action:  # brought, and held ready beside the field
            return (790.0, -330.0, 1160.0), (70.0, -190.0, 60.0)
        yaw = heading(OPERATING_FIELD, (placed.x, placed.y, 0.0)) + rng.uniform(-0.35, 0.35)
        jitter = (rng.uniform(-28, 28), rng.uniform(-22, 22), 0.0)
        if step.tool == "saw":  # the robot's arm carries it, the surgeon guides it
            return add(OPERATING_FIELD, jitter), (185.0, 105.0, 120.0)
        if step.tool == "cloth":
            return add(OPERATING_FIELD, jitter), add((0.0, 0.0, 30.0), forward(yaw), 60.0)
        return add(OPERATING_FIELD, jitter), add((0.0, 0.0, 120.0), forward(yaw), 240.0)
    if step.target == "mako_robot":
        tip = add(ARM_SERVICE, (rng.uniform(-20, 20), rng.uniform(-20, 20), 15.0))
        if step.tool == "sheet":
            return (800.0, 380.0, 1265.0 + rng.uniform(-40, 40)), (0.0, 0.0, 0.0)
        if step.tool == "calibration array":
            return add(tip, (30.0, 0.0, 90.0)), (70.0, 0.0, 0.0)
        return tip, (150.0, 20.0, 70.0)
    ahead = normalise((WORK_TARGETS[step.target][0] - placed.x, WORK_TARGETS[step.target][1] - placed.y, 0.0))
    if step.tool == "sheet":
        return add((placed.x, placed.y, 1210.0 + rng.uniform(-50, 50)), ahead, 520.0), (0.0, 0.0, 0.0)
    return add((placed.x, placed.y, 1130.0), ahead, 520.0), add((0.0, 0.0, 60.0), ahead, -190.0)


WORK_TARGETS = {
    "instrument_table": (1500.0, -1350.0),
    "secondary_table": (-700.0, -2350.0),
    "anesthesia_equipment": (-1780.0, 700.0),
    "mps_station": (-450.0, 2250.0),
}


def _apply_breach(situation: Situation, placed: PlacedPerson, breach: Breach) -> None:
    (placed.x, placed.y), hand = BREACH_CONTACTS[breach.target]
    placed.yaw = heading((placed.x, placed.y, 0.0), hand)
    placed.hands = None, hand
    placed.busy = True
    situation.breaches.append(breach)


def _place_helpers(situation: Situation, rng: random.Random) -> None:
    """Let the assistant hold the leg while a surgeon works, and the anaesthetist the patient's head."""
    if situation.patient is None:
        return
    assistant, anaesthetist = situation.find_person("assistant_surgeon"), situation.find_person("anaesthetist")
    surgeon = situation.find_person("head_surgeon")
    if assistant is not None and surgeon is not None and not assistant.busy and surgeon.busy:
        assistant.x, assistant.y = WORK_POSITIONS["patient", "assistant_surgeon"]
        assistant.yaw = heading((assistant.x, assistant.y, 0.0), OPERATING_FIELD)
        assistant.hands = (150.0, 55.0, 1140.0), (500.0, 55.0, 1090.0)
        assistant.busy = situation.assisted = True
    if anaesthetist is not None and not anaesthetist.busy and anaesthetist.y > -400.0:
        anaesthetist.hands = (-1010.0, 95.0, 1000.0), (-1010.0, -95.0, 1000.0)
        situation.soothed = True


def draw_breaches(rng: random.Random, procedure: Procedure, staff: tuple[Person, ...]) -> tuple[Breach, ...]:
    """Return what goes wrong in a take, after the robot is dressed."""
    unsterile_roles = sorted({person.role for person in staff} - STERILE_ROLES)
    earliest = procedure.last_end("drape robot")
    breaches: list[Breach] = []
    for _ in range(rng.choice((1, 2, 3, 4)) if unsterile_roles else 0):
        start = rng.uniform(earliest, max(earliest, 0.93 * procedure.length))
        end = start + rng.uniform(0.05, 0.09) * procedure.length
        breach = Breach(start, end, rng.choice(unsterile_roles), rng.choice(list(BREACH_CONTACTS)))
        if all(breach.start >= other.end or breach.end <= other.start for other in breaches):
            breaches.append(breach)
    return tuple(sorted(breaches, key=lambda breach: breach.start))
