"""Clouds in .ply: exact values of every variant, and headers that lie."""

import struct

import numpy as np
import pytest
from damage import damaged, refused, tried, write
from hypothesis import given, settings

from orqa_registry.readers.formats.clouds import read_ply

pytest.importorskip("plyfile")

PLACES = np.array([[1.5, -2, 3], [0.1, 0, 1e6], [-7, 8, 9.25]], dtype=np.float32)
COLOURS = np.array([[255, 51, 153], [0, 0, 0], [1, 2, 3]], dtype=np.uint8)
CLOUD = np.column_stack([PLACES, COLOURS]).astype(np.float32)
RGB = [(name, "u1", COLOURS[:, channel]) for channel, name in enumerate(("red", "green", "blue"))]
FORMS = ["ascii", "binary_little_endian", "binary_big_endian"]
FACE = "element face 2\nproperty list uchar int vertex_indices\n"


def columns(*more, places=PLACES, kind="<f4"):
    return [("xyz"[axis], kind, places[:, axis]) for axis in range(3)] + list(more)


NAMES = {"u1": "uchar", "f4": "float", "f8": "double", "i4": "int"}


def ply(columns, form="binary_little_endian", before=("", b""), after=("", b""), rows=None):
    order = {"binary_big_endian": ">"}.get(form, "<")
    table = np.zeros(len(columns[0][2]), dtype=[(name, kind.replace("<", order)) for name, kind, _ in columns])
    for name, _, values in columns:
        table[name] = values
    properties = "".join(f"property {NAMES[kind.strip('<')]} {name}\n" for name, kind, _ in columns)
    vertex = f"element vertex {len(table) if rows is None else rows}\n{properties}"
    header = f"ply\nformat {form} 1.0\ncomment made by hand\n{before[0]}{vertex}{after[0]}end_header\n"
    body = table.tobytes()
    if form == "ascii":
        body = "".join(" ".join(f"{one:.10g}" for one in row) + "\n" for row in table.tolist()).encode()
    return header.encode() + before[1] + body + after[1]


def faces(form):
    """Return the rows of two faces, a triangle and a square."""
    if form == "ascii":
        return b"3 0 1 2\n4 0 1 2 0\n"
    order = ">" if "big" in form else "<"
    return struct.pack(f"{order}B3iB4i", 3, 0, 1, 2, 4, 0, 1, 2, 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["<f4", "<f8"])
def test_ply(tmp_path, form, kind):
    path = tmp_path / "a.ply"
    read = read_ply(write(path, ply(columns(*RGB, kind=kind), form)))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, CLOUD)
    read = read_ply(write(path, ply(columns(kind=kind), form)))
    np.testing.assert_array_equal(read, np.column_stack([PLACES, np.zeros((3, 3))]))
    others = [("a-b", "u1", [9, 9, 9]), ("other1", "<i4", [1, 2, 3])]
    read = read_ply(write(path, ply([others[0], *RGB[::-1], *columns(others[1], kind=kind)[::-1]], form)))
    np.testing.assert_array_equal(read, CLOUD)


@pytest.mark.parametrize("form", FORMS)
def test_ply_ignores_faces_before_and_after(tmp_path, form):
    path = tmp_path / "a.ply"
    for where in ("before", "after"):
        read = read_ply(write(path, ply(columns(*RGB), form, **{where: (FACE, faces(form))})))
        np.testing.assert_array_equal(read, CLOUD)
    lying = (FACE.replace("2", "999999999"), b"\xff\xfe")
    np.testing.assert_array_equal(read_ply(write(path, ply(columns(*RGB), form, after=lying))), CLOUD)
    plain = ("element camera 2\nproperty float f\n", b"1\n2\n" if form == "ascii" else bytes(8))
    np.testing.assert_array_equal(read_ply(write(path, ply(columns(*RGB), form, before=plain))), CLOUD)


@pytest.mark.parametrize("form", FORMS)
def test_ply_without_points_and_with_points_that_are_none(tmp_path, form):
    path = tmp_path / "a.ply"
    bad = PLACES.copy()
    bad[0, 1], bad[2, 0] = np.nan, np.inf
    np.testing.assert_array_equal(read_ply(write(path, ply(columns(*RGB, places=bad), form))), CLOUD[1:2])
    none = [(name, kind, values[:0]) for name, kind, values in columns(*RGB)]
    assert read_ply(write(path, ply(none, form))).shape == (0, 6)
    text = ply(columns(*RGB), form).split(b"end_header\n", 1)
    windows = text[0].replace(b"\n", b"\r\n") + b"end_header\r\n" + text[1]
    np.testing.assert_array_equal(read_ply(write(path, windows)), CLOUD)


def test_plyfile_reads_what_the_tests_write():
    import io

    from plyfile import PlyData

    for form in FORMS:
        vertex = PlyData.read(io.BytesIO(ply(columns(*RGB), form, after=(FACE, faces(form)))))["vertex"]
        np.testing.assert_array_equal(np.column_stack([vertex["x"], vertex["red"]]), CLOUD[:, [0, 3]])


SOUND = ply(columns(*RGB))
TEXT = ply(columns(*RGB), "ascii")
LISTS = ("element a 3\nproperty list uint double b\n", struct.pack("<I", 0xFFFFFFFF) + bytes(20))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not the beginning"),
        (b"ply\rformat ascii 1.0\r", "not the beginning"),
        (b"ply\n" + b"comment\n" * 10_000, "no line end_header"),
        (b"ply\n" + b"c" * 100_000, "no line end_header"),
        (SOUND[:-1], "45 bytes or more, and 44 bytes"),
        (ply(columns(*RGB), rows=10**12), "15000000000000 bytes or more"),
        (ply(columns(*RGB), "ascii", rows=10**12), "more than 5000000"),
        (ply(columns(*RGB), "ascii", rows=4), "3 lines of less than"),
        (TEXT.replace(b"1.5", b"one"), "malformed"),
        (TEXT.replace(b"1.5", b"1 5"), "end-of-line"),
        (TEXT.replace(b"1.5 ", b""), "end-of-line"),
        (TEXT.replace(b"1.5", b"1" * 70_000), "lines of less than"),
        (SOUND.replace(b"vertex 3", b"vertex -3"), "'-3', not a count"),
        (SOUND.replace(b"vertex 3", b"vertex 3 3"), "a line 'element vertex 3 3'"),
        (SOUND.replace(b"vertex 3", b"point 3"), "not one element vertex"),
        (ply(columns(*RGB), after=("element vertex 3\nproperty int a\n", b"")), "not one element vertex"),
        (SOUND.replace(b"format binary_little_endian 1.0\n", b""), "no format"),
        (SOUND.replace(b"binary_little_endian", b"pickle"), "a line 'format pickle"),
        (SOUND.replace(b"float x", b"object x"), "a property 'object x'"),
        (SOUND.replace(b"float x", b"float w"), "0 columns x"),
        (SOUND.replace(b"float y", b"float x"), "2 columns x"),
        (SOUND.replace(b"float x", b"list uchar float x"), "vertices with lists"),
        (ply([*columns(), *((name, "<f4", values) for name, _, values in RGB)]), "not whole numbers"),
        (SOUND.replace(b"comment", b"run"), "a line 'run made by hand'"),
        (ply(columns(), before=("element a 999999999999\n", b"")), "of 0 properties"),
        (ply(columns(), before=("element a 1\n" + "property int b\n" * 2000, b"")), "of 2000 properties"),
        (ply(columns(), before=("property int b\n", b"")), "a line 'property int b'"),
        (ply(columns(), before=(LISTS[0].replace("3", "999999"), bytes(4_000_000))), "put the vertices first"),
        (ply(columns(), before=LISTS), "early end-of-file"),
        (ply(columns(), before=(LISTS[0].replace("uint", "char"), b"\xff" * 30)), "early end-of-file"),
        (ply(columns(), "ascii", before=(LISTS[0], b"-1 2\n4000000000 1\n2 1 1\n")), "expected a PLY|end-of-line"),
    ],
)
def test_ply_that_lies_is_refused(tmp_path, data, match):
    path = write(tmp_path / "a.ply", data)
    with refused(path, match, most=32 << 20):
        read_ply(path)


DAMAGED = [ply(columns(*RGB), form, **{where: (FACE, faces(form))}) for form in FORMS for where in ("before", "after")]


@given(data=damaged(DAMAGED))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_ply(data, tmp_path_factory):
    read = tried(read_ply, write(tmp_path_factory.getbasetemp() / "damaged.ply", data))
    assert read is None or (read.dtype == np.float32 and read.shape[1:] == (6,) and len(read) <= len(data))
    assert read is None or (np.isfinite(read).all() and (read[:, 3:] >= 0).all() and (read[:, 3:] <= 255).all())
