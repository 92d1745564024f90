"""A box file as the download has it (datasets.md 5.2). For the writer alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orqa_plugin_egosurgery.names import display_name
from orqa_registry import Box

LICENCE_ID = 1


def to_coco(
    images: Iterable[tuple[str, tuple[int, int], Sequence[Box]]], categories: Sequence[str], first_id: int
) -> dict[str, Any]:
    """Return the content of a box file.

    images: (frame, (width, height), boxes) in order; they and their boxes are numbered from `first_id`, as the
    categories, which are given as the file spells them.
    """
    category_ids = {display_name(category): first_id + index for index, category in enumerate(categories)}
    image_entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (frame, size, boxes) in enumerate(images, start=first_id):
        image_entries.append(_image_entry(image_id, frame, size))
        for box in boxes:
            annotations.append(_annotation_entry(first_id + len(annotations), image_id, category_ids[box.entity], box))
    return {
        "info": {
            "year": 2020,
            "version": "v1",
            "description": "OpenSurgery",
            "contributor": "written by orqa-registry",
        },
        "licenses": [{"id": LICENCE_ID, "name": "of the takes that were written"}],
        "categories": [
            {"id": category_id, "name": name} for category_id, name in enumerate(categories, start=first_id)
        ],
        "images": image_entries,
        "annotations": annotations,
    }


def _image_entry(image_id: int, frame: str, size: tuple[int, int]) -> dict[str, Any]:
    empty_fields = dict.fromkeys(("flickr_url", "coco_url", "date_captured", "flickr_640_url"))
    width, height = size
    return {
        "id": image_id,
        "width": width,
        "height": height,
        "file_name": f"{frame}.jpg",
        "license": LICENCE_ID,
        **empty_fields,
    }


def _annotation_entry(annotation_id: int, image_id: int, category_id: int, box: Box) -> dict[str, Any]:
    """Return one box; the file gives its corner and its size, and once more its outline."""
    _, x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [x0, y0, width, height],
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]],
    }
