"""A small MVOR root made by hand, by other code than the writer's: what is irregular there is irregular here."""

import io
import json
from functools import cache

import numpy as np
import pytest
from PIL import Image

from orqa_plugin_mvor import MVOR

FOCAL, CENTRE = (500.0, 400.0), (320.0, 240.0)
TO_FIRST = (
    [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    [0, 0, 1, 1000, 0, 1, 0, 0, -1, 0, 0, 2000, 0, 0, 0, 1],
    [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 5000, 0, 0, 0, 1],
)
"""Camera 2 looks along x of camera 1, from 1 m to the right and 2 m ahead; camera 3 looks back from 5 m ahead."""

CLIPS = (
    ("1_000000  ", "1_000002", "normal   ", "2"),
    ("2_000001  ", "2_000002", "empty    ", "0"),
    ("3_000000  ", "3_000000", "mini ", "1"),
    ("4_000000  ", "4_000000", "normal   ", "1"),
    ("2_000002  ", "2_000002", "normal   ", "1"),
)
LABELS = (
    ("1_000000    ", "Sterile Preparation"),
    ("1_000001    ", "CT roll In  "),
    ("1_000002    ", "OUT"),
    ("1_000003    ", "OUT"),
    ("2_000001    ", "C arm  scanning"),
)
SPLITS = {
    "train": ["2_000001", "2_000002"],
    "val": ["3_000000", "4_000000"],
    "test": ["1_000000", "1_000001", "1_000002"],
}
DUMMY = [[10.0 * joint, 20.0, 1000.0] for joint in range(10)]
"""The middle of its hips, joints 4 and 5, is (45, 20, 1000)."""


def person(x=0.0, y=0.0, z=2000.0):
    """Ten joints on a slant: the first at (x, y, z), the last 900 mm to the right of it and 450 below."""
    return [[x + 100.0 * joint, y + 50.0 * joint, z] for joint in range(10)]


def image_id(day, camera, frame):
    return day * 10**10 + camera * 10**7 + frame


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


@cache
def colour(width=640, height=480):
    """Red says which column, green which row; the alpha channel is nobody's business."""
    rows, columns = np.mgrid[:height, :width]
    channels = (columns % 256, rows % 256, np.full_like(rows, 7), np.full_like(rows, 99))
    return png(np.stack(channels, axis=-1).astype(np.uint8))


@cache
def plane(distance, width=640, height=480):
    """Depth of a wall at right angles to the view; the first row is not known."""
    depth = np.full((height, width), distance, dtype=np.uint16)
    depth[0] = 0
    return png(depth)


def ply(points, colours=None):
    names = ["x", "y", "z"] + (["red", "green", "blue"] if colours else [])
    types = ["float"] * 3 + ["uchar"] * 3
    header = "".join(f"property {type_} {name}\n" for type_, name in zip(types, names, strict=False))
    rows = [[*point, *(colours[index] if colours else ())] for index, point in enumerate(points)]
    body = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    return f"ply\nformat ascii 1.0\nelement vertex {len(rows)}\n{header}end_header\n{body}".encode()


class Root:
    """Writes the parts of a root."""

    def __init__(self, folder):
        self.folder = folder

    def put(self, path, content):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def table(self, name, header, rows):
        self.put(name, "\r\n".join([header, *(",".join(row) for row in rows)]))

    def tables(self):
        self.table("clips.csv", "Clip start,Clip end,Clip type,Clip label", CLIPS)
        self.table("frame_labels.csv", "Frame number,Label", LABELS)
        self.put("splits.json", json.dumps(SPLITS))

    def dictionary(self, path, content):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, np.array({key: np.array(value, dtype=float) for key, value in content.items()}, dtype=object))

    def people(self, day, frame, people):
        path = self.folder / "human_poses_3D" / f"pred_day_{day}_frame_{frame:06d}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, np.array(people, dtype=np.float32))

    def image(self, day, camera, frame, *, depth=None):
        self.put(f"day{day}/cam{camera}/color/{frame:06d}.png", colour())
        if depth is not None:
            self.put(f"day{day}/cam{camera}/depth/{frame:06d}.png", plane(depth))

    def annotations(self, path="annotations/camma_mvor_2018.json", **changes):
        intrinsics = [
            {"focallength": FOCAL, "principalpoint": CENTRE, "imagesize": [640, 480], "distortion": [0.1, 0, 0, 0, 0]}
        ]
        images = [
            {"id": image_id(1, camera, frame), "file_name": f"day1/cam{camera}/color/{frame:06d}.png"}
            for frame in (0, 1)
            for camera in (1, 2, 3)
        ]
        people = [
            {
                "id": 0,
                "image_id": image_id(1, 2, 0),
                "category_id": "1",
                "bbox": [1.5, 2.0, 30.0, 40.0],
                "keypoints": [5.0, 6.0, 2] * 10,
                "only_bbox": 0,
                "person_id": 0,
                "person_role": "clinician",
                "face_blurred": 1,
            },
            {
                "id": "1",
                "image_id": str(image_id(1, 2, 0)),
                "category_id": "1",
                "bbox": [0, 0, 3, 4],
                "keypoints": [0.0, 0.0, 0] * 10,
                "only_bbox": 1,
                "person_id": -1,
                "person_role": "patient",
                "face_blurred": 0,
            },
        ]
        content = {
            "images": images,
            "multiview_images": [{"id": "a"}, {"id": "b"}],
            "annotations": people,
            "annotations3D": [{"keypoints3D": [0.0] * 48}],
            "cameras_info": {"camParams": {"intrinsics": intrinsics * 3, "extrinsics": TO_FIRST}},
        }
        return self.put(path, json.dumps(content | changes))

    def all(self):
        self.tables()
        self.annotations()
        for day in (1, 2, 3, 4):
            for camera in (1, 2, 3):
                self.image(day, camera, 1 if day == 2 else 0, depth={1: 2000, 2: 1500, 3: 0}[camera])
        self.people(1, 0, [person(), person(x=2000.0)])
        self.people(1, 2, [person(y=10.0 * number) for number in range(6)])
        self.people(2, 1, [person()])
        self.dictionary("patient_centers_GT.npz", {"day1_000000": [100, 120, 2500], "day3_000000": [0, 0, 1800]})
        self.put("dummy_patient_pose.json", json.dumps(DUMMY))
        moved = np.eye(4)
        moved[:3] = [[0, -1, 0, 0.05], [1, 0, 0, 0], [0, 0, 1, 0.25]]  # in units of 4 m
        poses = {"object_scans/operating_table/1.ply": moved, "object_scans/ct_machine/1.ply": np.eye(4)}
        for day, frame in ((1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (3, 0), (4, 0)):
            extra = {"object_scans/c-arm_base/2.ply": np.eye(4)} if day == 4 else {}
            self.dictionary(f"object_poses_3D/day_{day}_frame_{frame:06d}.npz", poses | extra)
        self.put("object_scans/ct_machine/1.ply", ply([(-10, -20, 1000), (30, 40, 2000)]))
        corners = [(x, y, z) for x in (0, 100) for y in (0, 200) for z in (1000, 1300)]
        self.put("object_scans/operating_table/1.ply", ply(corners * 200))
        self.put("point_clouds/day1_frame_000000.ply", ply([(1, 2, 3), (4, 5, 6)], [(7, 8, 9), (255, 0, 1)]))
        return self.folder


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


@pytest.fixture
def dataset():
    return MVOR()


@pytest.fixture
def read(dataset):
    def reader(folder, split="test"):
        return {take.name: list(take) for take in dataset.takes(folder, split)}

    return reader


@pytest.fixture
def helpers():
    """What test modules need of this one: it cannot be imported by name."""
    return {"person": person, "png": png, "plane": plane, "ply": ply, "dummy": DUMMY, "colour": colour}
