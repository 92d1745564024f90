"""The cloud of a frame: the one on disk, or made of its depth images (datasets.md 4.4). Light until called."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orqa_plugin_mvor.annotations import Camera
from orqa_plugin_mvor.names import CLOUD_POINTS
from orqa_plugin_mvor.scene import needs_numpy
from orqa_registry import OrqaError
from orqa_registry.draws import seeded
from orqa_registry.reading import library, spare

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LIBRARIES = "orqa-plugin-mvor[clouds]"


def stored(path: Path) -> bytes:
    """Return a cloud on disk as `points.npy`: it is aligned and sampled already. Raises OrqaError."""
    library("plyfile", "the stored clouds of MVOR", LIBRARIES)
    from orqa_registry.formats.arrays import to_npy
    from orqa_registry.formats.clouds import read_ply

    return to_npy(read_ply(path))


def fused(frame: str, pictures: Mapping[int, tuple[Path, Path]], cameras: Mapping[int, Camera]) -> bytes:
    """Return `points.npy` made of the colour and depth images of the cameras: 5,000 points of them all at random.

    frame: the day and the number, `2_000017`; the same points are drawn for it each time. A damaged image costs its
    camera (DataWarning). Raises OrqaError where no camera gives a point.
    """
    needs_numpy()
    library("PIL", "clouds from the depth images of MVOR", LIBRARIES)
    import numpy as np

    from orqa_registry.formats.arrays import to_npy

    seen = [spare(_seen, *pictures[number], cameras[number]) for number in sorted(pictures)]
    points = np.concatenate([np.zeros((0, 6)), *(one for one in seen if one is not None)])
    if not len(points):
        raise OrqaError(
            f"{', '.join(str(depth) for _, depth in pictures.values())}: no depth in frame {frame}, so no cloud: "
            "expected 16 bit images in mm, as large as the colour images"
        )
    draw = seeded("MVOR", "cloud", frame)
    every = range(len(points))
    chosen = draw.sample(every, CLOUD_POINTS) if len(points) >= CLOUD_POINTS else draw.choices(every, k=CLOUD_POINTS)
    return to_npy(points[chosen].astype(np.float32))


def _seen(colour: Path, depth: Path, camera: Camera) -> npt.NDArray[np.float64]:
    """Return what a camera sees, N x 6: x, y, z in the room in mm, red, green, blue 0..255; finite points alone."""
    import numpy as np

    from orqa_plugin_mvor.spatial import TO_ROOM
    from orqa_registry.formats.geometry import transform
    from orqa_registry.formats.images import image_size, read_depth

    for path in (depth, colour):
        if (size := image_size(path)) != camera.size:
            raise OrqaError(f"{path}: {size[0]} x {size[1]} pixels; expected {camera.size[0]} x {camera.size[1]}")
    distances, colours = read_depth(depth), _colours(colour)
    rows, columns = np.nonzero(distances)
    z = distances[rows, columns].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        x = (columns - camera.centre[0]) * z / camera.focal[0]
        y = (rows - camera.centre[1]) * z / camera.focal[1]
        placed = transform(TO_ROOM @ np.array(camera.to_first), np.column_stack([x, y, z]))
    seen = np.column_stack([placed, colours[rows, columns]])
    return seen[np.isfinite(placed).all(axis=1)]


def _colours(path: Path) -> npt.NDArray[np.uint8]:
    """Return an image as (height, width, 3), without its alpha channel. Raises OrqaError."""
    import numpy as np
    from PIL import Image

    from orqa_registry.formats.files import Reading, read_bytes

    data = read_bytes(path)
    with Reading(path, "a colour PNG"), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
    raise AssertionError
