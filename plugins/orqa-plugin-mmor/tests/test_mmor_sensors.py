"""What the sensors of MM-OR gave, on files made by hand (see conftest): every medium with its exact values."""

import io
import json

import numpy as np

from orqa_registry import Box


def array(point, medium):
    return np.load(io.BytesIO(point.read(medium)))


def test_what_is_named_by_second_is_not_named_by_row(points):
    assert array(points[3], "points.npy").tolist() == [[10.0, -2.0, 5.0, 1.0, 2.0, 3.0]]
    assert points[3].read("audio.mp3") == b"sound 5"
    assert points[3].read("speech.txt") == b"gesagt in 5"
    clap = array(points[3], "clap.npy")
    assert (clap.dtype, clap.shape, clap[0], clap[-1]) == (np.float32, (512,), 5.0, 516.0)


def test_speech_is_absent_where_nothing_was_said(points):
    assert "speech.txt" not in points[0].media
    assert [("speech.txt" in p.media) for p in points[1:]] == [True] * 5


def test_speech_from_subtitles_where_there_are_no_transcripts(read, root):
    folder = root / "take_transcripts_per_timepoint"
    for path in [*folder.rglob("*.json"), folder / "001_PKA", folder]:
        path.unlink() if path.is_file() else path.rmdir()
    points = read(root)["001_PKA_MMOR"]
    transcripts = [p.read("speech.txt").decode() if "speech.txt" in p.media else None for p in points]
    assert transcripts == [
        None,
        "Sauger bitte",
        "Sauger bitte Ja",
        "Ja Danke Noch eins Stopp",
        "Ja Danke Noch eins Stopp",
        "Ja Danke Noch eins Stopp",
    ]


def test_labelled_clouds_and_positions(points):
    segments = array(points[3], "segments.npy")
    assert segments.dtype == np.float32
    assert segments.tolist() == [
        [2, 4, 6, 3],
        [-2, 8, 6, 3],
        [18, 18, 18, 0],
        [10, 10, 10, 8],
        [1, 0, 0, 1],
        [14, 14, 14, 0],
    ]
    assert points[3].labels["positions"] == {
        "reach": 3000.0,
        "unit": 2.0,
        "extents": {
            "instrument_table": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
            "operating_table": (-2.0, 4.0, 6.0, 2.0, 8.0, 6.0),
            "circulator": (10.0, 10.0, 10.0, 10.0, 10.0, 10.0),
        },
    }
    assert points[4].labels["positions"] == {"reach": 3000.0, "unit": 2.0, "extents": {}}, "nothing in it"
    assert array(points[4], "segments.npy").shape == (0, 4)
    assert "positions" not in points[0].labels
    assert "segments.npy" not in points[0].media


def test_tracker_by_second_without_ids_that_mean_nothing(read, root):
    points = read(root)["001_PKA_MMOR"]  # no damage: ids of other things are to be expected, the doctor counts them
    assert [p.labels.get("tracked_tools") for p in points] == [
        ("base_array", "calibration_array"),
        (),
        ("lower_tracker",),
        ("lower_tracker",),
        ("base_array", "calibration_array"),
        None,  # past the end of the log
    ]
    log = json.loads(points[0].read("tracker.json"))
    assert list(log) == ["unique_id_dicts"]
    assert log["unique_id_dicts"][1] == {
        "unique_id": "8000999",
        "button_state": "1",
        "Translation": [1.5, 2, -3.25],
        "euler_rot": [0, 90.5, 1],
    }
    assert json.loads(points[1].read("tracker.json")) == {"unique_id_dicts": []}
    assert "tracker.json" not in points[5].media


def test_screen_by_its_stream(points):
    assert [p.labels.get("screen_text") for p in points] == [None, None, None, "The bone screen", None, None]
    assert json.loads(points[3].read("robot.json"))["a"] == {"type": "phase", "template_name": "Bone"}
    assert [("robot.json" in p.media) for p in points] == [False, False, False, True, False, False]


def test_masks_of_the_room_cameras(points):
    assert points[3].labels["boxes"] == {
        "room1": {"size": (12, 9), "boxes": (Box("patient", 2.0, 0.0, 5.0, 2.0),)},
        "room4": {"size": (8, 6), "boxes": (Box("operating_table", 0.0, 0.0, 7.0, 1.0),)},
    }
    assert {name for name in points[3].media if ".mask." in name} == {
        *("room1.mask.png", "room4.mask.png", "detail2.mask.png"),
    }
    assert "roles" not in points[3].labels, "of one camera nobody knows who was there"
    assert "boxes" not in points[0].labels


def test_masks_of_the_detail_cameras_where_there_are_no_others(read, root):
    points = read(root)["005_TKA_MMOR"]
    assert points[0].views == ["detail2", "detail0", "detail3", "screen"]
    assert points[0].labels["boxes"] == {
        "detail0": {"size": (8, 6), "boxes": (Box("head_surgeon", 0.0, 0.0, 5.0, 1.0),)},
        "detail2": {"size": (8, 6), "boxes": (Box("anaesthetist", 1.0, 1.0, 7.0, 5.0),)},
        "detail3": {"size": (8, 6), "boxes": ()},
    }
    assert points[0].labels["roles"] == ("head_surgeon", "anaesthetist")
    assert points[0].labels["entities"] == ("anaesthetist", "head_surgeon")
    assert "predicted" not in points[0].labels
    assert "tracked_tools" not in points[0].labels


def test_small_masks(read, root):
    points = read(root)["005_TKA_MMOR"]
    assert [sorted(name for name in p.media if name.startswith("lowres")) for p in points] == [
        [],
        ["lowres0.mask.png", "lowres2.mask.png"],
        ["lowres1.mask.png"],
        [],
    ]
    assert points[1].labels["entities"] == ("circulator", "mako_robot"), "nine cells are too few, artefacts nothing"
    assert points[1].labels["roles"] == ("circulator",)
    assert points[1].labels["predicted"] == ("entities", "roles")
    assert points[2].labels["roles"] == ("nurse",), "what a person drew goes before what a model saw"
    assert points[2].media["lowres1.mask.png"].name == "000002_1_GTTrue.png"
    assert "predicted" not in points[2].labels


def test_calibration_of_the_room_cameras(read, root):
    pose = {"translation": {"m00": 1.0, "m10": 2.0, "m20": 3.0}, "rotation": {"x": 0, "y": 0, "z": 0, "w": 1}}
    colour = {"fov_x": 900.5, "fov_y": 901, "c_x": 1023, "c_y": 768, "width": 2048, "height": 1536}
    still = {"translation": {"m00": 0, "m10": 0, "m20": 0}, "rotation": {"x": 0, "y": 0, "z": 0, "w": 1}}
    value = {"color_parameters": colour, "camera_pose": pose, "color2depth_transform": still}
    (root / "001_PKA" / "camera03.json").write_text(json.dumps({"value0": value}))
    point = read(root)["001_PKA_MMOR"][0]
    assert json.loads(point.read("calibration.json")) == {
        "room3": {
            "size": [2048, 1536],
            "intrinsics": [[900.5, 0.0, 1023.0], [0.0, 901.0, 768.0], [0, 0, 1]],
            "world_to_camera": [[1, 0, 0, -1000], [0, -1, 0, 2000], [0, 0, -1, 3000], [0, 0, 0, 1]],
        }
    }
