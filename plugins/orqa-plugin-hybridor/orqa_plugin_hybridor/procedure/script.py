"""The script of one robotic knee procedure: which step comes when, who does it, to what and with what."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

DRESSING = "Dressing the robot, to make it sterile"
INITIAL = "Initial Calibration by MPS"
BASE_ARRAY = "Install base array by nurse"
ARRAY = "Install calibration array"
CALIBRATE = "Calibrate the robot by nurse"
REMOVE = "Remove calibration Array"
SAW = "Install the Saw by nurse"
SAW_TIP = "Install actual Saw tip"


ATTENDED_STEPS = frozenset({"lay out instruments", "set up machine", "put away"})
"""Steps away from patient and robot for which somebody has to be there."""


@frozen
class Step:
    """Something that somebody does from `start` to `end`, in seconds since the take began.

    phase: step of the robot, or "". action: predicate of the scene graph, or "" while hands are only full or full of
    nothing. actor: role. target: entity acted upon. tool: what is in the actor's hands, a name of PART_NAMES, or "".
    """

    name: str
    start: float
    end: float
    phase: str
    action: str
    actor: str
    target: str
    tool: str


@frozen
class Procedure:
    """The steps of one take, in the order of their starts, and when the patient is in the room (s)."""

    length: float
    steps: tuple[Step, ...]
    patient_from: float
    patient_until: float

    def steps_at(self, seconds: float) -> list[Step]:
        """Return the steps under way, the first to have started first."""
        return [step for step in self.steps if step.start <= seconds < step.end]

    def first_start(self, *names: str) -> float:
        """Return when the first step of one of these names starts; after the end of the take where none does."""
        return min((step.start for step in self.steps if step.name in names), default=self.length + 1.0)

    def last_end(self, *names: str) -> float:
        """Return when the last step of one of these names ends; after the end of the take where there is none."""
        return max((step.end for step in self.steps if step.name in names), default=self.length + 1.0)


def draw_procedure(rng: random.Random, length: float, roles: Sequence[str]) -> Procedure:
    """Return a procedure of `length` seconds for the roles that work in this take."""
    drafts = list(_draw_drafts(rng, roles))
    total = sum(draft.end for draft in drafts)
    steps: list[Step] = []
    elapsed = 0.0
    for draft in drafts:
        end = elapsed + draft.end / total * length
        if draft.name != "pause":
            steps += _split_hand_over(rng, evolve(draft, start=round(elapsed, 2), end=round(end, 2)), roles)
        elapsed = end
    steps += list(_parallel_chores(rng, steps, roles))
    steps.sort(key=lambda step: (step.start, step.name))
    on_patient = [step for step in steps if step.target == "patient"]
    begin, finish = on_patient[0].start, max(step.end for step in on_patient)
    rolled_in = rng.random() < 0.4
    rolled_out = rng.random() < 0.3
    return Procedure(
        length,
        tuple(steps),
        begin * rng.uniform(0.3, 0.7) if rolled_in else 0.0,
        finish + 0.6 * (length - finish) if rolled_out else length + 1.0,
    )


def _draw_drafts(rng: random.Random, roles: Sequence[str]) -> Iterator[Step]:
    """Yield the steps one after another, `end` holding their share of the time, and pauses between them."""
    for draft in _plan_steps(rng, roles):
        # Steps of the robot are drawn out, or too few timepoints would have one.
        yield evolve(draft, end=draft.end * rng.uniform(0.75, 1.3) * (1.38 if draft.phase else 1.0))
        if rng.random() < 0.3:
            yield _draft_step("pause", rng.uniform(0.5, 1.4))


def _draft_step(
    name: str, share: float, action: str = "", actor: str = "", target: str = "", tool: str = "", phase: str = ""
) -> Step:
    return Step(name, 0.0, share, phase, action, actor, target, tool)


def _plan_steps(rng: random.Random, roles: Sequence[str]) -> Iterator[Step]:
    def choose_role(*candidates: str) -> str:
        return rng.choice([role for role in candidates if role in roles] or ["head_surgeon"])

    def happens(probability: float) -> bool:
        return rng.random() < probability

    robot = "mako_robot"
    calibrator = "mps" if "mps" in roles else "nurse"
    washer = choose_role("assistant_surgeon", "nurse", "head_surgeon")
    yield _draft_step(
        "lay out instruments", 2.0, "preparing", choose_role("nurse", "circulator"), "instrument_table", "sheet"
    )
    if happens(0.85):
        yield _draft_step("initial calibration", 2.2, "calibrating", calibrator, robot, "calibration array", INITIAL)
    yield _draft_step("drape robot", 1.8, "preparing", "nurse", robot, "sheet", DRESSING)
    if happens(0.3):
        yield _draft_step(
            "set up machine",
            0.9,
            "manipulating",
            choose_role("anaesthetist", "circulator", "nurse"),
            "anesthesia_equipment",
            "screwdriver",
        )
    yield _draft_step("install base array", 1.3, "manipulating", "nurse", robot, "screwdriver", BASE_ARRAY)
    early_cut = happens(0.4)
    if early_cut:
        yield _draft_step("disinfect", 2.0, "cleaning", washer, "patient", "cloth")
        yield _draft_step("incise", 3.0, "cutting", "head_surgeon", "patient", "scalpel")
    yield from _calibration_steps(happens(0.5))
    if not early_cut:
        yield _draft_step("disinfect", 2.2, "cleaning", washer, "patient", "cloth")
        yield _draft_step("incise", 3.2, "cutting", "head_surgeon", "patient", "scalpel")
    yield _draft_step(
        "drill pins", 2.1, "drilling", choose_role("head_surgeon", "assistant_surgeon"), "patient", "drill"
    )
    yield _draft_step("register bone", 2.6, "scanning", "head_surgeon", "patient", "pointer")
    if happens(0.25):
        yield from _calibration_steps(False)
    # A quarter of the time the nurse just waits with the saw in hand: the phase does not give the action away.
    yield _draft_step("install saw", 1.3, "manipulating" if happens(0.75) else "", "nurse", robot, "saw", SAW)
    if happens(0.85):
        action = "manipulating" if happens(0.75) else ""
        yield _draft_step("install saw tip", 1.2, action, "nurse", robot, "screwdriver", SAW_TIP)
    for repetition in range(rng.choice((1, 2, 2))):
        yield _draft_step("saw bone", 2.6, "sawing", "head_surgeon", "patient", "saw")
        if repetition or happens(0.5):
            yield _draft_step("check cut", 1.6, "scanning", "head_surgeon", "patient", "pointer")
    if happens(0.5):
        yield _draft_step("release tissue", 1.5, "cutting", "head_surgeon", "patient", "scalpel")
    yield _draft_step(
        "drill pegs", 2.4, "drilling", choose_role("head_surgeon", "assistant_surgeon"), "patient", "drill"
    )
    yield _draft_step(
        "try implant", 2.5, "hammering", choose_role("head_surgeon", "assistant_surgeon"), "patient", "hammer"
    )
    if happens(0.7):
        yield _draft_step(
            "rinse", 1.5, "cleaning", choose_role("assistant_surgeon", "head_surgeon"), "patient", "cloth"
        )
    yield _draft_step("cement implant", 3.7, "cementing", "head_surgeon", "patient", "cementer")
    yield _draft_step("seat implant", 1.8, "hammering", "head_surgeon", "patient", "hammer")
    if happens(0.4):
        yield _draft_step("clean wound", 1.2, "cleaning", choose_role("assistant_surgeon", "nurse"), "patient", "cloth")
    yield _draft_step(
        "close wound", 3.9, "suturing", choose_role("head_surgeon", "assistant_surgeon"), "patient", "forceps"
    )
    if happens(0.5):
        yield _draft_step("put away", 1.2, "preparing", choose_role("circulator", "nurse"), "secondary_table", "sheet")
    yield _draft_step("pause", rng.uniform(0.6, 1.4))


def _calibration_steps(short: bool) -> Iterator[Step]:
    scale = 0.7 if short else 1.0
    yield _draft_step("install array", 1.1 * scale, "manipulating", "nurse", "mako_robot", "screwdriver", ARRAY)
    yield _draft_step(
        "calibrate robot", 2.0 * scale, "calibrating", "nurse", "mako_robot", "calibration array", CALIBRATE
    )
    yield _draft_step("remove array", 1.0 * scale, "manipulating", "nurse", "mako_robot", "screwdriver", REMOVE)


def _split_hand_over(rng: random.Random, step: Step, roles: Sequence[str]) -> list[Step]:
    """Return the step; before some, somebody already holds the tool and nothing is being done yet."""
    if step.tool not in {"drill", "hammer"} or rng.random() > 0.35:
        return [step]
    middle = round(step.start + 0.3 * (step.end - step.start), 2)
    hand_over = evolve(step, name=f"bring {step.tool}", end=middle, action="", actor="nurse")
    return [hand_over, evolve(step, start=middle)]


def _parallel_chores(rng: random.Random, steps: Sequence[Step], roles: Sequence[str]) -> Iterator[Step]:
    """Yield what others do at the same time: about every tenth timepoint has two actions."""
    chores = [
        ("work at station", "manipulating", "mps", "mps_station", "screwdriver"),
        ("adjust machine", "manipulating", "anaesthetist", "anesthesia_equipment", "screwdriver"),
        ("sort instruments", "preparing", "nurse", "instrument_table", "sheet"),
        ("open packages", "preparing", "circulator", "secondary_table", "sheet"),
    ]
    for step in steps:
        if step.target != "patient" or rng.random() > 0.6:
            continue
        name, action, actor, target, tool = rng.choice(chores)
        if actor in roles and step.actor != actor and step.action:
            start = step.start + rng.uniform(0.0, 0.4) * (step.end - step.start)
            end = start + rng.uniform(0.5, 0.9) * (step.end - start)
            yield Step(name, round(start, 2), round(end, 2), "", action, actor, target, tool)
