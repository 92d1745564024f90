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
from orqa_plugin_mvor.writer.npz_files import dictionary_npz
from orqa_registry import CallError, Take, Timepoint
from orqa_registry.readers.formats.clouds import cloud_from_npy
from orqa_registry.readers.formats.writers import write_ply
from orqa_registry.readers.geometry import invert, transform

Array = npt.NDArray[np.float64]

CAMERA1_TO_ROOM: Array = np.array(names.ALIGNMENT)
"""Camera 1 to the room that is read back."""

HUMAN_NAME = re.compile(r"human ([1-9][0-9]{0,3})")
POSE_TOLERANCE = 0.01
"""What a pose may differ in and be the same, mm."""

CORNER_COPIES = 130
"""How often a corner of the scan with too many points is repeated, so that no draw of 1,000 points misses it."""


class RoomFiles:
    """The room of all takes. Coordinates are carried as camera 1 sees them.

    posed: whether any timepoint has poses; where none has, no file says who is there.
    """

    def __init__(self, root: Path, takes: Sequence[Take]) -> None:
        self._root = root
        self._calibration, self.posed = _look_ahead(takes)
        self._room_to_camera1 = self._world_to_camera("room1") if self._calibration else invert(CAMERA1_TO_ROOM)
        self._centres: dict[str, Array] = {}
        self._dummy: Array | None = None
        self._scans: dict[str, Array] = {}

    def _world_to_camera(self, view: str) -> Array:
        return np.array((self._calibration or {})[view]["world_to_camera"], dtype=np.float64)

    def cameras(self) -> dict[str, Any] | None:
        """Return `camParams` of the annotation file, None where the takes have no calibration of all cameras."""
        if self._calibration is None:
            return None
        cameras = [self._calibration[f"room{camera}"] for camera in names.CAMERAS]
        poses = [self._room_to_camera1 @ invert(self._world_to_camera(f"room{camera}")) for camera in names.CAMERAS]
        poses[0] = np.eye(4)
        # In the room that this matrix leads to z is up, in ours y.
        y_up_to_z_up = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
        return {
            "intrinsics": [
                _camera_intrinsics(camera, f"SN-{number}") for number, camera in enumerate(cameras, start=1)
            ],
            "extrinsics": [pose.ravel().tolist() for pose in poses],
            "firstCamToRoomRef": (y_up_to_z_up @ CAMERA1_TO_ROOM).ravel().tolist(),
            "ids": [f"SN-{camera}" for camera in names.CAMERAS],
        }

    def add(self, day: int, timepoint: Timepoint) -> Array | None:
        """Write what is in the room at a timepoint; return its people as camera 1 sees them, None without poses."""
        calibration = _read_calibration(timepoint) if "calibration.json" in timepoint.media else None
        if calibration is not None and calibration != self._calibration:
            raise CallError(f"{timepoint.key}: its calibration is another than before; MVOR has one for all takes")
        if "objects.json" in timepoint.media:
            self._add_objects(day, timepoint, json.loads(timepoint.read("objects.json")))
        if "points.npy" in timepoint.media:
            cloud = cloud_from_npy(timepoint.read("points.npy"), f"{timepoint.key}: points.npy").astype(np.float64)
            cloud[:, :3] = self._align_points(cloud[:, :3])
            path = self._root / names.POINT_CLOUDS_FOLDER / names.point_cloud_file(day, timepoint.frame)
            path.parent.mkdir(exist_ok=True)
            write_ply(path, cloud)
        if "poses.json" not in timepoint.media:
            return None
        return self.add_people(day, timepoint.frame, json.loads(timepoint.read("poses.json")))

    def add_people(self, day: int, frame: str, poses: Mapping[str, Any]) -> Array:
        """Write the people of `poses.json`, in the order of their numbers; nobody, no file."""
        skeletons = {name: self._transform_joints(poses["joints"], joints) for name, joints in poses["people"].items()}
        human_names = {int(match[1]): name for name in skeletons if (match := HUMAN_NAME.fullmatch(name))}
        humans = [human_names[number] for number in sorted(human_names)]
        people = np.array([skeletons[name] for name in humans]).reshape(-1, len(names.POSE_JOINTS), 3)
        if len(people):
            self.write_people(day, frame, people)
        patient = skeletons.get(names.PATIENT)
        if patient is not None and np.isfinite(patient[list(names.HIP_JOINTS)]).all():
            self._centres[names.patient_centre_key(day, frame)] = patient[list(names.HIP_JOINTS)].mean(axis=0)
            if self._dummy is None and np.isfinite(patient).all():
                self._dummy = patient
        return people

    def write_people(self, day: int, frame: str, people: Array) -> None:
        """Write people, P x 10 x 3 as camera 1 sees them."""
        path = self._root / names.HUMAN_POSES_FOLDER / names.human_poses_file(day, frame)
        path.parent.mkdir(exist_ok=True)
        np.save(path, people.astype("<f4"), allow_pickle=False)

    def write_objects(self, day: int, frame: str, content: bytes) -> None:
        """Write a file of object poses."""
        path = self._root / names.OBJECT_POSES_FOLDER / names.object_poses_file(day, frame)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def finish(self) -> None:
        """Write the files that serve all frames."""
        if self.posed:
            (self._root / names.HUMAN_POSES_FOLDER).mkdir(exist_ok=True)
            (self._root / names.PATIENT_CENTRES_FILE).write_bytes(dictionary_npz(self._centres))
        if self._dummy is not None:
            (self._root / names.DUMMY_POSE_FILE).write_text(json.dumps(self._dummy.tolist(), indent=2))
        for number, (scan, corners) in enumerate(sorted(self._scans.items())):
            path = self._root / scan
            path.parent.mkdir(parents=True, exist_ok=True)
            write_ply(path, corners if number else np.repeat(corners, CORNER_COPIES, axis=0))

    def _add_objects(self, day: int, timepoint: Timepoint, objects: Mapping[str, Mapping[str, Any]]) -> None:
        poses = {}
        extents = timepoint.labels["positions"]["extents"] if "positions" in timepoint.labels else {}
        for entity, record in objects.items():
            scan = record["scan"]
            if not names.SCAN_PATH.fullmatch(scan):
                raise CallError(
                    f"{timepoint.key}: object {entity!r}: scan {scan!r}: object_scans/CLASS/K.ply was expected"
                )
            pose_in_room = np.array(record["pose"], dtype=np.float64)
            pose = self._room_to_camera1 @ pose_in_room
            pose[:3, 3] /= names.TRANSLATION_SCALE
            poses[scan] = pose
            if entity in extents and scan not in self._scans:
                self._scans[scan] = transform(np.linalg.inv(pose_in_room), _box_corners(extents[entity]))
        self.write_objects(day, timepoint.frame, dictionary_npz(poses))

    def _transform_joints(self, joint_names: Sequence[str], positions: Sequence[Sequence[float] | None]) -> Array:
        """Return the ten joints of a person as camera 1 sees them; one that is not known is not finite."""
        known = dict(zip(joint_names, positions, strict=True))
        unknown = (np.nan,) * 3
        return transform(self._room_to_camera1, [known.get(joint) or unknown for joint in names.POSE_JOINTS])

    def _align_points(self, points: Array) -> Array:
        """Return room coordinates as they are read back; as they are where camera 1 stands where it should."""
        motion = CAMERA1_TO_ROOM @ self._room_to_camera1
        return (
            points if np.allclose(motion, np.eye(4), rtol=0, atol=POSE_TOLERANCE / 1e4) else transform(motion, points)
        )


def _look_ahead(takes: Sequence[Take]) -> tuple[dict[str, Any] | None, bool]:
    """Return the cameras, and whether there are poses: what has to be known before the first frame is written."""
    cameras, posed = None, False
    for timepoint in (timepoint for take in takes for timepoint in take):
        if cameras is None and "calibration.json" in timepoint.media:
            cameras = _read_calibration(timepoint)
        posed = posed or "poses.json" in timepoint.media
        if cameras and posed:
            break
    return cameras, posed


def _read_calibration(timepoint: Timepoint) -> dict[str, Any] | None:
    """Return the cameras of a timepoint, None where it lacks one of the three."""
    cameras = json.loads(timepoint.read("calibration.json"))
    views = {f"room{camera}" for camera in names.CAMERAS}
    return {view: cameras[view] for view in sorted(views)} if views <= set(cameras) else None


def _camera_intrinsics(camera: Mapping[str, Any], serial: str) -> dict[str, Any]:
    (fx, _, cx), (_, fy, cy), _ = camera["intrinsics"]
    return {
        "focallength": [fx, fy],
        "principalpoint": [cx, cy],
        "imagesize": camera["size"],
        "distortion": camera.get("distortion", [0.0] * 5),
        "skew_value": 0,
        "serialnumber": serial,
    }


def _box_corners(extent: Sequence[float]) -> Array:
    low, high = extent[:3], extent[3:]
    return np.array([[(low, high)[bit >> axis & 1][axis] for axis in range(3)] for bit in range(8)], dtype=np.float64)
