"""What the simulator gives for the layouts of others: media and labels by their names, that agree with one another."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import soundfile
from fake_datasets import (
    CLOSE,
    NEVER,
    ROOMS,
    SIZE,
    Somewhere,
    array,
    copied_timepoints,
    parsed,
    picture,
    project_points,
)

from orqa_plugin_hybridor.copies.copied_take import CopyOptions, copy_takes, frame_ids
from orqa_plugin_hybridor.copies.irregularities import (
    EMPTY_SEGMENTS_AT,
    MISSING_CAMERA_AT,
    MISSING_CLOUD_AT,
    MISSING_GRAPH_AT,
)
from orqa_plugin_hybridor.labels.masks import downsample_mask
from orqa_plugin_hybridor.scene.skeleton import JOINTS
from orqa_registry import Layout, Timepoint
from orqa_registry.data import facets, scenegraph
from orqa_registry.data.vocabulary import MASK_LABELS, ROLES

LAYOUT = Layout((("train", "a"),), print)


@pytest.fixture(scope="module")
def points() -> list[Timepoint]:
    return copied_timepoints(Somewhere(), LAYOUT)[0]


def test_all_that_is_asked_for_and_there_is_a_sensor_for_is_given(points: list[Timepoint]) -> None:
    given = {medium for point in points for medium in point.media}
    assert given == set(Somewhere.media) - set(NEVER)
    for point in points[:5]:
        for view in (*ROOMS, *CLOSE, "trackercam", "screen"):
            if f"{view}.jpg" in point.media:
                assert picture(point, f"{view}.jpg").shape == (SIZE, SIZE, 3)
        assert picture(point, "trackercam.jpg").mean() < 0.25 * picture(point, "room1.jpg").mean()
        assert parsed(point, "robot.json").keys() <= {"1", "2"}
        assert {"unique_id_dicts"} == set(parsed(point, "tracker.json"))
        embedding = array(point, "clap.npy")
        assert (embedding.shape, embedding.dtype) == ((512,), np.float32)
        assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
        for medium in ("audio.mp3", "audio.flac"):
            sound, rate = soundfile.read(io.BytesIO(point.read(medium)))
            assert rate == 16000
            assert 0.9 < len(sound) / rate < 1.2


def test_sounds_that_are_alike_have_embeddings_that_are(points: list[Timepoint]) -> None:
    from orqa_plugin_hybridor.copies.media_source import embed_sound

    time = np.arange(16000) / 16000
    low, lower, high = (
        embed_sound((9000 * np.sin(2 * np.pi * pitch * time)).astype(np.int16)) for pitch in (200, 203, 4000)
    )
    assert low @ lower > 0.95 > low @ high


def test_what_is_irregular(points: list[Timepoint]) -> None:
    assert [point.frame for point in points] == [f"{index:06d}" for index in range(12)]
    assert [point.seconds for point in points[:5]] == [0, 1, 2, 5, 6]
    gone = [sorted(set(points[0].media) - set(point.media) - {"speech.txt"}) for point in points]
    assert gone[MISSING_CAMERA_AT] == sorted(
        ["lowres2.mask.png", *(name for name in points[0].media if name.startswith("room4."))]
    )
    assert gone[MISSING_CLOUD_AT] == ["points.npy"]
    assert [len(array(point, "segments.npy")) for point in points[EMPTY_SEGMENTS_AT - 1 : EMPTY_SEGMENTS_AT + 1]] == [
        1024,
        0,
    ]
    for index, point in enumerate(points):
        unmasked = index % 4 == 3
        assert ("room1.mask.png" in point.media, "boxes" in point.labels) == (not unmasked, not unmasked)
        assert point.labels.get("predicted") == (("entities", "roles") if unmasked else None)
        assert "lowres0.mask.png" in point.media
        graph = {"relations", "actions", "tools", "robot_calibrated"}
        assert set(point.labels) & graph == (set() if index == MISSING_GRAPH_AT else graph)
    assert (points[-1].labels["relations"], points[-1].labels["actions"]) == ((), ())


def test_a_small_mask_is_of_the_cameras_that_gave_one(points: list[Timepoint]) -> None:
    for point, views in ((points[0], ("room1", "room4", "room5")), (points[MISSING_CAMERA_AT], ("room1", "room5"))):
        for index, view in enumerate(views):
            small = picture(point, f"lowres{index}.mask.png")
            assert small.shape == (32, 32)
            assert np.array_equal(small, downsample_mask(picture(point, f"{view}.mask.png")))


def test_in_a_cell_the_rarest_class_wins() -> None:
    mask = np.zeros((70, 66), dtype=np.uint8)
    mask[:, 10:40] = 5
    mask[20:22, 12:14] = 17
    mask[69] = 9
    cells = downsample_mask(mask)
    assert cells[10, 6] == 17
    assert (cells == 17).sum() == 1
    assert set(np.unique(cells)) == {0, 5, 17}
    assert cells[0, 0] == 0
    assert cells[0, 5] == 5


def test_labels_are_those_of_the_vocabulary_and_of_the_masks(points: list[Timepoint]) -> None:
    names = set(MASK_LABELS.values())
    for point in points:
        assert facets.load_labels(json.loads(json.dumps(dict(point.labels)))) == dict(point.labels)
        assert set(point.labels["roles"]) <= set(ROLES)
        for view, label in point.labels.get("boxes", {}).items():
            mask = picture(point, f"{view}.mask.png")
            assert label["size"] == (SIZE, SIZE)
            assert {box.entity for box in label["boxes"]} <= names
            for number, name in MASK_LABELS.items():
                rows, columns = np.nonzero(mask == number)
                boxes = [box[1:] for box in label["boxes"] if box.entity == name]
                extents = [(columns.min(), rows.min(), columns.max(), rows.max())] if len(rows) >= 10 else []
                assert boxes == extents


def test_graphs_are_as_orqa_has_them(points: list[Timepoint]) -> None:
    for point in points:
        graph = point.labels.get("relations", ())
        assert scenegraph.infer_relations(graph, hands=True) == graph
        assert len({(edge.subject, edge.object) for edge in graph}) == len(graph)
        if "relations" in point.labels:
            assert point.labels["actions"] == scenegraph.actions(graph)
            assert point.labels["tools"] == scenegraph.tools(graph)
    graphs = [point.labels["relations"] for point in points if "relations" in point.labels]
    calibrated = [point.labels["robot_calibrated"] for point in points if "relations" in point.labels]
    assert scenegraph.calibrated_by(graphs) == calibrated


def test_clouds_poses_and_positions_lie_where_cameras_see_them(points: list[Timepoint]) -> None:
    for point in points[5:9]:
        cameras = parsed(point, "calibration.json")
        assert set(cameras) == {*ROOMS, *CLOSE, "trackercam"}
        labelled = array(point, "segments.npy") if point is not points[EMPTY_SEGMENTS_AT] else np.zeros((0, 4))
        for view in ("room1", "room2"):
            depth = picture(point, f"{view}.depth.png").astype(float)
            for x, y, away in project_points(cameras[view], array(point, "points.npy")[:170, :3]):
                if view == "room1":
                    assert abs(depth[round(y), round(x)] - away) < 2
            extents = point.labels["positions"]["extents"]
            for number, name in MASK_LABELS.items():
                class_points = labelled[labelled[:, 3] == number, :3]
                if len(class_points):
                    low, high = np.array(extents[name][:3]), np.array(extents[name][3:])
                    assert (class_points > low - 5).all()
                    assert (class_points < high + 5).all()
        poses = parsed(point, "poses.json")
        assert poses["joints"] == list(JOINTS)
        people = {name: np.array(rows) for name, rows in poses["people"].items()}
        assert next(iter(people)) == "human 1"
        for name, rows in people.items():
            if name != "patient":
                assert (rows[0, 2] > rows[1, 2] > rows[4, 2] > rows[10, 2] > rows[12, 2]).all()
                assert np.linalg.norm(rows[2] - rows[3]) == pytest.approx(410, abs=60)
        assert len(people) >= len(point.labels["roles"])


def test_joints_in_a_picture_are_those_in_the_room(points: list[Timepoint]) -> None:
    visible = 0
    for point in (points[5], points[8]):
        poses, camera = parsed(point, "poses.json")["people"], parsed(point, "calibration.json")["room1"]
        names = list(poses)
        for person in parsed(point, "room1.keypoints.json"):
            flat = np.array(person["keypoints"], dtype=float).reshape(-1, 3)
            projected = project_points(camera, poses[names[person["person_id"]]])
            assert np.abs(flat[flat[:, 2] > 0, :2] - projected[flat[:, 2] > 0, :2]).max() < 0.2
            assert (person["person_role"] == "patient") == (names[person["person_id"]] == "patient")
            x, y, width, height = person["bbox"]
            assert 0 <= x < x + width <= SIZE
            assert 0 <= y < y + height <= SIZE
            inside = (flat[:, 0] > x - 4) & (flat[:, 0] < x + width + 4) & (flat[:, 1] > y - 4)
            assert inside[flat[:, 2] == 2].mean() > 0.8 or (flat[:, 2] == 2).sum() < 3
            visible += int((flat[:, 2] == 2).sum())
    assert visible > 30


def test_takes_differ_and_can_be_read_in_any_order() -> None:
    dataset, layout = Somewhere(), Somewhere().layout()
    assert layout is not None
    first, second = copied_timepoints(dataset, layout, takes=2, count=3)
    ahead = second[2].read("room1.jpg")
    assert first[2].read("room1.jpg") != ahead
    again = copied_timepoints(dataset, layout, takes=2, count=3)[1][2]
    assert again.read("room1.jpg") == ahead
    assert again.read("segments.npy") == second[2].read("segments.npy")
    assert (first[0].split, second[0].split, first[0].take, first[0].dataset) == ("train", "test", "a", "Some-Where")


def test_nothing_is_filmed_before_a_picture_is_read() -> None:
    filmed: list[tuple[str, int]] = []
    (take,) = copy_takes(
        Somewhere(), LAYOUT, CopyOptions(1, 3, SIZE, 0), lambda name, index: filmed.append((name, index))
    )
    points = list(take)
    assert set(points[0].labels.available_facets) >= {"boxes", "positions", "relations"}
    points[1].read("screen.jpg")
    assert filmed == []
    points[2].read("room3.jpg")
    assert filmed == [("a", 2)]


def test_frames_are_those_of_the_layout_with_one_left_out() -> None:
    layout = Layout((("train", "x"),), print, frames={"x": [f"{n:06d}" for n in range(40, 52)]})
    assert frame_ids(layout, "y", 2) == ["000000", "000001"]
    assert frame_ids(layout, "x", 5) == ["000040", "000041", "000042", "000044", "000045"]
    assert list(frame_ids(layout, "x", 3)) == ["000040", "000041", "000042"]
    assert len(frame_ids(layout, "x", 12)) == len(frame_ids(layout, "x", 100)) == 12
    points = copied_timepoints(Somewhere(), layout, count=5)[0]
    assert [(point.frame, point.index, point.seconds) for point in points[2:4]] == [
        ("000042", 42, None),
        ("000044", 44, None),
    ]


@pytest.mark.parametrize(("size", "filmed"), [((640, 480), 320), ((1920, 1080), 384), ((101, 97), 101), ((48, 32), 48)])
def test_a_view_of_a_given_size_is_filmed_small_enough(size: tuple[int, int], filmed: int) -> None:
    from orqa_plugin_hybridor.copies.camera_rig import _view_resolution

    resolution = _view_resolution(size, 112)
    assert resolution.size[0] == filmed
    assert tuple(side * resolution.scale for side in resolution.size) == size
