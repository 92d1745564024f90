"""The geometry of MVOR (datasets.md 4.3, 4.4): what is where in the room and in the images. Imported late: numpy.

Points are float64 rows x, y, z in mm; in the frame of camera 1 unless they are said to be in the room.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from orqa_plugin_mvor.names import ALIGNMENT, HIP_JOINTS, PATIENT, POSE_JOINTS
from orqa_plugin_mvor.reader.annotations import Camera
from orqa_plugin_mvor.reader.pose_files import Array, read_object_poses
from orqa_registry import Box
from orqa_registry.readers.geometry import invert, project, transform

CAMERA1_TO_ROOM: Array = np.array(ALIGNMENT)
"""Camera 1 to room."""

DECIMALS = 3
"""Of coordinates in mm that are written as JSON."""


@np.errstate(over="ignore", invalid="ignore")
def patient_pose(dummy: Array, centre: Array) -> Array:
    """Return the dummy moved so that the middle of its hips is the patient centre; what is beyond a float is not
    finite.
    """
    hips: Array = dummy[list(HIP_JOINTS)].mean(axis=0)
    return dummy + (centre - hips)


def room_extents(entity_points: Mapping[str, Array]) -> dict[str, tuple[float, ...]]:
    """Return entity -> (x0, y0, z0, x1, y1, z1) in the room, of its points that are finite there; without any: none."""
    in_room = {entity: transform(CAMERA1_TO_ROOM, points) for entity, points in entity_points.items()}
    finite = {entity: placed[np.isfinite(placed).all(axis=1)] for entity, placed in in_room.items()}
    return {
        entity: (*placed.min(axis=0).tolist(), *placed.max(axis=0).tolist())
        for entity, placed in finite.items()
        if len(placed)
    }


def image_boxes(entity_points: Mapping[str, Array], camera: Camera) -> tuple[Box, ...]:
    """Return where each entity is in an image, not clipped.

    A point that is behind the camera, or cannot be projected, is left out.
    """
    projection = _camera1_projection(camera)
    boxes = []
    for entity, points in entity_points.items():
        pixels = project(projection, points)
        pixels = pixels[(pixels[:, 2] > 0) & np.isfinite(pixels).all(axis=1), :2]
        if len(pixels):
            boxes.append(Box(entity, *pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist()))
    return tuple(boxes)


def poses_json(people: Array, patient: Array | None) -> bytes:
    """Return `poses.json` in the room frame; a joint that is unknown is null."""
    poses = {f"human {number}": pose for number, pose in enumerate(people, start=1)}
    if patient is not None:
        poses[PATIENT] = patient
    rows = {name: [_joint_row(joint) for joint in transform(CAMERA1_TO_ROOM, pose)] for name, pose in poses.items()}
    return json.dumps({"joints": POSE_JOINTS, "people": rows}).encode()


def objects_json(path: Path) -> bytes:
    """Return `objects.json`: poses take points of a scan to the room, mm. Raises OrqaError."""
    objects: dict[str, Any] = {}
    for scan, pose in read_object_poses(path).items():
        objects.setdefault(entity_name(scan), {"scan": scan, "pose": (CAMERA1_TO_ROOM @ pose).tolist()})
    return json.dumps(objects).encode()


def encode_calibration(cameras: Mapping[int, Camera]) -> bytes:
    """Return `calibration.json` with the room as world."""
    return json.dumps({f"room{number}": _camera_calibration(camera) for number, camera in cameras.items()}).encode()


def entity_name(scan: str) -> str:
    """Return the name of the object in a scan, `object_scans/ct_machine/1.ply` -> `ct machine`."""
    return scan.split("/")[1].replace("_", " ")


def _camera_calibration(camera: Camera) -> dict[str, Any]:
    """Return a camera as calibration.json has it: its world is the room."""
    projection = _camera1_projection(camera)
    world_to_camera = (projection["world_to_camera"] @ invert(CAMERA1_TO_ROOM)).tolist()
    return {"size": camera.size, **projection, "world_to_camera": world_to_camera, "distortion": camera.distortion}


@lru_cache(maxsize=64)
def _camera1_projection(camera: Camera) -> Mapping[str, Any]:
    """Return a camera as `project` wants it: its world is what camera 1 sees."""
    (fx, fy), (cx, cy) = camera.focal, camera.centre
    intrinsics = [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
    return {"intrinsics": intrinsics, "world_to_camera": invert(camera.to_camera1)}


def _joint_row(joint: Array) -> list[float] | None:
    return [round(value, DECIMALS) for value in joint.tolist()] if np.isfinite(joint).all() else None
