"""Reads the poses of people, patients and objects, and object scans (datasets.md 4.3). Imported late: numpy.

Points are float64 rows x, y, z in mm in the frame of camera 1; those of a scan are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_plugin_mvor.names import POSE_JOINTS, SCAN_PATH, SCAN_POINTS, TRANSLATION_SCALE
from orqa_registry import OrqaError, import_optional, seeded_rng
from orqa_registry.readers.formats.arrays import read_npy, read_npz
from orqa_registry.readers.io import read_json

Array = npt.NDArray[np.float64]


def read_human_poses(path: Path) -> Array:
    """Return the poses of a frame's people, P x 10 x 3; a joint that is not finite is unknown. Raises OrqaError."""
    array = read_npy(path)
    if array.ndim != 3 or array.shape[1:] != (len(POSE_JOINTS), 3) or array.dtype.kind != "f":
        raise OrqaError(f"{path}: expected floats of shape (people, 10, 3), found {array.dtype} of {array.shape}")
    poses: Array = array.astype(np.float64)
    return poses


def read_patient_centres(path: Path) -> dict[str, Array]:
    """Return `day1_000017` -> patient centre. Raises OrqaError."""
    return {frame: _parse_finite(path, frame, centre, (3,)) for frame, centre in _read_dictionary(path).items()}


def read_dummy_pose(path: Path) -> Array:
    """Return the pose that stands for every patient, 10 x 3. Raises OrqaError."""
    return _parse_finite(path, "pose", read_json(path), (len(POSE_JOINTS), 3))


def read_object_poses(path: Path) -> dict[str, Array]:
    """Return object scan -> pose in the frame of camera 1, mm. Raises OrqaError."""
    poses = {}
    for scan, raw in _read_dictionary(path).items():
        if not SCAN_PATH.fullmatch(scan):
            raise OrqaError(f"{path}: {scan!r}: expected a scan such as object_scans/ct_machine/1.ply")
        pose = _parse_finite(path, scan, raw, (4, 4))
        with np.errstate(over="ignore"):
            pose[:3, 3] *= TRANSLATION_SCALE
        poses[scan] = _parse_finite(path, scan, pose, (4, 4))
    return poses


def read_object_scan(path: Path, scan: str) -> Array:
    """Return the points of a scan, the same 1000 at random each time where there are more. Raises OrqaError."""
    import_optional("plyfile", "the object scans of MVOR", "orqa-plugin-mvor[clouds]")
    from orqa_registry.readers.formats.clouds import read_ply

    points: Array = read_ply(path)[:, :3].astype(np.float64)
    if len(points) > SCAN_POINTS:
        points = points[sorted(seeded_rng("MVOR", scan).sample(range(len(points)), SCAN_POINTS))]
    return points


def _read_dictionary(path: Path) -> Mapping[str, Any]:
    """Return the one dictionary that a file holds as `arr_0`."""
    content = read_npz(path).get("arr_0")
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise OrqaError(f"{path}: expected a dictionary of names as arr_0, found {type(content).__name__}")
    return content


def _parse_finite(path: Path, name: str, raw: Any, shape: tuple[int, ...]) -> Array:
    try:
        array = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OrqaError(f"{path}: {name}: expected numbers of shape {shape}: {error}") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise OrqaError(f"{path}: {name}: expected {shape} finite numbers, found shape {array.shape}")
    return array
