"""Pictures to pixels: exact where nothing is scaled, close where it is, and OrqaError alone from what is damaged."""

import io
import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from damage import damaged, refused, tried
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orqa_shards.read.image_decoder import (
    MAX_IMAGE_PIXELS,
    MAX_SCANNED_PIXELS,
    decode_image,
    fit_within,
    image_dimensions,
    read_image_header,
)


def picture(width, height, cell=20):
    """Return RGB with edges and gradients, as a photograph has them; the same each time."""
    coarse = np.random.default_rng(width).integers(0, 256, (height // cell, width // cell, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def made(image, form="JPEG", **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def error(one, other):
    """Return the root of the mean squared difference; 2.5 is 40 dB."""
    return float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


def subsampled(factors):
    """Return a JPEG whose header claims these sampling factors of its first component; there is one in it."""
    data = bytearray(made(picture(64, 48), subsampling=0))
    data[data.index(b"\xff\xc0") + 11] = factors
    return bytes(data)


def claims(width, height):
    """Return a small JPEG and PNG that say they are as large as this."""
    jpeg = bytearray(made(picture(64, 48)))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", min(height, 65500), min(width, 65500))
    png = bytearray(made(picture(64, 48), "PNG"))
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    return bytes(jpeg), bytes(png)


SMALL = picture(80, 56)
GREY16 = Image.fromarray((np.arange(80 * 56).reshape(56, 80) * 14).astype(np.uint16))
PNGS = {
    "RGB": SMALL,
    "RGBA": SMALL.convert("RGBA"),
    "L": SMALL.convert("L"),
    "LA": SMALL.convert("LA"),
    "P": SMALL.convert("P"),
    "1": SMALL.convert("1"),
}


@pytest.mark.parametrize(
    ("sides", "pixels", "expected"),
    [
        ((1920, 1080), 112_896, (448, 252)),  # of training.md 3
        ((2048, 1536), 112_896, (387, 290)),
        ((640, 480), 112_896, (387, 290)),
        ((1920, 1080), 262_144, (682, 384)),
        ((336, 336), 112_896, (336, 336)),
        ((337, 336), 112_896, (336, 335)),
        ((5000, 1), 100, (707, 1)),
        ((640, 480), 1, (1, 1)),
        ((640, 480), None, (640, 480)),
    ],
)
def test_the_rule_of_the_budget(sides, pixels, expected):
    assert fit_within(sides, pixels) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 300_000))
def test_nothing_is_over_its_budget_or_out_of_shape(width, height, pixels):
    w, h = fit_within((width, height), pixels)
    assert (w, h) == (width, height) if width * height <= pixels else (w <= width and h <= height)
    assert w * h <= max(pixels, w, h), "but for a line, of which one side cannot shrink"
    if min(w, h) > 1:
        assert abs(w * height - h * width) <= max(width, height) + 1, "less than a pixel from the shape it had"


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}, {"quality": 40}])
def test_a_jpeg_within_its_budget_is_what_pillow_reads(options):
    data = made(SMALL, **options)
    pixels = decode_image(data, 80 * 56, strict=True)
    assert (pixels.shape, pixels.dtype) == ((56, 80, 3), np.uint8)
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    np.testing.assert_allclose(pixels.astype(int), np.asarray(Image.open(io.BytesIO(data)), dtype=int), atol=2)


@pytest.mark.parametrize("mode", PNGS)
@pytest.mark.parametrize("strict", [False, True])
def test_a_png_of_any_mode_is_exact(mode, strict):
    pixels = decode_image(made(PNGS[mode], "PNG"), strict=strict)
    np.testing.assert_array_equal(pixels, np.asarray(PNGS[mode].convert("RGB")))
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


def test_16_bit_become_8_and_what_is_transparent_is_seen():
    np.testing.assert_array_equal(decode_image(made(GREY16, "PNG"))[..., 1], np.asarray(GREY16) >> 8)
    for clear in (3, bytes(range(256))):
        palette = made(PNGS["P"], "PNG", transparency=clear)
        np.testing.assert_array_equal(decode_image(palette), np.asarray(PNGS["P"].convert("RGB")))


def test_jpegs_that_are_not_plain():
    np.testing.assert_allclose(
        decode_image(made(SMALL.convert("CMYK"), quality=95), strict=True).astype(int),
        np.asarray(SMALL, dtype=int),
        atol=40,
    )
    odd = subsampled(0x42)
    assert not read_image_header(odd).turbo
    assert decode_image(odd, 1000).shape == (27, 36, 3)
    assert read_image_header(made(SMALL.convert("L"))).grey
    grey = decode_image(made(SMALL.convert("L")))
    assert (grey[..., :1] == grey).all()


def test_orientation_is_left_alone():
    turned = Image.Exif()
    turned[0x0112] = 6
    data = made(SMALL, exif=turned)
    assert image_dimensions(data) == (80, 56)
    np.testing.assert_array_equal(decode_image(data), decode_image(made(SMALL)))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("sides", [(1024, 768), (700, 500), (1301, 733), (340, 340)])
def test_scaled_pictures_are_close_to_whole_ones_scaled(form, sides):
    data = made(picture(*sides), form)
    whole = Image.fromarray(decode_image(data))
    wanted = fit_within(sides, 112_896)
    reference = np.asarray(whole.resize(wanted, Image.Resampling.BICUBIC))
    quick, fine = decode_image(data, 112_896), decode_image(data, 112_896, fine=True)
    assert quick.shape == fine.shape == (wanted[1], wanted[0], 3)
    assert quick.flags.writeable
    assert error(quick, reference) < 2.5
    assert error(fine, reference) < (1.5 if form == "JPEG" else 0.001)
    assert error(fine, reference) < error(quick, reference)


def test_a_jpeg_is_not_decoded_much_larger_than_wanted():
    data = made(picture(4096, 3072, cell=64))
    decode_image(data, 112_896)
    tracemalloc.start()
    try:
        decode_image(data, 112_896)
        assert tracemalloc.get_traced_memory()[1] < 4096 * 3072 * 3 / 16
    finally:
        tracemalloc.stop()


def test_what_breaks_off_is_refused_where_that_is_asked():
    jpeg = made(picture(320, 240))
    cut = jpeg[: len(jpeg) // 2]
    assert decode_image(cut).shape == (240, 320, 3)
    with refused("room1.jpg", "Premature end"):
        decode_image(cut, 1, where="room1.jpg", strict=True)
    png = bytearray(made(picture(320, 240), "PNG"))
    for broken in (png[: len(png) // 2], png[:-12]):
        with refused("room1.png", "expected a whole"):
            decode_image(bytes(broken), where="room1.png", strict=True)
    png[-18] ^= 1  # the checksum of the pixels
    with refused("room1.png", "checksum|expected a whole"):
        decode_image(bytes(png), where="room1.png", strict=True)


@pytest.mark.parametrize("sides", [(20_000, 10_000), (65_000, 1 + MAX_IMAGE_PIXELS // 65_000), (2**31 - 1, 2**31 - 1)])
def test_what_is_too_large_is_refused_before_it_is_decoded(sides):
    for data in claims(*sides):
        for read in (decode_image, image_dimensions):
            with refused("here", "expected a whole", most=1 << 22):
                read(data, where="here")


def test_a_jpeg_of_endless_scans_is_refused():
    data = made(Image.new("L", (6000, 6000), 120), progressive=True)
    last = [found.start() for found in re.finditer(b"\xff\xda", data)][-1]
    many = MAX_SCANNED_PIXELS // 6000**2 + 1
    with refused("image", "scans of 6000 x 6000"):
        decode_image(data[:-2] + data[last:-2] * many + data[-2:])


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", made(SMALL, "GIF"), made(SMALL, "BMP"), b"%!PS-Adobe-3.0 EPSF-3.0\n"],
)
def test_what_is_no_picture_is_refused(data):
    for read in (decode_image, image_dimensions, read_image_header):
        with refused("here", "expected a whole JPEG or PNG"):
            read(data, where="here")


SOUND = [
    made(SMALL),
    made(SMALL, progressive=True),
    made(SMALL.convert("L")),
    made(SMALL.convert("CMYK")),
    subsampled(0x42),
    made(GREY16, "PNG"),
    *(made(image, "PNG") for image in PNGS.values()),
]


@given(data=damaged(SOUND), pixels=st.sampled_from([None, 1, 1000]), strict=st.booleans(), fine=st.booleans())
@settings(max_examples=settings.default.max_examples * 3)
def test_damaged_pictures(data, pixels, strict, fine):
    found = tried(lambda: decode_image(data, pixels, strict=strict, fine=fine))
    if found is not None:
        assert (found.ndim, found.dtype) == (3, np.uint8)
        assert (found.shape[1], found.shape[0]) == fit_within(image_dimensions(data), pixels)


@pytest.mark.parametrize("zeros", [0, 1, 3, 500])
def test_zeros_before_the_end_are_no_damage(zeros):
    whole = made(picture(120, 80))
    padded = whole.removesuffix(b"\xff\xd9") + bytes(zeros) + b"\xff\xd9"
    assert (decode_image(padded, strict=True) == decode_image(whole)).all()
