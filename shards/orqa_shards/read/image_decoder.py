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

from orqa_registry.readers.formats.bounded_file import MAX_FILE_BYTES, DamageError, DamageGuard

Pixels = npt.NDArray[np.uint8]

MAX_IMAGE_PIXELS = 1 << 26
"""Pixels of an image; the largest view known has a twentieth."""

MAX_SCANNED_PIXELS = 1 << 31
"""Pixels times scans of a JPEG, five seconds: each scan passes over all of them, and a hostile file has thousands."""

MIN_SCAN_BYTES = 10
"""Bytes of a scan with nothing in it."""

OVERSAMPLING = 1.5
"""What a picture that is kept is decoded to, as a multiple of the sides wanted: 50 dB where 1.0 gives 45."""

JPEG_END = b"\xff\xd9"
"""What a JPEG ends with."""

EXPECTED_IMAGE = "a whole JPEG or PNG"
IMAGE_FORMATS = ("JPEG", "PNG")


@frozen
class ImageHeader:
    """What an image says of itself. size: (width, height). turbo: whether libjpeg-turbo's own interface decodes it."""

    size: tuple[int, int]
    grey: bool
    turbo: bool


def read_image_header(data: bytes, where: str = "image") -> ImageHeader:
    """Return what the header says; nothing is decoded. Raises OrqaError, also for an image that is too large."""
    with DamageGuard(where, EXPECTED_IMAGE):
        image_header = _read_header(data)
        width, height = image_header.size
        if not 0 < width * height <= MAX_IMAGE_PIXELS:
            raise DamageError(f"{width} x {height} pixels, not 1 to {MAX_IMAGE_PIXELS}")
        return image_header


def image_dimensions(data: bytes, where: str = "image") -> tuple[int, int]:
    """Return (width, height) in pixels from the header. Raises OrqaError."""
    return read_image_header(data, where).size


def fit_within(size: tuple[int, int], pixels: int | None) -> tuple[int, int]:
    """Return (width, height) of an image that may keep so many pixels: smaller by the rule of training.md 3."""
    width, height = size
    if pixels is None or width * height <= pixels:
        return size
    scale = math.sqrt(pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def decode_image(
    data: bytes, pixels: int | None = None, *, where: str = "image", strict: bool = False, fine: bool = False
) -> Pixels:
    """Return uint8 (H, W, 3) RGB of a JPEG or PNG, in memory of its own; alpha is left out, 16 bit become 8.

    pixels: what it may keep, width times height; a JPEG is never decoded much larger than that. strict: refuse what
    decodes with a warning, such as a JPEG that breaks off. fine: scale down with more care, for pictures that are kept.
    Raises OrqaError that names `where`, for whatever is wrong with the file.
    """
    image_header = read_image_header(data, where)
    target = fit_within(image_header.size, pixels)
    with DamageGuard(where, EXPECTED_IMAGE):
        minimum = fit_within(image_header.size, int(math.prod(target) * OVERSAMPLING**2)) if fine else target
        image = (
            _decode_by_turbo(data, image_header, minimum, strict)
            if image_header.turbo
            else _decode_by_pillow(data, strict)
        )
        return _resize(image, target, _measure_extent(image_header.size, image), fine)


def _read_header(data: bytes) -> ImageHeader:
    if len(data) > MAX_FILE_BYTES:
        raise DamageError(f"{len(data)} bytes, more than {MAX_FILE_BYTES}")
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        return ImageHeader((int(width), int(height)), colours == "Gray", turbo=True)
    except (KeyError, ValueError):  # no JPEG, or one with a subsampling of colours that the interface has no name for
        with _open_image(data) as image:
            return ImageHeader(image.size, image.mode in {"1", "L", "LA"} or image.mode.startswith("I"), turbo=False)


def _decode_by_turbo(data: bytes, image_header: ImageHeader, minimum: tuple[int, int], strict: bool) -> Pixels:
    """Return the image at the smallest scale of libjpeg that is not below `minimum`; the GIL is free meanwhile."""
    _check_scans(data, image_header.size)
    try:
        image: Pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=minimum[0], min_height=minimum[1], strict=strict)
    except ValueError as error:
        stripped = data.rstrip(b"\0")
        trimmed = stripped.removesuffix(JPEG_END).rstrip(b"\0") + JPEG_END
        if strict and stripped.endswith(JPEG_END) and trimmed != data:  # some cameras fill up with zeros before the end
            return _decode_by_turbo(trimmed, image_header, minimum, strict)
        raise DamageError(str(error)) from error
    return image


def _resize(image: Pixels, target: tuple[int, int], extent: tuple[float, float], fine: bool) -> Pixels:
    """Return an image made smaller: by OpenCV, six times as quick, or by Pillow with more care or of half pixels."""
    rows, columns, _ = image.shape
    if (columns, rows) == target:
        return image
    if fine or extent != (columns, rows):
        kernel = Image.Resampling.BICUBIC if fine else Image.Resampling.BILINEAR
        return np.array(Image.fromarray(image).resize(target, kernel, box=(0.0, 0.0, *extent)))
    cv2 = _load_opencv()
    # Four neighbours are all that there is between two pixels, unless it shrinks to less than half.
    halved = columns <= 2 * target[0] and rows <= 2 * target[1]
    resized: Pixels = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR if halved else cv2.INTER_AREA)
    return resized


@lru_cache
def _load_opencv() -> Any:
    import cv2

    cv2.setNumThreads(1)  # threads of its own would fight with the loader's, and do not survive a fork
    return cv2


def _measure_extent(size: tuple[int, int], image: Pixels) -> tuple[float, float]:
    """Return the part of what was decoded that is image: at 5/8, 700 columns take 437.5 of 438 columns."""
    (width, height), (rows, columns, _) = size, image.shape
    eighths = min(columns * 8 // width, rows * 8 // height)
    return width * eighths / 8, height * eighths / 8


def _decode_by_pillow(data: bytes, strict: bool) -> Pixels:
    if strict:
        with _open_image(data) as image:
            image.verify()  # holds every chunk of a PNG against its checksum
    with _open_image(data) as image:
        _check_scans(data, image.size)
        if image.mode.startswith("I"):  # 16 bit grey, which Pillow would clip to 255
            grey = (np.asarray(image) >> 8).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        image.info.pop("transparency", None)  # Pillow would warn that it is left out
        return np.array(image.convert("RGB"))


def _check_scans(data: bytes, size: tuple[int, int]) -> None:
    """Raise DamageError for a JPEG that would take minutes. Markers are counted wherever they are."""
    if not data.startswith(b"\xff\xd8") or len(data) // MIN_SCAN_BYTES * math.prod(size) <= MAX_SCANNED_PIXELS:
        return
    alignments = (np.frombuffer(data, "<u2", (len(data) - start) // 2, start) for start in (0, 1))
    scans = sum(int(np.count_nonzero(words == 0xDAFF)) for words in alignments)
    if scans * math.prod(size) > MAX_SCANNED_PIXELS:
        raise DamageError(f"{scans} scans of {size[0]} x {size[1]} pixels")


def _open_image(data: bytes) -> Any:
    return Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
