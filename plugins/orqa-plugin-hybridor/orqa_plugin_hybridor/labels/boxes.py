"""Boxes around the visible pixels of every entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from orqa_plugin_hybridor.geometry.solids import ENTITY_NAMES
from orqa_plugin_hybridor.render.rendered_view import RenderedView
from orqa_registry import Box

MIN_ENTITY_PIXELS = 10
"""An entity has a box in a view when it has at least as many visible pixels."""


def label_boxes(pictures: Mapping[str, RenderedView]) -> dict[str, Any]:
    """Return for each camera the inclusive extents (x0, y0, x1, y1) of the visible pixels of every entity."""
    by_view: dict[str, Any] = {}
    for view, picture in pictures.items():
        height, width = picture.entity_ids.shape
        count = len(ENTITY_NAMES)
        names = picture.entity_ids.astype(np.int64)
        by_row = np.bincount((names + np.arange(height)[:, None] * count).ravel(), minlength=count * height)
        by_column = np.bincount((names + np.arange(width) * count).ravel(), minlength=count * width)
        rows, columns = by_row.reshape(height, count), by_column.reshape(width, count)
        visible: list[Box] = []
        for number in np.nonzero(rows.sum(axis=0) >= MIN_ENTITY_PIXELS)[0]:
            if ENTITY_NAMES[number]:
                x, y = np.nonzero(columns[:, number])[0], np.nonzero(rows[:, number])[0]
                visible.append(Box(ENTITY_NAMES[number], int(x[0]), int(y[0]), int(x[-1]), int(y[-1])))
        by_view[view] = {"size": [width, height], "boxes": sorted(visible)}
    return by_view
