"""What is written in the layout of MM-OR has what is irregular in the download, and nothing that it cannot number."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from orqa_plugin_mmor import MMOR
from orqa_registry import CallError, Take, Timepoint, Triplet
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import TRACKED
from orqa_registry.readers.formats.images import read_mask


def test_calibration_survives(tmp_path):
    camera = {
        "size": [2048, 1536],
        "intrinsics": [[900.0, 0.0, 1000.0], [0.0, 901.0, 700.0], [0, 0, 1]],
        "world_to_camera": [[0.0, 1.0, 0.0, 10.0], [-1.0, 0.0, 0.0, 20.0], [0.0, 0.0, 1.0, 3000.0], [0, 0, 0, 1]],
    }
    written = json.dumps({"room1": camera, "room5": camera, "detail0": camera}).encode()
    point = Timepoint("MM-OR", "train", "001_PKA_MMOR", "000000", 0, None, {"calibration.json": written}, {})
    MMOR().layout().write(tmp_path, [Take("MM-OR", "train", "001_PKA_MMOR", lambda: iter([point]))])
    (take,) = MMOR().takes(tmp_path, "train")
    calibration = json.loads(next(iter(take)).read("calibration.json"))
    assert set(calibration) == {"room1", "room5"}
    for key in camera:
        assert np.allclose(calibration["room5"][key], camera[key], atol=1e-6)


def test_the_irregularities_are_there(tmp_path):
    jpg, mask = b"jpg", io.BytesIO()
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(mask, "PNG")
    everything = {
        **{f"room{camera}.jpg": jpg for camera in range(1, 6)},
        "room1.mask.png": mask.getvalue(),
        "speech.txt": b"ja",
        "tracker.json": b'{"unique_id_dicts": []}',
    }
    takes = []
    for split, name in MMOR().layout().takes[:7]:
        graph = (Triplet("anaesthetist", "cutting", "operating_table"),)
        labels = {**scenegraph.graph_facets(graph), "robot_phase": None, "screen_text": "it's"}
        points = [
            Timepoint(
                "MM-OR", split, name, f"{k:06d}", k, k * 2.0, {} if k == 2 else everything, {} if k == 2 else labels
            )
            for k in range(4)
        ]
        takes.append(Take("MM-OR", split, name, lambda points=points: iter(points)))
    MMOR().layout().write(tmp_path, takes)
    rows = json.loads((tmp_path / "001_PKA" / "timestamp_to_pcd_and_frames_list.json").read_text())
    assert all(int(row[0]) != index for index, row in enumerate(rows))
    assert [len(row) for row in rows] == [2, 3, 2, 2]
    assert [row[1]["simstation"] is None for row in rows] == [False, False, True, False]
    assert (tmp_path / "012_PKA" / "timestamp_to_pcd_and_frames_list_012_2_PKA.json").is_file()
    assert not (tmp_path / "005_TKA" / "colorimage").exists()
    assert not (tmp_path / "take_tracks" / "005_TKA.json").exists()
    (spoilt, *_) = sorted((tmp_path / "001_PKA" / "segmentation_export_1").iterdir())
    values, counts = np.unique(read_mask(spoilt), return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {0: 24 * 32 - 33, 1: 9, 14: 12, 19: 12}
    assert list((tmp_path / "001_PKA" / "segmentation_export_1").glob("*_interpolated.png"))
    log = json.loads((tmp_path / "take_tracks" / "001_PKA.json").read_text())
    assert len(log) == int(rows[-1][0]) + 1
    assert any(entry["unique_id"] not in TRACKED for record in log if record for entry in record["unique_id_dicts"])
    raw = json.loads((tmp_path / "001_PKA" / "relation_labels" / "000001.json").read_text())
    assert raw == {"rel_annotations": [["anest", "Cutting", "ot"]]}
    assert (tmp_path / "012_PKA" / "relation_labels_012_1_PKA" / "000000.json").is_file()
    coming = json.loads((tmp_path / "take_timestamp_to_next_action" / "001_PKA.json").read_text())
    assert coming == {"000000": ["cut", 2], "000001": ["cut", 4], "000003": None}
    keys = list(json.loads((tmp_path / "take_jsons" / "001_PKA.json").read_text())["timestamps"])
    assert keys != sorted(keys, key=int)
    (text, *_) = (tmp_path / "screen_summaries_text" / "001_PKA").iterdir()
    assert '"' in text.read_text()
    assert MMOR().home(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("take", "frame", "seconds", "message"),
    [
        ("001_PKA_MMOR", "000004", 0.0, "without a gap"),
        ("001_PKA_MMOR", "000000", 0.5, "whole seconds"),
        ("034_PKA_MMOR", "000000", 0.0, r"no take of MM-OR.*did you mean"),
        ("001_PKA", "000000", 0.0, "no take of MM-OR"),
    ],
)
def test_what_the_layout_cannot_number_is_refused(tmp_path, take, frame, seconds, message):
    point = Timepoint("MM-OR", "train", take, frame, 0, seconds, {}, {})
    with pytest.raises(CallError, match=message):
        MMOR().layout().write(tmp_path, [Take("MM-OR", "train", take, lambda: iter([point]))])


def test_a_clock_that_stands_still_is_refused(tmp_path):
    points = [Timepoint("MM-OR", "train", "001_PKA_MMOR", f"{k:06d}", k, 3.0, {}, {}) for k in range(2)]
    with pytest.raises(CallError, match="counts up"):
        MMOR().layout().write(tmp_path, [Take("MM-OR", "train", "001_PKA_MMOR", lambda: iter(points))])
