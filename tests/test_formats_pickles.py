"""Pickles in arrays: whatever somebody may put into such a file stays data."""

import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from damage import damaged, refused, saved, small, tried, write, zipped
from hypothesis import given, settings

from orqa_registry.readers.formats import pickles
from orqa_registry.readers.formats.arrays import read_npz, read_pt

O8 = b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8\x89\x88tR(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
F8 = O8.replace(b"O8", b"f8").replace(b"|NNN", b"<NNN")


def held(pickled):
    """Return an .npz whose 0-d object array holds what the opcodes `pickled` put on the stack."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }\n"
    body = b"\x80\x03" + EMPTY + b"(K\x01)" + O8 + b"\x89](" + pickled + b"etb."
    return zipped(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body)


def an_array(shape=b"K\x01\x85", dtype=F8, values=b"C\x08" + bytes(8)):
    return EMPTY + b"(K\x01" + shape + dtype + b"\x89" + values + b"tb"


def word(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def test_what_would_run_is_refused_and_does_not_run(tmp_path):
    marker = tmp_path / "ran"
    path = word(str(marker))
    for dangerous in (
        b"cos\nmkdir\n" + path + b"\x85R",
        word("os") + word("mkdir") + b"\x93" + path + b"\x85R",
        b"(" + path + b"ios\nmkdir\n",
        b"(cos\nmkdir\n" + path + b"o",
        b"cbuiltins\neval\n" + word(f"__import__('os').mkdir({str(marker)!r})") + b"\x85R",
        b"cpathlib\nPosixPath.mkdir\ncpathlib\nPosixPath\n" + path + b"\x85\x81\x85R",
    ):
        pickle.loads(b"\x80\x04" + dangerous + b".")  # or nothing would be proved
        marker.rmdir()
        file = write(tmp_path / "a.npz", held(dangerous))
        with refused(file, "refused, nothing was run"):
            read_npz(file)
        assert not marker.exists()
    tensor = io.BytesIO()
    with zipfile.ZipFile(tensor, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02cos\nmkdir\n" + path + b"\x85R.")
    file = write(tmp_path / "a.pt", tensor.getvalue())
    with refused(file, "'os.mkdir'.*refused"):
        read_pt(file)
    assert not marker.exists()


LAUGHS = b")q\x01" + b"".join(b"h%c\x86q%c" % (k, k + 1) for k in range(1, 40))
HUGE = struct.pack("<Q", 1 << 40)

HOSTILE = {
    "another global": (b"cnumpy\nfromfile\n", "'numpy.fromfile'"),
    "dots in a global": (b"cnumpy\nndarray.tofile\n", "'numpy.ndarray.tofile'"),
    "no string as a global": (b"K\x01K\x02\x93", "'no name'"),
    "an extension": (b"\x82\x01", "EXT1"),
    "a new object": (b"cnumpy\nndarray\n)\x81", "NEWOBJ"),
    "a call of what is only named": (b"cnumpy\nndarray\nK\x01\x85R", "not to be called"),
    "a call of a string": (word("x") + b")R", "not to be called"),
    "another array class": (EMPTY.replace(b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"), "not numpy.ndarray"),
    "attributes of a function": (b"cnumpy.core.multiarray\n_reconstruct\n}b", "not to be changed"),
    "attributes of a dict": (b"}}b", "not to be changed"),
    "a persistent id": (b"K\x01Q", "outside the file"),
    "a memo of 4 billion": (b"K\x01r\xff\xff\xff\xffj\xff\xff\xff\xfe", "refers to what is not there"),
    "a string of a terabyte": (b"\x8e" + HUGE, "not enough|expected"),
    "a frame of a terabyte": (b"\x95" + HUGE + b"\x8e" + HUGE, None),
    "a byte array": (b"\x96" + struct.pack("<Q", 3) + b"abc", "BYTEARRAY8"),
    "a long integer": (b"\x8a\x14" + b"\x01" * 20, "64 bits"),
    "a longer integer": (b"\x8b" + struct.pack("<I", 9) + b"\x01" * 9, "LONG4"),
    "digits": (b"I" + b"9" * 5000 + b"\n", None),
    "a set": (b"\x8f", "EMPTY_SET"),
    "bytes": (b"C\x01a", "a bytes where"),
    "a type where a value belongs": (F8, "a Dtype where"),
    "a name where a value belongs": (b"cnumpy\nndarray\n", "a Global where"),
    "a key that is a tuple": (b"})K\x01s", "neither strings nor integers"),
    "a key that is a float": (b"}G" + bytes(8) + b"K\x01s", "neither strings nor integers"),
    "an odd dict": (b"}(K\x01u", "neither strings nor integers"),
    "no list": (b"}K\x01a", "as a list"),
    "an empty stack": (b"ttt", "groups do not match|runs dry"),
    "a list in itself": (b"]q\x01h\x01a", "hold themselves"),
    "a dict in itself": (b"}q\x01K\x01h\x01s", "hold themselves"),
    "lists in lists": (b"]" * 5000 + b"a" * 4999, "hold themselves"),
    "a billion laughs": (LAUGHS, "far too many"),
    "a billion laughs as a key": (b"}" + LAUGHS + b"K\x01s", "neither strings nor integers"),
    "too many steps": (b"]" + b"Na" * 50_000, "more than 100000 steps"),
    "an array in an object array": (an_array(b")", O8, b"]Na"), "a Array where"),
    "an object array": (an_array(b"K\x02\x85", O8, b"](NNe"), "array of objects"),
    "pointers as an object array": (an_array(b")", O8, b"C\x08" + b"A" * 8), "array of objects"),
    "a list as numbers": (an_array(values=b"]Na"), "array of objects"),
    "an unfinished array": (EMPTY, "a Array where"),
    "an unfinished type": (an_array(dtype=b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87R"), "without its type"),
    "a type with fields": (an_array(dtype=F8.replace(b"NNNJ", b"N(K\x01t}J")), "with fields"),
    "a type of pointers": (an_array(dtype=F8.replace(b"f8", b"V8")), "'<V8'"),
    "a list of types": (
        an_array(dtype=F8.replace(b"X\x02\x00\x00\x00f8", b"X\x05\x00\x00\x00f8, O")),
        "values of type",
    ),
    "a byte order of none": (an_array(dtype=F8.replace(b"<NNN", b"xNNN")), "no dtype has"),
    "fewer bytes": (an_array(values=b"C\x07" + bytes(7)), "7 bytes for shape"),
    "a shape of a terabyte": (an_array(shape=b"\x8a\x06" + struct.pack("<Q", 1 << 40)[:6] + b"\x85"), "shape"),
    "a shape below 0": (an_array(shape=b"J\xff\xff\xff\xff\x85"), "a shape that no array has"),
    "a shape of truth": (an_array(shape=b"\x88\x85"), "a shape that no array has"),
    "a shape of 0 by 2**40": (an_array(b"K\x00\x8a\x06\0\0\0\0\0\x7f\x86", values=b"C\x00"), "no array has"),
    "no truth": (an_array(dtype=O8.replace(b"O8", b"b1"), values=b"C\x01\x07"), "no value of bool"),
    "no letter": (an_array(dtype=F8.replace(b"f8", b"U1"), values=b"C\x04" + b"\xff" * 4), "no value of <U1"),
    "one value in many arrays": (
        b"]"
        + an_array(b"M\xb8\x0b\x85", values=b"B" + struct.pack("<I", 24_000) + bytes(24_000) + b"q\x01")
        + b"a"
        + (an_array(b"M\xb8\x0b\x85", values=b"h\x01") + b"a") * 2000,
        "repeats its arrays",
    ),
    "one text as many bytes": (
        word("x" * 20000) + b"q\x01" + b"c_codecs\nencode\nh\x01X\x06\x00\x00\x00latin1\x86R" * 50,
        "repeats its arrays",
    ),
    "more after the end": (b"K\x01etb.K\x02", "end where it says"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pickle_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(pickles, "MAX_STEPS", 100_000)  # or the billion laughs would take a while
    pickled, match = HOSTILE[name]
    path = write(tmp_path / "a.npz", held(pickled))
    with refused(path, match):
        read_npz(path)


TREE = saved({"a": np.eye(4), "b": {"c": [1, "x"], 3: (np.arange(3), np.float32(1))}}, allow_pickle=True)


@given(data=damaged([TREE]), pickled=damaged([TREE[TREE.index(b"\n") + 1 :]]))
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_damaged_pickles(data, pickled, tmp_path_factory):
    # The archive is sound here, or its checksum would stand between the damage and the pickle.
    path = tmp_path_factory.getbasetemp() / "pickle.npz"
    for content in (data, TREE[: TREE.index(b"\n") + 1] + pickled):
        assert small(tried(read_npz, write(path, zipped(content, how=zipfile.ZIP_STORED))))
