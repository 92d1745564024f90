"""The box files of a split (datasets.md 5.2): COCO, one for tools and one for hands, each with ids of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from orqa_plugin_egosurgery.faults import Faults, shown
from orqa_plugin_egosurgery.names import SIZE, display, frame_of
from orqa_registry import Box, OrqaError
from orqa_registry.reading import read_json

FURTHEST = 1_000_000
"""No pixel lies further from the corner of a frame."""

NUMBERS = {int, float}
"""What a coordinate is; True is none."""


class Image(NamedTuple):
    """What a box file says about one frame: (width, height) in pixels, and boxes in the order of the file."""

    size: tuple[int, int]
    boxes: tuple[Box, ...]


class Counts(NamedTuple):
    """What a box file lists."""

    images: int
    boxes: int


def read_boxes(path: Path) -> dict[str, Image]:
    """Return frame -> what the file says about it, in the order of the file.

    Frames are told by the name of the image alone, wherever its folder: ids mean nothing outside of a file. Boxes
    without width or height are known to be there and are dropped. Raises OrqaError where the file is not COCO; entries
    that are wrong cost a DataWarning.
    """
    images, annotations, categories = _lists(path, "images", "annotations", "categories")
    faults = Faults(path)
    names = _categories(categories, faults)
    frames, sizes = _images(images, faults)
    boxes: dict[str, list[Box]] = {frame: [] for frame in sizes}
    for place, one in enumerate(annotations):
        try:
            frame, name = frames.get(_id(one["image_id"])), names.get(_id(one["category_id"]))
            x, y, width, height = _rectangle(one["bbox"])
        except (KeyError, TypeError, ValueError):
            faults.add("a box has image_id, category_id and bbox [x, y, w, h] in pixels", f"annotations[{place}]")
            continue
        if frame is None or name is None:
            unknown = "image_id" if frame is None else "category_id"
            faults.add(f"the {unknown} of a box is listed", f"annotations[{place}]: {shown(one[unknown])}")
        elif width > 0 and height > 0:
            boxes[frame].append(Box(name, x, y, x + width, y + height))
    faults.warn()
    return {frame: Image(size, tuple(boxes[frame])) for frame, size in sizes.items()}


def count(path: Path) -> Counts:
    """Return how many images and boxes a file lists, good or not. Raises OrqaError where the file is not COCO."""
    images, annotations, _ = _lists(path, "images", "annotations", "categories")
    return Counts(len(images), len(annotations))


def _lists(path: Path, *keys: str) -> list[list[Any]]:
    content = read_json(path)
    for key in keys:
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise OrqaError(f"{path}: not a COCO box file: a dictionary with a list {key!r} was expected")
    return [content[key] for key in keys]


def _categories(categories: list[Any], faults: Faults) -> dict[int, str]:
    """Return id -> name as answers write it."""
    names: dict[int, str] = {}
    for place, one in enumerate(categories):
        try:
            key, name = _id(one["id"]), one["name"]
            if not (isinstance(name, str) and name.strip() and name.isprintable()):
                raise ValueError("not a name")
        except (KeyError, TypeError, ValueError):
            faults.add("a category has an id and a name", f"categories[{place}]: {shown(one)}")
            continue
        names[key] = display(name)
    return names


def _images(images: list[Any], faults: Faults) -> tuple[dict[int, str], dict[str, tuple[int, int]]]:
    """Return id -> frame, and frame -> size; a frame that is listed twice has both ids."""
    frames: dict[int, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for place, one in enumerate(images):
        try:
            key, frame = _id(one["id"]), frame_of(one["file_name"])
        except (KeyError, TypeError, ValueError):
            faults.add("an image has an id and a file_name", f"images[{place}]: {shown(one)}")
            continue
        if frame is None:
            faults.add("file_name is VV_S_NNNN.jpg", f"images[{place}]: {shown(one['file_name'])}")
        elif key in frames:
            faults.add("the id of an image is its own", f"images[{place}]: {shown(one)}")
        else:
            frames[key] = frame
            sizes.setdefault(frame, _size(one, place, faults))
    return frames, sizes


def _size(image: dict[str, Any], place: int, faults: Faults) -> tuple[int, int]:
    """Return the size of an image, or what all of them have where the entry does not say."""
    width, height = image.get("width"), image.get("height")
    if type(width) is int and type(height) is int and 0 < width <= FURTHEST and 0 < height <= FURTHEST:
        return width, height
    faults.add("width and height are whole pixels", f"images[{place}]", f"{SIZE[0]}x{SIZE[1]} is taken")
    return SIZE


def _id(value: Any) -> int:
    """Return an id, which some files write as text. Raises ValueError where it is none."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    raise ValueError(f"not an id: {shown(value)}")


def _rectangle(numbers: Any) -> tuple[float, float, float, float]:
    """Return x, y, w, h as they are. Raises TypeError or ValueError where they are no numbers, or absurd."""
    x, y, width, height = numbers
    for number in (x, y, width, height):
        # What is not a number is not in the range either.
        if type(number) not in NUMBERS or not -FURTHEST <= number <= FURTHEST:
            raise ValueError(f"not a number of pixels: {shown(number)}")
    return x, y, width, height
