"""Rigid motions, and pinhole cameras without lens distortion.

Axes of a camera are OpenCV's: x right, y down, z forward. No number makes these functions warn: a coordinate that is
not finite, or that comes to lie beyond what a float holds, is infinite or NaN in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_DEPTH = 1e-3
"""Depth in mm, before or behind a camera, below which a point cannot be projected: it lies in the camera's plane."""


def rigid_pose(translation: Any, quaternion: Any) -> Floats:
    """Return the 4 x 4 matrix that turns by a quaternion (x, y, z, w), of any length, and then moves by (x, y, z).

    Raises ValueError where these are not 3 and 4 finite numbers, or the quaternion is 0.
    """
    shift = np.asarray(translation, dtype=np.float64)
    rotation = np.asarray(quaternion, dtype=np.float64)
    if (
        shift.shape != (3,)
        or rotation.shape != (4,)
        or not np.isfinite([*shift, *rotation]).all()
        or not rotation.any()
    ):
        raise ValueError("a pose needs a translation of 3 numbers and a quaternion of 4, finite and not all 0")
    rotation = rotation / np.abs(rotation).max()  # so that the square of what is tiny does not vanish
    x, y, z, w = rotation / np.linalg.norm(rotation)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = shift
    return matrix


@np.errstate(over="ignore", invalid="ignore")
def invert(matrix: Any) -> Floats:
    """Return the inverse of a rigid 4 x 4 matrix.

    Raises ValueError where it is not rigid to three decimals, or moves by more than a float holds.
    """
    forward = np.asarray(matrix, dtype=np.float64)
    if forward.shape != (4, 4) or not np.allclose(forward[:3, :3] @ forward[:3, :3].T, np.eye(3), atol=1e-3):
        raise ValueError("not a rigid 4 x 4 matrix: its columns are not at right angles, or not of length 1")
    inverse = np.eye(4)
    inverse[:3, :3] = forward[:3, :3].T
    inverse[:3, 3] = -forward[:3, :3].T @ forward[:3, 3]
    if not np.isfinite(inverse).all():
        raise ValueError(f"not a rigid 4 x 4 matrix: it moves by {forward[:3, 3].tolist()}")
    return inverse


@np.errstate(over="ignore", invalid="ignore")
def transform(matrix: Any, points: Any) -> Floats:
    """Return points (N, 3) after a 4 x 4 matrix, in the unit of its translation."""
    affine = np.asarray(matrix, dtype=np.float64)
    transformed: Floats = np.asarray(points, dtype=np.float64).reshape(-1, 3) @ affine[:3, :3].T + affine[:3, 3]
    return transformed


@np.errstate(over="ignore", invalid="ignore")
def project(camera: Mapping[str, Any], points: Any) -> Floats:
    """Return (N, 3): column u and row v in pixels and depth in mm, of points (N, 3) in mm (datasets.md 4.4).

    camera: `intrinsics` 3 x 3 and `world_to_camera` 4 x 4, as in calibration.json. No distortion and no clipping:
    points behind the camera come with their negative depth. A point that cannot be projected is outside every image:
    its u and v are NaN. It is nearer than MIN_DEPTH to the plane of the camera, or a coordinate of it, its depth or its
    pixel is not finite.
    """
    (fx, skew, cx), (_, fy, cy), _ = np.asarray(camera["intrinsics"], dtype=np.float64)
    in_camera = transform(camera["world_to_camera"], points)
    x, y, depth = in_camera.T
    divisor = np.where(np.abs(depth) < MIN_DEPTH, np.nan, depth)
    pixels = np.column_stack([(fx * x + skew * y) / divisor + cx, fy * y / divisor + cy])
    pixels[~(np.isfinite(pixels).all(axis=1) & np.isfinite(depth))] = np.nan
    return np.column_stack([pixels, depth])
