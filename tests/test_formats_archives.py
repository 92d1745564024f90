"""Files and zip archives that lie about themselves, and the tensors of torch in such archives."""

import io
import os
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from damage import refused

from orqa_registry.readers.formats import archives, bounded_file
from orqa_registry.readers.formats.arrays import read_npy, read_npz, read_pt

ONE = np.arange(3.0)


def npz(how=zipfile.ZIP_DEFLATED, **members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        for name, array in (members or {"arr_0": ONE}).items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", content.getvalue())
    return made.getvalue()


def write(path, data):
    path.write_bytes(data)
    return path


def changed(data, signature, offset, kind, value):
    """Return an archive with one field changed in its last record of a kind."""
    data = bytearray(data)
    struct.pack_into(kind, data, data.rindex(signature) + offset, value)
    return bytes(data)


ENTRY, END, LOCATOR = b"PK\1\2", b"PK\5\6", b"PK\6\7"


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no table of contents"),
        (b"PK\5\6", "no table of contents"),
        (npz()[:-1], "no table of contents"),
        (npz() + b"x", "no table of contents"),
        (changed(npz(), END, 12, "<L", 1 << 30), "a table of contents of"),
        (changed(npz(), END, 12, "<L", 1), "expected arrays"),
        (changed(npz(), END, 16, "<L", 1 << 30), "expected arrays"),
        (changed(npz(), ENTRY, 8, "<H", 1), "encrypted"),
        (changed(npz(), ENTRY, 10, "<H", 12), "method 12"),
        (changed(npz(), ENTRY, 16, "<L", 0), "CRC"),
        (changed(npz(), ENTRY, 20, "<L", 1 << 30), "overlap"),
        (changed(npz(), ENTRY, 24, "<L", 1 << 30), "bytes unpacked"),
        (changed(npz(), ENTRY, 24, "<L", 1 << 20), "not the 1048576 it claims|expected arrays"),
        (changed(npz(), ENTRY, 24, "<L", 60), "CRC|claims|expected arrays"),
        (changed(npz(zipfile.ZIP_STORED), ENTRY, 24, "<L", 1 << 20), "expected arrays"),
        (changed(npz(), ENTRY, 42, "<L", 1 << 20), "expected arrays"),
        (npz(zipfile.ZIP_BZIP2), "method 12"),
        (npz(zipfile.ZIP_LZMA), "method 14"),
        (npz(a=ONE, b=ONE).replace(b"b.npy", b"a.npy"), "two members of one name"),
        (npz().replace(b"arr_0.npy", b"arr_0.exe"), "no .npy"),
    ],
)
def test_a_dishonest_archive_is_refused(tmp_path, data, match):
    path = write(tmp_path / "a.npz", data)
    with refused(path, match):
        read_npz(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = write(tmp_path / "a.npz", npz(arr_0=np.zeros(1 << 20)))
    assert path.stat().st_size < 20_000
    assert read_npz(path)["arr_0"].shape == (1 << 20,)
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1 << 20)
    with refused(path, "8388736 bytes unpacked, more than 1048576", most=1 << 20):
        read_npz(path)


def test_what_is_no_file_is_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "absent", tmp_path / "a.npy" / "b"):
        with refused(path, "not a regular file|cannot be read"):
            read_npy(path)
    with refused("nul", "cannot be read"):
        read_npy(tmp_path / "nul\0")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(bounded_file.MAX_FILE_BYTES + 1)
    with refused(tmp_path / "sparse", "at most"):
        read_npy(tmp_path / "sparse")


# --------------------------------------------------------------------------- tensors


def repacked(data, change):
    """Return an archive of torch with `change(name, content)` for each content; None leaves the member out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def save(torch, path, value):
    torch.save(value, path)
    return path


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_pt_as_torch_saves_it(torch, tmp_path, name):
    tensor = torch.arange(12).reshape(3, 4).to(getattr(torch, name))
    nothing, number = torch.zeros((0, 2), dtype=tensor.dtype), tensor[1, 1]
    for value, expected in (
        (tensor, tensor),
        (tensor[1:], tensor[1:]),  # a view, saved with all of its storage
        ({"state": OrderedDict(features=[tensor], epoch=3)}, tensor),
        (nothing, nothing),
        (number, number),
    ):
        read = read_pt(save(torch, tmp_path / "a.pt", value))
        assert read.dtype == expected.numpy().dtype
        assert read.shape == tuple(expected.shape)
        np.testing.assert_array_equal(read, expected.numpy())


def test_pt_from_another_device_and_byte_order(torch, tmp_path):
    data = save(torch, tmp_path / "a.pt", torch.arange(512.0, requires_grad=True)).read_bytes()

    def cuda(name, content):
        cpu, gpu = b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0"
        assert not name.endswith(".pkl") or cpu in content
        return content.replace(cpu, gpu)

    def big(name, content):
        if name.endswith("byteorder"):
            return b"big"
        return np.frombuffer(content, "<f4").astype(">f4").tobytes() if name.endswith("data/0") else content

    for change in (cuda, big):
        read = read_pt(write(tmp_path / "b.pt", repacked(data, change)))
        np.testing.assert_array_equal(read, np.arange(512, dtype=np.float32))


def test_pt_of_something_else_is_refused(torch, tmp_path):
    path = tmp_path / "a.pt"
    for value, match in (
        ({"a": torch.zeros(1), "b": torch.zeros(1)}, "2 tensors"),
        ({"a": 1}, "0 tensors"),
        (torch.arange(6).reshape(2, 3).T, "not contiguous"),
        (torch.zeros(1).expand(5), "not contiguous"),
        (torch.zeros(2, dtype=torch.bfloat16), "'torch.BFloat16Storage'"),
        (torch.nn.Linear(1, 1), "refused"),
        (torch.nn.Parameter(torch.zeros(2)), "_rebuild_parameter"),
    ):
        with refused(save(torch, path, value), match):
            read_pt(path)
    torch.save(torch.zeros(2), path, _use_new_zipfile_serialization=False)
    with refused(path, "no table of contents"):
        read_pt(path)


def test_pt_that_lies_is_refused(torch, tmp_path):
    sound = save(torch, tmp_path / "a.pt", torch.arange(512.0)).read_bytes()
    count = b"M\0\2"  # 512, first of the storage, then of the shape

    def pickled(old, new, times=-1):
        return lambda name, content: content.replace(old, new, times) if name.endswith(".pkl") else content

    billions = b"J\xff\xff\xff\x7f"
    for change, match in (
        (pickled(count, billions), "2048 bytes for 2147483647"),
        (pickled(count, billions, 1), "2048 bytes for 2147483647"),
        (pickled(b"QK\0" + count, b"QK\0" + billions), "takes 8589934588"),
        (pickled(b"QK\0", b"QK\1"), "2044 bytes"),
        (pickled(b"QK\0", b"QJ\xff\xff\xff\xff"), "without its storage"),
        (pickled(b"X\1\0\0\0" + b"0", b"X\1\0\0\0" + b"1"), "not there"),
        (pickled(b"Q", b"0K\1"), "refused"),
        (pickled(b"R", b""), "expected one tensor"),
        (pickled(b"ctorch._utils\n_rebuild_tensor_v2", b"ctorch\nload"), "'torch.load'"),
        (lambda name, content: None if name.endswith("data/0") else content, "not there"),
        (lambda name, content: None if name.endswith(".pkl") else content, "no data.pkl"),
        (lambda name, content: b"middle" if name.endswith("byteorder") else content, "no known byte order"),
        (lambda name, content: content[:-1] if name.endswith("data/0") else content, "2047 bytes"),
    ):
        path = write(tmp_path / "b.pt", repacked(sound, change))
        with refused(path, match):
            read_pt(path)
    for offset, kind in ((8, "<Q"), (0, "<L")):  # torch writes a 64-bit table of contents
        path = write(tmp_path / "c.pt", changed(sound, LOCATOR, offset, kind, 7))
        with refused(path):
            read_pt(path)
    path = write(tmp_path / "d.pt", changed(sound, b"PK\6\6", 40, "<Q", 1 << 50))
    with refused(path, "a table of contents of"):
        read_pt(path)
