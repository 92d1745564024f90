"""Temporal memory: logs that can be replayed, strings as the protocol has them. Real takes: test_history.py."""

import json
import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError, Triplet
from orqa_registry.prompts.change_log import (
    Change,
    ChangeLog,
    change_log,
    compat_log,
    log_rows,
    published_timepoint,
    read_published,
    replay,
    to_published,
)
from orqa_registry.prompts.memory import MEMORY_STYLES, NO_MEMORY, Memory, item_filter, sample_style
from orqa_registry.rng import seeded_rng

NAMES = st.sampled_from(("nurse", "saw", "drill", "patient", "head_surgeon"))
TRIPLETS = st.builds(Triplet, NAMES, st.sampled_from(("holding", "closeTo", "cutting")), NAMES)
GRAPHS = st.lists(st.none() | st.lists(TRIPLETS, max_size=6, unique=True), max_size=30)
ACTIONS = st.lists(
    st.none() | st.lists(st.sampled_from(("cutting", "drilling", "ct scanning")), max_size=3, unique=True)
)


def column(facet, values):
    return [(k, {} if one is None else {facet: tuple(one)}) for k, one in enumerate(values)]


def annotated(values):
    return [(k, frozenset(one)) for k, one in enumerate(values) if one is not None]


@given(GRAPHS)
def test_a_replayed_log_gives_every_graph_back(graphs):
    log = change_log(column("relations", graphs))
    times, truth = zip(*annotated(graphs), strict=True) if annotated(graphs) else ((), ())
    assert tuple(replay(log, times)) == truth
    assert log == change_log(column("relations", [one and one[::-1] for one in graphs])), (
        "the order of labels says nothing"
    )


@given(ACTIONS)
def test_a_replayed_log_gives_every_action_back(actions):
    rows = column("actions", actions)
    times, truth = zip(*annotated(actions), strict=True) if annotated(actions) else ((), ())
    assert tuple(replay(change_log(rows), times)) == truth
    said = [
        (time, one)
        for (time, one) in zip(times, replay(compat_log(rows), times), strict=True)
        if dict(rows)[time]["actions"]
    ]
    assert said == [(time, one) for time, one in zip(times, truth, strict=True) if one]


@given(GRAPHS)
def test_changes_are_in_one_order(graphs):
    changes = change_log(column("relations", graphs)).changes
    assert list(changes) == sorted(changes, key=lambda change: (change.timepoint, not change.ended, change.what))
    assert len(set(changes)) == len(changes)


def test_absent_is_not_empty():
    held = (Triplet("nurse", "holding", "saw"),)
    log = change_log([(3, {"relations": held}), (4, {}), (5, {"relations": held}), (6, {"relations": ()})])
    assert log.changes == (Change(3, held[0]), Change(6, held[0], ended=True))
    assert compat_log([(3, {"actions": ("a",)}), (4, {}), (6, {"actions": ()})]).changes == (Change(3, "a"),)


def test_names_are_spelt_in_one_way():
    truth = change_log(column("relations", [[Triplet("head_surgeon", "closeTo", "operating_table")]]))
    model = change_log(
        column("relations", [[Triplet("Head Surgeon", "closeto", "ot"), Triplet("nurse", "none", "saw")]])
    )
    assert model == truth
    assert change_log(column("actions", [["CT_scanning "], ["ct  scanning"]])).changes == (Change(0, "ct scanning"),)


def test_order_is_held():
    for make in (change_log, compat_log):
        with pytest.raises(ValueError, match="4 follows 4"):
            make([(4, {"actions": ()}), (4, {})])


def test_predictions_take_the_place_of_the_truth(make_take):
    saw = Triplet("nurse", "holding", "saw")
    take = make_take([{"relations": (Triplet("mps", "holding", "drill"),)}] * 5)
    said = {"000000": [["nurse", "holding", "saw"]], "000001": None, "000003": [], "000009": [saw]}
    assert change_log(log_rows(take, said)).changes == (Change(0, saw), Change(3, saw, ended=True))
    labels = {
        "000000": "CT Scanning",
        "000001": None,
        "000002": "ct scanning",
        "000003": "nothing",
        "000004": "ct roll out",
    }
    log = change_log(log_rows(take, labels))
    assert log.changes == (Change(0, "ct scanning"), Change(3, "ct scanning", ended=True), Change(4, "ct roll out"))
    assert [change.what for change in compat_log(log_rows(take, labels)).changes] == [
        *("ct scanning", "ct scanning", "nothing", "ct roll out")
    ]


def test_the_published_timepoint():
    assert published_timepoint("000396") == 396
    assert published_timepoint("10_1_0210") == 1010210
    for frame in ("a1", "", "+5", "1.5", "²"):
        with pytest.raises(OrqaError, match="digits and underscores"):
            published_timepoint(frame)


def test_worked_examples_of_the_original():
    graphs = [
        [
            Triplet("nurse", "holding", "drill"),
            Triplet("nurse", "holding", "saw"),
            Triplet("nurse", "closeTo", "patient"),
        ],
        [Triplet("nurse", "holding", "hammer")],
        [],
    ]
    log = compat_log(column("relations", graphs))
    assert to_published(log) == [
        [0, ["nurse", "saw", "holding"]],
        [0, ["nurse", "patient", "closeTo"]],
        [1, ["nurse", "not patient", "closeTo"]],
        [2, ["nurse", "not saw", "holding"]],
    ]
    words = "nurse,holding,saw; nurse,closeTo,patient; nurse,closeTo,not patient; nurse,holding,not saw"
    assert Memory(log).text(3) == f"Long: Short: {words}"
    memory = Memory(compat_log(column("actions", [["a"], ["a"], ["b"], ["b"], ["b"], ["b"], ["c"]])))
    assert memory.text(7) == "Long: a; Short: b; b; b; b; c"
    assert [memory.text(0, style) for style in MEMORY_STYLES] == ["Long: Short", "Short", "Long"]
    assert memory.text(7, "all") == ""


@given(GRAPHS, st.integers())
def test_a_shuffled_log_has_the_same_changes(graphs, seed):
    rows = column("relations", graphs)
    plain, mixed = compat_log(rows), compat_log(rows, random.Random(seed))
    assert Counter(mixed.changes) == Counter(plain.changes)
    assert [change.timepoint for change in mixed.changes] == [change.timepoint for change in plain.changes]
    assert mixed == compat_log(rows, random.Random(seed))


@given(GRAPHS)
def test_the_published_shape_can_be_read(tmp_path_factory, graphs):
    path = tmp_path_factory.mktemp("log") / "surgery_sg.json"
    log = compat_log(column("relations", graphs))
    path.write_text(json.dumps(to_published(log)))
    assert read_published(path) == log


@pytest.mark.parametrize(
    "wrong", [{}, [[1]], [[1, ["a", "b"]]], [[1, ["a", 2, "c"]]], [["x", "a"]], [[2, "a"], [1, "a"]]]
)
def test_a_damaged_history_is_named(tmp_path, wrong):
    path = tmp_path / "surgery_sg.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(OrqaError, match=r"surgery_sg\.json: .*expected"):
        read_published(path)


def naive(log, timepoint, style, keep=lambda: True):
    """Protocol 8.3, word by word."""
    entries, begins = [], {change.timepoint for change in log.changes if not change.ended}
    for change in log.changes:
        if isinstance(change.what, str):
            text = "not " + change.what if change.ended else change.what
            if not log.compat and change.ended and change.timepoint in begins:
                continue  # replaced by what begins
        else:
            subject, verb, thing = change.what
            text = f"{subject},{verb},{thing}"
            if change.ended:
                text = f"{subject},{verb},not {thing}" if log.compat else f"not {text}"
        if change.timepoint < timepoint:
            entries.append((text, change.ended))
    recent = entries[-5:]
    older = entries[: len(entries) - len(recent)]
    text, seen = "", set()
    if style in ("long", "longshort"):
        text += "Long: "
        for item, ended in older:
            if not ended and item not in seen:
                seen.add(item)
                if keep():
                    text += item + "; "
    if style in ("short", "longshort"):
        text += "Short: "
        for item, _ in recent:
            if keep():
                text += item + "; "
    return text[:-2]


@st.composite
def logs(draw):
    times = sorted(draw(st.lists(st.integers(0, 12), max_size=30)))
    kind = draw(st.sampled_from((TRIPLETS, st.sampled_from(("incision", "closure", "design")))))
    changes = tuple(Change(time, draw(kind), draw(st.booleans())) for time in times)
    return ChangeLog(changes, compat=draw(st.booleans()))


@given(logs(), st.integers())
@example(ChangeLog(()), 0)
def test_strings_are_those_of_the_protocol(log, seed):
    memory = Memory(log)
    order = [*range(14), *random.Random(seed).sample(range(14), 14)]
    for timepoint in order:
        for style in MEMORY_STYLES:
            assert memory.text(timepoint, style) == naive(log, timepoint, style)
            keeps = (item_filter(random.Random(seed)) for _ in range(2))
            assert memory.text(timepoint, style, next(keeps)) == naive(log, timepoint, style, next(keeps))


def test_what_ended_is_denied_as_a_whole():
    saw, drill = Triplet("head_surgeon", "holding", "saw"), Triplet("head_surgeon", "holding", "drill")
    log = change_log(column("relations", [[saw, drill], [drill]]))
    words = "head_surgeon,holding,drill; head_surgeon,holding,saw; not head_surgeon,holding,saw"
    assert Memory(log).text(2, "short") == f"Short: {words}"
    assert Memory(log, spaces=True).text(2, "short") == f"Short: {words.replace('_', ' ')}"


def test_an_action_gives_way_to_the_next():
    log = change_log(column("actions", [["a"], ["a"], ["b"], [], ["a", "c"], ["c"]]))
    assert len(log.changes) == 7
    assert Memory(log).text(9, "short") == "Short: b; not b; a; c; not a"
    assert Memory(log).text(9) == "Long: a; Short: b; not b; a; c; not a"


def test_unknown_styles_are_told():
    with pytest.raises(CallError, match="there is longshort, short, long"):
        Memory(ChangeLog(())).text(0, "everything")
    with pytest.raises(CallError, match="'all'"):
        Memory(ChangeLog(())).text(0, "all")


def test_augmentation_depends_on_its_seed_alone():
    styles = Counter(sample_style(seeded_rng("styles", number)) for number in range(6000))
    assert styles.keys() == {NO_MEMORY, *MEMORY_STYLES}
    assert abs(styles[NO_MEMORY] - 3000) < 150
    assert all(abs(styles[style] - 1000) < 120 for style in MEMORY_STYLES)
    memory = Memory(ChangeLog(tuple(Change(time, f"step {time}") for time in range(40))))
    drawn = [memory.sampled(30, seeded_rng(0, number)) for number in range(300)]
    assert drawn == [memory.sampled(30, seeded_rng(0, number)) for number in range(300)]
    assert "" in drawn
    assert {text.partition(":")[0] for text in drawn if text} <= {"Long", "Short"}
    long = [text.count("step") for text in drawn if text.startswith("Long") and "Short" not in text]
    assert 9 < sum(long) / len(long) < 16, "half of 25 items stay"
