"""The cloud of a frame: the one on disk, or made of its depth images (datasets.md 4.4). Light until called."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orqa_plugin_mvor.names import CLOUD_POINTS
from orqa_plugin_mvor.reader.annotations import Camera
from orqa_plugin_mvor.reader.frame import require_numpy
from orqa_registry import OrqaError, import_optional, seeded_rng
from orqa_registry.readers.io import read_or_warn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CLOUDS_EXTRA = "orqa-plugin-mvor[clouds]"


def stored_cloud(path: Path) -> bytes:
    """Return a cloud on disk as `points.npy`: it is aligned and sampled already. Raises OrqaError."""
    import_optional("plyfile", "the stored clouds of MVOR", CLOUDS_EXTRA)
    from orqa_registry.readers.formats.arrays import to_npy
    from orqa_registry.readers.formats.clouds import read_ply

    return to_npy(read_ply(path))


def fused_cloud(frame: str, images: Mapping[int, tuple[Path, Path]], cameras: Mapping[int, Camera]) -> bytes:
    """Return `points.npy` made of the colour and depth images of the cameras: 5,000 points of them all at random.

    frame: the day and the number, `2_000017`; the same points are drawn for it each time. A damaged image costs its
    camera (DataWarning). Raises OrqaError where no camera gives a point.
    """
    require_numpy()
    import_optional("PIL", "clouds from the depth images of MVOR", CLOUDS_EXTRA)
    import numpy as np

    from orqa_registry.readers.formats.arrays import to_npy

    clouds = [read_or_warn(_camera_cloud, *images[number], cameras[number]) for number in sorted(images)]
    points = np.concatenate([np.zeros((0, 6)), *(cloud for cloud in clouds if cloud is not None)])
    if not len(points):
        raise OrqaError(
            f"{', '.join(str(depth) for _, depth in images.values())}: no depth in frame {frame}, so no cloud: "
            "expected 16 bit images in mm, as large as the colour images"
        )
    generator = seeded_rng("MVOR", "cloud", frame)
    rows = range(len(points))
    drawn = (
        generator.sample(rows, CLOUD_POINTS) if len(points) >= CLOUD_POINTS else generator.choices(rows, k=CLOUD_POINTS)
    )
    return to_npy(points[drawn].astype(np.float32))


def _camera_cloud(colour: Path, depth: Path, camera: Camera) -> npt.NDArray[np.float64]:
    """Return what a camera sees, N x 6: x, y, z in the room in mm, red, green, blue 0..255; finite points alone."""
    import numpy as np

    from orqa_plugin_mvor.reader.room_geometry import CAMERA1_TO_ROOM
    from orqa_registry.readers.formats.images import image_size, read_depth
    from orqa_registry.readers.geometry import transform

    for path in (depth, colour):
        if (size := image_size(path)) != camera.size:
            raise OrqaError(f"{path}: {size[0]} x {size[1]} pixels; expected {camera.size[0]} x {camera.size[1]}")
    distances, colours = read_depth(depth), _read_colours(colour)
    rows, columns = np.nonzero(distances)
    z = distances[rows, columns].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        x = (columns - camera.centre[0]) * z / camera.focal[0]
        y = (rows - camera.centre[1]) * z / camera.focal[1]
        positions = transform(CAMERA1_TO_ROOM @ np.array(camera.to_camera1), np.column_stack([x, y, z]))
    points = np.column_stack([positions, colours[rows, columns]])
    return points[np.isfinite(positions).all(axis=1)]


def _read_colours(path: Path) -> npt.NDArray[np.uint8]:
    """Return an image as (height, width, 3), without its alpha channel. Raises OrqaError."""
    import numpy as np
    from PIL import Image

    from orqa_registry.readers.formats.bounded_file import DamageGuard, read_bytes

    data = read_bytes(path)
    with DamageGuard(path, "a colour PNG"), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
    raise AssertionError
