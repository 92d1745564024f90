"""Clouds in .pcd: exact values of every variant, and headers that lie."""

import struct
import sys

import numpy as np
import pytest
from damage import damaged, refused, tried, write
from hypothesis import given, settings

from orqa_registry.errors import MissingLibraryError
from orqa_registry.readers.formats.clouds import read_pcd, read_ply

pytest.importorskip("pypcd4")

PLACES = np.array([[1.5, -2, 3], [0.1, 0, 1e6], [-7, 8, 9.25]], dtype=np.float32)
COLOURS = np.array([[255, 51, 153], [0, 0, 0], [1, 2, 3]], dtype=np.uint8)
CLOUD = np.column_stack([PLACES, COLOURS]).astype(np.float32)
PACKED = (COLOURS.astype(np.uint32) << np.array([16, 8, 0], dtype=np.uint32)).sum(axis=1, dtype=np.uint32)


def columns(*more, places=PLACES, kind="<f4"):
    return [("xyz"[axis], kind, places[:, axis]) for axis in range(3)] + list(more)


RGB_U = columns(("rgb", "<u4", PACKED))
RGB_F = columns(("rgb", "<f4", PACKED.view(np.float32)))
RGBA = columns(("rgba", "<u4", PACKED | np.uint32(0xFF << 24)))
SEPARATE = columns(*[(name, "u1", COLOURS[:, channel]) for channel, name in enumerate("rgb")], kind="<f8")
FLOATS = columns(*[(name, "<f4", COLOURS[:, channel]) for channel, name in enumerate("rgb")])


def pcd(columns, data="binary", **changes):
    """Return a PCD file; changes: lines of the header, None for none."""
    table = np.zeros(len(columns[0][2]), dtype=[(str(place), kind) for place, (_, kind, _) in enumerate(columns)])
    for place, (_, _, values) in enumerate(columns):
        table[str(place)] = values
    kinds = [table.dtype[place] for place in range(len(columns))]
    header = {
        "VERSION": "0.7",
        "FIELDS": " ".join(name for name, _, _ in columns),
        "SIZE": " ".join(str(kind.base.itemsize) for kind in kinds),
        "TYPE": " ".join(kind.base.kind.upper() for kind in kinds),
        "COUNT": " ".join(str(int(np.prod(kind.shape))) for kind in kinds),
        "WIDTH": len(table),
        "HEIGHT": 1,
        "VIEWPOINT": "0 0 0 1 0 0 0",
        "POINTS": len(table),
        "DATA": data,
        **changes,
    }
    text = "# .PCD v0.7\n" + "".join(f"{key} {value}\n" for key, value in header.items() if value is not None)
    if data == "ascii":
        rows = (" ".join(f"{one:.10g}" for value in row for one in np.ravel(value)) for row in table.tolist())
        return (text + "".join(f"{row}\n" for row in rows)).encode()
    if data == "binary_compressed":
        plain = b"".join(np.ascontiguousarray(table[str(place)]).tobytes() for place in range(len(columns)))
        packed = stored(plain)
        return text.encode() + struct.pack("<II", len(packed), len(plain)) + packed
    return text.encode() + table.tobytes()


def stored(plain):
    """Return LZF that repeats nothing: runs of up to 32 bytes, each after its length less one."""
    return b"".join(bytes([len(run) - 1]) + run for run in (plain[at : at + 32] for at in range(0, len(plain), 32)))


VARIANTS = {"u": RGB_U, "f": RGB_F, "rgba": RGBA, "separate": SEPARATE, "floats": FLOATS}


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("name", VARIANTS)
def test_pcd(tmp_path, name, data):
    read = read_pcd(write(tmp_path / "a.pcd", pcd(VARIANTS[name], data)))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, CLOUD)


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
def test_pcd_with_columns_nobody_asked_for(tmp_path, data):
    normals = np.arange(12, dtype=np.float32).reshape(3, 4)
    odd = [("_", "u1", 0), ("x-y", "<i2", -1), ("rgb2", ("<f4", 4), normals), ("_", "<u8", 5), ("x", ("<f4", 2), 0)]
    read = read_pcd(write(tmp_path / "a.pcd", pcd([odd[0], *RGB_U[:2], *odd[1:], *RGB_U[2:]][::-1], data)))
    np.testing.assert_array_equal(read, CLOUD)
    read = read_pcd(write(tmp_path / "b.pcd", pcd(columns(), data)))
    np.testing.assert_array_equal(read, np.column_stack([PLACES, np.zeros((3, 3))]))


@pytest.mark.parametrize("data", ["ascii", "binary", "binary_compressed"])
def test_pcd_without_points_or_with_one(tmp_path, data):
    bad = PLACES.copy()
    bad[0, 1], bad[2, 0] = np.nan, -np.inf
    read = read_pcd(write(tmp_path / "a.pcd", pcd(columns(("rgb", "<u4", PACKED), places=bad), data)))
    np.testing.assert_array_equal(read, CLOUD[1:2])
    one = [(name, kind, values[:1]) for name, kind, values in RGB_F]
    np.testing.assert_array_equal(read_pcd(write(tmp_path / "b.pcd", pcd(one, data))), CLOUD[:1])
    none = [(name, kind, values[:0]) for name, kind, values in RGB_F]
    assert read_pcd(write(tmp_path / "c.pcd", pcd(none, data))).shape == (0, 6)


def test_pcd_headers_that_say_less_or_it_otherwise(tmp_path):
    for changes in (
        {"POINTS": None},
        {"WIDTH": None, "HEIGHT": None},
        {"COUNT": None},
        {"VERSION": ".7", "VIEWPOINT": None},
        {"WIDTH": 1, "HEIGHT": 3},
    ):
        read = read_pcd(write(tmp_path / "a.pcd", pcd(RGB_F, **changes)))
        np.testing.assert_array_equal(read, CLOUD)
    text = pcd(RGB_F, "ascii").replace(b"\n", b"\r\n").replace(b"DATA", b"# caf\xc3\xa9\r\n\r\nDATA")
    np.testing.assert_array_equal(read_pcd(write(tmp_path / "a.pcd", text.replace(b"1.5 ", b"  1.5\t"))), CLOUD)
    wide = pcd(columns(("rgb", "<u4", PACKED), places=PLACES.astype(float) * 1e300, kind="<f8"))
    assert read_pcd(write(tmp_path / "a.pcd", wide)).shape == (0, 6)  # not one fits in 32 bit
    colours = pcd(columns(("rgb", "<f4", [np.nan, np.inf, 0])), "ascii")
    assert not read_pcd(write(tmp_path / "a.pcd", colours))[:, 3:].any()


BILLION = 10**9


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no line DATA"),
        (b"# .PCD v0.7\n" * 10_000, "no line DATA"),
        (b"\n" * 100_000, "no line DATA"),
        (pcd(RGB_F)[:-1], "48 bytes, and 47 bytes"),
        (pcd(RGB_F, POINTS=BILLION), "not WIDTH x HEIGHT"),
        (pcd(RGB_F, POINTS=BILLION, WIDTH=BILLION), "16000000000 bytes, and 48"),
        (pcd(RGB_F, "ascii", POINTS=BILLION, WIDTH=BILLION), "more than 5000000"),
        (pcd(RGB_F, "ascii", POINTS=1000, WIDTH=1000), "7999 bytes"),
        (pcd(RGB_F, "ascii", POINTS=5, WIDTH=5), "3 lines|4 numbers"),
        (pcd(RGB_F, "ascii")[:-20], "4 numbers"),
        (pcd(RGB_F, "ascii").replace(b"1.5", b"one"), "ValueError|could not convert"),
        (pcd(RGB_F, "ascii").replace(b"1.5", b"1.5 1.5"), "4 numbers"),
        (pcd(RGB_F, "ascii").replace(b"1.5", b"#"), "2 points, where 3 belong"),
        (pcd(RGB_F, "ascii").replace(b"1.5", b"1" * 70_000), "lines of less than"),
        (pcd(RGB_F, "binary_compressed", POINTS=BILLION, WIDTH=BILLION), "48, where"),
        (pcd(RGB_F, WIDTH=-3), "'-3', not a count"),
        (pcd(RGB_F, WIDTH="3 3"), "'3 3', not a count"),
        (pcd(RGB_F, POINTS=None, WIDTH=None), "neither POINTS nor WIDTH"),
        (pcd(RGB_F, POINTS="9" * 5000), "not a count"),
        (pcd(RGB_F, SIZE="4 4 4"), "different lengths"),
        (pcd(RGB_F, SIZE="4 4 4 3"), "SIZE 3"),
        (pcd(RGB_F, TYPE="F F F O"), "TYPE 'O'"),
        (pcd(RGB_F, COUNT="1 1 1 0"), "COUNT 0"),
        (pcd(RGB_F, COUNT="1 1 1 1000000000"), "COUNT 1000000000"),
        (pcd(RGB_F, FIELDS="x " * 40_000), "no line DATA"),
        (pcd(RGB_F, FIELDS="x y y rgb"), "2 columns y"),
        (pcd(RGB_F, FIELDS="x y w rgb"), "0 columns z"),
        (pcd(RGB_F, FIELDS="x y z x"), "2 columns x"),
        (pcd(columns(("rgb", "<f8", [0, 0, 0]))), "rgb of 8 bytes"),
        (pcd(RGB_F, DATA="binaryscompressed"), "DATA 'binaryscompressed'"),
        (pcd(RGB_F, DATA="../../etc/passwd"), "DATA '../../etc/passwd'"),
        (pcd(RGB_F).replace(b"VERSION 0.7", b"WIDTH 3"), "two lines 'WIDTH'"),
    ],
)
def test_pcd_that_lies_is_refused(tmp_path, data, match):
    path = write(tmp_path / "a.pcd", data)
    with refused(path, match, most=8 << 20):
        read_pcd(path)


def test_pcd_that_lies_about_its_compression_is_refused(tmp_path):
    sound = pcd(RGB_F, "binary_compressed")
    start = sound.index(b"binary_compressed\n") + len(b"binary_compressed\n")
    packed = sound[start + 8 :]
    lies = {
        "unpack to 4294967295": struct.pack("<II", len(packed), 0xFFFFFFFF) + packed,
        "and 58 bytes after": struct.pack("<II", len(packed) + 1, 48) + packed,
        "48, where": struct.pack("<II", 0, 48),
        "not unpack to 48 bytes": struct.pack("<II", len(packed), 48) + b"\xff" * len(packed),
        "0 bytes that unpack": b"",
    }
    for match, body in lies.items():
        path = write(tmp_path / "a.pcd", sound[:start] + body)
        with refused(path, match, most=8 << 20):
            read_pcd(path)
    many = 1 << 23  # 128 MB of points from two bytes each, if one believed it
    bomb = (
        pcd(RGB_F, POINTS=many, WIDTH=many, DATA="binary_compressed")[:-48]
        + struct.pack("<II", 9, 16 * many)
        + bytes(9)
    )
    path = write(tmp_path / "a.pcd", bomb)
    with refused(path, "9 bytes that unpack to 134217728", most=8 << 20):
        read_pcd(path)


SOUND = [pcd(columns, data) for columns in VARIANTS.values() for data in ("ascii", "binary", "binary_compressed")]


@given(data=damaged(SOUND))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_pcd(data, tmp_path_factory):
    read = tried(read_pcd, write(tmp_path_factory.getbasetemp() / "damaged.pcd", data))
    assert read is None or (read.dtype == np.float32 and read.shape[1:] == (6,) and len(read) <= len(data))
    assert read is None or (np.isfinite(read).all() and (read[:, 3:] >= 0).all() and (read[:, 3:] <= 255).all())


def test_what_to_install_where_a_library_is_missing(tmp_path, monkeypatch):
    for module, read in (("pypcd4", read_pcd), ("plyfile", read_ply)):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingLibraryError, match=f"pip install '{module}'"):
            read(tmp_path / "a")
