"""The box files of a split (datasets.md 5.2): COCO, one for tools and one for hands, each with ids of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from orqa_plugin_egosurgery.entry_errors import EntryErrors, abbreviate
from orqa_plugin_egosurgery.names import IMAGE_SIZE, display_name, parse_frame
from orqa_registry import Box, OrqaError
from orqa_registry.readers.io import read_json

MAX_COORDINATE = 1_000_000
"""No pixel lies further from the corner of a frame."""

_NUMBER_TYPES = {int, float}
"""What a coordinate is; True is none."""


class FrameBoxes(NamedTuple):
    """What a box file says about one frame: (width, height) in pixels, and boxes in the order of the file."""

    size: tuple[int, int]
    boxes: tuple[Box, ...]


class EntryCounts(NamedTuple):
    """What a box file lists."""

    images: int
    boxes: int


def read_boxes(path: Path) -> dict[str, FrameBoxes]:
    """Return frame -> what the file says about it, in the order of the file.

    Frames are told by the name of the image alone, wherever its folder: ids mean nothing outside of a file. Boxes
    without width or height are known to be there and are dropped. Raises OrqaError where the file is not COCO; entries
    that are wrong cost a DataWarning.
    """
    images, annotations, categories = _read_lists(path, "images", "annotations", "categories")
    errors = EntryErrors(path)
    category_names = _parse_categories(categories, errors)
    frames_by_id, sizes = _parse_images(images, errors)
    boxes: dict[str, list[Box]] = {frame: [] for frame in sizes}
    for index, annotation in enumerate(annotations):
        try:
            frame, category = (
                frames_by_id.get(_parse_id(annotation["image_id"])),
                category_names.get(_parse_id(annotation["category_id"])),
            )
            x, y, width, height = _parse_box(annotation["bbox"])
        except (KeyError, TypeError, ValueError):
            errors.add("a box has image_id, category_id and bbox [x, y, w, h] in pixels", f"annotations[{index}]")
            continue
        if frame is None or category is None:
            unknown_key = "image_id" if frame is None else "category_id"
            errors.add(
                f"the {unknown_key} of a box is listed", f"annotations[{index}]: {abbreviate(annotation[unknown_key])}"
            )
        elif width > 0 and height > 0:
            boxes[frame].append(Box(category, x, y, x + width, y + height))
    errors.warn()
    return {frame: FrameBoxes(size, tuple(boxes[frame])) for frame, size in sizes.items()}


def count_entries(path: Path) -> EntryCounts:
    """Return how many images and boxes a file lists, good or not. Raises OrqaError where the file is not COCO."""
    images, annotations, _ = _read_lists(path, "images", "annotations", "categories")
    return EntryCounts(len(images), len(annotations))


def _read_lists(path: Path, *keys: str) -> list[list[Any]]:
    content = read_json(path)
    for key in keys:
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise OrqaError(f"{path}: not a COCO box file: a dictionary with a list {key!r} was expected")
    return [content[key] for key in keys]


def _parse_categories(categories: list[Any], errors: EntryErrors) -> dict[int, str]:
    """Return id -> name as answers write it."""
    names: dict[int, str] = {}
    for index, category in enumerate(categories):
        try:
            category_id, name = _parse_id(category["id"]), category["name"]
            if not (isinstance(name, str) and name.strip() and name.isprintable()):
                raise ValueError("not a name")
        except (KeyError, TypeError, ValueError):
            errors.add("a category has an id and a name", f"categories[{index}]: {abbreviate(category)}")
            continue
        names[category_id] = display_name(name)
    return names


def _parse_images(images: list[Any], errors: EntryErrors) -> tuple[dict[int, str], dict[str, tuple[int, int]]]:
    """Return id -> frame, and frame -> size; a frame that is listed twice has both ids."""
    frames: dict[int, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for index, image in enumerate(images):
        try:
            image_id, frame = _parse_id(image["id"]), parse_frame(image["file_name"])
        except (KeyError, TypeError, ValueError):
            errors.add("an image has an id and a file_name", f"images[{index}]: {abbreviate(image)}")
            continue
        if frame is None:
            errors.add("file_name is VV_S_NNNN.jpg", f"images[{index}]: {abbreviate(image['file_name'])}")
        elif image_id in frames:
            errors.add("the id of an image is its own", f"images[{index}]: {abbreviate(image)}")
        else:
            frames[image_id] = frame
            sizes.setdefault(frame, _parse_size(image, index, errors))
    return frames, sizes


def _parse_size(image: dict[str, Any], index: int, errors: EntryErrors) -> tuple[int, int]:
    """Return the size of an image, or what all of them have where the entry does not say."""
    width, height = image.get("width"), image.get("height")
    if type(width) is int and type(height) is int and 0 < width <= MAX_COORDINATE and 0 < height <= MAX_COORDINATE:
        return width, height
    errors.add("width and height are whole pixels", f"images[{index}]", f"{IMAGE_SIZE[0]}x{IMAGE_SIZE[1]} is taken")
    return IMAGE_SIZE


def _parse_id(value: Any) -> int:
    """Return an id, which some files write as text. Raises ValueError where it is none."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    raise ValueError(f"not an id: {abbreviate(value)}")


def _parse_box(numbers: Any) -> tuple[float, float, float, float]:
    """Return x, y, w, h as they are. Raises TypeError or ValueError where they are no numbers, or absurd."""
    x, y, width, height = numbers
    for number in (x, y, width, height):
        # What is not a number is not in the range either.
        if type(number) not in _NUMBER_TYPES or not -MAX_COORDINATE <= number <= MAX_COORDINATE:
            raise ValueError(f"not a number of pixels: {abbreviate(number)}")
    return x, y, width, height
