"""Every formula of MVOR, on files made by hand, with numbers worked out by hand."""

import json

import numpy as np
import pytest

from orqa_registry.readers.formats.arrays import from_npy
from orqa_registry.readers.geometry import project

SINE, COSINE = 0.573576436, 0.819152044
"""Of 35 degrees."""


def aligned(x, y, z):
    """The formula of datasets.md 4.4, written out."""
    return [SINE * y - COSINE * z + 2050, -COSINE * y - SINE * z + 2493, -x + 217]


def unaligned(points):
    x, y, z = points[:, 0] - 2050, points[:, 1] - 2493, points[:, 2] - 217
    return np.column_stack([-z, SINE * x - COSINE * y, -COSINE * x - SINE * y])


def boxes(point, view):
    return {name: corners for name, *corners in point.labels["boxes"][view]["boxes"]}


def test_boxes_are_projections_of_every_view(root, read):
    root.all()
    point = read(root.folder)["000"][0]
    assert {view: view_boxes["size"] for view, view_boxes in point.labels["boxes"].items()} == {
        f"room{camera}": (640, 480) for camera in (1, 2, 3)
    }
    # Joints from (0, 0, 2000) to (900, 450, 2000); f 500 and 400, c 320 and 240. Human 2 stands 2 m to the right.
    assert boxes(point, "room1")["human 1"] == pytest.approx([320, 240, 545, 330])
    assert boxes(point, "room1")["human 2"] == pytest.approx([820, 240, 1045, 330]), "boxes are not clipped"
    # Camera 3 sees (-x, y, 5000 - z).
    assert boxes(point, "room3")["human 1"] == pytest.approx([170, 240, 320, 300])
    # Camera 2 sees (2000 - z, y, x - 1000): human 1 is behind it, human 2 between 1000 and 1900 mm before it.
    assert "human 1" not in boxes(point, "room2")
    assert boxes(point, "room2")["human 2"] == pytest.approx([320, 240, 320, 400 * 450 / 1900 + 240])
    # The dummy's hips move from (45, 20, 1000) to (100, 120, 2500).
    assert boxes(point, "room1")["patient"] == pytest.approx([331, 259.2, 349, 259.2])
    assert list(boxes(point, "room1")) == ["human 1", "human 2", "patient", "operating table", "ct machine"]


def test_a_point_behind_a_camera_does_not_stretch_a_box(root, read, helpers):
    root.all()
    # Camera 2 sees depths of -500 to 400 mm: the first six joints are behind it or beside it.
    root.people(1, 0, [helpers["person"](x=500.0)])
    corners = boxes(read(root.folder)["000"][0], "room2")["human 1"]
    assert corners == pytest.approx([320, 240 + 400 * 450 / 400, 320, 240 + 400 * 300 / 100])


@pytest.mark.parametrize("depth", [0.0, 1e-320, 1e-4])
def test_a_point_in_the_plane_of_a_camera_does_not_stretch_a_box(root, read, helpers, depth):
    root.all()
    person = helpers["person"]()
    person[0] = [700.0, 700.0, depth]
    root.people(1, 0, [person])
    corners = boxes(read(root.folder)["000"][0], "room1")["human 1"]
    assert max(map(abs, corners)) < 2000, "the others say where it is"


def test_positions_are_aligned_extents(root, read):
    root.all()
    positions = read(root.folder)["000"][0].labels["positions"]
    assert positions["reach"] == 3500
    ends = np.array([aligned(0, 0, 2000), aligned(900, 450, 2000)])
    assert positions["extents"]["human 1"] == pytest.approx([*ends.min(axis=0), *ends.max(axis=0)], abs=1e-3)
    ends = np.array([aligned(-10, -20, 1000), aligned(30, 40, 2000)])
    assert positions["extents"]["ct machine"] == pytest.approx([*ends.min(axis=0), *ends.max(axis=0)], abs=1e-3)
    # Turned by a quarter about z, moved by 4000 * (0.05, 0, 0.25) = (200, 0, 1000).
    table = [aligned(200 - y, x, z + 1000) for x in (0, 100) for y in (0, 200) for z in (1000, 1300)]
    low, high = np.min(table, axis=0), np.max(table, axis=0)
    assert positions["extents"]["operating table"] == pytest.approx([*low, *high], abs=1e-3)
    assert list(positions["extents"]) == ["human 1", "human 2", "patient", "operating table", "ct machine"]


def test_a_large_scan_gives_the_same_thousand_points_each_time(root, helpers):
    from orqa_plugin_mvor.reader.pose_files import read_object_scan

    path = root.put("object_scans/x/1.ply", helpers["ply"]([(x, 0, 0) for x in range(3000)]))
    drawn = read_object_scan(path, "object_scans/x/1.ply")
    assert drawn.shape == (1000, 3)
    assert len(set(drawn[:, 0])) == 1000, "no point is drawn twice"
    assert (read_object_scan(path, "object_scans/x/1.ply") == drawn).all()
    assert (read_object_scan(path, "object_scans/x/2.ply") != drawn).any(), "the name of the scan decides"


def test_an_object_without_its_scan_has_no_place(root, read):
    root.all()
    (root.folder / "object_scans/ct_machine/1.ply").unlink()
    point = read(root.folder)["000"][0]
    assert "ct machine" in point.labels["entities"]
    assert "ct machine" not in boxes(point, "room1")
    assert "ct machine" not in point.labels["positions"]["extents"]


def test_poses_in_the_room(root, read):
    root.all()
    first, second, third = (json.loads(point.read("poses.json")) for point in read(root.folder)["000"])
    assert first["joints"] == [
        *("head", "neck", "left_shoulder", "right_shoulder", "left_hip"),
        *("right_hip", "left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    ]
    assert list(first["people"]) == ["human 1", "human 2", "patient"]
    assert first["people"]["human 2"][9] == pytest.approx(aligned(2900, 450, 2000), abs=1e-3)
    assert first["people"]["patient"][0] == pytest.approx(aligned(55, 120, 2500), abs=1e-3)
    assert second["people"] == {}
    assert len(third["people"]) == 6


def test_a_joint_that_is_no_number_is_null(root, read, helpers):
    root.all()
    unknown = helpers["person"]()
    unknown[9] = [float("nan")] * 3
    root.people(1, 0, [unknown])
    point = read(root.folder)["000"][0]
    assert json.loads(point.read("poses.json"))["people"]["human 1"][9] is None
    assert boxes(point, "room1")["human 1"] == pytest.approx([320, 240, 520, 320])
    ends = np.array([aligned(0, 0, 2000), aligned(800, 400, 2000)])
    extent = point.labels["positions"]["extents"]["human 1"]
    assert extent == pytest.approx([*ends.min(axis=0), *ends.max(axis=0)], abs=1e-3)


def test_objects_are_placed_in_the_room(root, read):
    root.all()
    objects = json.loads(read(root.folder)["000"][0].read("objects.json"))
    assert list(objects) == ["operating table", "ct machine"]
    assert objects["operating table"]["scan"] == "object_scans/operating_table/1.ply"
    pose = np.array(objects["operating table"]["pose"])
    assert (pose @ [100, 200, 1300, 1])[:3] == pytest.approx(aligned(0, 100, 2300), abs=1e-3)
    assert (np.array(objects["ct machine"]["pose"]) @ [1, 2, 3, 1])[:3] == pytest.approx(aligned(1, 2, 3), abs=1e-3)


def test_calibration_takes_the_room_to_pixels(root, read):
    root.all()
    cameras = json.loads(read(root.folder)["000"][0].read("calibration.json"))
    assert list(cameras) == ["room1", "room2", "room3"]
    assert cameras["room3"]["size"] == [640, 480]
    assert cameras["room3"]["intrinsics"] == [[500, 0, 320], [0, 400, 240], [0, 0, 1]]
    assert cameras["room3"]["distortion"] == [0.1, 0, 0, 0, 0]
    assert project(cameras["room1"], [aligned(900, 450, 2000)])[0] == pytest.approx([545, 330, 2000], abs=1e-3)
    assert project(cameras["room3"], [aligned(900, 450, 2000)])[0] == pytest.approx([170, 300, 3000], abs=1e-3)


def test_a_cloud_on_disk_is_taken_as_it_is(root, read):
    root.all()
    cloud = from_npy(read(root.folder)["000"][0].read("points.npy"))
    assert cloud.dtype == np.float32
    assert cloud.tolist() == [[1, 2, 3, 7, 8, 9], [4, 5, 6, 255, 0, 1]]


def test_a_cloud_is_made_of_depth(root, read):
    root.all()
    point = read(root.folder, "train")["001"][0]
    content = point.read("points.npy")
    cloud = from_npy(content)
    assert (cloud.shape, cloud.dtype) == ((5000, 6), np.float32)
    first = unaligned(cloud.astype(np.float64)[:, :3])
    # The wall of camera 2, 1500 mm before it, is where x is 2500; that of camera 1 at z 2000; camera 3 sees nothing.
    by_second = np.abs(first[:, 0] - 2500) < 0.01
    assert 2000 < by_second.sum() < 3000
    x, y, z = first[~by_second].T
    assert z == pytest.approx(2000, abs=0.01)
    columns, rows = x * 500 / 2000 + 320, y * 400 / 2000 + 240
    assert columns == pytest.approx(np.rint(columns), abs=0.01)
    assert rows.min() > 0.5, "depth 0 is not known"
    red, green, blue = cloud[~by_second, 3:].T
    assert (red == np.rint(columns) % 256).all()
    assert (green == np.rint(rows) % 256).all()
    assert (blue == 7).all()
    assert point.read("points.npy") == content, "the same points each time"


def test_a_cloud_of_what_cameras_are_there(root, read):
    root.all()
    (root.folder / "day2/cam1/color/000001.png").unlink()
    first = unaligned(from_npy(read(root.folder, "train")["001"][0].read("points.npy")).astype(float)[:, :3])
    assert first[:, 0] == pytest.approx(2500, abs=0.01)
    (root.folder / "day2/cam2/depth/000001.png").unlink()
    (root.folder / "day2/cam3/depth/000001.png").unlink()
    assert "points.npy" not in read(root.folder, "train")["001"][0].media
