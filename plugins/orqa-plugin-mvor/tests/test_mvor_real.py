"""The real annotations and the real additions, where they are on this machine; no image is needed."""

import json
import time
import zipfile
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from orqa_plugin_mvor import MVOR
from orqa_registry.data import facets
from orqa_registry.readers.geometry import project
from orqa_registry.readers.io import read_json

REAL = Path(__file__).resolve().parents[4] / "shared" / "real" / "mvor"
ACTIONS = {
    "ct scanning": 213,
    "patient preparation": 152,
    "c arm scanning": 139,
    "ct roll out": 63,
    "sterile preparation": 45,
    "patient roll out": 31,
    "patient roll in": 30,
    "ct roll in": 27,
    "c arm preparation": 16,
    "c arm roll out": 8,
    "c arm roll in": 5,
}
CLOSE = 10.0
"""Pixels that a projected joint may be from the annotated one, in the median (datasets.md 4.2)."""

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real annotations of MVOR (shared/real) are not here")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mvor")
    (folder / "camma_mvor_2018.json").symlink_to(REAL / "camma_mvor_2018.json")
    with zipfile.ZipFile(REAL / "mvor_additional.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def points(real):
    return {split: [point for take in MVOR().takes(real, split) for point in take] for split in MVOR.splits}


def test_every_frame_of_every_clip_comes_out(real, points):
    assert {split: len(members) for split, members in points.items()} == {"train": 536, "validation": 115, "test": 78}
    takes = {split: tuple(take.name for take in MVOR().takes(real, split)) for split in MVOR.splits}
    assert takes == MVOR.official
    frames = {point.key for members in points.values() for point in members}
    assert len(frames) == 729
    assert not frames & {f"MVOR/{take}/{frame:06d}" for take in ("001", "002", "003") for frame in (0, 233, 234)}


def test_actions_are_as_often_as_is_known(points):
    assert (
        Counter(action for members in points.values() for point in members for action in point.labels["actions"])
        == ACTIONS
    )


def test_the_known_numbers(real):
    checks = {check.what: check for check in MVOR().checks(real)}
    assert checks["multi-view frames"].found == 732
    assert checks["3D poses of people"].found == 1061
    assert checks["clips"].found == 26
    failed = {what for what, check in checks.items() if not check.good}
    images = {f"{kind} images of day {day}" for kind in ("color", "depth") for day in (1, 2, 3, 4)}
    assert failed == images | {"object scans"}, "these are not in what is on this machine"


def test_labels_of_all_frames_take_seconds(real):
    start = time.monotonic()
    frames = [dict(point.labels) for split in MVOR.splits for take in MVOR().takes(real, split) for point in take]
    elapsed = time.monotonic() - start
    print(f"labels of {len(frames)} frames, boxes and positions among them: {elapsed:.1f} s")
    assert elapsed < 60, "about 2 s where nobody else works"
    for labels in frames:
        assert set(labels) == {"actions", "roles", "entities", "boxes", "positions"}
        assert facets.load_labels(json.loads(json.dumps(labels))) == labels
    people = Counter(sum(name.startswith("human") for name in labels["roles"]) for labels in frames)
    assert people[0] == 103
    assert sum(name == "patient" for labels in frames for name in labels["roles"]) == 349, "3 of the 352 are in no clip"
    assert all({"ct machine", "operating table"} <= set(labels["entities"]) for labels in frames)


def test_heads_are_above_hips_in_the_room(points):
    heights = []
    for point in chain.from_iterable(points.values()):
        for name, joints in json.loads(point.read("poses.json"))["people"].items():
            if name != "patient":
                heights.append(joints[0][1] - (joints[4][1] + joints[5][1]) / 2)
    assert np.median(heights) == pytest.approx(555, abs=30)


def test_3d_poses_project_onto_the_annotated_ones(real, points):
    ids = {}
    for person in read_json(real / "camma_mvor_2018.json")["annotations3D"]:
        ids.setdefault(person["image_ids"].split("_")[0], []).append(person["person_id"])
    takes = {take.name: take for split in MVOR.splits for take in MVOR().takes(real, split)}
    view_distances = {view: [] for view in ("room1", "room2", "room3")}
    for point in chain.from_iterable(points.values()):
        day = takes[point.take].read.args[0].start[0]
        poses, cameras = json.loads(point.read("poses.json")), json.loads(point.read("calibration.json"))
        humans = [joints for name, joints in poses["people"].items() if name != "patient"]
        order = ids.get(str(int(day) * 10**10 + 10**7 + int(point.frame)), [])
        assert len(order) == len(humans)
        for view, distances in view_distances.items():
            people = json.loads(point.read(f"{view}.keypoints.json"))
            keypoints = {person["person_id"]: person["keypoints"] for person in people}
            for number, joints in zip(order, humans, strict=True):
                annotated = np.array(keypoints.get(number, [0.0] * 30)).reshape(10, 3)
                pixels = project(cameras[view], joints)[:, :2]
                # A joint at the centre of camera 1 stands for one that is not known: it has no pixel there.
                known = (annotated[:, 2] > 0) & np.isfinite(pixels).all(axis=1)
                distances += np.linalg.norm(pixels - annotated[:, :2], axis=1)[known].tolist()
    medians = {view: round(float(np.median(distances)), 2) for view, distances in view_distances.items()}
    print("median pixels:", medians, {view: len(distances) for view, distances in view_distances.items()})
    assert all(median < CLOSE for median in medians.values()), medians
