"""What people annotated of MM-OR, on files made by hand (see conftest): by row, whichever file it stands in."""

import json

from orqa_registry import Triplet
from orqa_registry.data import facets


def test_scene_graphs_of_the_relationships_file(points):
    labels = [p.labels for p in points]
    assert [timepoint_labels.get("relations") for timepoint_labels in labels] == [
        (),
        None,
        None,
        (Triplet("mps", "calibrating", "mako_robot"), Triplet("nurse", "holding", "saw")),
        (Triplet("head_surgeon", "drilling", "patient"),),
        None,
    ]
    assert [timepoint_labels.get("actions") for timepoint_labels in labels] == [
        (),
        None,
        None,
        ("calibrating",),
        ("drilling",),
        None,
    ]
    assert [timepoint_labels.get("tools") for timepoint_labels in labels] == [
        (),
        None,
        None,
        ("saw",),
        ("drill",),
        None,
    ]
    assert [timepoint_labels.get("robot_calibrated") for timepoint_labels in labels] == [
        False,
        None,
        None,
        True,
        True,
        None,
    ]


def test_raw_scene_graphs_of_takes_that_share_a_folder(read, root):
    takes = read(root)
    assert [p.labels.get("relations") for p in takes["012_1_PKA_MMOR"]] == [(), None]
    first, second = takes["012_2_PKA_MMOR"]
    assert first.labels["relations"] == (Triplet("nurse", "preparing", "instrument_table"),)
    assert second.labels.get("relations") is None
    assert [takes[f"012_{k}_PKA_MMOR"][0].read("room2.jpg") for k in (1, 2)] == [b"012_1_PKA", b"012_2_PKA"]


def test_raw_names_are_spelled_out_and_followed_by_what_they_imply(read, root):
    (root / "data" / "relationships_train.json").unlink()
    rows = [["anest", "CloseTo", "ae"], ["head-surgeon", "Drilling", "Patient"], ["nurse", "operating", "ot"]]
    (root / "001_PKA" / "relation_labels" / "000004.json").write_text(json.dumps({"rel_annotations": rows}))
    points = read(root)["001_PKA_MMOR"]
    assert points[4].labels["relations"] == (
        Triplet("anaesthetist", "closeTo", "anesthesia_equipment"),
        Triplet("head_surgeon", "closeTo", "operating_table"),
        Triplet("head_surgeon", "drilling", "patient"),
        Triplet("nurse", "manipulating", "operating_table"),
        Triplet("patient", "lyingOn", "operating_table"),
    )
    assert points[4].labels["tools"] == ("drill",)
    assert "relations" not in points[0].labels


def test_of_007_every_third_raw_label_counts(read, root):
    points = read(root, "validation")["007_TKA_MMOR"]
    assert [p.frame for p in points if "relations" in p.labels] == ["000000", "000003", "000006"]
    assert [p.labels["robot_calibrated"] for p in points if "relations" in p.labels] == [False, True, True]


def test_breaches_and_phases_are_of_the_row(points):
    assert [p.labels.get("sterility_breach") for p in points] == [
        (),
        None,
        None,
        ("circulator touching instrument_table", "nurse touching mps"),
        None,
        None,
    ]
    assert "robot_phase" not in points[4].labels
    assert [p.labels["robot_phase"] for p in points[:4]] == [
        *("Initial Calibration by MPS", None, None, "Dressing the robot, to make it sterile"),
    ]


def test_phases_of_004_are_none(read, root):
    (point,) = read(root, "test")["004_PKA_MMOR"]
    assert "robot_phase" not in point.labels


def test_every_value_is_of_its_facets_shape(read, dataset, root):
    seen_facets = set()
    for split in dataset.splits:
        for points in read(root, split).values():
            for point in points:
                labels = dict(point.labels)
                assert facets.load_labels(json.loads(json.dumps(labels))) == labels
                seen_facets |= {facet for facet in labels if ":" not in facet}
                assert set(point.media) <= set(dataset.media)
    assert seen_facets | {"attributes", "clock"} == dataset.provides
