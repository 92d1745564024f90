"""Synthetic pictures as large as photographs in bytes: dead leaves, 1/f shading, sensor noise; always the same."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

VIEWS = ("room1", "room2", "room3", "room4", "room5")
SIZE = (1024, 768)
"""Width and height of what a camera gives."""
QUALITY = 90
NOISE = 3.0
"""Deviation of the sensor noise, of 255: JPEGs take 1.94 bits a pixel, and pre-resized 30 kB at quality 90."""


@lru_cache(maxsize=8)
def _make_shading(seed: int) -> np.ndarray:
    """Return a field of 1/f noise, (height, width, 3) float32 of deviation 1."""
    width, height = SIZE
    rng = np.random.default_rng((1 << 32, seed))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((3, height, width))) / frequency
    spectrum[:, 0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(height, width)).transpose(1, 2, 0)
    return (field / field.std()).astype(np.float32)


def picture(seed: int, leaves: int = 400) -> Image.Image:
    """Return picture number `seed`: discs that hide one another, radii by a power law."""
    width, height = SIZE
    rng = np.random.default_rng(seed)
    canvas = np.full((height, width, 3), 128, np.float32)
    radii = 6 * (1 - rng.random(leaves) * (1 - (6 / 200) ** 2)) ** -0.5
    centres = rng.random((leaves, 2)) * (width, height)
    colours = rng.random((leaves, 1)) * 180 + rng.random((leaves, 3)) * 60
    for radius, (x, y), colour in zip(radii, centres, colours, strict=True):
        top, left = max(0, int(y - radius)), max(0, int(x - radius))
        rows = np.arange(top, min(height, int(y + radius) + 1))[:, None]
        columns = np.arange(left, min(width, int(x + radius) + 1))[None]
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        canvas[top : top + len(rows), left : left + columns.size][inside] = colour
    shift = tuple(int(offset) for offset in rng.integers(0, (height, width)))
    shading = np.roll(_make_shading(seed % 8), shift, (0, 1))
    noise = rng.standard_normal(canvas.shape, np.float32)
    # Light is grey for the most part, and so is what demosaicing leaves of noise.
    canvas += 3 * (shading[..., :1] + shading / 8) + NOISE * (0.8 * noise[..., :1] + 0.6 * noise)
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


def _write_jpeg(job: tuple[Path, int]) -> int:
    """Write one JPEG and return its bytes."""
    path, seed = job
    buffer = io.BytesIO()
    picture(seed).save(buffer, "JPEG", quality=QUALITY)
    path.write_bytes(buffer.getvalue())
    return len(buffer.getvalue())


def make(folder: Path, timepoints: int, processes: int = 2) -> None:
    """Write `timepoints` folders of five JPEGs, `00000/room1.jpg`; those that are there already stay."""
    jobs = []
    for timepoint in range(timepoints):
        timepoint_folder = folder / f"{timepoint:05d}"
        timepoint_folder.mkdir(parents=True, exist_ok=True)
        jobs += [
            (timepoint_folder / f"{view}.jpg", timepoint * len(VIEWS) + number) for number, view in enumerate(VIEWS)
        ]
    missing = [job for job in jobs if not job[0].exists()]
    if missing:
        with get_context("fork").Pool(processes) as pool:
            pool.map(_write_jpeg, missing, chunksize=20)


def read(folder: Path, timepoints: int) -> list[list[bytes]]:
    """Return the JPEGs of each timepoint, in the order of the views."""
    return [
        [(folder / f"{timepoint:05d}" / f"{view}.jpg").read_bytes() for view in VIEWS]
        for timepoint in range(timepoints)
    ]


def bits_a_pixel(samples: Sequence[Sequence[bytes]]) -> float:
    """Return the mean bits a pixel of full-size pictures."""
    sizes = [len(data) for sample in samples for data in sample]
    return 8 * sum(sizes) / len(sizes) / (SIZE[0] * SIZE[1])
