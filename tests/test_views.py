"""Which views are shown, in which order, and how large."""

from collections import Counter

import pytest
from attrs import evolve
from prompting import MMOR, made, shown

from orqa_registry.prompts.policy import POLICIES, PromptPolicy, find_policy
from orqa_registry.prompts.views import BENCHMARK_VIEWS, MAX_VIEWS, view_role


@pytest.mark.parametrize(
    ("dataset", "views", "expected"),
    [
        ("4D-OR", [f"room{k}" for k in range(1, 7)], ["room2", "room1", "room3", "room5"]),
        ("MM-OR", MMOR, ["room1", "room4", "room5", "room2", "room3", "screen", "trackercam"]),
        ("MVOR", ["room1", "room2", "room3"], ["room3", "room1", "room2"]),
        ("EgoSurgery", ["ego"], ["ego"]),
    ],
)
def test_evaluation_shows_the_views_of_the_benchmark(dataset, views, expected):
    for order in (views, views[::-1]):
        assert shown("eval", order, dataset) == shown("orqa-v1-eval", order, dataset) == expected
        assert sorted(shown("train", order, dataset)) == sorted(expected) or dataset == "MM-OR"
        assert not set(shown("train", order, dataset)) - set(BENCHMARK_VIEWS[dataset])


def test_other_datasets_show_all_they_have_the_screen_last():
    views = ["left", "trackercam", "screen", "room2", "detail", "room1"]
    assert shown("eval", views, "Stranger") == ["left", "room2", "detail", "room1", "screen", "trackercam"]
    assert shown(PromptPolicy("all"), views, "Stranger") == views
    assert shown("eval", ["room6", "room4"], "4D-OR") == ["room6", "room4"], "better another view than none"
    assert shown(PromptPolicy("all"), MMOR) == MMOR


def test_d15_the_screen_stands_in_for_itself():
    without_rooms = ["detail0", "screen", "detail2", "detail3", "trackercam"]
    assert shown("eval", without_rooms) == ["detail2", "detail0", "detail3", "screen", "trackercam"]
    assert shown("orqa-v1-eval", without_rooms) == ["detail2", "detail0", "screen", "detail3", "detail0", "trackercam"]


def test_d16_a_missing_camera_shifts_no_other():
    views = [view for view in MMOR if view not in {"room1", "detail0"}]
    assert shown("eval", views) == ["room4", "room5", "room2", "room3", "screen", "trackercam"]
    assert shown("orqa-v1-eval", views) == ["room2", "room5", "room3", "room4", "detail2", "trackercam"]
    for policy in ("train", "orqa-v1-train"):
        assert len(set(shown(policy, views))) == MAX_VIEWS
    assert "room6" in shown("orqa-v1-train", ["room1", "room2", "room4", "room5", "room6"], "4D-OR")
    assert "room6" not in shown("train", ["room1", "room2", "room4", "room5", "room6"], "4D-OR")


def test_d28_the_resolution_depends_on_the_role():
    assert [
        view_role(view) for view in ("room12", "detail", "detail3", "screen", "trackercam", "ego", "left", "screens")
    ] == [*("room", "detail", "detail", "robot_screen", "tracker_cam", "ego", "other", "other")]
    assert {one.role: one.pixels for one in made("eval").images} == {
        "room": 112_896,
        "robot_screen": 262_144,
        "tracker_cam": 112_896,
    }
    small = evolve(find_policy("eval"), pixels=100, pixels_by_role={"tracker_cam": 7})
    assert {one.role: one.pixels for one in made(small).images} == {"room": 100, "robot_screen": 100, "tracker_cam": 7}


def test_a_question_about_a_view_shows_that_alone():
    for policy in POLICIES:
        assert [one.medium for one in made(policy, view="detail3").images] == ["detail3.jpg"]
        assert made(policy, view="room9").images == ()


def test_training_shuffles_views_and_shows_seven_at_most():
    drawn = [tuple(one.medium for one in made("train", seed).images) for seed in range(300)]
    assert {len(set(one)) for one in drawn} == {MAX_VIEWS}
    assert len(set(drawn)) > 250
    counts = Counter(medium for one in drawn for medium in one)
    assert set(counts) == {f"{view}.jpg" for view in MMOR}
    assert all(150 < count < 270 for count in counts.values()), "each in 7 of 10"
