"""Masks, depth images, what they say and the geometry around them: exact values, and images that lie."""

import io
import struct
import zlib

import numpy as np
import pytest
from damage import damaged, refused, tried, write
from hypothesis import given, settings
from hypothesis import strategies as st

from orqa_registry.data.records import Box
from orqa_registry.data.vocabulary import MASK_COLOURS, MASK_LABELS
from orqa_registry.readers.formats import masks
from orqa_registry.readers.formats.images import MAX_PIXELS, image_size, read_depth, read_mask
from orqa_registry.readers.formats.masks import cloud_extents, mask_boxes, mask_labels, segment_ids
from orqa_registry.readers.geometry import MIN_DEPTH, invert, project, rigid_pose, transform

Image = pytest.importorskip("PIL.Image")

IDS = np.array([[0, 5, 14], [29, 255, 1]], dtype=np.uint8)
COLOURED = np.array(
    [[[255, 0, 0], [0, 0, 0], [153, 76, 0]], [[255, 255, 255], [1, 2, 3], [60, 75, 255]]], dtype=np.uint8
)


def png(array, mode=None, form="PNG", **options):
    made = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(np.asarray(array))
    (image.convert(mode) if mode else image).save(made, form, **options)
    return made.getvalue()


def palette(array):
    image = Image.fromarray(array).convert("P")
    image = Image.frombytes("P", (array.shape[1], array.shape[0]), array.tobytes())
    image.putpalette(list(range(255, -1, -1)) * 3)
    return image


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def claims(width, height, depth=8, colour=0):
    """Return a PNG whose header claims a size, with next to nothing in it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def both(read, path, data):
    """Return what is read from the bytes, which is what is read from the file."""
    found = read(data)
    np.testing.assert_array_equal(found, read(write(path, data)))
    return found


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png(IDS), IDS),
        (png(palette(IDS)), IDS),
        (png(palette(IDS % 4), bits=2), IDS % 4),
        (png(np.stack([IDS] * 3, axis=-1)), IDS),
        (png(np.stack([IDS] * 3, axis=-1), "RGBA"), IDS),
        (png(IDS, "LA"), IDS),
        (png(IDS.astype(np.uint16)), IDS),
        (png(IDS.astype(np.uint16) + np.uint16(256) * (IDS == 14)), np.where(IDS == 14, 0, IDS)),
        (png(IDS > 0), IDS > 0),
        (png(COLOURED), [[5, 0, 29], [26, 0, 18]]),
        (png(COLOURED, "RGBA"), [[5, 0, 29], [26, 0, 18]]),
        (png(COLOURED[:1, 1:2]), [[0]]),
        (png(COLOURED[1:, :1]), [[26]]),
    ],
    ids=["L", "P", "P2", "RGB", "RGBA", "LA", "I16", "I16 over", "1", "colours", "colours A", "black", "white"],
)
def test_masks_of_every_mode(tmp_path, data, expected):
    read = both(read_mask, tmp_path / "a.png", data)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, expected)


def test_every_colour_of_the_table():
    assert set(MASK_COLOURS) == set(MASK_LABELS)
    assert len(set(MASK_COLOURS.values())) == len(MASK_COLOURS)
    table = np.array([list(MASK_COLOURS.values())], dtype=np.uint8)
    np.testing.assert_array_equal(read_mask(png(table)), [list(MASK_COLOURS)])
    single, double = (table[0] / kind(255) * kind(255) for kind in (np.float32, np.float64))
    for colours in (table[0], single, double, table[0] + 0.4, table[0] - 0.4):
        np.testing.assert_array_equal(segment_ids(colours), list(MASK_COLOURS))
    odd = [[0, 0, 0], [255, 0, 1], [np.nan, 0, 0], [np.inf, 0, 0], [-1, 0, 255], [511, 51, 153], [256, 255, 255]]
    assert segment_ids(odd).tolist() == [0] * 7
    assert segment_ids(np.zeros((0, 3))).shape == (0,)


def test_depth_and_size(tmp_path):
    depth = np.array([[0, 1, 65535], [256, 2, 3]], dtype=np.uint16)
    read = both(read_depth, tmp_path / "a.png", png(depth))
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, depth)
    assert both(image_size, tmp_path / "b.jpg", png(np.zeros((30, 40, 3), np.uint8), form="JPEG")) == (40, 30)
    assert image_size(png(depth)) == (3, 2)
    assert image_size(claims(4000, 3000)) == (4000, 3000)  # nothing is decoded


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"


@pytest.mark.parametrize("read", [read_mask, read_depth, image_size])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        EPS,
        png(IDS, form="BMP"),
        png(IDS, form="TIFF"),
        png(IDS, form="GIF"),
        png(IDS)[:30],
        claims(0, 5),
        claims(MAX_PIXELS, 2, 16),
        claims(20_000, 10_000),
        claims(2**31 - 1, 2**31 - 1),
        png(IDS, form="JPEG")[:100],
    ],
)
def test_what_is_no_image_is_refused(tmp_path, read, data):
    path = write(tmp_path / "a.png", data)
    with refused(path, "expected a"):
        read(path)
    with refused("image bytes", "expected a"):
        read(data)


@pytest.mark.parametrize(
    ("read", "data", "match"),
    [
        (read_mask, png(IDS, form="JPEG"), "PNG mask"),
        (read_mask, png(Image.effect_noise((64, 64), 50))[:-200], "truncated"),
        (read_mask, claims(4000, 3000), "truncated|expected"),
        (read_mask, png(IDS)[:-30] + b"\0" * 18 + png(IDS)[-12:], "expected a PNG mask"),
        (read_depth, png(IDS), "mode L"),
        (read_depth, png(COLOURED), "mode RGB"),
        (read_depth, png(np.zeros((64, 64), np.uint16) + 7)[:60], "expected a PNG of 16 bit"),
    ],
)
def test_other_images_are_refused(tmp_path, read, data, match):
    path = write(tmp_path / "a.png", data)
    with refused(path, match):
        read(path)


NOISE = (np.arange(48 * 32).reshape(32, 48) * 2654435761 >> 7).astype(np.uint8)
SOUND = [png(IDS), png(palette(NOISE)), png(COLOURED), png(NOISE.astype(np.uint16)), png(NOISE, form="JPEG")]


@given(data=damaged(SOUND))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_images(data):
    for read in (read_mask, read_depth):
        found = tried(read, data)
        assert found is None or (found.ndim == 2 and 0 < found.size <= MAX_PIXELS)
    size = tried(image_size, data)
    assert size is None or (min(size) > 0 and size[0] * size[1] <= MAX_PIXELS)


def test_labels_and_boxes():
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[2:5, 10:14] = 5  # 12 pixels, in two places
    mask[39, 59] = 5
    mask[0, 0:10] = 29
    mask[1, 0:9] = 12  # one too few
    mask[10:30, 20:40] = 14  # an artefact
    mask[20:22, 0:5] = 2
    assert mask_labels(mask) == ("anesthesia_equipment", "patient", "cementer")
    assert mask_boxes(mask) == (
        Box("anesthesia_equipment", 0, 20, 4, 21),
        Box("patient", 10, 2, 59, 39),
        Box("cementer", 0, 0, 9, 0),
    )
    assert all(type(side) is float for side in mask_boxes(mask)[0][1:])
    assert mask_labels(mask, least=9) == ("anesthesia_equipment", "patient", "nurse", "cementer")
    assert mask_labels(mask, least=0) == mask_labels(mask, least=1)
    assert mask_labels(mask[:0]) == mask_boxes(mask[:0]) == ()
    assert masks.MIN_PIXELS == 10


def test_extents():
    points = np.array([[0, 0, 0], [1, -2, 3], [-1, 5, 2], [9, 9, 9], [4, 4, 4]], dtype=np.float32)
    found = cloud_extents(points, np.array([5, 5, 5, 14, 1], dtype=np.uint8))
    assert found == {"instrument_table": (4, 4, 4, 4, 4, 4), "patient": (-1, -2, 0, 1, 5, 3)}
    assert list(found) == ["instrument_table", "patient"]
    assert all(type(side) is float for side in found["patient"])
    assert cloud_extents(np.zeros((0, 3)), np.zeros(0)) == {}


def test_geometry():
    half = np.sqrt(0.5)
    quarter = rigid_pose([10, 20, 30], [0, 0, 2 * half, 2 * half])  # a quarter turn about z, of length 2
    np.testing.assert_allclose(transform(quarter, [[1, 0, 0], [0, 1, 5]]), [[10, 21, 30], [9, 20, 35]], atol=1e-12)
    np.testing.assert_allclose(rigid_pose([0, 0, 0], [1, 0, 0, 0]), np.diag([1, -1, -1, 1]), atol=1e-12)
    tilted = rigid_pose([1, -2, 3], [0.1, -0.7, 0.3, 0.5])
    np.testing.assert_allclose(invert(tilted) @ tilted, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(invert(tilted), np.linalg.inv(tilted), atol=1e-12)
    camera = {"intrinsics": [[500, 0, 320], [0, 400, 240], [0, 0, 1]], "world_to_camera": np.eye(4).tolist()}
    seen = project(camera, [[100, -200, 1000], [1, 2, 0], [10, 10, -10]])
    np.testing.assert_allclose(seen, [[370, 160, 1000], [np.nan, np.nan, 0], [-180, -160, -10]])
    assert project(camera, np.zeros((0, 3))).shape == (0, 3)
    assert transform(np.eye(4), []).shape == (0, 3)


anything = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 1e-320, -1e-320, 1e308, 1e-3])
point3d = st.tuples(*[anything] * 3)


@given(st.lists(point3d, max_size=4), st.tuples(*[anything] * 4), point3d)
def test_a_point_that_cannot_be_projected_is_outside(points, lens, moved):
    fx, fy, cx, cy = lens
    placed = np.eye(4)
    placed[:3, 3] = moved
    camera = {"intrinsics": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], "world_to_camera": placed}
    seen = project(camera, points)
    assert seen.shape == (len(points), 3)
    outside = np.isnan(seen[:, 0])
    assert (np.isnan(seen[:, 1]) == outside).all(), "either both or none"
    assert np.isfinite(seen[~outside]).all()
    assert (np.abs(seen[~outside, 2]) >= MIN_DEPTH).all()


@pytest.mark.parametrize("depth", [0.0, -0.0, 1e-320, -1e-320, MIN_DEPTH / 2, np.inf, -np.inf, np.nan])
def test_depths_without_a_pixel(depth):
    camera = {"intrinsics": [[500, 0, 320], [0, 400, 240], [0, 0, 1]], "world_to_camera": np.eye(4)}
    assert np.isnan(project(camera, [[100, 100, depth]])[0, :2]).all()
    assert np.isfinite(project(camera, [[100, 100, MIN_DEPTH]])).all()


@given(point3d, st.tuples(*[anything] * 4))
def test_what_inverts_comes_back(moved, turn):
    try:
        placed = rigid_pose(moved, turn)
        back = invert(placed)
    except ValueError:
        return
    assert np.isfinite(back).all()
    largest = max(1.0, *np.abs(placed[:3, 3]))
    np.testing.assert_allclose((back @ placed) / largest, np.eye(4) / largest, atol=1e-9)


@pytest.mark.parametrize(
    ("translation", "quaternion"),
    [([0, 0], [0, 0, 0, 1]), ([0, 0, 0], [0, 0, 1]), ([0, 0, 0], [0] * 4), ([0, 0, np.nan], [0, 0, 0, 1]), ("abc", [])],
)
def test_no_pose(translation, quaternion):
    with pytest.raises(ValueError, match=r"a pose needs|could not convert"):
        rigid_pose(translation, quaternion)


def moving(*by):
    matrix = np.eye(4)
    matrix[:3, 3] = by
    return matrix


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        2 * np.eye(4),
        np.zeros((4, 4)),
        np.full((4, 4), np.nan),
        np.full((4, 4), np.inf),
        1e-320 * np.eye(4),
        1e200 * np.eye(4),
        moving(np.inf, 0, 0),
        moving(0, np.nan, 0),
    ],
)
def test_no_rigid_matrix(matrix):
    with pytest.raises(ValueError, match="not a rigid"):
        invert(matrix)
