"""The error budget: a bad sample costs itself, too many stop the run with the list."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError
from orqa_shards.error_budget import MAX_NAMED, MAX_REMEMBERED, MIN_SEEN, BadSample, ErrorBudget


def run(budget, outcomes):
    """Return how many were counted before the budget stopped the run."""
    for number, fine in enumerate(outcomes):
        try:
            budget.good() if fine else budget.bad(BadSample(f"d/t/{number:06d}", "cut short"))
        except OrqaError:
            return number + 1
    return None


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 6))
def test_so_many_in_a_row_stop_the_run(outcomes, limit):
    line = "".join("+" if fine else "-" for fine in outcomes)
    expected = line.find("-" * limit)
    assert run(ErrorBudget(in_a_row=limit), outcomes) == (expected + limit if expected >= 0 else None)


@given(st.integers(1, 30), st.integers(2, 100), st.integers(0, 3 * MIN_SEEN))
def test_a_percentage_stops_the_run_once_it_says_something(per_cent, every, length):
    outcomes = [number % every != 0 for number in range(length)]
    stopped = run(ErrorBudget(per_cent=per_cent), outcomes)
    shares = {seen: 100 * -(-seen // every) / seen for seen in range(MIN_SEEN, length + 1)}
    assert stopped == next((seen for seen, share in shares.items() if share > per_cent), None)


def test_the_error_names_what_is_bad_and_what_to_do():
    budget = ErrorBudget(in_a_row=25)
    budget.bad(BadSample("d/t/early", "no JPEG"))
    budget.good(count=2999)
    for number in range(24):
        budget.bad(BadSample(f"d/t/{number:06d}", "room1.jpg: its crc32 is not the index's"))
    with pytest.raises(OrqaError) as stopped:
        budget.bad(BadSample("d/t/last", "gone"))
    lines = str(stopped.value).splitlines()
    assert lines[0] == "25 samples in a row are bad; so far 26 of 3,025 samples were bad (0.86 %):"
    assert lines[1] == "  d/t/000000: room1.jpg: its crc32 is not the index's"
    assert lines[MAX_NAMED + 1] == "  and 5 more"
    assert "orqa-registry verify DIR" in lines[-1]


def test_a_percentage_names_the_first_ones():
    budget = ErrorBudget(per_cent=0.5, things="files", advice="Ask the one who copied them")
    for number in range(7):
        budget.bad(BadSample(str(number), "gone"))
    with pytest.raises(OrqaError) as stopped:
        budget.good(MIN_SEEN)
    assert str(stopped.value).splitlines() == [
        "more than 0.5 % of the files are bad; so far 7 of 1,007 files were bad (0.695 %):",
        *(f"  {number}: gone" for number in range(7)),
        "Ask the one who copied them",
    ]


def test_what_is_remembered_is_bounded():
    budget = ErrorBudget(in_a_row=10**6, per_cent=100)
    for number in range(MAX_REMEMBERED + 5):
        budget.bad(BadSample(str(number), "gone"))
    assert [one.key for one in budget.named] == [str(number) for number in range(MAX_REMEMBERED)]
    assert (budget.wrong, budget.seen) == (MAX_REMEMBERED + 5, MAX_REMEMBERED + 5)
    budget.good()
    budget.in_a_row = 1
    with pytest.raises(OrqaError, match=r"1 samples in a row are bad; .*\n  late: gone\nSee"):
        budget.bad(BadSample("late", "gone"))


def test_a_run_goes_on_with_its_counts():
    budget = ErrorBudget(in_a_row=3)
    budget.good(10)
    budget.bad(BadSample("a", "gone"))
    budget.bad(BadSample("b", "gone"))
    resumed = ErrorBudget(in_a_row=3)
    resumed.restore(json.loads(json.dumps(budget.state())))
    assert resumed.state() == pickle.loads(pickle.dumps(budget)).state() == {"seen": 12, "wrong": 2, "row": 2}
    with pytest.raises(OrqaError, match=r"3 samples in a row are bad.*\n  c: gone\n  and 2 more\n"):
        resumed.bad(BadSample("c", "gone"))


def counted(outcomes, number):
    """Return the state of a part that was counted elsewhere, and its bad samples."""
    part, bad = ErrorBudget(10**6, 100), []
    for place, fine in enumerate(outcomes):
        if not fine:
            bad.append(BadSample(f"d/{number}/{place}", "gone"))
        part.good() if fine else part.bad(bad[-1])
    return part.state(), bad


@given(st.lists(st.lists(st.booleans(), max_size=30), max_size=30))
def test_parts_count_like_the_whole(parts):
    budget, whole = ErrorBudget(10**6, 100), ErrorBudget(10**6, 100)
    for number, outcomes in enumerate(parts):
        state, bad = counted(outcomes, number)
        budget.add(state, bad)
        named = iter(bad)
        for fine in outcomes:
            whole.good() if fine else whole.bad(next(named))
        assert budget == whole


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 200))
def test_parts_that_are_bad_throughout_make_one_row(parts, limit):
    budget, row = ErrorBudget(limit), 0
    for number, many in enumerate(parts):
        row += many
        state, bad = counted([False] * many, number)
        if row >= limit:
            with pytest.raises(OrqaError, match=rf"^{row} samples in a row are bad; .*\n  d/0/0: gone"):
                budget.add(state, bad)
            return
        budget.add(state, bad)


def test_a_part_can_exceed_the_percentage():
    state, bad = counted([number % 50 > 0 for number in range(MIN_SEEN)], 0)
    ErrorBudget(per_cent=2).add(state, bad)
    with pytest.raises(OrqaError, match=r"more than 1\.9 % of the samples are bad.*\n  d/0/0: gone\n  d/0/50: gone"):
        ErrorBudget(per_cent=1.9).add(state, bad)


@pytest.mark.parametrize("state", [{}, {"seen": 1, "wrong": 2, "row": 0}, {"seen": 1, "wrong": True, "row": 0}])
def test_counts_that_are_none_are_refused(state):
    with pytest.raises(OrqaError, match="counts of bad samples are"):
        ErrorBudget().restore(state)


@pytest.mark.parametrize("limits", [{"in_a_row": 0}, {"per_cent": -1}, {"per_cent": 101}, {"per_cent": float("nan")}])
def test_limits_that_cannot_be_are_refused(limits):
    with pytest.raises(CallError, match="was expected"):
        ErrorBudget(**limits)
