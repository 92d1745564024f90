"""Labels, pixels, depth and sound tell the same story."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from orqa_plugin_hybridor import HybridOR
from orqa_plugin_hybridor.files.names import CAMERA_VIEWS
from orqa_plugin_hybridor.labels.scene_graph import CLOSE_DISTANCE
from orqa_plugin_hybridor.procedure.staff import GOWN_COLOURS
from orqa_plugin_hybridor.scene.camera_placement import ROOM_VIEWS
from orqa_registry import Take, Timepoint
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ENTITIES, MASK_LABELS, PREDICATES, ROBOT_PHASES, ROLES, TOOLS

PEOPLE = set(ROLES) - {"patient"}


@pytest.fixture(scope="module")
def takes(root: Path) -> list[Take]:
    return [take for split in HybridOR.splits for take in HybridOR().takes(root, split)]


@pytest.fixture(scope="module")
def points(takes: list[Take]) -> list[Timepoint]:
    return [point for take in takes for point in take]


@pytest.fixture(scope="module")
def cameras(root: Path) -> dict[str, Any]:
    return {path.parent.name: json.loads(path.read_text())["cameras"] for path in root.glob("*/take.json")}


def picture(point: Timepoint, name: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(point.read(name))))


def boxes_in(point: Timepoint, view: str) -> dict[str, tuple[float, ...]]:
    return {name: tuple(box) for name, *box in point.labels["boxes"][view]["boxes"]}


def middles(point: Timepoint) -> dict[str, tuple[float, ...]]:
    """Where the middle of everything is; extents are points in this dataset."""
    extents = point.labels["positions"]["extents"]
    assert all(extent[:3] == extent[3:] for extent in extents.values())
    return {name: extent[:3] for name, extent in extents.items()}


def project(camera: dict[str, Any], position: tuple[float, ...]) -> tuple[float, float, float]:
    pose, intrinsics = np.array(camera["world_to_camera"]), np.array(camera["intrinsics"])
    camera_point = pose[:3, :3] @ np.array(position) + pose[:3, 3]
    x, y, depth = intrinsics @ camera_point
    return x / depth, y / depth, camera_point[2]


def test_every_medium_is_there_and_opens(points: list[Timepoint]) -> None:
    spoken = 0
    for point in points:
        spoken += "speech.txt" in point.media
        released = {"room4.jpg", "room5.jpg", "room6.jpg"}
        assert set(HybridOR.media) - set(point.media) - released <= {"speech.txt"}
        assert not set(point.media) & released
        assert point.views == ["room1", "room2", "room3", "detail", "screen"]
        for view in (*CAMERA_VIEWS, "screen"):
            assert picture(point, f"{view}.jpg").shape == (112, 112, 3)
        for view in CAMERA_VIEWS:
            assert picture(point, f"{view}.mask.png").dtype == np.uint8
            depth = picture(point, f"{view}.depth.png")
            assert depth.min() > 200
            assert depth.max() < 10_000
        cloud = np.load(io.BytesIO(point.read("points.npy")), allow_pickle=False)
        assert cloud.shape == (1024, 6)
        assert cloud.dtype == np.float32
        assert np.abs(cloud[:, :2]).max() < 3200
        assert cloud[:, 2].min() > -60
        assert cloud[:, 2].max() < 3200
        assert 0 <= cloud[:, 3:].min() <= cloud[:, 3:].max() <= 255
    assert 0 < spoken < len(points)


def test_names_are_those_of_the_vocabulary(points: list[Timepoint]) -> None:
    known = {*ENTITIES, "cementer"}
    for point in points:
        labels = point.labels
        assert set(labels) == set(HybridOR.provides) - {"clock"}
        assert set(labels["roles"]) <= set(ROLES)
        assert set(labels["entities"]) <= known
        assert set(labels["tools"]) <= set(TOOLS)
        assert labels["robot_phase"] in {"", *ROBOT_PHASES}
        for edge in labels["relations"]:
            assert {edge.subject, edge.object} <= known
            assert edge.predicate in PREDICATES
        assert set(labels["roles"]) == set(labels["entities"]) & set(ROLES)
        assert {name for edge in labels["relations"] for name in (edge.subject, edge.object)} <= set(labels["entities"])
        assert set(labels["positions"]["extents"]) == set(labels["entities"])
        assert labels["positions"]["reach"] == 3100.0
        assert set(labels["attributes"]) <= set(labels["entities"])


def test_masks_boxes_and_entities_agree(points: list[Timepoint]) -> None:
    drawn = set(MASK_LABELS.values())
    for point in points:
        for view in CAMERA_VIEWS:
            mask = picture(point, f"{view}.mask.png")
            boxes = boxes_in(point, view)
            assert len(boxes) == len(point.labels["boxes"][view]["boxes"])
            assert tuple(point.labels["boxes"][view]["size"]) == (112, 112)
            assert set(boxes) <= set(point.labels["entities"])
            extents = {}
            for number in np.unique(mask):
                if number and (mask == number).sum() >= 10:
                    rows, columns = np.nonzero(mask == number)
                    extents[MASK_LABELS[int(number)]] = (columns.min(), rows.min(), columns.max(), rows.max())
            assert extents == {name: box for name, box in boxes.items() if name in drawn}


def test_everybody_is_seen_in_some_room_view(points: list[Timepoint]) -> None:
    seen = [
        any(role in boxes_in(point, view) for view in ROOM_VIEWS) for point in points for role in point.labels["roles"]
    ]
    assert np.mean(seen) > 0.995


def test_positions_project_into_boxes_at_the_right_depth(points: list[Timepoint], cameras: dict[str, Any]) -> None:
    inside, deep = [], []
    for point in points:
        for view in ROOM_VIEWS:
            depth = picture(point, f"{view}.depth.png")
            mask = picture(point, f"{view}.mask.png")
            for name, (x0, y0, x1, y1) in boxes_in(point, view).items():
                if name not in PEOPLE or min(x0, y0) <= 0 or max(x1, y1) >= 111:
                    continue  # cut off by the edge of the picture
                x, y, away = project(cameras[point.take][view], middles(point)[name])
                grow_x, grow_y = 4 + 0.3 * (x1 - x0), 4 + 0.3 * (y1 - y0)
                inside.append(x0 - grow_x <= x <= x1 + grow_x and y0 - grow_y <= y <= y1 + grow_y)
                row, column = round(y), round(x)
                if 0 <= row < 112 and 0 <= column < 112 and MASK_LABELS.get(int(mask[row, column])) == name:
                    deep.append(-60 < away - float(depth[row, column]) < 520)
    assert len(deep) > 200
    assert np.mean(inside) > 0.96  # the rest stand behind somebody
    assert np.mean(deep) > 0.96  # the rest stand behind their twin


def test_actions_tools_and_calibration_follow_from_the_graph(takes: list[Take]) -> None:
    for take in takes:
        rows = list(take)
        for point in rows:
            assert point.labels["actions"] == scenegraph.actions(point.labels["relations"])
            assert point.labels["tools"] == scenegraph.tools(point.labels["relations"])
        calibrated = scenegraph.calibrated_by([point.labels["relations"] for point in rows])
        assert [point.labels["robot_calibrated"] for point in rows] == calibrated


def test_closeness_is_distance_on_the_floor(points: list[Timepoint]) -> None:
    edges = 0
    for point in points:
        roles, positions = point.labels["roles"], middles(point)
        alone = [role for role in sorted(set(roles) & PEOPLE) if roles.count(role) == 1]
        close = {
            frozenset((edge.subject, edge.object)) for edge in point.labels["relations"] if edge.predicate == "closeTo"
        }
        for role in alone:
            for other in alone:
                if role < other:
                    (ax, ay, _), (bx, by, _) = positions[role], positions[other]
                    apart = float(np.hypot(ax - bx, ay - by))
                    if abs(apart - CLOSE_DISTANCE) > 0.5:  # positions are rounded
                        assert (apart < CLOSE_DISTANCE) == (frozenset((role, other)) in close)
                        edges += apart < CLOSE_DISTANCE
    assert edges > 10


def test_who_holds_something_is_within_reach_of_it(points: list[Timepoint]) -> None:
    held = 0
    for point in points:
        for edge in point.labels["relations"]:
            if edge.predicate == "holding" and edge.object in {"drill", "saw", "hammer"}:
                holder, tool = (np.array(middles(point)[name]) for name in (edge.subject, edge.object))
                assert np.hypot(*(holder - tool)[:2]) < 900
                assert edge.object in boxes_in(point, "detail")
                held += 1
    assert held > 0


def test_tools_fill_an_eighth_of_the_close_up(points: list[Timepoint]) -> None:
    sides = []
    for point in points:
        visible = boxes_in(point, "detail")
        for name in {"drill", "saw", "hammer", "cementer"} & set(visible):
            if name == "cementer" or any(edge.object == name for edge in point.labels["relations"]):
                x0, y0, x1, y1 = visible[name]
                sides.append(max(x1 - x0, y1 - y0) / 112)
    assert min(sides) >= 0.12


def test_screen_tracker_and_sound_agree_with_labels(points: list[Timepoint]) -> None:
    loud, quiet = [], []
    names = {8000050: "base_array", 8000056: "calibration_array", 8000057: "upper_tracker", 8000058: "lower_tracker"}
    names[8000054] = "green_tip"
    for point in points:
        labels = point.labels
        assert (labels["robot_phase"] or "Standby") in labels["screen_text"]
        assert ("not calibrated" in labels["screen_text"]) is not labels["robot_calibrated"]
        log = json.loads(point.read("tracker.json"))["unique_id_dicts"]
        assert tuple(names[entry["unique_id"]] for entry in log) == labels["tracked_tools"]
        assert all({"type", "template_name"} == set(entry) for entry in json.loads(point.read("robot.json")).values())
        sound, rate = soundfile.read(io.BytesIO(point.read("audio.flac")))
        assert (len(sound), rate) == (16000, 16000)
        noisy = {"drilling", "sawing", "hammering"} & set(labels["actions"])
        (loud if noisy else quiet).append(float(np.sqrt(np.mean(sound**2))))
    assert np.mean(loud) > 2 * np.mean(quiet)


def test_gowns_show_in_the_pictures(points: list[Timepoint]) -> None:
    """The mean colour of a role's pixels is nearest to its own gown, most of the time."""
    right = []
    gowns = {role: np.array(colour, float) / np.linalg.norm(colour) for role, colour in GOWN_COLOURS.items()}
    numbers = {name: number for number, name in MASK_LABELS.items()}
    del gowns["mps"], gowns["unrelated_person"]  # grey and white differ in brightness, not in hue
    for point in points:
        for view in ROOM_VIEWS:
            mask, colour = picture(point, f"{view}.mask.png"), picture(point, f"{view}.jpg").astype(float)
            for role in set(point.labels["roles"]) & set(gowns):
                role_mask = mask == numbers[role]
                if role_mask.sum() > 60:
                    mean = np.median(colour[role_mask], axis=0)
                    mean /= np.linalg.norm(mean)
                    right.append(max(gowns, key=lambda gown: float(mean @ gowns[gown])) == role)
    assert np.mean(right) > 0.95


def brute(rows: list[tuple[int, float, tuple[str, ...]]], value: str, index: int) -> Iterator[Any]:
    """Answer what a timeline answers, by looking at every row."""
    yield next((seconds for at, seconds, values in rows if at > index and value in values), None)
    yield any(value in values for at, _, values in rows if at <= index)
    if value not in rows[index][2]:
        yield None
        return
    first = last = index
    while first > 0 and value in rows[first - 1][2]:
        first -= 1
    while last + 1 < len(rows) and value in rows[last + 1][2]:
        last += 1
    yield first, last


@pytest.mark.parametrize("facet", ["actions", "robot_phase", "roles"])
def test_timeline_equals_a_scan(takes: list[Take], facet: str) -> None:
    for take in takes:
        track = take.timeline().track(facet)
        rows = []
        for point in take:
            value = point.labels[facet]
            rows.append((point.index, point.seconds, ((value,) if value else ()) if isinstance(value, str) else value))
        assert [seconds for _, seconds, _ in rows] == [index * rows[1][1] for index, _, _ in rows]
        for index, _, values in rows:
            for value in track.values:
                span = track.span(value, index)
                answers = [
                    track.next_seconds(value, index),
                    track.happened(value, index),
                ]
                assert [*answers, span and (span.first, span.last)] == list(brute(rows, value, index))
            if facet == "robot_phase":
                now = values[0] if values else None
                later = [value for at, _, after in rows if at > index for value in after]
                assert track.following(index) == next((value for value in later if value != now), None)
