"""EgoSurgery's real layout, on files made by hand (datasets.md 5 and 9.4)."""

import json
import pickle
import shutil

import pytest

from orqa_plugin_egosurgery import EgoSurgery
from orqa_plugin_egosurgery.names import display_name, parse_frame
from orqa_registry import Box, CallError, OrqaError, Registry, validation
from orqa_registry.data import facets
from orqa_registry.data.vocabulary import TOOLS

SIZE = (1920, 1080)


def test_frames_are_those_of_the_box_files_in_order(read, root):
    takes = read(root)
    assert list(takes) == ["01_1", "02_1"]
    assert [(p.frame, p.index, p.seconds) for p in takes["01_1"]] == [
        ("01_1_0124", 124, 0.0),
        ("01_1_0125", 125, 2.0),
        ("01_1_0127", 127, 6.0),
        ("01_1_0130", 130, 12.0),
    ]
    assert [(p.frame, p.seconds) for p in takes["02_1"]] == [("02_1_0001", 0.0), ("02_1_0072", 142.0)]
    assert all(type(p.index) is int and type(p.seconds) is float for p in takes["01_1"])
    assert list(read(root, "validation")) == ["09_1"]
    assert list(read(root, "test")) == ["04_1"]


def test_a_picture_that_is_not_there_is_absent_and_its_labels_are_not(read, root):
    points = read(root)["01_1"]
    assert [list(p.media) for p in points] == [["ego.jpg"], ["ego.jpg"], [], ["ego.jpg"]]
    assert points[3].read("ego.jpg") == b"01_1_0130"
    assert "tools" in points[2].labels


def test_labels_are_joined_by_file_name(read, root):
    first, second, third, fourth = (p.labels for p in read(root)["01_1"])
    tweezers, holders, second_tweezers = (
        Box("tweezers", 100, 200, 150, 260),
        Box("needle holders", 0, 0, 10.5, 20),
        Box("tweezers", 300, 200, 350, 260),
    )
    assert first == {
        "tools": ("tweezers", "needle holders"),
        "entities": ("own hands right", "tweezers", "needle holders"),
        "boxes": {
            "ego": {"size": SIZE, "boxes": (tweezers, holders, second_tweezers, Box("own hands right", 11, 12, 24, 26))}
        },
        "actions": ("design",),
        "gaze": (0.5, 0.25),
    }
    # No row in the phase file, gaze outside the image, not in the hand file.
    assert second == {"tools": (), "entities": (), "boxes": {"ego": {"size": SIZE, "boxes": ()}}}
    assert third == {
        "tools": ("bipolar forceps",),
        "entities": ("other hands right", "bipolar forceps"),
        "boxes": {
            "ego": {
                "size": SIZE,
                "boxes": (Box("bipolar forceps", 5, 6, 12, 14), Box("other hands right", 20, 20, 40, 40)),
            }
        },
        "actions": ("incision",),
    }
    assert (fourth["tools"], fourth["entities"], fourth["actions"]) == ((), (), ("incision",))


def test_labels_survive_json_and_names_are_the_vocabulary(read, root, dataset):
    for labels in (p.labels for p in read(root)["01_1"]):
        assert facets.load_labels(json.loads(json.dumps(labels))) == labels
        assert set(labels) <= dataset.provides
        assert set(labels["tools"]) <= set(TOOLS)


@pytest.mark.parametrize(("origin", "y"), [("top", 0.25), ("bottom", 0.75)])
def test_where_y_of_the_gaze_begins_is_an_option(root, monkeypatch, origin, y):
    monkeypatch.setenv("ORQA_EGOSURGERY_GAZE_ORIGIN", origin)
    (first, *_), _ = EgoSurgery().takes(root, "train")
    assert first.labels["gaze"] == (0.5, y)
    (first, *_), _ = EgoSurgery("bottom").takes(root, "train")
    assert first.labels["gaze"] == (0.5, 0.75)


def test_an_unknown_origin_is_a_wrong_call(root, monkeypatch):
    with pytest.raises(CallError, match="gaze_origin is top or bottom, not 'left'"):
        EgoSurgery("left")
    monkeypatch.setenv("ORQA_EGOSURGERY_GAZE_ORIGIN", "middle")
    with pytest.raises(CallError, match="ORQA_EGOSURGERY_GAZE_ORIGIN is top or bottom"):
        next(EgoSurgery().takes(root, "train"))


@pytest.mark.parametrize(
    "folder", ["images", "images/01_1", "images/deep/er/01", "train/01", "train", "val/01_1", "images/train/01"]
)
def test_pictures_are_found_wherever_they_lie(read, root, write_picture, folder):
    write_picture(root, "01_1_0127", folder)
    write_picture(root, "01_1_0127", "elsewhere")
    assert read(root)["01_1"][2].read("ego.jpg") == b"01_1_0127"
    assert read(root)["01_1"][2].media["ego.jpg"].parent == root / folder


def test_one_folder_more_is_no_matter(read, root):
    (root.parent / "outer").mkdir()
    shutil.move(root, root.parent / "outer" / "EgoSurgery")
    assert list(read(root.parent / "outer")) == ["01_1", "02_1"]


@pytest.mark.parametrize("name", ["../../secret/01_1_0127.jpg", "/secret/01_1_0127.jpg", "..\\01_1_0127.jpg"])
def test_a_file_name_points_nowhere_else(read, root, write_picture, name):
    write_picture(root, "01_1_0127", "../secret")
    path = root / "annotations/bbox/by_split/tools/train.json"
    content = json.loads(path.read_text())
    content["images"][2]["file_name"] = name
    path.write_text(json.dumps(content))
    point = read(root)["01_1"][2]
    assert (point.frame, point.media, point.labels["tools"]) == ("01_1_0127", {}, ("bipolar forceps",))


def test_only_the_box_files_are_opened_before_a_take_is_iterated(dataset, root):
    takes = list(dataset.takes(root, "train"))
    shutil.rmtree(root / "images")
    shutil.rmtree(root / "gaze")
    (root / "annotations/phase/01_1.csv").write_text("Frame,Phase\n01_1_0124,hemostasis\n")
    assert [(p.media, p.labels.get("actions"), "gaze" in p.labels) for p in takes[0]] == [
        ({}, ("hemostasis",), False),
        *[({}, None, False)] * 3,
    ]


def test_a_take_can_be_sent_to_a_worker(dataset, root):
    for take in dataset.takes(root, "train"):
        assert list(pickle.loads(pickle.dumps(take))) == list(take)


@pytest.mark.parametrize(("kind", "left"), [("tools", set()), ("hands", {"tools"})])
def test_without_one_box_file_half_of_the_boxes_is_not_all(read, root, kind, left):
    (root / f"annotations/bbox/by_split/{kind}/train.json").unlink()
    for point in read(root)["01_1"]:
        assert set(point.labels) - {"actions", "gaze"} == left
    for point in read(root, "test")["04_1"]:
        assert {"tools", "entities", "boxes"} < set(point.labels), "the other splits have both"


def test_a_frame_of_the_hand_file_alone_is_not_annotated(read, root):
    path = root / "annotations/bbox/by_split/tools/train.json"
    content = json.loads(path.read_text())
    content["images"] = [entry for entry in content["images"] if entry["id"] != 0]
    content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] != 0]
    path.write_text(json.dumps(content))
    first, second, *_ = read(root)["01_1"]
    assert (first.frame, first.labels) == ("01_1_0124", {"actions": ("design",), "gaze": (0.5, 0.25)})
    assert second.labels["boxes"] == {"ego": {"size": SIZE, "boxes": ()}}


def test_without_box_files_phases_and_pictures_name_the_frames(read, root, write_file):
    shutil.rmtree(root / "annotations" / "bbox")
    write_file(root, "annotations/phase/03_3.csv", "Frame,Phase\n03_3_0001,design\n")
    takes = read(root)
    assert list(takes) == ["01_1", "02_1"], "03_3 is in no official split"
    frames = ["0120", "0124", "0125", "0127", "0130", "0131"]
    assert [p.frame for p in takes["01_1"]] == [f"01_1_{number}" for number in frames]
    assert [sorted(p.labels) for p in takes["01_1"]][:3] == [["actions"], ["actions", "gaze"], []]
    shutil.rmtree(root / "annotations")
    assert [p.frame for p in read(root)["01_1"]] == ["01_1_0124", "01_1_0125", "01_1_0130"]
    assert list(read(root, "validation")) == ["09_1"]


def test_a_split_that_is_not_there_has_no_takes(read, tmp_path, write_file):
    write_file(tmp_path, "annotations/phase/01_1.csv", "Frame,Phase\n01_1_0001,design\n")
    assert list(read(tmp_path)) == ["01_1"]
    assert read(tmp_path, "test") == {}


def test_an_empty_root_says_what_was_looked_for(dataset, tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(OrqaError, match=r"looked for annotations/bbox/by_split/tools/train\.json"):
            next(dataset.takes(root, "train"))
        with pytest.raises(OrqaError, match="holds nothing of it"):
            dataset.home(root)
    with pytest.raises(CallError, match="unknown split 'val'"):
        next(dataset.takes(tmp_path, "val"))


def test_checks_count_beside_the_known_numbers(dataset, root):
    (root / "annotations/bbox/by_split/hands/test.json").unlink()
    checks = {check.what: check for check in dataset.checks(root)}
    assert (checks["train: boxes of tools"].found, checks["train: boxes of tools"].expected) == (5, 32272)
    assert (checks["train: boxes of hands"].found, checks["train: boxes of hands"].expected) == (4, 27726)
    assert (checks["train: images with a phase"].found, checks["train: segments"].found) == (5, 2)
    assert checks["validation: images in the file of tools"].expected == 1515
    assert "there is no annotations/bbox/by_split/hands/test.json" in checks["test: boxes of hands"].note
    assert sum(check.expected for what, check in checks.items() if "boxes of tools" in what) == 49652
    assert sum(check.expected for what, check in checks.items() if "boxes of hands" in what) == 46320


def test_the_dataset_is_what_the_registry_wants(dataset):
    validation.check_attributes(dataset)
    import orqa_plugin_egosurgery

    registry = Registry()
    registry.register("egosurgery", orqa_plugin_egosurgery)
    assert registry.dataset("egosurgery").name == "EgoSurgery"
    assert [len(takes) for takes in dataset.official.values()] == [13, 3, 6]
    assert {medium for piece in dataset.pieces for medium in piece.media} == set(dataset.media)
    assert {facet for piece in dataset.pieces for facet in piece.facets} == dataset.provides - {"clock"}


def test_names():
    assert parse_frame("a/b/01_1_0124.jpg") == parse_frame(" 01_1_0124 ") == "01_1_0124"
    wrong = (
        "01_1_124",
        "01_1_0124.x.jpg",
        "1_1_0124.jpg",
        "01_1_00124.jpg",
        "01_1_.jpg",
        "0\u0661_1_0124",
        "",
        None,
        7,
    )
    assert [parse_frame(name) for name in wrong] == [None] * len(wrong)
    assert display_name(" Needle_Holders ") == "needle holders"
