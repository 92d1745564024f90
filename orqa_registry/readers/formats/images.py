"""Masks, depth images and the size of any image, through Pillow. JPEG and PNG alone: for EPS it would run Ghostscript.

Every function takes a path, or the bytes of an image that has been read already.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_registry.optional_imports import import_optional
from orqa_registry.readers.formats.bounded_file import DamageError, DamageGuard, read_bytes
from orqa_registry.readers.formats.masks import colour_ids

MAX_PIXELS = 1 << 25
"""Of an image that is decoded: 8K fits, and the largest known has a tenth."""


def read_mask(source: Path | bytes) -> npt.NDArray[np.uint8]:
    """Return uint8 (H, W) of the label ids of a PNG mask (datasets.md 1.5 and 8).

    Grey values, palette indices and 16 bit values are ids, those that do not fit in 8 bit count as background; so are
    the 0 and 1 of a 1 bit image. Three equal channels are grey. Other colours stand for an id by the colour table, as
    do black and white where there is nothing else, and 0 where they are not in it. Alpha is left out.
    Raises OrqaError; a JPEG is refused, because it has lost the ids.
    """
    with _open_image(source, ("PNG",), "a PNG mask of label ids") as image:
        values = np.asarray(image)
        if image.mode in ("1", "L", "P", "LA", "PA"):
            ids: npt.NDArray[np.uint8] = (values if values.ndim == 2 else values[..., 0]).astype(np.uint8)
            return ids
        if image.mode.startswith("I"):
            return np.where((values >= 0) & (values <= 255), values, 0).astype(np.uint8)
        if image.mode in ("RGB", "RGBA"):
            return _decode_ids(values[..., :3])
        raise DamageError(f"an image of mode {image.mode}")


def read_depth(source: Path | bytes) -> npt.NDArray[np.uint16]:
    """Return uint16 (H, W) of a 16 bit grey PNG: depth in mm, 0 where it is not known. Raises OrqaError."""
    with _open_image(source, ("PNG",), "a PNG of 16 bit grey: depth in mm") as image:
        if not image.mode.startswith("I"):
            raise DamageError(f"an image of mode {image.mode}")
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise DamageError("values that are no 16 bit depths")
        return values.astype(np.uint16)


def image_size(source: Path | bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from the header of a JPEG or PNG, as stored. Raises OrqaError."""
    with _open_image(source, ("JPEG", "PNG"), "a JPEG or PNG") as image:
        width, height = image.size
        return int(width), int(height)


@contextmanager
def _open_image(source: Path | bytes, formats: Sequence[str], expected: str) -> Iterator[Any]:
    """Give the image, not yet decoded; what goes wrong until the end of the block is an OrqaError."""
    pillow = import_optional("PIL.Image", "an image", "pillow")
    data, where = (source, "image bytes") if isinstance(source, bytes) else (read_bytes(source), str(source))
    with DamageGuard(where, expected), warnings.catch_warnings():
        warnings.simplefilter("error", pillow.DecompressionBombWarning)
        with pillow.open(io.BytesIO(data), formats=formats) as image:
            width, height = image.size
            if not 0 < width * height <= MAX_PIXELS:
                raise DamageError(f"{width} x {height} pixels, not 1 to {MAX_PIXELS}")
            yield image


def _decode_ids(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the ids of (H, W, 3): grey values where the channels are equal everywhere, else by the colour table."""
    grey = colours[..., 0]
    equal = (grey == colours[..., 1]).all() and (grey == colours[..., 2]).all()
    if equal and ((grey != 0) & (grey != 255)).any():  # 255 is no id, so black and white are colours
        return np.ascontiguousarray(grey)
    return colour_ids(colours)
