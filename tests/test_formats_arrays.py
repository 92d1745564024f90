"""Arrays and pickles: exact values, and whatever somebody may put into such a file stays data."""

import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from damage import damaged, refused, saved, small, tried, write, zipped
from hypothesis import given, settings

from orqa_registry.errors import OrqaError
from orqa_registry.readers.formats.arrays import from_npy, read_npy, read_npz, to_npy

REAL = Path(__file__).resolve().parents[2] / "shared" / "real" / "mvor" / "mvor_additional.zip"

PLAIN = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    np.arange(5, dtype=">i4"),
    np.array(7, dtype=np.uint16),
    np.zeros((0, 3), dtype=np.float16),
    np.array([True, False]),
    np.array(["ab", "c\N{SNOWMAN}"]),
    np.array([b"ab", b"c"]),
    np.array([1 + 2j]),
]


@pytest.mark.parametrize("array", PLAIN, ids=lambda array: f"{array.dtype}{array.shape}")
def test_npy_and_npz_round_trip(tmp_path, array):
    read = read_npy(write(tmp_path / "a.npy", saved(array)))
    np.savez(tmp_path / "b.npz", array, named=array)
    members = read_npz(tmp_path / "b.npz")
    assert sorted(members) == ["arr_0", "named"]
    for one in (read, from_npy(to_npy(array)), members["arr_0"], members["named"]):
        assert one.dtype == array.dtype.newbyteorder("=")
        assert one.shape == array.shape
        assert one.flags.c_contiguous
        assert one.flags.writeable
        np.testing.assert_array_equal(one, array)


def test_npz_with_a_pickled_dict(tmp_path):
    shared = np.arange(3)
    tree = {
        "object_scans/table/1.ply": np.asfortranarray(np.arange(16.0).reshape(4, 4)),
        3: {"list": [1, 2.5, "x", None, True, -(2**62)], "pair": (shared, shared), "big": np.arange(4, dtype=">f4")},
        "scalars": [np.float32(0.5), np.int64(4), np.str_("word"), np.bool_(True)],
    }
    np.savez_compressed(tmp_path / "a.npz", tree)
    read = read_npz(tmp_path / "a.npz")["arr_0"]
    assert list(read) == list(tree)
    np.testing.assert_array_equal(read["object_scans/table/1.ply"], tree["object_scans/table/1.ply"])
    assert read[3]["list"] == tree[3]["list"]
    assert read[3]["pair"][0] is read[3]["pair"][1]
    assert read[3]["pair"][0].tolist() == [0, 1, 2]
    assert read[3]["big"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert read["scalars"] == [0.5, 4, "word", True]
    assert [type(one) for one in read["scalars"]] == [float, int, str, bool]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_npz_of_every_protocol_and_an_array_alone(tmp_path, protocol):
    inner = np.empty((), dtype=object)
    inner[()] = np.arange(3.0)
    content = saved(inner)
    start = content.index(b"\n") + 1
    path = write(tmp_path / "a.npz", zipped(content[:start] + pickle.dumps(inner, protocol=protocol)))
    assert read_npz(path)["arr_0"].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.skipif(not REAL.is_file(), reason="the real additions to MVOR (shared/real) are not here")
def test_every_real_npz_of_mvor(tmp_path):
    scans = 0
    with zipfile.ZipFile(REAL) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npz")]
        for name in names:
            read = read_npz(write(tmp_path / "a.npz", archive.read(name)))["arr_0"]
            shape = (3,) if name.endswith("centers_GT.npz") else (4, 4)
            assert read
            assert all(one.shape == shape and one.dtype == np.float64 for one in read.values()), name
            scans += len(read)
    assert len(names) == 733
    # datasets.md 4.3: the scans of 732 frames, by class, and 352 centres of patients
    assert scans == 732 + 732 + 504 + 147 + 115 + 107 + 72 + 51 + 28 + 352


def header(text, version=b"\1\0"):
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(text)) + text


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not the beginning"),
        (saved(np.arange(3))[:-1], "23 bytes for shape"),
        (saved(np.arange(3)) + b"x", "25 bytes for shape"),
        (saved({"a": 1}, allow_pickle=True), "values of type '|O'"),
        (saved(np.zeros(2, dtype=[("a", "f4")])), "values of type"),
        (saved(np.zeros(2, dtype="M8[s]")), "values of type '<M8"),
        (header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"), "0 bytes for shape"),
        (header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "without a plain"),
        (header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1 2,), }"), "shape"),
        (header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1," * 40 + b"), }"), "no array has"),
        (header(b"{'descr': '<U0', 'fortran_order': False, 'shape': (99999999,), }"), "values of type '<U0'"),
        (header(b"{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (), }"), "without a plain"),
        (header(b"{'descr': " + b"(" * 9000 + b"}"), "without a plain"),
        (header(b"{" + b" " * 9000), "without a plain"),
        (b"\x93NUMPY\2\0" + b"\xff" * 4 + b"{}", "longer than the file"),
        (header(b" " * 20000), "longer than"),
    ],
)
def test_a_hostile_npy_is_refused(tmp_path, data, match):
    path = write(tmp_path / "a.npy", data)
    with refused(path, match):
        read_npy(path)
    with refused("npy bytes", match):
        from_npy(data)
    path = write(tmp_path / "b.npz", zipped(data))
    if b"'|O'" not in data:
        with refused(path, match):
            read_npz(path)


def test_npy_of_other_writers():
    body = struct.pack("<6f", *range(6))
    plain = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    for text in (plain, b"{'descr':'<f4','fortran_order':False,'shape':(2L,3L)}\n", plain + b" " * 40 + b"\n"):
        for version in (b"\1\0", b"\2\0", b"\3\0"):
            assert from_npy(header(text, version) + body).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("value", [object(), {"a": 1}, [[1], [1, 2]], np.zeros(2, "M8[s]"), np.zeros(1, [("a", "f4")])])
def test_to_npy_refuses_what_it_could_not_read_back(value):
    with pytest.raises(OrqaError, match="numbers or strings"):
        to_npy(value)


SOUND_NPY = [saved(array) for array in PLAIN]
SOUND_NPZ = [zipped(saved(array), how=zipfile.ZIP_STORED) for array in PLAIN]


@given(damaged(SOUND_NPY))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_npy(data):
    assert small(tried(from_npy, data))


@given(data=damaged([*SOUND_NPZ, *map(zipped, SOUND_NPY)]))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_npz(data, tmp_path_factory):
    path = write(tmp_path_factory.getbasetemp() / "damaged.npz", data)
    assert small(tried(read_npz, path))
