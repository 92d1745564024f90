"""The timeline against a brute-force scan, and the questions that hang on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import Registry, Timeline, ask
from orqa_registry.data.timeline import Span

VALUES = ("cutting", "drilling", "sawing")
rows = st.lists(st.none() | st.sets(st.sampled_from(VALUES)), max_size=30)
phases = st.lists(st.sampled_from(("", "a", "b", "c")) | st.none(), max_size=30)
ABSENT = object()


def timeline(column, facet="actions"):
    return Timeline((k, 2.0 * k, {} if one is None else {facet: tuple(sorted(one))}) for k, one in enumerate(column))


@given(rows)
def test_look_ups_agree_with_a_scan(column):
    track = timeline(column).track("actions")
    there = [k for k, one in enumerate(column) if one is not None]
    assert track.values == tuple(sorted({value for k in there for value in column[k]}))
    for k in there:
        for value in VALUES:
            later = [n for n in there if n > k and value in column[n]]
            assert track.happened(value, k) == any(value in column[n] for n in there if n <= k)
            assert track.next_seconds(value, k) == (2.0 * later[0] if later else None)
            assert track.span(value, k) == scan_span(column, there, value, k)


def scan_span(column, there, value, k):
    if value not in column[k]:
        return None
    place = there.index(k)
    first = last = place
    while first > 0 and value in column[there[first - 1]]:
        first -= 1
    while last + 1 < len(there) and value in column[there[last + 1]]:
        last += 1
    return Span(there[first], there[last], 2.0 * there[first], 2.0 * there[last])


@given(phases)
def test_the_next_step_skips_pauses(column):
    track = Timeline((k, None, {"robot_phase": one}) for k, one in enumerate(column)).track("robot_phase")
    for k, now in enumerate(column):
        later = [one for one in column[k + 1 :] if one and one != (now or None)]
        assert track.following(k) == (later[0] if later else None)


def test_a_timepoint_outside_the_track_has_nothing():
    track = timeline([{"cutting"}, None]).track("actions")
    assert track.span("cutting", 1) is None
    assert track.span("cutting", 7) is None
    assert track.following(1) is None


def test_order_is_held():
    with pytest.raises(ValueError, match="index 1 follows 1"):
        Timeline([(1, None, {}), (1, None, {})])


def asked(take, index, task):
    registry = Registry.load()
    point = list(take)[index]
    found = ask(point, take.timeline(), [registry.task(task)])
    return {" ".join(one.arguments.values()): one.answer for _, questions in found for one in questions}


def test_time_and_status(make_take):
    take = make_take([{"actions": a} for a in ((), ("cutting",), ("cutting",), ("cutting", "sawing"), ())], step=2.0)
    assert asked(take, 0, "time_until_step") == {"cutting": "2 seconds", "sawing": "6 seconds"}
    assert asked(take, 1, "time_until_step") == {"cutting": "2 seconds", "sawing": "4 seconds"}
    assert asked(take, 4, "time_until_step") == {}
    assert asked(take, 2, "status_action") == {"cutting": "50%"}
    assert asked(take, 3, "status_action") == {"cutting": "100%"}, "an action of one timepoint has no length"
    assert asked(take, 2, "did_happen") == {"cutting": "yes", "sawing": "no"}


def test_without_a_clock_nothing_is_timed(make_take):
    take = make_take([{"actions": ("cutting",)}] * 3, step=None)
    for task in ("time_until_step", "status_action", "did_happen"):
        assert asked(take, 1, task) == {}, "nobody knows what happened between two timepoints"
    assert asked(take, 1, "current_action") == {"": "cutting"}


def test_next_step_never_asks_for_none(make_take):
    """Defect D12: a pause between steps does not hide the next one; and no step is called None."""
    take = make_take([{"robot_phase": p} for p in ("a", "", None, "b", "")])
    assert [asked(take, k, "next_robot_step").get("") for k in range(5)] == ["b", "b", "b", None, None]
    assert [asked(take, k, "current_robot_step").get("") for k in range(5)] == ["a", None, None, "b", None]


def test_people_are_counted_one_by_one(make_take):
    """Defect D5: two nurses are two people where the dataset tells them apart."""
    take = make_take([{"roles": ("nurse", "nurse", "patient")}, {"roles": ()}])
    assert asked(take, 0, "count_people") == {"": "3"}
    assert asked(take, 0, "role_people") == {"": "patient, nurse"}
    assert asked(take, 1, "count_people") == {"": "0"}
    assert asked(take, 1, "role_people") == {"": "no one"}


def test_every_predicate_between_a_pair_is_right(make_take):
    """Defect D8."""
    from orqa_registry import Triplet

    registry = Registry.load()
    graph = (Triplet("nurse", "closeTo", "mako_robot"), Triplet("nurse", "calibrating", "mako_robot"))
    take = make_take([{"relations": graph, "actions": ("a", "b")}])
    questions = [one for _, found in ask(next(iter(take)), take.timeline(), registry.tasks.values()) for one in found]
    by_task = {one.task: one for one in questions}
    assert by_task["interaction"].answers == ("closeto", "calibrating")
    assert by_task["interaction"].text == "What is the interaction of nurse with mako robot?"
    assert registry.score("current_action", "B", *by_task["current_action"].answers) == 1.0
