"""What is written is read back the same, and what is irregular in a download is irregular in it."""

import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orqa_plugin_egosurgery import EgoSurgery
from orqa_plugin_egosurgery.names import BOX_FILES, HANDS, PHASES, TOOL_CLASSES, display_name
from orqa_registry import Box, OrqaError, Take, Timepoint

TOOL_NAMES = tuple(map(display_name, TOOL_CLASSES))
HAND_NAMES = tuple(map(display_name, HANDS))
SIZE = (1920, 1080)


def point(take, number, split="train", media=None, **labels):
    return Timepoint("EgoSurgery", split, take, f"{take}_{number:04d}", number, None, media or {}, labels)


def take(*points):
    return Take("EgoSurgery", points[0].split, points[0].take, lambda: iter(points))


def ego(*boxes, size=SIZE):
    return {"ego": {"size": size, "boxes": boxes}}


def by_take(dataset, root):
    return {
        read_take.name: {p.frame: p for p in read_take}
        for split in dataset.splits
        for read_take in dataset.takes(root, split)
    }


halves = st.integers(-40, 4000).map(lambda number: number / 2)
lengths = st.integers(1, 800).map(lambda number: number / 2)
corners = st.tuples(halves, halves, lengths, lengths).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def boxes_of(names):
    return st.lists(st.tuples(st.sampled_from(names), corners), max_size=4).map(
        lambda pairs: tuple(Box(name, *box) for name, box in pairs)
    )


shares = st.floats(0, 1)
timepoints = st.fixed_dictionaries(
    {
        "tools": st.none() | boxes_of(TOOL_NAMES),
        "hands": boxes_of(HAND_NAMES),
        "picture": st.none() | st.binary(max_size=4),
    },
    optional={"phase": st.sampled_from(PHASES), "gaze": st.tuples(shares, shares)},
)
takes = st.dictionaries(
    st.sampled_from([("train", "01_1"), ("train", "14_2"), ("validation", "09_1"), ("test", "04_1")]),
    st.dictionaries(st.integers(0, 9999), timepoints, min_size=1, max_size=4),
    max_size=3,
)


def labels_of(drawn):
    """Return the labels of a timepoint made by the strategy; one without tools has boxes that cannot be carried."""
    labels = {"boxes": ego(*(drawn["tools"] or ()), *drawn["hands"])}
    if drawn["tools"] is not None:
        labels["tools"] = tuple(dict.fromkeys(box.entity for box in drawn["tools"]))
        labels["entities"] = tuple(dict.fromkeys(box.entity for box in (*drawn["hands"], *drawn["tools"])))
    if "phase" in drawn:
        labels["actions"] = (drawn["phase"],)
    if "gaze" in drawn:
        labels["gaze"] = drawn["gaze"]
    return labels


def carried(points, boxed):
    """Return (frame, index, seconds, labels, picture) of what is read of a take; boxed: its split has box files."""
    kept = [p for p in points if ("tools" in p.labels if boxed else p.media or "actions" in p.labels)]
    rows = []
    for p in kept:
        labels = {facet: value for facet, value in p.labels.items() if boxed or facet != "boxes"}
        rows.append((p.frame, p.index, 2.0 * (p.index - kept[0].index), labels, p.media.get("ego.jpg")))
    return rows


@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(takes)
def test_what_is_written_is_read_back(tmp_path_factory, drawn_takes):
    root = tmp_path_factory.mktemp("written", numbered=True)
    dataset = EgoSurgery("top")
    written, expected = [], {}
    boxed = {
        split
        for (split, _), frames in drawn_takes.items()
        if any(drawn["tools"] is not None for drawn in frames.values())
    }
    for (split, name), frames in drawn_takes.items():
        points = []
        for number, drawn in sorted(frames.items()):
            media = {} if drawn["picture"] is None else {"ego.jpg": drawn["picture"]}
            points.append(point(name, number, split, media, **labels_of(drawn)))
        written.append(take(*points))
        if kept := carried(points, split in boxed):
            expected[name] = kept
    dataset.layout().write(root, written)
    for split, file in BOX_FILES.items():
        has_files = [(root / f"annotations/bbox/by_split/{kind}/{file}").is_file() for kind in ("tools", "hands")]
        assert has_files == [split in boxed] * 2
    if not expected:
        assert {path.name for path in root.iterdir()} <= {"gaze"}
        return
    read_rows = {}
    for split in dataset.splits:
        for read_take in dataset.takes(root, split):
            read_rows[read_take.name] = [
                (p.frame, p.index, p.seconds, p.labels, p.read("ego.jpg") if p.media else None) for p in read_take
            ]
    assert read_rows == expected


@pytest.fixture
def written(dataset, tmp_path):
    """Write a take with everything that the layout makes irregular, and one of another split."""
    tweezers, hand = Box("tweezers", 1, 2, 3, 4), Box("own hands right", 5, 6, 7.5, 8)
    twice = ego(tweezers, Box("tweezers", 10, 10, 20, 20), hand)
    first = point(
        "01_1",
        7,
        media={"ego.jpg": lambda: b"jpg"},
        tools=("tweezers",),
        boxes=twice,
        actions=("design",),
        gaze=(0.25, 1),
    )
    second = point("01_1", 9, tools=("tweezers",), boxes=ego(tweezers, size=(32, 24)), actions=())
    third = point("01_1", 10, tools=(), boxes=ego(hand), actions=("incision", "closure"), gaze=(0.5, 0.5))
    other = point("09_1", 1, "validation", boxes=ego(), actions=("closure",))
    dataset.layout().write(tmp_path, [take(first, second, third), take(other)])
    return tmp_path


def test_the_layout_is_as_irregular_as_the_download(written):
    tools, hands = (
        json.loads((written / f"annotations/bbox/by_split/{kind}/train.json").read_text())
        for kind in ("tools", "hands")
    )
    ids = [{entry["file_name"]: entry["id"] for entry in file["images"]} for file in (tools, hands)]
    assert ids == [
        {f"01_1_{n}.jpg": k for k, n in enumerate(("0007", "0009", "0010"))},
        {"01_1_0010.jpg": 1, "01_1_0007.jpg": 2},
    ]
    assert [entry["bbox"][2] for entry in hands["annotations"]] == [2.5, 0, 2.5]
    assert [entry["name"] for entry in tools["categories"]] == list(TOOL_CLASSES)
    with (written / "annotations/phase/01_1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["Frame", "Phase"], ["01_1_0007", "design"], ["01_1_0010", "incision"], ["01_1_0011", "incision"]]
    with (written / "gaze/01_1.csv").open(newline="") as file:
        rows = [row[1] for row in csv.reader(file)]
    assert rows == [" Frame", "01_1_0007", "01_1_0007", "01_1_0010"]
    assert [path.name for path in written.rglob("*.jpg")] == ["01_1_0007.jpg"]


def test_what_the_layout_cannot_carry_is_left_out(dataset, written):
    read_takes = by_take(dataset, written)
    first, second, third = read_takes["01_1"].values()
    assert first.read("ego.jpg") == b"jpg"
    assert first.labels["gaze"] == (0.25, 1)
    assert [box.entity for box in first.labels["boxes"]["ego"]["boxes"]] == ["tweezers", "tweezers", "own hands right"]
    assert second.labels["boxes"]["ego"]["size"] == (32, 24)
    assert "actions" not in second.labels
    assert third.labels["actions"] == ("incision",)
    (other,) = read_takes["09_1"].values()
    assert other.labels == {"actions": ("closure",)}, "its tools are not annotated"


def test_boxes_without_tools_are_left_out(dataset, tmp_path):
    hand = Box("own hands left", 1, 2, 3, 4)
    points = [point("01_1", 1, boxes=ego(hand), actions=("design",)), point("01_1", 2, tools=(), boxes=ego())]
    dataset.layout().write(tmp_path, [take(*points)])
    (timepoint,) = by_take(dataset, tmp_path)["01_1"].values()
    assert (timepoint.frame, timepoint.labels) == ("01_1_0002", {"tools": (), "entities": (), "boxes": ego()})


def test_boxes_of_other_things_and_other_views_are_left_out(dataset, tmp_path):
    flat, odd = Box("gauze", 5, 5, 5, 9), Box("gauze", 5, 5, float("inf"), 9)
    boxes = {
        "room1": {"size": (9, 9), "boxes": (Box("gauze", 0, 0, 1, 1),)},
        **ego(Box("drill", 0, 0, 1, 1), flat, odd),
    }
    points = [
        point("01_1", 1, tools=("drill",), boxes=boxes, gaze=(0.5, 1.5), actions=("a\nb",)),
        point("01_1", 2, tools=("drill",), actions=("closure",)),
    ]
    dataset.layout().write(tmp_path, [take(*points)])
    (timepoint,) = by_take(dataset, tmp_path)["01_1"].values()
    assert timepoint.labels == {"tools": (), "entities": (), "boxes": ego()}


def test_without_boxes_there_are_no_box_files(dataset, tmp_path):
    points = [point("01_1", 1, actions=("design",)), point("01_1", 5, media={"ego.jpg": b"x"}, gaze=(0.5, 0.5))]
    dataset.layout().write(tmp_path, [take(*points)])
    assert not (tmp_path / "annotations" / "bbox").exists()
    timepoints = by_take(dataset, tmp_path)["01_1"]
    assert {frame: p.labels for frame, p in timepoints.items()} == {p.frame: p.labels for p in points}


def test_the_origin_of_the_gaze_is_that_of_the_dataset(tmp_path):
    EgoSurgery("bottom").layout().write(tmp_path, [take(point("01_1", 1, actions=("design",), gaze=(0.5, 0.25)))])
    assert by_take(EgoSurgery("bottom"), tmp_path)["01_1"]["01_1_0001"].labels["gaze"] == (0.5, 0.25)
    assert by_take(EgoSurgery("top"), tmp_path)["01_1"]["01_1_0001"].labels["gaze"] == (0.5, 0.75)


@pytest.mark.parametrize(
    ("timepoint", "message"),
    [
        (Timepoint("d", "train", "01_1", "000003", 3), "a frame of take 01_1 is 01_1_NNNN, not '000003'"),
        (Timepoint("d", "train", "01_1", "02_1_0003", 3), "not '02_1_0003'"),
        (Timepoint("d", "train", "../x", "../x_0003", 3), r"takes VV_S.* '\.\./x'"),
        (Timepoint("d", "demo", "01_1", "01_1_0003", 3), "in 'demo' cannot be written"),
    ],
)
def test_names_that_the_layout_cannot_hold(dataset, tmp_path, timepoint, message):
    with pytest.raises(OrqaError, match=message):
        dataset.layout().write(tmp_path, [take(timepoint)])
    assert list(tmp_path.iterdir()) == []


def test_small_copies_have_every_split(dataset):
    layout = dataset.layout()
    assert layout.takes[:4] == (("train", "01_1"), ("train", "02_1"), ("validation", "09_1"), ("test", "04_1"))
    assert len(set(layout.takes)) == len(layout.takes) == 22
    assert layout.sizes == {"ego": SIZE}
