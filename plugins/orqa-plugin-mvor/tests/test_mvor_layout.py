"""What the writer adds, what it refuses, and what becomes of rooms that stand elsewhere."""

import csv
import json

import numpy as np
import pytest
from attrs import evolve

from orqa_plugin_mvor import MVOR, names
from orqa_plugin_mvor.reader.pose_files import read_object_poses
from orqa_registry import CallError, DataWarning, OrqaError, Take, Timepoint
from orqa_registry.readers.formats.arrays import from_npy, to_npy
from orqa_registry.readers.geometry import invert, project, rigid_pose

VIEWS = ("room1", "room2", "room3")
ROOM1 = invert(names.ALIGNMENT)
SCAN = "object_scans/ct_machine/1.ply"


def point(take="000", frame="000000", media=None, labels=None):
    split = names.FIRST_FRAMES[take][0]
    return Timepoint("MVOR", split, take, frame, int(frame), None, media or {}, labels or {})


def write(folder, *points):
    takes = {}
    for timepoint in points:
        takes.setdefault(timepoint.take, []).append(timepoint)
    MVOR().layout().write(
        folder, [Take("MVOR", members[0].split, name, members.__iter__) for name, members in takes.items()]
    )
    return {take.name: list(take) for split in MVOR.splits for take in MVOR().takes(folder, split)}


def calibration(first=ROOM1):
    lens = {"size": [640, 480], "intrinsics": [[500, 0, 320], [0, 500, 240], [0, 0, 1]]}
    return json.dumps({view: lens | {"world_to_camera": np.array(first).tolist()} for view in VIEWS}).encode()


def poses_of(*people):
    joints = {f"human {number}": pose for number, pose in enumerate(people, start=1)}
    return json.dumps({"joints": names.POSE_JOINTS, "people": joints}).encode()


def test_irregularities_are_there_and_change_nothing(tmp_path):
    written = point(media={"room1.png": b"picture", "poses.json": poses_of()}, labels={"actions": ("ct scanning",)})
    (timepoint,) = write(tmp_path, written)["000"]
    assert timepoint.labels["actions"] == ("ct scanning",)
    rows = list(csv.reader((tmp_path / "clips.csv").read_text().splitlines()))
    assert rows[1] == ["1_000000  ", "1_000000", "mini     ", "2"]
    assert len(rows) == 27, "takes that are not there have rows, as the number of a row is the take"
    text = (tmp_path / "frame_labels.csv").read_bytes()
    assert text == b"Frame number,Label\r\n1_000000    ,CT Scanning\r\n1_000001    ,OUT\r\n1_000002    ,CT roll In"
    assert json.loads((tmp_path / "splits.json").read_text()) == {"test": ["1_000000"], "train": [], "val": []}
    assert (tmp_path / "day1/cam1/color/000002.png").read_bytes() == b"picture"
    assert np.load(tmp_path / "human_poses_3D/pred_day_1_frame_000001.npy").shape == (6, 10, 3)
    with pytest.raises(OrqaError, match=r"builtins\.len"):
        read_object_poses(tmp_path / "object_poses_3D/day_1_frame_000001.npz")


def test_one_scan_has_more_points_than_are_used(tmp_path):
    objects = {"ct machine": {"scan": SCAN, "pose": names.ALIGNMENT}}
    extent = {"ct machine": (0.0, 0.0, 0.0, 100.0, 200.0, 300.0)}
    media = {"objects.json": json.dumps(objects).encode(), "poses.json": poses_of()}
    write(tmp_path, point(media=media, labels={"positions": {"reach": 3500, "extents": extent}}))
    assert b"element vertex 1040" in (tmp_path / SCAN).read_bytes()


def test_takes_without_any_poses_say_nothing_about_people(tmp_path):
    (timepoint,) = write(tmp_path, point())["000"]
    assert dict(timepoint.labels) == {}
    assert not (tmp_path / "human_poses_3D").exists()


def test_where_camera_1_stands_elsewhere_everything_moves_with_it(tmp_path):
    elsewhere = rigid_pose([100, 200, 300], [0.1, 0.2, 0.3, 0.9]) @ ROOM1
    joints = [[100.0 * joint, 10.0, 20.0] for joint in range(10)]
    media = {"calibration.json": calibration(elsewhere), "poses.json": poses_of(joints)}
    media["points.npy"] = to_npy(np.array([[*joints[0], 1, 2, 3]], dtype=np.float32))
    (timepoint,) = write(tmp_path, point(media=media))["000"]
    camera = json.loads(timepoint.read("calibration.json"))["room1"]
    pixels = project(camera, json.loads(timepoint.read("poses.json"))["people"]["human 1"])
    assert pixels == pytest.approx(project(json.loads(media["calibration.json"])["room1"], joints), abs=0.01)
    assert project(camera, from_npy(timepoint.read("points.npy"))[:, :3])[0] == pytest.approx(pixels[0], abs=0.01)


def test_nothing_else_is_overwritten(tmp_path):
    write(tmp_path, point())
    with pytest.raises(CallError, match=r"clips\.csv: already there"):
        write(tmp_path, point())


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([evolve(point(), take="026")], "takes 000 to 025"),
        ([point(frame="17")], "six digits"),
        ([point(take="011", frame="000005"), point(take="012", frame="000005")], "takes 011 and 012 are of one day"),
        (
            [
                point(media={"calibration.json": calibration()}),
                point(frame="000001", media={"calibration.json": calibration(np.eye(4))}),
            ],
            "one for all takes",
        ),
        ([point(media={"objects.json": b'{"x": {"scan": "../x.ply", "pose": []}}'})], "object_scans/CLASS/K.ply"),
    ],
)
def test_what_the_layout_cannot_be_is_said(tmp_path, points, message):
    with pytest.raises(CallError, match=message):
        write(tmp_path, *points)
    assert not (tmp_path / "clips.csv").exists()


def test_the_reader_warns_of_nothing_that_the_writer_wrote(tmp_path, recwarn):
    media = {"poses.json": poses_of([[1, 2, 3]] * 10), "objects.json": b"{}", "calibration.json": calibration()}
    for timepoint in write(tmp_path, point(media=media), point("001", "000001"), point("023", "000000"))["000"]:
        dict(timepoint.labels)
    assert not [warning for warning in recwarn if issubclass(warning.category, DataWarning)]
