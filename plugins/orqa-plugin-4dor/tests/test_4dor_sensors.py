"""Masks, clouds, poses and calibration of 4D-OR, on files made by hand (datasets.md 9.1)."""

import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from orqa_registry import Box, DataWarning, Registry
from orqa_registry.readers.geometry import project

INDEX = "timestamp_to_pcd_and_frames_list.json"


@pytest.fixture
def folder(tmp_path):
    """A take of two frames whose image numbers are 7 C + k for camera C."""
    folder = tmp_path / "export_holistic_take4_processed"
    folder.mkdir()
    rows = [[str(10**18 + k * 10**9), {"pcd": f"{k + 3:06d}"}] for k in range(2)]
    for k, row in enumerate(rows):
        row[1].update({f"color_{c}": f"{7 * c + k:06d}" for c in range(1, 7)})
    (folder / INDEX).write_text(json.dumps(rows))
    return folder


def points(folder):
    (take,) = Registry.load().dataset("4D-OR").takes(folder.parent, "validation")
    return list(take)


def mask(path, ids, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(ids, dtype=np.uint8)).save(path, **options)


def room(*spots, size=(20, 30)):
    """Return a mask: label, first row, first column, rows, columns of each spot."""
    ids = np.zeros(size, dtype=np.uint8)
    for label, row, column, rows, columns in spots:
        ids[row : row + rows, column : column + columns] = label
    return ids


def array(point, medium):
    return np.load(io.BytesIO(point.read(medium)), allow_pickle=False)


def test_annotated_masks_give_boxes_by_camera(folder):
    mask(folder / "segmentation_export_2" / "camera02_colorimage-000014.png", room((10, 2, 3, 4, 5), (12, 9, 9, 1, 9)))
    mask(folder / "segmentation_export_2" / "camera02_colorimage-000015_interpolated.png", room((10, 2, 3, 4, 5)))
    first, second = points(folder)
    assert "room2.mask.png" in first.media
    assert first.labels["boxes"] == {"room2": {"size": (30, 20), "boxes": (Box("head_surgeon", 3, 2, 7, 5),)}}
    assert "roles" not in first.labels, "one camera of three does not show who is in the room"
    assert second.media == {}
    assert "boxes" not in second.labels


def test_masks_of_every_mask_camera_show_who_is_there(folder):
    for camera, spot in ((1, (10, 0, 0, 4, 5)), (2, (14, 0, 0, 4, 5)), (5, (5, 0, 0, 2, 5))):
        name = f"camera0{camera}_colorimage-{7 * camera:06d}.png"
        mask(folder / f"segmentation_export_{camera}" / name, room(spot, (29, 10, 10, 4, 4)))
    first, _ = points(folder)
    assert first.labels["roles"] == ("patient", "head_surgeon")
    assert first.labels["entities"] == ("patient", "head_surgeon", "cementer")
    assert "predicted" not in first.labels


@pytest.mark.parametrize("truth", [True, False])
def test_small_masks_show_who_is_there_and_say_when_a_model_did(folder, truth):
    small = folder.parent / "take_segmasks_per_timepoint" / "004_4DOR"
    for index, label in ((0, 8), (2, 3)):
        mask(small / f"{10**18}_{index}_GT{truth}.png", room((label, 0, 0, 5, 2), (13, 9, 9, 3, 3), size=(32, 32)))
    first, second = points(folder)
    assert [name for name in first.media if name.startswith("lowres")] == ["lowres0.mask.png", "lowres2.mask.png"]
    assert first.labels["entities"] == ("operating_table", "circulator")
    assert first.labels["roles"] == ("circulator",)
    assert first.labels.get("predicted") == (None if truth else ("entities", "roles"))
    assert dict(second.labels) == {}


def test_clouds_are_in_millimetres(folder):
    (folder / "pcds_sparse").mkdir()
    (folder / "pcds").mkdir()
    header = "VERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH {0}\nHEIGHT 1\n"
    header += "VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {0}\nDATA {1}\n"
    (folder / "pcds_sparse" / "000003.pcd").write_text(
        header.format(2, "ascii") + f"1 2 3 {0x102030}\nnan 0 0 {0xFFFFFF}\n"
    )
    raw = struct.pack("<fffI", 0.5, -1.5, 2.5, 0xFF0001)
    (folder / "pcds" / "000004.pcd").write_bytes(header.format(1, "binary").encode() + raw)
    first, second = points(folder)
    assert array(first, "points.npy").tolist() == [[2, 4, 6, 16, 32, 48]]
    assert array(second, "points.npy").tolist() == [[1, -3, 5, 255, 0, 1]]


def test_poses_come_from_the_annotation_tool_or_the_file_of_the_take(folder):
    (folder / "annotations").mkdir()
    label = {"humanName": "human_0", "jointName": "LeftShoulder", "point3d": {"location": {"x": 1, "y": 2, "z": 3}}}
    (folder / "annotations" / "000003.json").write_text(json.dumps({"labels": [label]}))
    joints = folder.parent / "human_name_to_3D_joints"
    joints.mkdir()
    np.savez(joints / "4_GT_True.npz", {1: {"human_1": np.arange(42.0).reshape(14, 3)}})
    first, second = points(folder)
    poses = json.loads(first.read("poses.json"))
    # (1, 2, 3) x 25 = (25, 50, 75); z + 1000; -y; y and z change places; 2 mm a unit.
    index = poses["joints"].index("left_shoulder")
    assert poses["people"]["human_0"][index] == [50.0, 2150.0, -100.0]
    assert [position for position in poses["people"]["human_0"] if position] == [[50.0, 2150.0, -100.0]]
    assert json.loads(second.read("poses.json"))["people"]["human_1"][1] == [6.0, 8.0, 10.0]


def test_a_point_of_the_world_is_found_in_the_image(folder):
    """The formula of datasets.md 2.3: flip y and z after the inverse of pose * color2depth, metres = units / 500."""
    intrinsics = {f"m{c}{r}": 0.0 for r in range(3) for c in range(3)}
    colour = {"fov_x": 1000, "fov_y": 900, "c_x": 640, "c_y": 360, "width": 1280, "height": 720}
    still = {"translation": {"m00": 0, "m10": 0, "m20": 0}, "rotation": {"x": 0, "y": 0, "z": 0, "w": 1}}
    moved = {"translation": {"m00": 1, "m10": 2, "m20": 3}, "rotation": {"x": 0, "y": 0, "z": 0.5**0.5, "w": 0.5**0.5}}
    value = {
        "color_parameters": {**colour, "intrinsics_matrix": intrinsics},
        "camera_pose": moved,
        "color2depth_transform": still,
    }
    (folder / "camera03.json").write_text(json.dumps({"value0": value}))
    calibration = json.loads(points(folder)[0].read("calibration.json"))
    assert list(calibration) == ["room3"]
    # A quarter turn about z: the camera's x is the world's y. 0.2 right, 0.1 up, 2 m ahead (-z of the file's axes).
    world_mm = np.array([[1000 * (1 - 0.1), 1000 * (2 + 0.2), 1000 * (3 - 2)]])
    u, v, depth = project(calibration["room3"], world_mm)[0]
    assert (u, v, depth) == pytest.approx((640 + 1000 * 0.1, 360 - 900 * 0.05, 2000))


def test_keypoints_are_passed_on(folder):
    (folder / "2D_keypoint_annotations.json").write_text(json.dumps({"000001_5": {"human_0": {"head": [1, 2]}}}))
    first, second = points(folder)
    assert first.media == {}
    assert json.loads(second.read("room5.keypoints.json")) == {"human_0": {"head": [1, 2]}}


def test_scenes_of_hybridor_are_takes_of_their_own(folder, tmp_path):
    folder.rename(tmp_path / "export_holistic_take1_processed")
    scenes = tmp_path / "synthetic_mv_hybridor"
    scenes.mkdir()
    looks = {"object_type": "instrument_table", "color": "pink", "shape": "round", "size": "large", "texture": "matt"}
    scene = {
        "take_name": "001_4DOR",
        "frame_id": "001_4DOR_000001",
        "dataset_type": "4D-OR",
        "descriptors": {"0": looks},
    }
    (scenes / "a.json").write_text(json.dumps(scene))
    (scenes / "a_cidx2.jpg").write_bytes(b"image")
    real_take, scene_take = Registry.load().dataset("4D-OR").takes(tmp_path, "train")
    assert (real_take.name, scene_take.name) == ("001_4DOR", "001_4DOR_HybridOR")
    (point,) = scene_take
    assert point.media == {"room2.jpg": scenes / "a_cidx2.jpg"}
    looks.pop("object_type")
    assert dict(point.labels) == {"attributes": {"instrument_table": looks}}


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\x80\x04cposix\nsystem\n"])
def test_a_damaged_mask_costs_itself_alone(folder, damage):
    mask(folder / "segmentation_export_1" / "camera01_colorimage-000007.png", room((10, 2, 3, 4, 5)))
    path = folder / "segmentation_export_2" / "camera02_colorimage-000014.png"
    path.parent.mkdir()
    path.write_bytes(damage)
    first, _ = points(folder)
    with pytest.warns(DataWarning, match="camera02_colorimage-000014"):
        boxes = first.labels["boxes"]
    assert list(boxes) == ["room1"]
