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
import numpy.typing as npt

from orqa_plugin_mvor.annotations import Camera
from orqa_plugin_mvor.names import ALIGNMENT, HIPS, JOINTS, PATIENT, SCAN_NAME, SCAN_POINTS, SCAN_SCALE
from orqa_registry import Box, OrqaError
from orqa_registry.draws import seeded
from orqa_registry.formats.arrays import read_npy, read_npz
from orqa_registry.formats.geometry import invert, project, transform
from orqa_registry.reading import library, read_json

Array = npt.NDArray[np.float64]

TO_ROOM: Array = np.array(ALIGNMENT)
"""Camera 1 to room."""

DECIMALS = 3
"""Of coordinates in mm that are written as JSON."""


def read_people(path: Path) -> Array:
    """Return the poses of a frame's people, P x 10 x 3; a joint that is not finite is unknown. Raises OrqaError."""
    people = read_npy(path)
    if people.ndim != 3 or people.shape[1:] != (len(JOINTS), 3) or people.dtype.kind != "f":
        raise OrqaError(f"{path}: expected floats of shape (people, 10, 3), found {people.dtype} of {people.shape}")
    poses: Array = people.astype(np.float64)
    return poses


def read_centres(path: Path) -> dict[str, Array]:
    """Return `day1_000017` -> patient centre. Raises OrqaError."""
    return {frame: _finite(path, frame, centre, (3,)) for frame, centre in _dictionary(path).items()}


def read_dummy(path: Path) -> Array:
    """Return the pose that stands for every patient, 10 x 3. Raises OrqaError."""
    return _finite(path, "pose", read_json(path), (len(JOINTS), 3))


@np.errstate(over="ignore", invalid="ignore")
def patient_pose(dummy: Array, centre: Array) -> Array:
    """Return the dummy moved so that the middle of its hips is the patient centre; what is beyond a float is not
    finite.
    """
    hips: Array = dummy[list(HIPS)].mean(axis=0)
    return dummy + (centre - hips)


def read_objects(path: Path) -> dict[str, Array]:
    """Return object scan -> pose in the frame of camera 1, mm. Raises OrqaError."""
    found = {}
    for scan, raw in _dictionary(path).items():
        if not SCAN_NAME.fullmatch(scan):
            raise OrqaError(f"{path}: {scan!r}: expected a scan such as object_scans/ct_machine/1.ply")
        pose = _finite(path, scan, raw, (4, 4))
        with np.errstate(over="ignore"):
            pose[:3, 3] *= SCAN_SCALE
        found[scan] = _finite(path, scan, pose, (4, 4))
    return found


def read_scan(path: Path, scan: str) -> Array:
    """Return the points of a scan, the same 1000 at random each time where there are more. Raises OrqaError."""
    library("plyfile", "the object scans of MVOR", "orqa-plugin-mvor[clouds]")
    from orqa_registry.formats.clouds import read_ply

    points: Array = read_ply(path)[:, :3].astype(np.float64)
    if len(points) > SCAN_POINTS:
        points = points[sorted(seeded("MVOR", scan).sample(range(len(points)), SCAN_POINTS))]
    return points


def room_extents(points: Mapping[str, Array]) -> dict[str, tuple[float, ...]]:
    """Return entity -> (x0, y0, z0, x1, y1, z1) in the room, of its points that are finite there; without any: none."""
    placed = {entity: transform(TO_ROOM, one) for entity, one in points.items()}
    inside = {entity: one[np.isfinite(one).all(axis=1)] for entity, one in placed.items()}
    return {
        entity: (*one.min(axis=0).tolist(), *one.max(axis=0).tolist()) for entity, one in inside.items() if len(one)
    }


def image_boxes(points: Mapping[str, Array], camera: Camera) -> tuple[Box, ...]:
    """Return where each entity is in an image, not clipped.

    A point that is behind the camera, or cannot be projected, is left out.
    """
    seen_by = _from_first(camera)
    found = []
    for entity, one in points.items():
        pixels = project(seen_by, one)
        pixels = pixels[(pixels[:, 2] > 0) & np.isfinite(pixels).all(axis=1), :2]
        if len(pixels):
            found.append(Box(entity, *pixels.min(axis=0).tolist(), *pixels.max(axis=0).tolist()))
    return tuple(found)


def poses_json(people: Array, patient: Array | None) -> bytes:
    """Return `poses.json` in the room frame; a joint that is unknown is null."""
    named = {f"human {number}": pose for number, pose in enumerate(people, start=1)}
    if patient is not None:
        named[PATIENT] = patient
    rows = {name: [_row(joint) for joint in transform(TO_ROOM, pose)] for name, pose in named.items()}
    return json.dumps({"joints": JOINTS, "people": rows}).encode()


def objects_json(path: Path) -> bytes:
    """Return `objects.json`: poses take points of a scan to the room, mm. Raises OrqaError."""
    found: dict[str, Any] = {}
    for scan, pose in read_objects(path).items():
        found.setdefault(entity_of(scan), {"scan": scan, "pose": (TO_ROOM @ pose).tolist()})
    return json.dumps(found).encode()


def calibration_json(cameras: Mapping[int, Camera]) -> bytes:
    """Return `calibration.json` with the room as world."""
    return json.dumps({f"room{number}": _calibration(camera) for number, camera in cameras.items()}).encode()


def entity_of(scan: str) -> str:
    """Return the name of the object in a scan, `object_scans/ct_machine/1.ply` -> `ct machine`."""
    return scan.split("/")[1].replace("_", " ")


def _calibration(camera: Camera) -> dict[str, Any]:
    """Return a camera as calibration.json has it: its world is the room."""
    seen_by = _from_first(camera)
    world_to_camera = (seen_by["world_to_camera"] @ invert(TO_ROOM)).tolist()
    return {"size": camera.size, **seen_by, "world_to_camera": world_to_camera, "distortion": camera.distortion}


@lru_cache(maxsize=64)
def _from_first(camera: Camera) -> Mapping[str, Any]:
    """Return a camera as `project` wants it: its world is what camera 1 sees."""
    (fx, fy), (cx, cy) = camera.focal, camera.centre
    intrinsics = [[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]
    return {"intrinsics": intrinsics, "world_to_camera": invert(camera.to_first)}


def _row(joint: Array) -> list[float] | None:
    return [round(one, DECIMALS) for one in joint.tolist()] if np.isfinite(joint).all() else None


def _dictionary(path: Path) -> Mapping[str, Any]:
    """Return the one dictionary that a file holds as `arr_0`."""
    found = read_npz(path).get("arr_0")
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise OrqaError(f"{path}: expected a dictionary of names as arr_0, found {type(found).__name__}")
    return found


def _finite(path: Path, what: str, raw: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OrqaError(f"{path}: {what}: expected numbers of shape {shape}: {error}") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise OrqaError(f"{path}: {what}: expected {shape} finite numbers, found shape {array.shape}")
    return array
