"""Rooms of other kinds: seen from somebody's head, or full of scanners; in their words, at their sizes."""

from __future__ import annotations

import io

import numpy as np
from fake_datasets import Hybrid, OnHead, array, copied_timepoints, parsed, picture, project_points
from PIL import Image

from orqa_plugin_hybridor.copies.irregularities import MISSING_CAMERA_AT, MISSING_GRAPH_AT
from orqa_plugin_hybridor.scene.skeleton import JOINTS
from orqa_registry import Layout
from orqa_registry.data.vocabulary import TOOLS

POSE = [[0.0, 0.0, -1.0, 30.0], [0.6, -0.8, 0.0, 40.0], [-0.8, -0.6, 0.0, 50.0], [0.0, 0.0, 0.0, 1.0]]


def test_what_is_seen_from_a_head() -> None:
    layout = Layout(
        (("train", "01_1"), ("test", "02_1"), ("train", "03_1")),
        print,
        {"ego": (640, 360)},
        {take: [f"{take}_{n:04d}" for n in range(120, 150)] for take in ("01_1", "02_1", "03_1")},
    )
    hit = looked = own_hands = 0
    phases, tools = set(), set()
    for points in copied_timepoints(OnHead(), layout, takes=3):
        assert points[0].frame.endswith("_1_0120")
        assert "actions" not in points[MISSING_GRAPH_AT].labels
        assert "gaze" not in points[2].labels
        assert (
            points[3].labels["entities"] == points[3].labels["tools"] == points[3].labels["boxes"]["ego"]["boxes"] == ()
        )
        for index, point in enumerate(points):
            assert picture(point, "ego.jpg").shape == (360, 640, 3)
            labels = point.labels
            phases |= set(labels.get("actions", ()))
            tools |= set(labels["tools"])
            boxes = labels["boxes"]["ego"]
            assert boxes["size"] == (640, 360)
            names = [box.entity for box in boxes["boxes"]]
            assert set(names) == set(labels["entities"])
            assert labels["tools"] == tuple(dict.fromkeys(name for name in names if "hands" not in name))
            own_hands += any(name.startswith("own hands") for name in names)
            for box in boxes["boxes"]:
                assert 0 <= box.x0 < box.x1 < 640
                assert 0 <= box.y0 < box.y1 < 360
            if "gaze" in labels:
                x, y = labels["gaze"]
                assert 0 <= x <= 1
                assert 0 <= y <= 1
                at = (x * 640, y * 360)
                inside = any(box.x0 <= at[0] <= box.x1 and box.y0 <= at[1] <= box.y1 for box in boxes["boxes"])
                if index in (3, 4):
                    assert not inside
                else:
                    hit, looked = hit + inside, looked + 1
    assert hit > 0.4 * looked
    assert own_hands > 12
    assert tools <= set(TOOLS)
    assert len(phases) >= 6


def test_a_room_frame_that_is_bound_to_a_camera() -> None:
    layout = Layout(
        (("train", "000"), ("test", "001")),
        print,
        {f"room{camera}": (160, 120) for camera in (1, 2, 3)},
        poses={"room1": POSE},
        joints=JOINTS[:10],
    )
    first, second = copied_timepoints(Hybrid(), layout, takes=2, count=6)
    assert parsed(first[0], "calibration.json") == parsed(second[3], "calibration.json")
    point = second[5]
    cameras = parsed(point, "calibration.json")
    assert np.allclose(cameras["room1"]["world_to_camera"], POSE)
    for camera in (1, 2, 3):
        assert cameras[f"room{camera}"]["size"] == [160, 120]
        image = Image.open(io.BytesIO(point.read(f"room{camera}.png")))
        assert (image.size, image.mode) == ((160, 120), "RGBA")
    depth = picture(point, "room2.depth.png").astype(float)
    cloud = array(point, "points.npy")[400:600, :3]  # of the second camera
    off = [abs(depth[round(y), round(x)] - away) for x, y, away in project_points(cameras["room2"], cloud)]
    assert max(off) < 2
    labels = point.labels
    objects = parsed(point, "objects.json")
    people = parsed(point, "poses.json")["people"]
    assert labels["roles"] == tuple(people)
    assert set(labels["entities"]) == set(people) | set(objects)
    assert set(labels["positions"]["extents"]) == set(labels["entities"])
    assert all(np.array(rows).shape == (10, 3) for rows in people.values())
    assert objects["ct machine"]["scan"] == "object_scans/ct_machine/2.ply"
    assert np.allclose(np.linalg.inv(objects["ct machine"]["pose"]), POSE)
    for name, placed in objects.items():
        x0, y0, z0, x1, y1, z1 = labels["positions"]["extents"][name]
        x, y, z = np.array(placed["pose"])[:3, 3]
        assert name == "ct machine" or (x0 <= x <= x1 and y0 <= y <= y1 and z0 <= z <= z1)
    nobody = first[3]
    assert parsed(nobody, "poses.json")["people"] == {}
    assert nobody.labels["roles"] == ()
    assert "room2.png" not in first[MISSING_CAMERA_AT].media
    assert "actions" not in first[MISSING_GRAPH_AT].labels
