"""MVOR's own annotation file, `camma_mvor_2018.json` (datasets.md 4.2): cameras, images, people in images."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import frozen

from orqa_plugin_mvor.names import CAMERAS, PERSON_FIELDS
from orqa_registry import DataWarning, OrqaError
from orqa_registry.readers.io import read_json, read_or_warn

Entry = TypeVar("Entry")
MALFORMED_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError)
"""What taking a malformed entry apart can raise."""

ENTRY_LISTS = ("images", "multiview_images", "annotations", "annotations3D")
RIGID_TOLERANCE = 1e-3
"""What products of the axes of a pose may be off."""


@frozen
class Camera:
    """A camera: size (width, height), focal lengths and principal point in pixels, distortion, pose.

    to_camera1: 4 x 4 rows that take its coordinates to those of camera 1, mm.
    """

    size: tuple[int, int]
    focal: tuple[float, float]
    centre: tuple[float, float]
    distortion: tuple[float, ...]
    to_camera1: tuple[tuple[float, ...], ...]


@frozen
class Annotations:
    """What the file says, by image id; `images` are the annotated ones, whether anybody is in them or not.

    cameras: by number, none where the file has none or they are damaged. frames: ids of multi-view frames.
    counts: entries by the name of their list, damaged ones too.
    """

    cameras: Mapping[int, Camera]
    images: frozenset[int]
    people: Mapping[int, list[dict[str, Any]]]
    counts: Mapping[str, int]

    def keypoints(self, image: int) -> bytes:
        """Return the people annotated in an image as JSON, in the order of the file."""
        return json.dumps(self.people.get(image, [])).encode()


def read_annotations(path: Path) -> Annotations:
    """Read the file. What is damaged in it costs itself (DataWarning). Raises OrqaError where it is no such file."""
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise OrqaError(f"{path}: expected a dictionary with images and annotations, not {type(raw).__name__}")
    lists = {name: raw[name] for name in ENTRY_LISTS if isinstance(raw.get(name), list)}
    people: dict[int, list[dict[str, Any]]] = {}
    for image, person in _read_entries(path, "annotation", lists.get("annotations", ()), _parse_person):
        people.setdefault(image, []).append(person)
    images = frozenset(_read_entries(path, "image", lists.get("images", ()), lambda row: int(row["id"])))
    cameras = read_or_warn(_parse_cameras, path, raw["cameras_info"]) if raw.get("cameras_info") else None
    return Annotations(cameras or {}, images, people, {name: len(rows) for name, rows in lists.items()})


def _read_entries(path: Path, kind: str, rows: Iterable[Any], read: Callable[[Any], Entry]) -> list[Entry]:
    """Return what `read` makes of each row; one warning says how many are damaged, and shows the first."""
    entries, damaged = [], []
    for index, row in enumerate(rows):
        try:
            entries.append(read(row))
        except MALFORMED_ERRORS as error:
            damaged.append(f"{kind} {index}: {type(error).__name__}: {error}")
    if damaged:
        message = f"{path}: {len(damaged)} damaged entries left out, first {damaged[0]}"
        warnings.warn(message, DataWarning, stacklevel=2)
    return entries


def _parse_person(row: Any) -> tuple[int, dict[str, Any]]:
    """Return (image id, the fields that are kept); ids may be numbers or text."""
    person = {field: row[field] for field in PERSON_FIELDS if field in row}
    _parse_numbers(row["bbox"], 4)
    if "keypoints" in row and len(_parse_numbers(row["keypoints"])) % 3:
        raise ValueError("keypoints come as x, y, v")
    return int(row["image_id"]), person


def _parse_cameras(path: Path, raw: Any) -> dict[int, Camera]:
    try:
        intrinsics, extrinsics = raw["camParams"]["intrinsics"], raw["camParams"]["extrinsics"]
        return {camera: _parse_camera(intrinsics[camera - 1], extrinsics[camera - 1]) for camera in CAMERAS}
    except MALFORMED_ERRORS as error:
        raise OrqaError(
            f"{path}: cameras_info: expected camParams with intrinsics and extrinsics of cameras {CAMERAS}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _parse_camera(intrinsics: Mapping[str, Any], pose: Any) -> Camera:
    width, height = map(int, intrinsics["imagesize"])
    if not (0 < width <= 1 << 14 and 0 < height <= 1 << 14):
        raise ValueError(f"images of {width} x {height} pixels")
    fx, fy = _parse_numbers(intrinsics["focallength"], 2)
    if not (fx > 0 and fy > 0):
        raise ValueError(f"focal lengths {fx} and {fy}")
    numbers = _parse_numbers(pose, 16)
    rows = tuple(numbers[start : start + 4] for start in (0, 4, 8, 12))
    if rows[3] != (0, 0, 0, 1):
        raise ValueError(f"the last row of a pose is 0 0 0 1, not {rows[3]}")
    _check_rigid(rows)
    cx, cy = _parse_numbers(intrinsics["principalpoint"], 2)
    return Camera((width, height), (fx, fy), (cx, cy), _parse_numbers(intrinsics.get("distortion", ())), rows)


def _check_rigid(rows: Sequence[Sequence[float]]) -> None:
    """Raise ValueError where a pose does more than turn and move."""
    axes = [row[:3] for row in rows[:3]]
    for first in range(3):
        for second in range(first, 3):
            product = sum(a * b for a, b in zip(axes[first], axes[second], strict=True))
            if abs(product - (first == second)) > RIGID_TOLERANCE:
                raise ValueError(f"axes {first} and {second} of a pose are not at right angles and of length 1")


def _parse_numbers(raw: Any, length: int | None = None) -> tuple[float, ...]:
    numbers = tuple(float(number) for number in raw)
    if not all(map(math.isfinite, numbers)) or (length is not None and len(numbers) != length):
        raise ValueError(f"{'numbers' if length is None else f'{length} numbers'} were expected, not {raw!r:.80}")
    return numbers
