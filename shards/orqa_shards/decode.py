"""JPEG and PNG -> pixels: scaled down while decoding, and refused before it where there would be too many.

Pixels are as stored. An orientation in EXIF is ignored on purpose: boxes and calibration are in stored pixels.
"""

from __future__ import annotations

import io
import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg
from attrs import frozen
from PIL import Image

from orqa_registry.formats.files import LARGEST, DamageError, Reading

Pixels = npt.NDArray[np.uint8]

LARGEST_IMAGE = 1 << 26
"""Pixels of an image; the largest view known has a twentieth."""

MOST_SCANNED = 1 << 31
"""Pixels times scans of a JPEG, five seconds: each scan passes over all of them, and a hostile file has thousands."""

LEAST_SCAN = 10
"""Bytes of a scan with nothing in it."""

FINER = 1.5
"""What a picture that is kept is decoded to, as a multiple of the sides wanted: 50 dB where 1.0 gives 45."""

END = b"\xff\xd9"
"""What a JPEG ends with."""

EXPECTED = "a whole JPEG or PNG"
FORMATS = ("JPEG", "PNG")


@frozen
class Header:
    """What an image says of itself. size: (width, height). turbo: whether libjpeg-turbo's own interface decodes it."""

    size: tuple[int, int]
    grey: bool
    turbo: bool


def header(data: bytes, where: str = "image") -> Header:
    """Return what the header says; nothing is decoded. Raises OrqaError, also for an image that is too large."""
    with Reading(where, EXPECTED):
        found = _header(data)
        width, height = found.size
        if not 0 < width * height <= LARGEST_IMAGE:
            raise DamageError(f"{width} x {height} pixels, not 1 to {LARGEST_IMAGE}")
        return found


def size(data: bytes, where: str = "image") -> tuple[int, int]:
    """Return (width, height) in pixels from the header. Raises OrqaError."""
    return header(data, where).size


def within(size: tuple[int, int], pixels: int | None) -> tuple[int, int]:
    """Return (width, height) of an image that may keep so many pixels: smaller by the rule of training.md 3."""
    width, height = size
    if pixels is None or width * height <= pixels:
        return size
    scale = math.sqrt(pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def decode(
    data: bytes, pixels: int | None = None, *, where: str = "image", strict: bool = False, fine: bool = False
) -> Pixels:
    """Return uint8 (H, W, 3) RGB of a JPEG or PNG, in memory of its own; alpha is left out, 16 bit become 8.

    pixels: what it may keep, width times height; a JPEG is never decoded much larger than that. strict: refuse what
    decodes with a warning, such as a JPEG that breaks off. fine: scale down with more care, for pictures that are kept.
    Raises OrqaError that names `where`, for whatever is wrong with the file.
    """
    found = header(data, where)
    wanted = within(found.size, pixels)
    with Reading(where, EXPECTED):
        least = within(found.size, int(math.prod(wanted) * FINER**2)) if fine else wanted
        made = _by_turbo(data, found, least, strict) if found.turbo else _by_pillow(data, strict)
        return _resized(made, wanted, _covered(found.size, made), fine)


def _header(data: bytes) -> Header:
    if len(data) > LARGEST:
        raise DamageError(f"{len(data)} bytes, more than {LARGEST}")
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        return Header((int(width), int(height)), colours == "Gray", turbo=True)
    except (KeyError, ValueError):  # no JPEG, or one with a subsampling of colours that the interface has no name for
        with _opened(data) as image:
            return Header(image.size, image.mode in {"1", "L", "LA"} or image.mode.startswith("I"), turbo=False)


def _by_turbo(data: bytes, found: Header, least: tuple[int, int], strict: bool) -> Pixels:
    """Return the image at the smallest scale of libjpeg that is not below `least`; the GIL is free meanwhile."""
    _few_scans(data, found.size)
    try:
        made: Pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=least[0], min_height=least[1], strict=strict)
    except ValueError as error:
        ended = data.rstrip(b"\0")
        bare = ended.removesuffix(END).rstrip(b"\0") + END
        if strict and ended.endswith(END) and bare != data:  # some cameras fill up with zeros before the end
            return _by_turbo(bare, found, least, strict)
        raise DamageError(str(error)) from error
    return made


def _resized(made: Pixels, wanted: tuple[int, int], covered: tuple[float, float], fine: bool) -> Pixels:
    """Return an image made smaller: by OpenCV, six times as quick, or by Pillow with more care or of half pixels."""
    rows, columns, _ = made.shape
    if (columns, rows) == wanted:
        return made
    if fine or covered != (columns, rows):
        kernel = Image.Resampling.BICUBIC if fine else Image.Resampling.BILINEAR
        return np.array(Image.fromarray(made).resize(wanted, kernel, box=(0.0, 0.0, *covered)))
    cv2 = _opencv()
    # Four neighbours are all that there is between two pixels, unless it shrinks to less than half.
    halved = columns <= 2 * wanted[0] and rows <= 2 * wanted[1]
    smaller: Pixels = cv2.resize(made, wanted, interpolation=cv2.INTER_LINEAR if halved else cv2.INTER_AREA)
    return smaller


@lru_cache
def _opencv() -> Any:
    import cv2

    cv2.setNumThreads(1)  # threads of its own would fight with the loader's, and do not survive a fork
    return cv2


def _covered(size: tuple[int, int], made: Pixels) -> tuple[float, float]:
    """Return the part of what was decoded that is image: at 5/8, 700 columns take 437.5 of 438 columns."""
    (width, height), (rows, columns, _) = size, made.shape
    eighths = min(columns * 8 // width, rows * 8 // height)
    return width * eighths / 8, height * eighths / 8


def _by_pillow(data: bytes, strict: bool) -> Pixels:
    if strict:
        with _opened(data) as image:
            image.verify()  # holds every chunk of a PNG against its checksum
    with _opened(data) as image:
        _few_scans(data, image.size)
        if image.mode.startswith("I"):  # 16 bit grey, which Pillow would clip to 255
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        image.info.pop("transparency", None)  # Pillow would warn that it is left out
        return np.array(image.convert("RGB"))


def _few_scans(data: bytes, size: tuple[int, int]) -> None:
    """Raise DamageError for a JPEG that would take minutes. Markers are counted wherever they are."""
    if not data.startswith(b"\xff\xd8") or len(data) // LEAST_SCAN * math.prod(size) <= MOST_SCANNED:
        return
    halves = (np.frombuffer(data, "<u2", (len(data) - start) // 2, start) for start in (0, 1))
    scans = sum(int(np.count_nonzero(half == 0xDAFF)) for half in halves)
    if scans * math.prod(size) > MOST_SCANNED:
        raise DamageError(f"{scans} scans of {size[0]} x {size[1]} pixels")


def _opened(data: bytes) -> Any:
    return Image.open(io.BytesIO(data), formats=FORMATS)
