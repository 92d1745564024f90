"""Staff and procedure, without a single pixel."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from orqa_plugin_hybridor.files.names import split_of
from orqa_plugin_hybridor.labels.entities import list_roles
from orqa_plugin_hybridor.labels.scene_graph import build_scene_graph
from orqa_plugin_hybridor.procedure.staff import GOWN_COLOURS
from orqa_plugin_hybridor.render.robot_screen import PHASE_COLOURS, PHASE_ORDER, describe_screen, draw_screen
from orqa_plugin_hybridor.render.simulated_take import simulate_take
from orqa_plugin_hybridor.sensors.sound import synthesise_sound
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ROBOT_PHASES, TOOL_OF_ACTION


def test_actions_phases_and_people_are_spread() -> None:
    actions: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    people: Counter[int] = Counter()
    busy = both = total = 0
    for number in range(1, 41):
        take = simulate_take(1, number, 40, 112)
        for index in range(40):
            situation = take.simulation.situation_at(float(index * take.step))
            done = scenegraph.actions(build_scene_graph(situation, take.room))
            actions.update(done)
            phases[situation.phase] += 1
            people[len(list_roles(situation))] += 1
            busy, both, total = busy + bool(done), both + (len(done) > 1), total + 1
    assert len(actions) == 11
    assert set(TOOL_OF_ACTION) <= set(actions)
    assert max(actions.values()) < 0.25 * busy
    assert min(actions.values()) > 0.04 * busy
    assert 0.08 < 1 - busy / total < 0.18
    assert 0.05 < both / total < 0.16
    assert set(phases) == {"", *ROBOT_PHASES}
    assert sum(people[count] for count in range(3, 10)) > 0.94 * total
    assert all(people[count] > 0.03 * total for count in range(3, 9))


@settings(max_examples=settings.default.max_examples // 4)
@given(some.integers(0, 10_000), some.integers(1, 400), some.integers(1, 700))
def test_every_take_makes_sense(seed: int, number: int, timepoints: int) -> None:
    take = simulate_take(seed, number, timepoints, 64)
    assert take.step >= 1
    assert take.simulation.procedure.length == take.step * timepoints
    for index in range(0, timepoints, max(1, timepoints // 12)):
        situation = take.simulation.situation_at(float(index * take.step))
        assert situation.phase in {"", *ROBOT_PHASES}
        here = {placed.person.role for placed in situation.people}
        assert {step.actor for step in situation.steps} <= here
        assert "nurse" in here
        assert {breach.role for breach in situation.breaches} <= here
        if any(step.target == "patient" for step in situation.steps):
            assert situation.patient is not None
        positions = [(placed.x, placed.y) for placed in situation.people]
        for position_index, (x, y) in enumerate(positions):
            assert all((x - u) ** 2 + (y - v) ** 2 > 330.0**2 for u, v in positions[position_index + 1 :])


def test_each_action_that_makes_a_sound_is_heard() -> None:
    loudness = {}
    for number in range(1, 9):
        take = simulate_take(0, number, 40, 64)
        for index in range(40):
            situation = take.simulation.situation_at(float(index * take.step))
            if len(situation.steps) < 2:
                action = situation.steps[0].action if situation.steps else ""
                sound = synthesise_sound(situation, 0, take.name).astype(float)
                loudness.setdefault(action, []).append(float(np.sqrt(np.mean(sound**2))))
                if action == "drilling":
                    assert 800 < np.argmax(np.abs(np.fft.rfft(sound))) < 1000
    silence = float(np.mean(loudness[""]))
    for action in ("drilling", "sawing", "hammering", "calibrating", "cleaning", "cementing", "scanning"):
        assert np.mean(loudness[action]) > 1.3 * silence, action


def test_a_situation_does_not_depend_on_another() -> None:
    alone = simulate_take(3, 2, 40, 112).simulation.situation_at(200.0)
    simulation = simulate_take(3, 2, 40, 112).simulation
    for seconds in (0.0, 400.0, 100.0):
        simulation.situation_at(seconds)
    assert simulation.situation_at(200.0) == alone


def test_phases_come_in_their_order() -> None:
    for number in range(1, 30):
        steps = [step for step in simulate_take(0, number, 40, 112).simulation.procedure.steps if step.phase]
        first = {step.phase: step.start for step in reversed(steps)}
        order = [phase for phase in PHASE_ORDER if phase in first]
        assert order == sorted(order, key=lambda phase: first[phase])
        assert "Dressing the robot, to make it sterile" in first


@pytest.mark.parametrize(("takes", "expected"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (12, (9, 1, 2))])
def test_splits(takes: int, expected: tuple[int, int, int]) -> None:
    counts = Counter(split_of(number, takes) for number in range(1, takes + 1))
    assert (counts["train"], counts["validation"], counts["test"]) == expected


@given(some.integers(3, 400))
def test_three_quarters_are_for_training(takes: int) -> None:
    counts = Counter(split_of(number, takes) for number in range(1, takes + 1))
    assert counts["validation"] >= 1
    assert counts["test"] >= 1
    assert abs(counts["train"] - 0.75 * takes) <= 1.5


def test_colours_are_far_apart() -> None:
    for colours in (GOWN_COLOURS, PHASE_COLOURS):
        for name, first in colours.items():
            for other, second in colours.items():
                if name != other:
                    assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) > 90, (name, other)


def test_screens_differ_even_when_small() -> None:
    small = {phase: draw_screen(84, phase, False, 30.0).tobytes() for phase in PHASE_COLOURS}
    assert len(set(small.values())) == len(PHASE_COLOURS) == 9
    assert describe_screen(PHASE_ORDER[2], True) == "Step 3 of 8: Install base array by nurse. Robot calibrated."
    assert describe_screen("", False) == "Standby. Robot not calibrated."
