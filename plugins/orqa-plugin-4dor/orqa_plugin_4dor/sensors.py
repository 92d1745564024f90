"""What the sensors of one take gave at each timepoint: folders are listed once, files opened when somebody reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from orqa_plugin_4dor import names
from orqa_registry import Medium, OrqaError, fold_name, import_optional
from orqa_registry.data.vocabulary import JOINTS
from orqa_registry.readers import segmentation
from orqa_registry.readers.io import list_files, read_json, read_or_warn

IndexRow = tuple[int, str, Mapping[str, Any]]
"""Timestamp in nanoseconds, the same as it is written, and stream -> number of its file, as written."""


def read_frame_index(path: Path) -> Iterator[IndexRow]:
    """Yield the rows of a frame index (datasets.md 2.2); row k is timepoint k. Raises OrqaError."""
    rows = read_json(path)
    if not isinstance(rows, list):
        raise OrqaError(f"{path}: a list of frames was expected, not {type(rows).__name__}")
    for index, row in enumerate(rows):
        try:
            timestamp, streams = int(row[0]), row[1]
            if not isinstance(streams, dict):
                raise TypeError(f"not a dictionary: {streams!r}")
        except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise OrqaError(f"{path}: row {index}: expected [timestamp, {{stream: index}}]: {error}") from error
        yield timestamp, str(row[0]), streams


class Sensors:
    """The files of one take, by what they are. Nothing but folder listings is read to make one."""

    def __init__(self, home: Path, number: int) -> None:
        folder = names.take_folder(home, number)
        self.folder = folder
        self.images = list_files(folder / "colorimage")
        self.masks = {camera: list_files(folder / f"segmentation_export_{camera}") for camera in names.MASK_CAMERAS}
        self.clouds: dict[str, Path] = {}
        for folder_name in reversed(names.CLOUD_FOLDERS):
            self.clouds |= list_files(folder / folder_name)
        self.poses = list_files(folder / "annotations")
        self.low_res = segmentation.find_low_res_masks(home / names.LOW_RES_FOLDER / names.take_name(number))
        files = list_files(folder)
        self.cameras = {
            f"room{camera}": files[f"camera0{camera}.json"]
            for camera in names.CAMERAS
            if f"camera0{camera}.json" in files
        }
        joints_file = list_files(home / names.JOINTS_FOLDER).get(f"{number}_GT_True.npz")
        self._joints = _LazyFile(partial(read_joints, joints_file)) if joints_file else None
        self._keypoints = (
            _LazyFile(partial(read_json, files[names.KEYPOINTS_FILE])) if names.KEYPOINTS_FILE in files else None
        )

    def media(self, frame: str, timestamp: str, streams: Mapping[str, Any]) -> dict[str, Medium]:
        """Return the media of a timepoint: what the index names, where the file is there."""
        media: dict[str, Medium] = {}
        for camera in names.CAMERAS:
            image = self.images.get(names.image_name(camera, streams.get(f"color_{camera}")))
            if image is not None:
                media[f"room{camera}.jpg"] = image
        media |= {f"{view}.mask.png": path for view, path in self.annotated_masks(streams).items()}
        if timestamp in self.low_res:
            media |= self.low_res[timestamp].media
        cloud_file = f"{streams.get('pcd')}.pcd"
        if cloud_file in self.clouds:
            media["points.npy"] = partial(points_medium, self.clouds[cloud_file])
        pose_file = f"{streams.get('pcd')}.json"
        if pose_file in self.poses:
            media["poses.json"] = partial(poses_medium, self.poses[pose_file])
        elif self._joints is not None and (joints := (self._joints() or {}).get(int(frame))):
            media["poses.json"] = json.dumps(joints).encode()
        if self.cameras:
            media["calibration.json"] = partial(_calibration_medium, self.cameras)
        if self._keypoints is not None:
            media |= _keypoint_media(self._keypoints() or {}, frame)
        return media

    def annotated_masks(self, streams: Mapping[str, Any]) -> dict[str, Path]:
        """Return view -> annotated mask of a timepoint. Interpolated ones have other names and are no annotation."""
        masks: dict[str, Path] = {}
        for camera, files in self.masks.items():
            mask = files.get(names.mask_name(camera, streams.get(f"color_{camera}")))
            if mask is not None:
                masks[f"room{camera}"] = mask
        return masks


class _LazyFile:
    """Reads a file the first time somebody asks; a damaged one is warned of and is nothing from then on."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read: Callable[[], Any] | None = read
        self._content: Any = None

    def __call__(self) -> Any:
        if self._read is not None:
            self._content, self._read = read_or_warn(self._read), None
        return self._content


def points_medium(path: Path) -> bytes:
    """Return a cloud as `points.npy`: float32 (N, 6), mm and colours 0..255. Raises OrqaError."""
    import_optional("pypcd4", "the clouds of 4D-OR", "orqa-plugin-4dor[clouds]")
    from orqa_registry.readers.formats.arrays import to_npy
    from orqa_registry.readers.formats.clouds import read_pcd

    cloud = read_pcd(path)
    cloud[:, :3] *= names.UNIT_MM
    return to_npy(cloud)


def poses_medium(path: Path) -> bytes:
    """Return the 3D joints of one timepoint as `poses.json`, mm (datasets.md 2.4). Raises OrqaError."""
    raw = read_json(path)
    people: dict[str, dict[str, list[float]]] = {}
    try:
        for label in raw["labels"]:
            location = label["point3d"]["location"]
            x, y, z = (names.POSE_SCALE * float(location[axis]) for axis in "xyz")
            # The tool's axes: z is lifted, y looks the other way, and then both change places.
            position = [names.UNIT_MM * x, names.UNIT_MM * (z + names.POSE_LIFT), names.UNIT_MM * -y]
            people.setdefault(str(label["humanName"]), {})[_parse_joint(str(label["jointName"]))] = position
    except (KeyError, TypeError, ValueError) as error:
        raise OrqaError(
            f"{path}: expected labels of humanName, jointName, point3d: {type(error).__name__}: {error}"
        ) from error
    ordered = {human: [joints.get(joint) for joint in JOINTS] for human, joints in people.items()}
    return json.dumps({"joints": JOINTS, "people": ordered}).encode()


def _parse_joint(name: str) -> str:
    """Return the joint that a label file means, however it is written: LeftShoulder, left_shoulder, L Shoulder."""
    joints_by_spelling = {fold_name(joint): joint for joint in JOINTS}
    joints_by_spelling |= {
        fold_name(joint.replace("left", "l").replace("right", "r")): joint for joint in JOINTS if "_" in joint
    }
    return joints_by_spelling.get(fold_name(name), name)


def read_joints(path: Path) -> dict[int, Any]:
    """Return frame -> `poses.json` of a take's file of 3D joints (datasets.md 2.4). Raises OrqaError."""
    import_optional("numpy", "the poses of 4D-OR", "orqa-plugin-4dor[arrays]")
    from orqa_registry.readers.formats.arrays import read_npz

    by_frame: Any = read_npz(path).get("arr_0")
    try:
        return {
            int(frame): {
                "joints": JOINTS,
                "people": {str(human): _joint_positions(joints) for human, joints in people.items()},
            }
            for frame, people in by_frame.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise OrqaError(f"{path}: expected frame -> person -> 14 x 3 joints: {error}") from error


def _joint_positions(joints: Any) -> list[list[float] | None]:
    """Return (14, 3) joints in mm, None for one that is not finite. Raises ValueError for another shape."""
    import numpy as np

    if joints.shape != (len(JOINTS), 3):
        raise ValueError(f"joints of shape {joints.shape}")
    return [position.tolist() if np.isfinite(position).all() else None for position in names.UNIT_MM * joints]


def _calibration_medium(cameras: Mapping[str, Path]) -> bytes:
    import_optional("numpy", "the calibration of 4D-OR", "orqa-plugin-4dor[arrays]")
    from orqa_registry.readers.formats.kinect_calibration import calibration_json

    return calibration_json(cameras)


def _keypoint_media(by_image: Mapping[str, Any], frame: str) -> dict[str, Medium]:
    """Return the 2D joints of a timepoint as they are written: the file is keyed by frame and camera."""
    by_camera = (
        {camera: by_image.get(f"{frame}_{camera}") for camera in names.CAMERAS} if isinstance(by_image, dict) else {}
    )
    return {
        f"room{camera}.keypoints.json": json.dumps(keypoints).encode()
        for camera, keypoints in by_camera.items()
        if keypoints is not None
    }
