"""Damaged files are named, and cost what they hold and no more."""

import io
import json
import sys
import zipfile

import numpy as np
import pytest

from orqa_registry import DataWarning, MissingLibraryError, OrqaError

HOSTILE = b"\x80\x03cposix\nsystem\nX\x04\x00\x00\x00true\x85R."


def npz(pickled):
    member, content = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("arr_0.npy", member.getvalue() + pickled)
    return content.getvalue()


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


@pytest.mark.parametrize(("module", "medium"), [("plyfile", "points.npy"), ("numpy", "objects.json")])
def test_a_library_that_is_not_installed_is_no_damage(root, read, monkeypatch, module, medium):
    root.all()
    point = read(root.folder)["000"][0]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibraryError, match=rf"{module}: pip install 'orqa-plugin-mvor\["):
        point.read(medium)


LISTS = {"roles", "entities", "boxes", "positions"}


@pytest.mark.parametrize(
    ("path", "content", "message", "lost"),
    [
        ("object_poses_3D/day_1_frame_000000.npz", npz(HOSTILE), "posix.system", {"entities", "boxes", "positions"}),
        ("object_poses_3D/day_1_frame_000000.npz", b"PK", "expected arrays", {"entities", "boxes", "positions"}),
        ("human_poses_3D/pred_day_1_frame_000000.npy", npy(np.zeros((2, 12, 3))), r"\(2, 12, 3\)", LISTS),
        ("human_poses_3D/pred_day_1_frame_000000.npy", npy(np.zeros((2, 10, 3), dtype=int)), "floats", LISTS),
        ("human_poses_3D/pred_day_1_frame_000000.npy", b"\x93NUMPY", "000000.npy", LISTS),
        ("human_poses_3D/pred_day_1_frame_000000.npy", npy(np.zeros((1 << 10, 10, 3)))[:999], "bytes", LISTS),
        ("patient_centers_GT.npz", npz(HOSTILE), "posix.system", LISTS),
        ("dummy_patient_pose.json", b"[[1, 2, 3]]", "dummy_patient_pose", set()),
        ("object_scans/ct_machine/1.ply", b"ply\n", "ct_machine/1.ply", set()),
    ],
)
def test_a_damaged_file_costs_what_it_says(root, read, path, content, message, lost):
    root.all()
    before = {point.frame: dict(point.labels) for point in read(root.folder)["000"]}
    root.put(path, content)
    with pytest.warns(DataWarning, match=message) as caught:
        after = {point.frame: dict(point.labels) for point in read(root.folder)["000"]}
    assert all(path in str(warning.message) for warning in caught)
    assert set(before["000000"]) - set(after["000000"]) == lost
    assert after["000000"]["actions"] == before["000000"]["actions"]
    if "frame_" in path:
        assert (after["000001"], after["000002"]) == (before["000001"], before["000002"])


def test_media_that_need_a_damaged_file_say_so_when_read(root, read):
    root.all()
    root.put("object_poses_3D/day_1_frame_000000.npz", npz(HOSTILE))
    root.put("human_poses_3D/pred_day_1_frame_000000.npy", b"")
    root.put("point_clouds/day1_frame_000000.ply", b"ply")
    point = read(root.folder)["000"][0]
    for medium in ("objects.json", "poses.json", "points.npy"):
        with pytest.raises(OrqaError, match="1_frame_000000"):
            point.read(medium)
    assert point.read("room1.png") == (root.folder / "day1/cam1/color/000000.png").read_bytes()


@pytest.mark.parametrize("kind", ["color", "depth"])
def test_a_truncated_image_costs_its_camera_in_the_cloud(root, read, kind):
    root.all()
    path = root.folder / f"day2/cam1/{kind}/000001.png"
    path.write_bytes(path.read_bytes()[:300])
    point = read(root.folder, "train")["001"][0]
    with pytest.warns(DataWarning, match=f"day2/cam1/{kind}/000001.png"):
        cloud = point.read("points.npy")
    assert len(cloud) > 5000 * 6 * 4


def test_images_of_another_size_make_no_cloud(root, read, helpers):
    root.all()
    for camera in (1, 2, 3):
        root.put(f"day2/cam{camera}/depth/000001.png", helpers["plane"](1000, 32, 24))
    point = read(root.folder, "train")["001"][0]
    with (
        pytest.warns(DataWarning, match="32 x 24 pixels"),
        pytest.raises(OrqaError, match="no depth in frame 2_000001"),
    ):
        point.read("points.npy")


@pytest.mark.parametrize(
    ("name", "pose", "message"),
    [
        ("../../../etc/passwd", np.eye(4), "expected a scan such as"),
        ("object_scans/../x/1.ply", np.eye(4), "expected a scan such as"),
        ("object_scans/x/1.ply", np.eye(3), "finite numbers"),
        ("object_scans/x/1.ply", np.full((4, 4), np.nan), "finite numbers"),
        ("object_scans/x/1.ply", "soon", "expected numbers"),
    ],
)
def test_poses_of_objects_are_checked(root, read, name, pose, message):
    root.all()
    poses = np.array({name: pose}, dtype=object)
    np.savez(root.folder / "object_poses_3D/day_1_frame_000000.npz", poses)
    with pytest.warns(DataWarning, match=message):
        assert "entities" not in read(root.folder)["000"][0].labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras_info": {"camParams": {}}}, "cameras_info"),
        ({"cameras_info": {"camParams": {"intrinsics": [], "extrinsics": []}}}, "cameras_info"),
        ({"cameras_info": {"camParams": {"intrinsics": [{}] * 3, "extrinsics": [[1] * 16] * 3}}}, "cameras_info"),
    ],
)
def test_damaged_cameras_cost_boxes_and_calibration(root, read, changes, message):
    root.all()
    root.annotations(**changes)
    with pytest.warns(DataWarning, match=message):
        point = read(root.folder)["000"][0]
    assert set(point.labels) == {"actions", "roles", "entities", "positions"}
    assert "calibration.json" not in point.media
    assert "room1.keypoints.json" in point.media


def test_cameras_that_do_not_only_turn_and_move_are_damaged(root, read):
    root.all()
    content = json.loads((root.folder / "annotations/camma_mvor_2018.json").read_text())
    content["cameras_info"]["camParams"]["extrinsics"][1][2] = 2
    root.annotations(cameras_info=content["cameras_info"])
    with pytest.warns(DataWarning, match="right angles"):
        assert "boxes" not in read(root.folder)["000"][0].labels


def test_annotations_are_dropped_one_by_one(root, read):
    root.all()
    content = json.loads((root.folder / "annotations/camma_mvor_2018.json").read_text())
    people = content["annotations"]
    root.annotations(annotations=[{"image_id": "x"}, people[0] | {"bbox": [1, 2]}, 7, people[1]])
    with pytest.warns(DataWarning, match="3 damaged entries left out, first annotation 0") as caught:
        point = read(root.folder)["000"][0]
    assert len(caught) == 1
    assert [person["person_role"] for person in json.loads(point.read("room2.keypoints.json"))] == ["patient"]


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_annotation_file_costs_what_is_in_it(root, read, content):
    root.all()
    root.put("annotations/camma_mvor_2018.json", content)
    with pytest.warns(DataWarning, match="camma_mvor_2018"):
        point = read(root.folder)["000"][0]
    assert set(point.labels) == {"actions", "roles", "entities", "positions"}
    assert "points.npy" in point.media, "the one on disk needs no camera"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1_000000,1_000002,normal,3", "line 2"),
        ("1_000000,2_000002,normal,2", "of two days"),
        ("1_000000,end,normal,2", "'end' is no frame"),
        ("1_000000", "line 2"),
    ],
)
def test_a_damaged_row_of_clips_costs_its_take_and_renames_none(root, read, row, message):
    root.all()
    text = (root.folder / "clips.csv").read_text().splitlines()
    root.put("clips.csv", "\r\n".join([text[0], row, *text[2:]]))
    with pytest.warns(DataWarning, match=message):
        assert read(root.folder) == {}
    with pytest.warns(DataWarning, match=message):
        assert list(read(root.folder, "validation")) == ["002", "003"]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2", b"\xff\xfe", b"\0" * 9])
def test_damaged_clips_are_the_end_of_it(root, read, content):
    root.all()
    root.put("clips.csv", content)
    with pytest.raises(OrqaError, match=r"clips\.csv"):
        read(root.folder)


def test_damaged_label_files_cost_their_rows(root, read):
    root.all()
    root.table(
        "frame_labels.csv", "Frame number,Label", [("1_000000", "CT scanning"), ("1_0001", "x"), ("1_000002", "")]
    )
    with pytest.warns(DataWarning, match=r"frame_labels\.csv: line [34]") as caught:
        points = read(root.folder)["000"]
    assert len(caught) == 2
    assert [point.labels.get("actions") for point in points] == [("ct scanning",), None, None]


@pytest.mark.parametrize(
    ("name", "content"),
    [("frame_labels.csv", "nothing"), ("splits.json", "{"), ("splits.json", '{"train": 1}')],
)
def test_without_one_label_file_the_other_names_the_frames(root, read, name, content):
    root.all()
    root.put(name, content)
    with pytest.warns(DataWarning, match=name):
        assert [point.frame for point in read(root.folder)["000"]] == ["000000", "000001", "000002"]


def test_a_damaged_file_for_all_frames_is_warned_of_once(root, read):
    root.all()
    root.put("patient_centers_GT.npz", b"damaged")
    points = read(root.folder)["000"]
    with pytest.warns(DataWarning) as caught:
        assert all("roles" not in point.labels and "boxes" not in point.labels for point in points)
    assert len(caught) == 1
