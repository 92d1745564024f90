"""Masks in fewer cells than pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def downsample_mask(mask: npt.NDArray[np.uint8], side: int = 32) -> npt.NDArray[np.uint8]:
    """Return a mask of `side` x `side` cells; of the classes in a cell the one that is rarest in the picture wins.

    Background wins only where there is nothing else; what is left over at the right and at the bottom is cut off
    (datasets.md 1.6).
    """
    counts = np.bincount(mask.ravel(), minlength=256)
    counts[0] = mask.size + 1
    order = np.argsort(-counts, kind="stable").astype(np.uint8)
    rank = np.empty(256, dtype=np.uint8)
    rank[order] = np.arange(256)
    cell_height, cell_width = mask.shape[0] // side, mask.shape[1] // side
    cells = rank[mask[: side * cell_height, : side * cell_width]].reshape(side, cell_height, side, cell_width)
    return np.asarray(order[cells.max(axis=(1, 3))])
