"""MVOR's real layout, on files made by hand: what is read, and from where."""

import json
import pickle
import subprocess
import sys

import pytest

from orqa_registry import OrqaError
from orqa_registry.data import facets


def test_takes_are_rows_and_splits_are_labels(dataset, root, read):
    root.all()
    splits = {split: read(root.folder, split) for split in dataset.splits}
    frames = {
        split: {take: [point.frame for point in points] for take, points in takes.items()}
        for split, takes in splits.items()
    }
    assert frames == {
        "train": {"001": ["000001", "000002"]},
        "validation": {"002": ["000000"], "003": ["000000"]},
        "test": {"000": ["000000", "000001", "000002"]},
    }, "a frame belongs to the first clip that holds it, and a clip without frames is no take"
    point = splits["train"]["001"][1]
    assert (point.key, point.index, point.seconds) == ("MVOR/001/000002", 2, None)


def test_official_takes(dataset):
    assert {split: len(takes) for split, takes in dataset.official.items()} == {"train": 19, "validation": 5, "test": 2}
    assert [take for _, take in dataset.layout().takes][:4] == ["000", "001", "016", "023"]
    assert set(dataset.layout().takes) == {(split, take) for split, takes in dataset.official.items() for take in takes}
    assert dataset.layout().sizes == {"room1": (640, 480), "room2": (640, 480), "room3": (640, 480)}


def test_actions_in_lower_case_and_out_is_no_annotation(root, read):
    root.all()
    first, second, third = read(root.folder)["000"]
    assert first.labels["actions"] == ("sterile preparation",)
    assert second.labels["actions"] == ("ct roll in",)
    assert "actions" not in third.labels
    assert read(root.folder, "train")["001"][0].labels["actions"] == ("c arm scanning",)


def test_people_are_rows_and_a_patient_where_there_is_a_centre(root, read):
    root.all()
    assert [point.labels["roles"] for point in read(root.folder)["000"]] == [
        ("human 1", "human 2", "patient"),
        (),
        tuple(f"human {number}" for number in range(1, 7)),
    ]
    assert read(root.folder, "validation")["002"][0].labels["roles"] == ("patient",)


def test_entities_in_display_form(root, read):
    root.all()
    first, second, _ = read(root.folder)["000"]
    assert first.labels["entities"] == ("human 1", "human 2", "patient", "operating table", "ct machine")
    assert second.labels["entities"] == ("operating table", "ct machine")
    assert "c-arm base" in read(root.folder, "validation")["003"][0].labels["entities"], "hyphens stay"


def test_keypoints_are_those_of_the_image(root, read):
    root.all()
    first, second, third = read(root.folder)["000"]
    people = json.loads(first.read("room2.keypoints.json"))
    assert [person["person_role"] for person in people] == ["clinician", "patient"]
    assert people[0] == {
        "bbox": [1.5, 2.0, 30.0, 40.0],
        "keypoints": [5.0, 6.0, 2] * 10,
        "person_role": "clinician",
        "person_id": 0,
        "only_bbox": 0,
        "face_blurred": 1,
    }
    assert json.loads(second.read("room1.keypoints.json")) == [], "annotated, and nobody there"
    assert "room1.keypoints.json" not in third.media, "not annotated"


def test_media_and_views(root, read):
    root.all()
    first, second, _ = read(root.folder)["000"]
    assert first.views == ["room3", "room1", "room2"], "as ORQA shows them"
    assert first.media["room3.depth.png"] == root.folder / "day1/cam3/depth/000000.png"
    assert set(second.media) == {
        *(f"room{camera}.keypoints.json" for camera in (1, 2, 3)),
        *("calibration.json", "poses.json", "objects.json"),
    }


def test_labels_survive_json(root, read):
    root.all()
    for split in ("train", "validation", "test"):
        for points in read(root.folder, split).values():
            for point in points:
                labels = dict(point.labels)
                assert facets.load_labels(json.loads(json.dumps(labels))) == labels


def test_what_is_read_can_be_handed_to_another_process(root, dataset):
    root.all()
    (take,) = dataset.takes(root.folder, "test")
    for point in pickle.loads(pickle.dumps(take)):
        copy = pickle.loads(pickle.dumps(point))
        assert dict(copy.labels) == dict(point.labels)
        assert {name: copy.read(name) for name in copy.media} == {name: point.read(name) for name in point.media}


def test_no_file_of_a_frame_is_opened_before_it_is_needed(root, read):
    root.all()
    for path in root.folder.rglob("*"):
        if path.suffix in {".png", ".npy", ".npz", ".ply"}:
            path.write_bytes(b"damaged")
    point = read(root.folder)["000"][0]
    assert point.labels.available_facets >= {"roles", "entities", "boxes", "positions"}


def test_listing_it_imports_nothing_heavy():
    code = "import sys, orqa_plugin_mvor as m; m.MVOR().layout; print({'numpy', 'PIL', 'plyfile'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


@pytest.mark.parametrize("path", ["camma_mvor_2018.json", "annotations/camma_mvor_2018.json"])
@pytest.mark.parametrize("archive_folder", [".", "camma_mvor_dataset"])
def test_places_of_a_download(dataset, tmp_path, root, read, path, archive_folder):
    root.folder = tmp_path / archive_folder
    root.folder.mkdir(exist_ok=True)
    root.tables()
    root.annotations(path)
    root.image(1, 1, 0)
    assert dataset.home(tmp_path) == tmp_path / archive_folder
    assert set(read(tmp_path)["000"][0].media) >= {"room1.png", "room2.keypoints.json", "calibration.json"}


def test_additions_beside_the_wrapping_folder(tmp_path, root, read):
    root.tables()
    root.folder = tmp_path / "camma_mvor_dataset"
    root.image(1, 1, 0)
    root.annotations()
    assert set(read(tmp_path)["000"][0].media) >= {"room1.png", "room2.keypoints.json"}


def test_frames_without_label_files_are_those_with_images(root, read):
    root.tables()
    (root.folder / "frame_labels.csv").unlink()
    (root.folder / "splits.json").unlink()
    root.image(1, 2, 1)
    root.image(1, 3, 3)
    assert [point.frame for point in read(root.folder)["000"]] == ["000001"]


def test_without_clips_it_is_said_where_they_come_from(root, read):
    root.image(1, 1, 0)
    with pytest.raises(OrqaError, match=r"clips\.csv: not there.*mvor_additional\.zip"):
        read(root.folder)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "day9").mkdir()])
def test_an_empty_root_says_what_was_looked_for(dataset, tmp_path, make):
    make(tmp_path)
    with pytest.raises(OrqaError, match=r"looked for clips\.csv, camma_mvor_2018\.json or"):
        dataset.home(tmp_path)
    with pytest.raises(OrqaError, match="holds nothing of it"):
        dataset.home(tmp_path / "missing")


def test_what_is_not_known_is_absent(root, read):
    root.tables()
    root.annotations()
    assert "roles" not in read(root.folder)["000"][0].labels
    root.people(1, 0, [[[0, 0, 1000]] * 10])
    assert "roles" not in read(root.folder)["000"][0].labels, "whether there is a patient is not known"
    root.dictionary("patient_centers_GT.npz", {})
    point = read(root.folder)["000"][0]
    assert point.labels["roles"] == ("human 1",)
    assert not {"entities", "boxes", "positions"} & set(point.labels), "which objects there are is not known"


def test_checks_count_what_is_there(dataset, root):
    root.all()
    counts = {check.what: (check.found, check.expected) for check in dataset.checks(root.folder)}
    assert counts["color images of day 1"] == (3, 171)
    assert counts["depth images of day 2"] == (3, 990)
    assert counts["multi-view frames"] == (2, 732)
    assert counts["2D boxes and poses of people"] == (2, 4699)
    assert counts["3D poses of people"] == (1, 1061)
    assert counts["frames with 3D poses"] == (3, 629)
    assert counts["frames with object poses"] == (7, 732)
    assert counts["clips"] == (5, 26)
    assert counts["frames in splits"] == (7, 729)
    assert counts["frames that clips and splits put into different splits"] == (0, 0)
    assert counts["object scans"] == (2, 23)
