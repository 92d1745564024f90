"""4D-OR's real layout, on files made by hand: what is irregular there is irregular here."""

import json
import pickle
from pathlib import Path

import pytest

from orqa_registry import CallError, DataWarning, OrqaError, Registry, Triplet

NANOSECONDS = 1_000_000_000


def take(root, number, rows=3, *, skip=()):
    """Write a take: a clock in nanoseconds since 1970, and another image number for each camera."""
    folder = root / f"export_holistic_take{number}_processed"
    (folder / "colorimage").mkdir(parents=True)
    index = []
    for k in range(rows):
        streams = {"pcd": f"{k:06d}", "depth_1": "7", **{f"color_{c}": f"{10 * c + k:06d}" for c in range(1, 7)}}
        index.append([str(1_617_000_000 * NANOSECONDS + k * NANOSECONDS), streams])
        for c in range(1, 7):
            if (k, c) not in skip:
                (folder / "colorimage" / f"camera0{c}_colorimage-{10 * c + k:06d}.jpg").write_bytes(b"%d %d" % (k, c))
    (folder / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(index))
    return folder


def relationships(path, entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"take_name": t, "frame_id": f, "relationships": r} for t, f, r in entries]
    path.write_text(json.dumps(rows))


@pytest.fixture
def dataset():
    return Registry.load().dataset("4D-OR")


def read(dataset, root, split="validation"):
    return {take.name: list(take) for take in dataset.takes(root, split)}


def test_images_are_found_by_camera_and_a_missing_one_is_absent(dataset, tmp_path):
    take(tmp_path, 4, skip={(1, 2)})
    points = read(dataset, tmp_path)["004_4DOR"]
    assert points[0].views == [f"room{c}" for c in (2, 1, 3, 5, 4, 6)], "as ORQA shows them"
    assert points[1].views == ["room1", "room3", "room5", "room4", "room6"]
    assert points[2].read("room5.jpg") == b"2 5"


def test_the_clock_is_in_seconds_from_the_start(dataset, tmp_path):
    take(tmp_path, 4)
    assert [(p.frame, p.index, p.seconds) for p in read(dataset, tmp_path)["004_4DOR"]] == [
        ("000000", 0, 0.0),
        ("000001", 1, 1.0),
        ("000002", 2, 2.0),
    ]


@pytest.mark.parametrize("folder", ["data", "."])
def test_scene_graphs_of_the_relationships_file(dataset, tmp_path, folder):
    take(tmp_path, 4)
    entries = [("004_4DOR", "000000", []), ("004_4DOR", "000002", [["head_surgeon", "patient", "drilling"]])]
    relationships(tmp_path / folder / "relationships_validation.json", entries)
    first, second, third = read(dataset, tmp_path)["004_4DOR"]
    assert dict(first.labels) == {"relations": (), "actions": (), "tools": ()}
    assert dict(second.labels) == {}, "a frame that is not in the file is not annotated"
    assert third.labels["relations"] == (Triplet("head_surgeon", "drilling", "patient"),)
    assert (third.labels["actions"], third.labels["tools"]) == (("drilling",), ("drill",))


def test_scene_graphs_of_the_raw_labels(dataset, tmp_path):
    folder = take(tmp_path, 4)
    (folder / "relation_labels").mkdir()
    raw = {
        "rel_annotations": [
            ["human_0", "Cutting", "Patient", "hand", "leg"],
            ["human_1", "CloseTo", "instrument_table", "", ""],
            ["human_7", "Touching", "Patient", "", ""],
            ["human_2", "Operating", "anesthesia_equipment", "", ""],
        ],
        "human_name_annotations": {"human_0": "head-surgeon", "human_1": "none", "human_2": "anaesthetist"},
    }
    (folder / "relation_labels" / "000001.json").write_text(json.dumps(raw))
    (folder / "relation_labels" / "000002.json").write_text('{"rel_annotations": []}')
    first, second, third = read(dataset, tmp_path)["004_4DOR"]
    assert dict(first.labels) == {}
    assert third.labels["relations"] == ()
    assert second.labels["relations"] == (
        Triplet("anaesthetist", "manipulating", "anesthesia_equipment"),
        Triplet("circulator", "closeTo", "instrument_table"),
        Triplet("head_surgeon", "holding", "instrument"),
        Triplet("head_surgeon", "closeTo", "operating_table"),
        Triplet("head_surgeon", "cutting", "patient"),
        Triplet("patient", "lyingOn", "operating_table"),
    )


def test_splits_are_the_official_ones(dataset, tmp_path):
    for number in (1, 2, 4, 10):
        take(tmp_path, number, rows=1)
    take_names = {split: list(read(dataset, tmp_path, split)) for split in dataset.splits}
    assert take_names == {"train": ["001_4DOR", "010_4DOR"], "validation": ["004_4DOR"], "test": ["002_4DOR"]}


def test_one_folder_more_is_no_matter(dataset, tmp_path):
    take(tmp_path / "4D-OR_data", 4)
    assert list(read(dataset, tmp_path)) == ["004_4DOR"]


def test_nothing_is_read_before_a_take_is_iterated(dataset, tmp_path):
    folder = take(tmp_path, 4)
    (lazy_take,) = dataset.takes(tmp_path, "validation")
    (folder / "timestamp_to_pcd_and_frames_list.json").write_text("[]")
    assert list(lazy_take) == []


def test_an_index_cannot_point_out_of_its_folder(dataset, tmp_path):
    folder = take(tmp_path, 4, rows=1)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    index = folder / "timestamp_to_pcd_and_frames_list.json"
    index.write_text(json.dumps([["0", {"color_1": "/../../../secret"}]]))
    assert read(dataset, tmp_path)["004_4DOR"][0].media == {}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("timestamp_to_pcd_and_frames_list.json", "{", "not JSON"),
        ("timestamp_to_pcd_and_frames_list.json", "{}", "a list of frames was expected"),
        ("timestamp_to_pcd_and_frames_list.json", '[["soon", {}]]', "row 0"),
        ("timestamp_to_pcd_and_frames_list.json", '[["1", {}], ["2"]]', "row 1"),
    ],
)
def test_damaged_files_are_named(dataset, tmp_path, file, text, message):
    path = take(tmp_path, 4) / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(OrqaError, match=message) as caught:
        read(dataset, tmp_path)
    assert path.name in str(caught.value)


def test_raw_labels_stand_in_for_a_damaged_file_of_scene_graphs(dataset, tmp_path):
    folder = take(tmp_path, 4) / "relation_labels"
    folder.mkdir()
    (folder / "000001.json").write_text('{"rel_annotations": [["Patient", "CloseTo", "drape"]]}')
    (tmp_path / "relationships_validation.json").write_text('[{"take_name": "004_4DOR"}]')
    with pytest.warns(DataWarning, match=r"relationships_validation\.json: entry 0"):
        points = read(dataset, tmp_path)["004_4DOR"]
    assert Triplet("patient", "closeTo", "drape") in points[1].labels["relations"]


def test_timepoints_travel_to_other_processes(dataset, tmp_path):
    folder = take(tmp_path, 4) / "relation_labels"
    folder.mkdir()
    (folder / "000001.json").write_text('{"rel_annotations": []}')
    (lazy_take,) = dataset.takes(tmp_path, "validation")
    points = list(pickle.loads(pickle.dumps(lazy_take)))
    copies = [pickle.loads(pickle.dumps(point)) for point in points]
    assert [dict(point.labels) for point in copies] == [dict(point.labels) for point in points]
    assert [dict(point.media) for point in copies] == [dict(point.media) for point in points]


def test_an_unknown_split_offers_the_known_ones(dataset, tmp_path):
    with pytest.raises(CallError, match="did you mean 'validation'"):
        list(dataset.takes(tmp_path, "valid"))


@pytest.mark.parametrize("text", ["[]", "{", '{"rel_annotations": [["a"]]}', '{"rel_annotations": [[1, 2, 3]]}'])
def test_a_damaged_raw_label_costs_its_timepoint_alone(dataset, tmp_path, text):
    folder = take(tmp_path, 4) / "relation_labels"
    folder.mkdir()
    (folder / "000000.json").write_text(text)
    (folder / "000001.json").write_text('{"rel_annotations": []}')
    first, second, third = read(dataset, tmp_path)["004_4DOR"]
    assert first.available_facets - {"clock"} == {"relations", "actions", "tools"}
    with pytest.warns(DataWarning, match=r"000000\.json"):
        assert dict(first.labels) == {}
    assert dict(second.labels) == {"relations": (), "actions": (), "tools": ()}
    assert dict(third.labels) == {}


@pytest.mark.parametrize("make", [lambda root: None, lambda root: (root / "export_holistic_take4_processed").mkdir()])
def test_an_empty_root_says_what_was_looked_for(dataset, tmp_path: Path, make):
    make(tmp_path)
    with pytest.raises(OrqaError, match=r"looked for export_holistic_take1_processed/timestamp_to_pcd"):
        read(dataset, tmp_path)
