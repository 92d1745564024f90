"""Defects of the original's memory that are mended by default (protocol.md 8 and 13): one test each, named after it."""

import pytest

from orqa_registry import Triplet
from orqa_registry.prompts.change_log import change_log, compat_log, replay
from orqa_registry.prompts.memory import Memory

HOLDS = Triplet("nurse", "holding", "drill"), Triplet("nurse", "holding", "saw")
TAKE = [
    (0, {"relations": HOLDS}),
    (1, {"relations": (Triplet("nurse", "holding", "hammer"),)}),
    (2, {"relations": ()}),
]


def test_d1_two_things_in_one_hand_are_two_and_a_change_of_the_object_is_one():
    log = change_log(TAKE)
    assert [set(state) for state in replay(log, (0, 1, 2))] == [
        set(HOLDS),
        {Triplet("nurse", "holding", "hammer")},
        set(),
    ]
    lost = [set(state) for state in replay(compat_log(TAKE), (0, 1, 2))]
    assert lost[0] != set(HOLDS), "the original keeps one object a subject and predicate"


def test_d1_closeness_is_kept_or_left_out_on_purpose():
    near = Triplet("nurse", "closeTo", "patient")
    assert list(replay(change_log([(0, {"relations": (near,)})]), (0,))) == [frozenset({near})]


def test_d2_a_removal_denies_the_whole_triple():
    rows = [(0, {"relations": HOLDS[1:]}), (1, {"relations": ()})]
    assert "not nurse,holding,saw" in Memory(change_log(rows)).text(2)
    assert "nurse,holding,not saw" in Memory(compat_log(rows)).text(2)


def test_d3_an_action_that_goes_on_is_told_once():
    rows = [(k, {"actions": ("closure",)}) for k in range(6)]
    assert Memory(change_log(rows)).text(6, "short") == "Short: closure"
    assert Memory(compat_log(rows)).text(6, "short") == "Short: " + "; ".join(["closure"] * 5)


@pytest.mark.parametrize("spelling", ["head_surgeon", "head surgeon", "Head-Surgeon"])
def test_d4_names_have_one_spelling_wherever_they_come_from(spelling):
    rows = [(0, {"relations": (Triplet(spelling, "cutting", "patient"),)})]
    assert Memory(change_log(rows)).text(1, "short") == "Short: head_surgeon,cutting,patient"
    assert Memory(change_log(rows), spaces=True).text(1, "short") == "Short: head surgeon,cutting,patient"
