"""What label ids say: which classes a mask shows and where, and which class the colour of a point means.

A mask is uint8 (H, W) of ids (datasets.md 1.5), as `images.read_mask` returns it. Ids without a name are artefacts.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_registry.data.records import Box
from orqa_registry.data.vocabulary import MASK_COLOURS, MASK_LABELS

Ids = npt.NDArray[np.uint8]

MIN_PIXELS = 10
"""Pixels below which a class counts as noise (datasets.md 1.5)."""


def mask_labels(mask: Ids, least: int = MIN_PIXELS) -> tuple[str, ...]:
    """Return the names of the classes with at least `least` pixels, in the order of their ids."""
    return tuple(name for label_id, name in MASK_LABELS.items() if np.count_nonzero(mask == label_id) >= max(least, 1))


def mask_boxes(mask: Ids, least: int = MIN_PIXELS) -> tuple[Box, ...]:
    """Return the inclusive extents, in pixels of the mask, of each class with at least `least` pixels, by id.

    A class has one box, around all its instances: a mask does not tell them apart.
    """
    class_boxes = []
    for label_id, name in MASK_LABELS.items():
        inside: npt.NDArray[np.bool_] = np.equal(mask, label_id)
        if np.count_nonzero(inside) >= max(least, 1):
            x, y = (np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1))
            class_boxes.append(Box(name, float(x[0]), float(y[0]), float(x[-1]), float(y[-1])))
    return tuple(class_boxes)


def colour_ids(colours: Ids) -> Ids:
    """Return the id (...) of each colour (..., 3) in the colour table; 0 for black and for any other colour."""
    codes = colours[..., 0].astype(np.int32)
    for channel in (1, 2):
        codes = (codes << 8) | colours[..., channel]
    ids: Ids = _build_colour_table()[codes]
    return ids


def segment_ids(colours: Any) -> Ids:
    """Return uint8 (N,) ids of the colours (N, 3), 0..255, of a labelled cloud (datasets.md 3.7).

    Colours are rounded; black, colours outside the table and what is no colour at all give 0.
    """
    rounded = np.rint(np.asarray(colours, dtype=np.float64).reshape(-1, 3))
    valid = ((rounded >= 0) & (rounded <= 255)).all(axis=1, keepdims=True)
    return colour_ids(np.where(valid, rounded, 0).astype(np.uint8))


def cloud_extents(points: Any, ids: Any) -> dict[str, tuple[float, float, float, float, float, float]]:
    """Return name -> (x0, y0, z0, x1, y1, z1) of the points (N, 3) with each id (N,), in the order of ids."""
    coordinates = np.asarray(points).reshape(-1, 3)
    classes: Ids = np.asarray(ids).reshape(-1)
    bounds = {}
    for label_id, name in MASK_LABELS.items():
        inside = coordinates[classes == label_id]
        if len(inside):
            (x0, y0, z0), (x1, y1, z1) = inside.min(axis=0).tolist(), inside.max(axis=0).tolist()
            bounds[name] = (float(x0), float(y0), float(z0), float(x1), float(y1), float(z1))
    return bounds


@cache
def _build_colour_table() -> Ids:
    # One byte per colour; memory is taken only for the pages that are looked up.
    table = np.zeros(1 << 24, dtype=np.uint8)
    for label_id, (red, green, blue) in MASK_COLOURS.items():
        table[red << 16 | green << 8 | blue] = label_id
    return table
