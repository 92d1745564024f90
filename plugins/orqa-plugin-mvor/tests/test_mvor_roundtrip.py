"""What the writer wrote is what the reader reads, whatever the timepoints."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from orqa_plugin_mvor import MVOR, names
from orqa_registry import Box, Take, Timepoint
from orqa_registry.readers.formats.arrays import to_npy
from orqa_registry.readers.formats.clouds import cloud_from_npy, compact_cloud
from orqa_registry.readers.geometry import invert, project, rigid_pose, transform

VIEWS = ("room1", "room2", "room3")
ROOM1 = invert(names.ALIGNMENT)
SCANS = tuple(f"object_scans/{name}.ply" for name in ("ct_machine/1", "operating_table/1", "c-arm_base/2", "x_1/3"))
ACTIONS = ("ct roll in", "c arm scanning", "patient roll out", "sterile preparation")

NEAR = 500.0
"""Nearer to the plane of a camera than this, mm, a hundredth of a millimetre is more than that of a pixel."""

numbers = st.floats(-3000, 3000, width=32)
places = st.tuples(numbers, numbers, numbers).map(list)
turns = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda turn: sum(value * value for value in turn) > 0.1)
poses = st.builds(rigid_pose, places, turns)


@st.composite
def calibrations(draw):
    """Three cameras, the first where MVOR has it."""
    lens = st.tuples(*[st.floats(300, 800)] * 4)
    placed = {"room1": ROOM1, "room2": draw(poses), "room3": draw(poses)}
    cameras = {}
    for view, world_to_camera in placed.items():
        fx, fy, cx, cy = draw(lens)
        intrinsics = [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
        cameras[view] = {"size": [640, 480], "intrinsics": intrinsics, "world_to_camera": world_to_camera.tolist()}
        cameras[view]["distortion"] = [0.25, 0.0, 0.0, 0.0, 0.0]
    return cameras


@st.composite
def people_in_image(draw):
    only_box = draw(st.booleans())
    return {
        "bbox": draw(st.lists(st.floats(0, 640), min_size=4, max_size=4)),
        "keypoints": [0.0, 0.0, 0] * 10 if only_box else draw(st.lists(st.floats(0, 640), min_size=30, max_size=30)),
        "person_role": draw(st.sampled_from(["clinician", "patient"])),
        "person_id": -1 if only_box else draw(st.integers(0, 5)),
        "only_bbox": int(only_box),
        "face_blurred": draw(st.integers(0, 1)),
    }


def extents(points):
    return [*points.min(axis=0), *points.max(axis=0)]


class Room:
    """Draws timepoints, and knows what is where in each: shapes of objects are those of their first appearance."""

    def __init__(self, draw):
        self.draw = draw
        self.cameras = draw(st.none() | calibrations())
        self.dummy = np.array(draw(st.lists(places, min_size=10, max_size=10)))
        self.shapes = {}

    def timepoint(self, split, take, frame):
        draw, media, labels = self.draw, {}, {}
        for view in VIEWS:
            for name in (f"{view}.png", f"{view}.depth.png"):
                if draw(st.booleans()):
                    media[name] = f"{take} {frame} {name}".encode()
            if draw(st.booleans()):
                media[f"{view}.keypoints.json"] = json.dumps(draw(st.lists(people_in_image(), max_size=2))).encode()
        if self.cameras:
            media["calibration.json"] = json.dumps(self.cameras).encode()
        if draw(st.booleans()):
            cloud = np.array(draw(st.lists(st.tuples(*[numbers] * 3, *[st.integers(0, 255)] * 3), max_size=3)))
            plain = to_npy(cloud.reshape(-1, 6).astype(np.float32))
            media["points.npy"] = compact_cloud(plain) if draw(st.booleans()) else plain  # as shards have it
        action = draw(st.none() | st.sampled_from(ACTIONS))
        if action:
            labels["actions"] = (action,)
        points, joints = self.people()
        media["poses.json"] = json.dumps({"joints": names.POSE_JOINTS, "people": joints}).encode()
        labels["roles"] = tuple(joints)
        if draw(st.booleans()):
            objects = self.objects(points)
            media["objects.json"] = json.dumps(objects).encode()
            labels["entities"] = (*joints, *objects)
            labels["positions"] = {"reach": 3500.0, "extents": {name: extents(rows) for name, rows in points.items()}}
            if self.cameras:
                labels["boxes"] = {view: self.boxes(view, points) for view in VIEWS}
        return Timepoint("MVOR", split, take, frame, int(frame), None, media, labels)

    def people(self):
        joint = st.none() | places
        humans = self.draw(st.lists(st.lists(joint, min_size=10, max_size=10), max_size=6))
        joints = {f"human {number}": human for number, human in enumerate(humans, start=1)}
        if self.draw(st.booleans()):
            joints["patient"] = (self.dummy + self.draw(places)).tolist()
        known = {name: np.array([joint for joint in human if joint is not None]) for name, human in joints.items()}
        return {name: rows for name, rows in known.items() if len(rows)}, joints

    def objects(self, points):
        objects = {}
        for scan in self.draw(st.lists(st.sampled_from(SCANS), unique=True)):
            entity = scan.split("/")[1].replace("_", " ")
            placed = self.draw(poses)
            if scan not in self.shapes:
                low, size = self.draw(places), self.draw(st.tuples(*[st.floats(1, 900)] * 3))
                corners = [[low[a] + size[a] * (bit >> a & 1) for a in range(3)] for bit in range(8)]
                self.shapes[scan] = transform(np.linalg.inv(placed), corners)
            points[entity] = transform(placed, self.shapes[scan])
            objects[entity] = {"scan": scan, "pose": placed.tolist()}
        return objects

    def boxes(self, view, points):
        boxes = []
        for name, rows in points.items():
            pixels = project(self.cameras[view], rows)
            if (np.abs(pixels[:, 2]) < NEAR).any():
                boxes.append(Box(name, *[0.0] * 4))
                continue
            pixels = pixels[pixels[:, 2] > 0]
            if len(pixels):
                boxes.append(Box(name, *pixels.min(axis=0)[:2], *pixels.max(axis=0)[:2]))
        return {"size": (640, 480), "boxes": tuple(boxes)}


@st.composite
def recordings(draw):
    room = Room(draw)
    take_names = draw(st.lists(st.sampled_from(sorted(names.FIRST_FRAMES)), min_size=1, max_size=3, unique=True))
    takes = []
    for name in take_names:
        split, _, first = names.FIRST_FRAMES[name]
        frames = draw(st.lists(st.integers(0, 2), min_size=1, unique=True))
        points = [room.timepoint(split, name, f"{first + frame:06d}") for frame in sorted(frames)]
        takes.append(Take("MVOR", split, name, points.__iter__))
    return takes


def same(restored, written, tolerance):
    """Hold two values, as JSON has them, against each other: numbers within a tolerance."""
    if isinstance(written, dict):
        assert list(restored) == list(written)
        for key, value in written.items():
            same(restored[key], value, tolerance)
    elif isinstance(written, list | tuple):
        assert len(restored) == len(written)
        for restored_value, written_value in zip(restored, written, strict=True):
            same(restored_value, written_value, tolerance)
    elif isinstance(written, float):
        assert restored == pytest.approx(written, abs=tolerance, rel=1e-6)
    else:
        assert restored == written


def same_boxes(restored, written):
    """Hold boxes against each other, but for those of what a camera has too near: rounding says where they are."""
    for view, written_view in written.items():
        restored_boxes, written_boxes = (
            {name: corners for name, *corners in view_boxes["boxes"]} for view_boxes in (restored[view], written_view)
        )
        near = {name for name, corners in written_boxes.items() if not any(corners)}
        assert restored[view]["size"] == written_view["size"]
        clear = [name for name in written_boxes if name not in near]
        assert [name for name in restored_boxes if name not in near] == clear
        for name in clear:
            assert restored_boxes[name] == pytest.approx(written_boxes[name], abs=0.01, rel=1e-6)


def compare(restored, written):
    assert (restored.key, restored.split, restored.index, restored.seconds) == (
        written.key,
        written.split,
        written.index,
        None,
    )
    fused = {"points.npy"} if "calibration.json" in restored.media else set()
    assert set(written.media) <= set(restored.media) <= set(written.media) | fused
    for name in written.media:
        if name.endswith(".json"):
            same(json.loads(restored.read(name)), json.loads(written.read(name)), 0.01)
        elif name == "points.npy":
            assert cloud_from_npy(restored.read(name)) == pytest.approx(cloud_from_npy(written.read(name)), abs=0.01)
        else:
            assert restored.read(name) == written.read(name)
    assert set(restored.labels) == set(written.labels)
    for facet in set(written.labels) - {"boxes"}:
        same(json.loads(json.dumps(restored.labels[facet])), json.loads(json.dumps(written.labels[facet])), 0.01)
    same_boxes(restored.labels.get("boxes", {}), written.labels.get("boxes", {}))


# A failing example is large, and making it smaller takes minutes and says little more.
@settings(max_examples=settings.default.max_examples * 2 // 5, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(recordings())
def test_what_is_written_is_read(takes):
    with tempfile.TemporaryDirectory() as folder:
        MVOR().layout().write(Path(folder), takes)
        restored_takes = {take.name: take for split in MVOR.splits for take in MVOR().takes(Path(folder), split)}
        assert set(restored_takes) == {take.name for take in takes}
        for take in takes:
            assert restored_takes[take.name].split == take.split
            for restored, written in zip(restored_takes[take.name], take, strict=True):
                compare(restored, written)
