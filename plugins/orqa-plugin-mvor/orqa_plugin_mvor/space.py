"""Writes what is in the room: 3D poses, patients, objects and their scans, clouds, cameras (datasets.md 4.3, 4.4)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_plugin_mvor import names
from orqa_plugin_mvor.pickled import pickled_dictionary
from orqa_registry import CallError, Take, Timepoint
from orqa_registry.formats.clouds import from_npy
from orqa_registry.formats.geometry import invert, transform
from orqa_registry.formats.writing import write_ply

Array = npt.NDArray[np.float64]

FROM_CAMERA: Array = np.array(names.ALIGNMENT)
"""Camera 1 to the room that is read back."""

HUMAN = re.compile(r"human ([1-9][0-9]{0,3})")
STILL = 0.01
"""What a pose may differ in and be the same, mm."""

COPIES = 130
"""How often a corner of the scan with too many points is repeated, so that no draw of 1,000 points misses it."""


class Space:
    """The room of all takes. Coordinates are carried as camera 1 sees them.

    posed: whether any timepoint has poses; where none has, no file says who is there.
    """

    def __init__(self, root: Path, takes: Sequence[Take]) -> None:
        self._root = root
        self._calibration, self.posed = _known_beforehand(takes)
        self._to_first = self._pose("room1") if self._calibration else invert(FROM_CAMERA)
        self._centres: dict[str, Array] = {}
        self._dummy: Array | None = None
        self._scans: dict[str, Array] = {}

    def _pose(self, view: str) -> Array:
        return np.array((self._calibration or {})[view]["world_to_camera"], dtype=np.float64)

    def cameras(self) -> dict[str, Any] | None:
        """Return `camParams` of the annotation file, None where the takes have no calibration of all cameras."""
        if self._calibration is None:
            return None
        views = [self._calibration[f"room{camera}"] for camera in names.CAMERAS]
        poses = [self._to_first @ invert(self._pose(f"room{camera}")) for camera in names.CAMERAS]
        poses[0] = np.eye(4)
        # In the room that this matrix leads to z is up, in ours y.
        upright = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
        return {
            "intrinsics": [_intrinsics(view, f"SN-{number}") for number, view in enumerate(views, start=1)],
            "extrinsics": [pose.ravel().tolist() for pose in poses],
            "firstCamToRoomRef": (upright @ FROM_CAMERA).ravel().tolist(),
            "ids": [f"SN-{camera}" for camera in names.CAMERAS],
        }

    def add(self, day: int, point: Timepoint) -> Array | None:
        """Write what is in the room at a timepoint; return its people as camera 1 sees them, None without poses."""
        cameras = _calibration(point) if "calibration.json" in point.media else None
        if cameras is not None and cameras != self._calibration:
            raise CallError(f"{point.key}: its calibration is another than before; MVOR has one for all takes")
        if "objects.json" in point.media:
            self._add_objects(day, point, json.loads(point.read("objects.json")))
        if "points.npy" in point.media:
            cloud = from_npy(point.read("points.npy"), f"{point.key}: points.npy").astype(np.float64)
            cloud[:, :3] = self._moved(cloud[:, :3])
            path = self._root / names.CLOUDS / names.cloud_file(day, point.frame)
            path.parent.mkdir(exist_ok=True)
            write_ply(path, cloud)
        if "poses.json" not in point.media:
            return None
        return self.add_people(day, point.frame, json.loads(point.read("poses.json")))

    def add_people(self, day: int, frame: str, poses: Mapping[str, Any]) -> Array:
        """Write the people of `poses.json`, in the order of their numbers; nobody, no file."""
        known = {name: self._skeleton(poses["joints"], joints) for name, joints in poses["people"].items()}
        numbers = {int(match[1]): name for name in known if (match := HUMAN.fullmatch(name))}
        humans = [numbers[number] for number in sorted(numbers)]
        people = np.array([known[name] for name in humans]).reshape(-1, len(names.JOINTS), 3)
        if len(people):
            self.write_people(day, frame, people)
        patient = known.get(names.PATIENT)
        if patient is not None and np.isfinite(patient[list(names.HIPS)]).all():
            self._centres[names.centre_key(day, frame)] = patient[list(names.HIPS)].mean(axis=0)
            if self._dummy is None and np.isfinite(patient).all():
                self._dummy = patient
        return people

    def write_people(self, day: int, frame: str, people: Array) -> None:
        """Write people, P x 10 x 3 as camera 1 sees them."""
        path = self._root / names.POSES / names.poses_file(day, frame)
        path.parent.mkdir(exist_ok=True)
        np.save(path, people.astype("<f4"), allow_pickle=False)

    def write_objects(self, day: int, frame: str, content: bytes) -> None:
        """Write a file of object poses."""
        path = self._root / names.OBJECTS / names.objects_file(day, frame)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def finish(self) -> None:
        """Write the files that serve all frames."""
        if self.posed:
            (self._root / names.POSES).mkdir(exist_ok=True)
            (self._root / names.CENTRES).write_bytes(pickled_dictionary(self._centres))
        if self._dummy is not None:
            (self._root / names.DUMMY).write_text(json.dumps(self._dummy.tolist(), indent=2))
        for number, (scan, corners) in enumerate(sorted(self._scans.items())):
            path = self._root / scan
            path.parent.mkdir(parents=True, exist_ok=True)
            write_ply(path, corners if number else np.repeat(corners, COPIES, axis=0))

    def _add_objects(self, day: int, point: Timepoint, objects: Mapping[str, Mapping[str, Any]]) -> None:
        poses = {}
        extents = point.labels["positions"]["extents"] if "positions" in point.labels else {}
        for entity, placed in objects.items():
            scan = placed["scan"]
            if not names.SCAN_NAME.fullmatch(scan):
                raise CallError(f"{point.key}: object {entity!r}: scan {scan!r}: object_scans/CLASS/K.ply was expected")
            in_room = np.array(placed["pose"], dtype=np.float64)
            pose = self._to_first @ in_room
            pose[:3, 3] /= names.SCAN_SCALE
            poses[scan] = pose
            if entity in extents and scan not in self._scans:
                self._scans[scan] = transform(np.linalg.inv(in_room), _corners(extents[entity]))
        self.write_objects(day, point.frame, pickled_dictionary(poses))

    def _skeleton(self, joints: Sequence[str], places: Sequence[Sequence[float] | None]) -> Array:
        """Return the ten joints of a person as camera 1 sees them; one that is not known is not finite."""
        known = dict(zip(joints, places, strict=True))
        nowhere = (np.nan,) * 3
        return transform(self._to_first, [known.get(joint) or nowhere for joint in names.JOINTS])

    def _moved(self, places: Array) -> Array:
        """Return room coordinates as they are read back; as they are where camera 1 stands where it should."""
        motion = FROM_CAMERA @ self._to_first
        return places if np.allclose(motion, np.eye(4), rtol=0, atol=STILL / 1e4) else transform(motion, places)


def _known_beforehand(takes: Sequence[Take]) -> tuple[dict[str, Any] | None, bool]:
    """Return the cameras, and whether there are poses: what has to be known before the first frame is written."""
    cameras, posed = None, False
    for point in (point for take in takes for point in take):
        if cameras is None and "calibration.json" in point.media:
            cameras = _calibration(point)
        posed = posed or "poses.json" in point.media
        if cameras and posed:
            break
    return cameras, posed


def _calibration(point: Timepoint) -> dict[str, Any] | None:
    """Return the cameras of a timepoint, None where it lacks one of the three."""
    found = json.loads(point.read("calibration.json"))
    wanted = {f"room{camera}" for camera in names.CAMERAS}
    return {view: found[view] for view in sorted(wanted)} if wanted <= set(found) else None


def _intrinsics(view: Mapping[str, Any], serial: str) -> dict[str, Any]:
    (fx, _, cx), (_, fy, cy), _ = view["intrinsics"]
    return {
        "focallength": [fx, fy],
        "principalpoint": [cx, cy],
        "imagesize": view["size"],
        "distortion": view.get("distortion", [0.0] * 5),
        "skew_value": 0,
        "serialnumber": serial,
    }


def _corners(extent: Sequence[float]) -> Array:
    low, high = extent[:3], extent[3:]
    return np.array([[(low, high)[bit >> axis & 1][axis] for axis in range(3)] for bit in range(8)], dtype=np.float64)
