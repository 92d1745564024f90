"""MM-OR's real layout, on files made by hand (see conftest): takes, frames, views, what is known beforehand."""

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from orqa_plugin_mmor import names
from orqa_registry import DataWarning, OrqaError


def test_rows_are_frames_and_timestamps_are_seconds(points):
    assert [(p.frame, p.index, p.seconds) for p in points] == [
        ("000000", 0, 0.0),
        ("000001", 1, 1.0),
        ("000002", 2, 2.0),
        ("000003", 3, 5.0),
        ("000004", 4, 6.0),
        ("000005", 5, 7.0),
    ]


def test_views_in_the_order_of_orqa_and_by_camera(points):
    everything = ["room1", "room4", "room5", "room2", "room3", "detail2", "detail0", "detail3", "screen", "trackercam"]
    assert points[0].views == everything
    assert points[1].views == [view for view in everything if view != "room2"], "no other camera takes its name"
    assert points[2].views == [*everything[:5], "trackercam"], "simstation is null there"
    assert [points[3].read(f"room{c}.jpg").decode() for c in (1, 5)] == ["room 1 3", "room 5 3"]
    assert [points[3].read(f"{name}.jpg").decode() for name in ("detail0", "screen", "detail3", "trackercam")] == [
        *("detail 0 3", "detail 1 3", "detail 3 3", "tracker 3"),
    ]


def test_short_clips(read, root):
    (point,) = read(root, "short_clips")["013_PKA_MMOR"]
    assert (point.seconds, point.views, dict(point.labels)) == (0.0, ["room1"], {})


def test_splits_are_the_official_ones(read, dataset, root):
    take_names = {split: list(read(root, split)) for split in dataset.splits}
    assert take_names == {
        "train": ["001_PKA_MMOR", "005_TKA_MMOR", "012_1_PKA_MMOR", "012_2_PKA_MMOR"],
        "validation": ["007_TKA_MMOR"],
        "test": ["004_PKA_MMOR"],
        "short_clips": ["013_PKA_MMOR"],
    }
    assert [len(dataset.official[split]) for split in dataset.splits] == [10, 3, 4, 22]
    assert "034_PKA_MMOR" not in dataset.official["short_clips"]


def test_an_index_of_its_own_goes_first_and_one_for_nobody_is_nobodys(read, root):
    index = root / "001_PKA" / "timestamp_to_pcd_and_frames_list_001_PKA.json"
    index.write_text('[["000000", {}]]')
    (root / "012_PKA" / "timestamp_to_pcd_and_frames_list_012_2_PKA.json").rename(
        root / "012_PKA" / "timestamp_to_pcd_and_frames_list.json"
    )
    takes = read(root)
    assert len(takes["001_PKA_MMOR"]) == 1
    assert "012_2_PKA_MMOR" not in takes


def test_one_folder_more_is_no_matter(read, dataset, root, tmp_path_factory):
    outer = tmp_path_factory.mktemp("outer")
    root.rename(outer / "MM-OR_processed")
    assert dataset.home(outer) == outer / "MM-OR_processed"
    assert list(read(outer, "test")) == ["004_PKA_MMOR"]


def test_synthetic_scenes_are_takes_of_the_train_split(read, root):
    folder = root / "synthetic_mv_hybridor"
    folder.mkdir()
    scene = {
        "take_name": "001_PKA_MMOR",
        "frame_id": "000003",
        "dataset_type": "MM-OR",
        "descriptors": {"1": {"object_type": "drill", "color": "yellow"}},
    }
    (folder / "s1.json").write_text(json.dumps(scene))
    (folder / "s1_cidx4.jpg").write_bytes(b"scene")
    (point,) = read(root)["001_PKA_MMOR_HybridOR"]
    assert (point.views, dict(point.labels)) == (["room4"], {"attributes": {"drill": {"color": "yellow"}}})
    assert point.read("audio.mp3") == b"sound 5"
    assert set(read(root, "test")) == {"004_PKA_MMOR"}


def test_an_index_cannot_point_out_of_its_folder(read, tmp_path):
    (tmp_path / "004_PKA").mkdir()
    for folder in ("colorimage", "take_audio_per_timepoint/004_PKA", "trackercam"):
        (tmp_path / "004_PKA" / folder).mkdir(parents=True)
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    streams = {"azure": "/../../../secret", "trackercam": "../../secret"}
    index = [["00/../../../1", {}]], [["000001", streams]], [[" 1", {"trackercam": str(tmp_path / "secret")}]]
    for rows in index[1:]:
        (tmp_path / "004_PKA" / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(rows))
        assert dict(read(tmp_path, "test")["004_PKA_MMOR"][0].media) == {}
    (tmp_path / "004_PKA" / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(index[0]))
    with pytest.raises(OrqaError, match="row 0"):
        read(tmp_path, "test")


def test_numbers_without_quotes_get_their_zeros_back(read, root):
    index = [[7, {"azure": 1, "simstation": None}], ["000008", {"azure": "1"}]]
    (root / "013_PKA" / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(index))
    first, second = read(root, "short_clips")["013_PKA_MMOR"]
    assert (first.views, second.views) == (["room1"], [])


def test_nothing_is_opened_before_somebody_asks(read, dataset, root):
    (take,) = dataset.takes(root, "short_clips")
    index = root / "013_PKA" / "timestamp_to_pcd_and_frames_list.json"
    index.write_text("[]")
    assert list(take) == []
    # Late facets are claimed, and looked for when somebody looks at them.
    points = read(root)["001_PKA_MMOR"]
    for path in (root / "take_point_clouds_seg_lowres").rglob("*.pcd"):
        path.unlink()
    assert "positions" in points[3].available_facets
    with pytest.warns(DataWarning, match=r"000005_seg\.pcd"):
        assert "positions" not in points[3].labels


def test_a_timepoint_travels_to_another_process(points):
    copy = pickle.loads(pickle.dumps(points[3]))
    assert copy.media.keys() == points[3].media.keys()
    for medium in copy.media:
        assert copy.read(medium) == points[3].read(medium)
    assert dict(copy.labels) == dict(points[3].labels)


@pytest.mark.parametrize("make", [lambda root: None, lambda root: (root / "001_PKA").mkdir()])
def test_an_empty_root_says_what_was_looked_for(read, tmp_path: Path, make):
    make(tmp_path)
    with pytest.raises(OrqaError, match=r"looked for 001_PKA/timestamp_to_pcd.*request form"):
        read(tmp_path)


def test_checks_beside_known_numbers(dataset, root):
    checks = {check.what: check for check in dataset.checks(root)}
    assert checks["001_PKA_MMOR: frames in its index"].found == 6
    assert checks["001_PKA_MMOR: frames in its index"].expected == "at least 1799"
    graphs = checks["relationships_train.json: scene graphs of MM-OR"]
    assert (graphs.found, graphs.expected, graphs.good) == (3, 11_591, False)
    assert graphs.note == "4 timepoints in the file with those of other datasets"
    assert checks["relationships_train.json: names that are not in the vocabulary"].good
    assert (checks["007_TKA_MMOR: scene graphs"].found, checks["007_TKA_MMOR: scene graphs"].expected) == (3, 1156)
    assert checks["012_2_PKA_MMOR: scene graphs"].found == 1
    assert checks["013_PKA_MMOR: frames in its index"].good
    assert not any(what.startswith("002_PKA") for what in checks)


def test_known_numbers_are_those_of_the_paper():
    assert {split: sum(takes.values()) for split, takes in names.GRAPH_COUNTS.items()} == {
        "train": 11_591,
        "validation": 2_570,
        "test": 2_960,
    }
    assert len(names.TAKES) == len(set(names.TAKES)) == 39


def test_pieces_give_every_medium_and_facet(dataset):
    for medium in dataset.media:
        assert any(piece.gives(medium) for piece in dataset.pieces), medium
    assert {facet for piece in dataset.pieces for facet in piece.facets} == dataset.provides - {"clock"}
    assert all(piece.access for piece in dataset.pieces)


def test_importing_it_imports_nothing_heavy():
    code = "import sys, orqa_plugin_mmor; print(sorted({'numpy', 'PIL', 'pypcd4', 'torch'} & set(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_nothing_is_written_into_a_root(read, dataset, root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for split in dataset.splits:
            for points in read(root, split).values():
                for point in points:
                    dict(point.labels)
                    for medium in point.media:
                        point.read(medium)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
