"""Damaged files of MM-OR: each is named, and costs its own modality or timepoint; a damaged frame index its take."""

import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest

from orqa_registry import DataWarning, OrqaError, Triplet

INDEX = "001_PKA/timestamp_to_pcd_and_frames_list.json"


def everything(point):
    """Read all that there is, and return it: labels, and media by their bytes."""
    return {**point.labels, **{name: point.read(name) for name in point.media}}


def losses(read, root, file, content):
    """Damage a file and return frame -> what it cost in 001_PKA, and what was warned of."""
    before = read(root)["001_PKA_MMOR"]
    before = [everything(point) for point in before]
    (root / file).write_bytes(content)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        after = [everything(point) for point in read(root)["001_PKA_MMOR"]]
    cost = {
        index: sorted(old.keys() - new.keys())
        for index, (old, new) in enumerate(zip(before, after, strict=True))
        if old.keys() != new.keys()
    }
    assert all(warning.category is DataWarning for warning in warned)
    return cost, [str(warning.message) for warning in warned]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("{}", "a list of frames was expected"),
        ('[["soon", {}]]', "row 0"),
        ('[["000001", {}], ["000002"]]', "row 1"),
        ('[["000001", {}], 7]', "row 1"),
        ('[["000001", {}], ["000002", []]]', "row 1"),
        ('[["000001", {"azure": [1]}]]', "row 0"),
        ("[[Infinity, {}]]", "row 0"),
        ("[[null, {}]]", "row 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_damaged_index_costs_its_take_alone(dataset, root, text, message):
    (root / INDEX).write_text(text)
    takes = {take.name: take for take in dataset.takes(root, "train")}
    with pytest.raises(OrqaError, match=message) as caught:
        list(takes["001_PKA_MMOR"])
    assert INDEX in str(caught.value)
    assert len(list(takes["012_1_PKA_MMOR"])) == 2


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe", b"[1]", b'[{"take_name": "x", "relationships": [["a"]]}]'])
def test_raw_labels_stand_in_for_a_damaged_relationships_file(read, root, content):
    (root / "data" / "relationships_train.json").write_bytes(content)
    with pytest.warns(DataWarning, match=r"relationships_train\.json"):
        points = read(root)["001_PKA_MMOR"]
    assert [p.frame for p in points if "relations" in p.labels] == ["000001"]
    assert Triplet("nurse", "cutting", "patient") in points[1].labels["relations"]


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"rel_annotations": [["a"]]}', b'{"rel_annotations": 3}'])
def test_a_damaged_raw_label_costs_its_timepoint(read, root, content):
    (root / "007_TKA" / "relation_labels" / "000003.json").write_bytes(content)
    points = read(root, "validation")["007_TKA_MMOR"]
    with pytest.warns(DataWarning, match=r"relation_labels.000003\.json") as warned:
        assert [p.frame for p in points if "relations" in p.labels] == ["000000", "000006"]
    assert [p.frame for p in points if "robot_calibrated" in p.labels] == ["000000", "000006"]
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("file", "content", "cost"),
    [
        ("take_timestamp_to_sterility_breach/001_PKA.json", b"[]", {0: ["sterility_breach"], 3: ["sterility_breach"]}),
        (
            "take_timestamp_to_sterility_breach/001_PKA.json",
            b'{"000000": [], "000003": [1]}',
            {3: ["sterility_breach"]},
        ),
        ("take_timestamp_to_sterility_breach/001_PKA.json", b'{"000000": "", "000003": []}', {0: ["sterility_breach"]}),
        ("take_timestamp_to_robot_phase/001_PKA.json", b"3", {k: ["robot_phase"] for k in range(4)}),
        (
            "take_timestamp_to_robot_phase/001_PKA.json",
            b'{"000000": 1, "000001": "x", "000002": null, "000003": {}}',
            {0: ["robot_phase"], 3: ["robot_phase"]},
        ),
        ("take_tracks/001_PKA.json", b"{}", {k: ["tracked_tools", "tracker.json"] for k in range(5)}),
        (
            "take_tracks/001_PKA.json",
            b'[{"unique_id_dicts": []}, 3, null, {}, {}, {"unique_id_dicts": [7]}, {"unique_id_dicts": []}]',
            {k: ["tracked_tools", "tracker.json"] for k in (1, 2, 3)},
        ),
        ("take_transcripts_per_timepoint/001_PKA/000005.json", b'{"text": 3}', {3: ["speech.txt"]}),
        ("take_transcripts_per_timepoint/001_PKA/000005.json", b"[]", {3: ["speech.txt"]}),
        ("screen_summaries_text/001_PKA/000203.txt", b"\xff\xfe\x00", {3: ["screen_text"]}),
    ],
)
def test_what_a_damaged_file_costs(read, root, file, content, cost):
    lost, warned = losses(read, root, file, content)
    assert lost == cost
    assert len(warned) == 1, "one for a file, not one for a timepoint"
    assert file.rpartition("/")[2] in warned[0]


def test_a_damaged_labelled_cloud_costs_positions(read, root):
    (root / "take_point_clouds_seg_lowres" / "001_PKA" / "000006_seg.pcd").write_bytes(b"VERSION 0.7\n")
    point = read(root)["001_PKA_MMOR"][4]
    with pytest.warns(DataWarning, match=r"000006_seg\.pcd"):
        assert "positions" not in point.labels
    with pytest.raises(OrqaError, match=r"000006_seg\.pcd"):
        point.read("segments.npy")


def test_a_damaged_mask_costs_its_view(read, root):
    (root / "001_PKA" / "segmentation_export_1" / "camera01_colorimage-000103.png").write_bytes(b"\x89PNG")
    with pytest.warns(DataWarning, match=r"camera01_colorimage-000103\.png"):
        assert list(read(root)["001_PKA_MMOR"][3].labels["boxes"]) == ["room4"]
    (root / "take_segmasks_per_timepoint" / "005_TKA" / "000001_0_GTFalse.png").write_bytes(b"")
    with pytest.warns(DataWarning, match=r"000001_0_GTFalse\.png"):
        assert "entities" not in read(root)["005_TKA_MMOR"][1].labels, "who is in it is not known to be absent"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no subtitle at all", b"1\n00:00:01 -> 00:00:02\ntext"])
def test_damaged_subtitles_cost_speech_alone(read, root, content):
    for path in (root / "take_transcripts_per_timepoint" / "001_PKA").iterdir():
        path.unlink()
    (root / "take_transcripts_per_timepoint" / "001_PKA").rmdir()
    (root / "take_transcripts" / "001_PKA.srt").write_bytes(content)
    points = read(root)["001_PKA_MMOR"]
    with pytest.warns(DataWarning, match=r"001_PKA\.srt") as warned:
        assert all("speech.txt" not in p.media for p in points)
    assert len([warning for warning in warned if "srt" in str(warning.message)]) == 1


class Hostile:
    def __reduce__(self):
        return print, ("this must never run",)


def embedding(values):
    """A .pt file, with what somebody would hide in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps(values))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "content", "medium"),
    [
        ("take_point_clouds_sparse/001_PKA/000005.pcd", b"", "points.npy"),
        ("take_point_clouds_sparse/001_PKA/000005.pcd", b"VERSION 0.7\nPOINTS 99999999999\n", "points.npy"),
        ("take_point_clouds_seg_lowres/001_PKA/000005_seg.pcd", b"FIELDS x y\n", "segments.npy"),
        ("take_audio_embeddings_per_timepoint/001_PKA/000005.pt", b"PK", "clap.npy"),
        ("take_audio_embeddings_per_timepoint/001_PKA/000005.pt", embedding(Hostile()), "clap.npy"),
    ],
)
def test_a_damaged_medium_is_an_error_that_names_its_file(read, root, capsys, file, content, medium):
    (root / file).write_bytes(content)
    point = read(root)["001_PKA_MMOR"][3]
    with pytest.raises(OrqaError, match=file.rpartition("/")[2]):
        point.read(medium)
    assert capsys.readouterr().out == ""


def test_a_damaged_camera_costs_itself_alone(read, root):
    from orqa_registry.readers.formats.kinect_calibration import write_camera

    eye = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    camera = {"size": [4, 3], "intrinsics": [[2, 0, 1], [0, 2, 1], [0, 0, 1]], "world_to_camera": eye}
    write_camera(root / "001_PKA" / "camera01.json", camera)
    (root / "001_PKA" / "camera02.json").write_text('{"value0": {"color_parameters": {}}}')
    with pytest.warns(DataWarning, match="camera02"):
        left = json.loads(read(root)["001_PKA_MMOR"][3].read("calibration.json"))
    assert "room1" in left
    assert "room2" not in left


def test_an_embedding_of_another_size_is_refused(read, root):
    from orqa_registry.readers.formats.writers import write_pt

    write_pt(root / "take_audio_embeddings_per_timepoint" / "001_PKA" / "000005.pt", np.zeros(8))
    with pytest.raises(OrqaError, match=r"000005\.pt.*\(8,\).*expected \(512,\)"):
        read(root)["001_PKA_MMOR"][3].read("clap.npy")


def test_embeddings_as_torch_saves_them(read, root):
    torch = pytest.importorskip("torch")
    torch.save(torch.full((512,), 0.5), root / "take_audio_embeddings_per_timepoint" / "001_PKA" / "000005.pt")
    values = np.load(io.BytesIO(read(root)["001_PKA_MMOR"][3].read("clap.npy")))
    assert (values.dtype, set(values.tolist())) == (np.float32, {0.5})


def test_damaged_scenes_and_label_files_do_not_stop_the_checks(dataset, root):
    (root / "data" / "relationships_train.json").write_text("{")
    (root / INDEX).write_text("{")
    with pytest.warns(DataWarning):
        check_names = [check.what for check in dataset.checks(root)]
    assert not any(what.startswith(("001_PKA", "relationships")) for what in check_names)
    assert "012_1_PKA_MMOR: frames in its index" in check_names


def test_a_missing_library_says_what_to_install(read, root, monkeypatch):
    from orqa_registry import MissingLibraryError

    monkeypatch.setitem(__import__("sys").modules, "pypcd4", None)
    point = read(root)["001_PKA_MMOR"][3]
    with pytest.raises(MissingLibraryError, match=r"pip install 'orqa-plugin-mmor\[clouds\]'"):
        point.read("points.npy")
    with pytest.raises(MissingLibraryError):
        point.labels["positions"]


def test_json_of_labels_with_frames_that_are_no_timepoint(read, root):
    (root / "take_timestamp_to_robot_phase" / "001_PKA.json").write_text(json.dumps({"000999": "x", "": "y"}))
    assert all("robot_phase" not in p.labels for p in read(root)["001_PKA_MMOR"])
