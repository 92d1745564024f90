"""Calibration files `camera0C.json` of the room cameras of 4D-OR and MM-OR (datasets.md 2.3): read and written.

Such a file gives the pose of the depth camera in the world, in metres and with axes that look backwards, and the colour
camera relative to it. A camera of ours is what `calibration.json` holds: size [w, h], intrinsics 3 x 3 in pixels,
world_to_camera 4 x 4 in mm with OpenCV's axes, distortion in OpenCV's order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orqa_registry.errors import OrqaError
from orqa_registry.readers.io import atomic_write, read_json, read_or_warn

MM_PER_METRE = 1000.0
"""Millimetres."""


def read_camera(path: Path) -> dict[str, Any]:
    """Return the colour camera of a calibration file. Raises OrqaError that names the file."""
    import numpy as np

    from orqa_registry.readers.geometry import invert

    raw = read_json(path)
    try:
        colour = raw["value0"]["color_parameters"]
        with np.errstate(over="ignore", invalid="ignore"):  # and so is what is none any more
            to_world = _parse_pose(raw["value0"]["camera_pose"]) @ _parse_pose(raw["value0"]["color2depth_transform"])
        world_to_camera = np.diag([1.0, -1.0, -1.0, 1.0]) @ invert(to_world)
        with np.errstate(over="ignore"):  # what is beyond a float is refused below
            world_to_camera[:3, 3] *= MM_PER_METRE
        focal, centre = (colour["fov_x"], colour["fov_y"]), (colour["c_x"], colour["c_y"])
        camera: dict[str, Any] = {
            "size": [int(colour["width"]), int(colour["height"])],
            "intrinsics": [
                [float(focal[0]), 0.0, float(centre[0])],
                [0.0, float(focal[1]), float(centre[1])],
                [0, 0, 1],
            ],
            "world_to_camera": world_to_camera.tolist(),
        }
        if "radial_distortion" in colour and "tangential_distortion" in colour:
            k = [float(colour["radial_distortion"][f"m{row}0"]) for row in range(6)]
            p = [float(colour["tangential_distortion"][f"m{row}0"]) for row in range(2)]
            camera["distortion"] = [*k[:2], *p, *k[2:]]
        if not np.isfinite(world_to_camera).all():
            raise ValueError("the pose is not finite")
    except (KeyError, TypeError, ValueError, OverflowError, np.linalg.LinAlgError) as error:
        raise OrqaError(
            f"{path}: expected value0 with color_parameters, camera_pose and color2depth_transform: "
            f"{type(error).__name__}: {error}"
        ) from error
    return camera


def _parse_pose(raw: Mapping[str, Any]) -> Any:
    from orqa_registry.readers.geometry import rigid_pose

    translation, rotation = raw["translation"], raw["rotation"]
    return rigid_pose([float(translation[f"m{row}0"]) for row in range(3)], [float(rotation[axis]) for axis in "xyzw"])


def calibration_json(cameras: Mapping[str, Path]) -> bytes:
    """Return `calibration.json` of views -> calibration files; a damaged file costs its view alone.

    Raises OrqaError where every file is damaged.
    """
    parsed = {view: read_or_warn(read_camera, path) for view, path in cameras.items()}
    valid = {view: camera for view, camera in parsed.items() if camera is not None}
    if not valid:
        raise OrqaError(f"{', '.join(map(str, cameras.values()))}: no camera could be read")
    return json.dumps(valid).encode()


def write_camera(path: Path, camera: Mapping[str, Any]) -> None:
    """Write a camera of ours as the calibration file of a depth camera that sits beside it."""
    import numpy as np

    world_to_camera = np.array(camera["world_to_camera"], dtype=float)
    world_to_camera[:3, 3] /= MM_PER_METRE
    to_world = np.linalg.inv(np.diag([1.0, -1.0, -1.0, 1.0]) @ world_to_camera)
    colour_to_depth = np.eye(4)
    colour_to_depth[:3, 3] = 0.032, 0.002, -0.004
    (fx, _, cx), (_, fy, cy), _ = camera["intrinsics"]
    distortion: list[float] = [*camera.get("distortion", ()), *[0.0] * 8][:8]
    (k1, k2, p1, p2), higher = distortion[:4], distortion[4:]
    parameters = {
        # The names count columns first: m20 is in row 0, column 2.
        "intrinsics_matrix": {f"m{c}{r}": camera["intrinsics"][r][c] for r in range(3) for c in range(3)},
        "fov_x": fx,
        "fov_y": fy,
        "c_x": cx,
        "c_y": cy,
        "width": camera["size"][0],
        "height": camera["size"][1],
        "radial_distortion": {f"m{row}0": value for row, value in enumerate((k1, k2, *higher))},
        "tangential_distortion": {"m00": p1, "m10": p2},
    }
    value = {
        "color_parameters": parameters,
        "depth_parameters": parameters,
        "camera_pose": _format_pose(to_world @ np.linalg.inv(colour_to_depth)),
        "color2depth_transform": _format_pose(colour_to_depth),
    }
    with atomic_write(path) as partial:
        partial.write_text(json.dumps({"value0": value}), encoding="utf-8")


def _format_pose(matrix: Any) -> dict[str, Any]:
    import numpy as np

    # The largest eigenvector of this matrix is the quaternion, whatever the rotation (Bar-Itzhack 2000).
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = matrix[:3, :3]
    symmetric = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    quaternion = np.linalg.eigh(symmetric)[1][:, -1]
    return {
        "translation": {f"m{row}0": float(matrix[row, 3]) for row in range(3)},
        "rotation": dict(zip("xyzw", map(float, quaternion), strict=True)),
    }
