"""A box file as the download has it (datasets.md 5.2). For the writer alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orqa_plugin_egosurgery.names import display
from orqa_registry import Box

LICENCE = 1


def coco(
    images: Iterable[tuple[str, tuple[int, int], Sequence[Box]]], categories: Sequence[str], first: int
) -> dict[str, Any]:
    """Return the content of a box file.

    images: (frame, (width, height), boxes) in order; they and their boxes are numbered from `first`, as are the
    categories, which are given as the file spells them.
    """
    ids = {display(category): first + place for place, category in enumerate(categories)}
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for key, (frame, size, boxes) in enumerate(images, start=first):
        listed.append(_image(key, frame, size))
        for box in boxes:
            annotations.append(_annotation(first + len(annotations), key, ids[box.entity], box))
    return {
        "info": {
            "year": 2020,
            "version": "v1",
            "description": "OpenSurgery",
            "contributor": "written by orqa-registry",
        },
        "licenses": [{"id": LICENCE, "name": "of the takes that were written"}],
        "categories": [{"id": key, "name": name} for key, name in enumerate(categories, start=first)],
        "images": listed,
        "annotations": annotations,
    }


def _image(key: int, frame: str, size: tuple[int, int]) -> dict[str, Any]:
    nothing = dict.fromkeys(("flickr_url", "coco_url", "date_captured", "flickr_640_url"))
    width, height = size
    return {"id": key, "width": width, "height": height, "file_name": f"{frame}.jpg", "license": LICENCE, **nothing}


def _annotation(key: int, image: int, category: int, box: Box) -> dict[str, Any]:
    """Return one box; the file gives its corner and its size, and once more its outline."""
    _, x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    return {
        "id": key,
        "image_id": image,
        "category_id": category,
        "bbox": [x0, y0, width, height],
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
    }
