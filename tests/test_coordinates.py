"""Where things are, asked of any numbers there are: near zero, at infinity, and none at all."""

import math

from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import Box, Registry, Take, Timepoint, ask

REGISTRY = Registry.load()
anything = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1e-320, -1e-320, 1e308, 500.0])
lengths = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


def asked(labels, *tasks, compat):
    point = Timepoint("d", "s", "t", "0", 0, None, {}, labels)
    take = Take("d", "s", "t", lambda: iter([point]))
    found = ask(point, take.timeline(), [REGISTRY.task(task) for task in tasks], compat=compat)
    return {(task.name, *one.arguments.values()): one.answers for task, every in found for one in every}


@given(st.lists(st.tuples(*[anything] * 6), max_size=3), lengths, lengths, st.booleans())
def test_a_room_of_any_extents(extents, reach, unit, compat):
    placed = {f"thing {place}": extent for place, extent in enumerate(extents)}
    labels = {"positions": {"reach": reach, "unit": unit, "extents": placed}}
    found = asked(labels, "where_3d", "distance_3d", compat=compat)
    for answers in found.values():
        assert all(int(number) is not None for number in answers[0].removesuffix(" mm").split(","))
    for name, extent in placed.items():
        if not all(map(math.isfinite, extent)):
            assert ("where_3d", name) not in found


@given(st.lists(st.tuples(*[anything] * 4), max_size=3), st.tuples(anything, anything), st.booleans())
def test_an_image_of_any_boxes(corners, size, compat):
    boxes = tuple(Box(f"thing {place}", *sides) for place, sides in enumerate(corners))
    found = asked({"boxes": {"room1": {"size": size, "boxes": boxes}}}, "where_2d", compat=compat)
    for answers in found.values():
        assert len([int(number) for number in answers[0].split(",")]) == 4


@given(st.tuples(anything, anything), st.tuples(anything, anything), st.booleans())
def test_any_gaze(gaze, size, compat):
    labels = {"gaze": gaze, "boxes": {"ego": {"size": size, "boxes": ()}}}
    for answers in asked(labels, "gaze_location", compat=compat).values():
        assert all(0 <= int(number) <= 999 for number in answers[0].split(","))


def test_what_is_nowhere_is_left_out_and_the_rest_stays():
    extents = {"saw": (0, 0, 0, 100, 100, 100), "lost": (0, 0, 0, 1, 1, math.inf)}
    labels = {"positions": {"reach": 1000.0, "extents": extents}}
    assert asked(labels, "where_3d", "distance_3d", compat=False) == {("where_3d", "saw"): ("50, 50, 50",)}
