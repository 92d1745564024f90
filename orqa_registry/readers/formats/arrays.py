"""Arrays on disk: .npy, .npz with pickled dicts, and .pt with one tensor; nothing in a file is ever executed.

Arrays come with memory of their own, in native byte order and C order, whatever the file has.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from orqa_registry.readers.formats.archives import unpack_archive
from orqa_registry.readers.formats.array_buffers import Array, array_from_buffer, plain_dtype
from orqa_registry.readers.formats.bounded_file import DamageError, DamageGuard, read_bytes
from orqa_registry.readers.formats.pickle_stubs import numpy_object, torch_tensor

_NPY_EXPECTED = "an array of booleans, numbers or strings as numpy.save writes it"
_NPZ_EXPECTED = "arrays, or a dict of arrays, as numpy.savez writes them"
_PT_EXPECTED = "one tensor as torch.save writes it (torch 1.6 or later)"

_MAX_HEADER = 10_000  # bytes with the padding, as in numpy; without it a tenth
_HEADER = re.compile(
    r"\{ *'descr': *(?:'([^']{1,40})'|(\[[^\]]{1,200}\])) *, *'fortran_order': *(True|False) *,"
    r" *'shape': *\(([0-9L, ]{0,400})\) *,? *\}"
)


def read_npy(path: Path) -> Array:
    """Return the array of a .npy file. Raises OrqaError; pickled objects are refused."""
    return from_npy(read_bytes(path), str(path))


def from_npy(data: bytes, where: str = "npy bytes") -> Array:
    """Return the array of .npy bytes; `where` is what an error names. Raises OrqaError; pickles are refused."""
    with DamageGuard(where, _NPY_EXPECTED):
        descr, fortran, shape, start = npy_header(data)
        return array_from_buffer(memoryview(data)[start:], plain_dtype(descr), shape, fortran)


def to_npy(values: Any) -> bytes:
    """Return an array of booleans, numbers or strings as .npy bytes. Raises OrqaError for anything else."""
    buffer = io.BytesIO()
    with DamageGuard("values for .npy bytes", "an array of booleans, numbers or strings"):
        values = np.asarray(values)
        plain_dtype(values.dtype.str)
        np.lib.format.write_array(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def read_npz(path: Path) -> dict[str, Any]:
    """Return the members of a .npz file by name: an array, or what a pickled 0-d object array holds.

    That may be an array, a string, a number, None, and dicts (keys strings or integers), lists and tuples of these;
    its pickle is read by `pickles`, which runs nothing. numpy's scalars come as Python's. Raises OrqaError.
    """
    data = read_bytes(path)
    with DamageGuard(path, _NPZ_EXPECTED):
        contents = unpack_archive(data)
        if others := [name for name in contents if not name.endswith(".npy")]:
            raise DamageError(f"a member {others[0][:80]!r}, which is no .npy")
    return {name[:-4]: _parse_member(content, f"{path}: {name[:80]!r}") for name, content in contents.items()}


def read_pt(path: Path) -> Array:
    """Return the tensor that a .pt file holds, wherever it was saved from; torch is not needed.

    float16/32/64, int8/16/32/64, uint8 or bool, contiguous; alone or the one tensor in dicts, lists and tuples.
    Raises OrqaError.
    """
    data = read_bytes(path)
    with DamageGuard(path, _PT_EXPECTED):
        contents = unpack_archive(data)
        prefixes = [name[: -len("data.pkl")] for name in contents if re.fullmatch(r"[^/]+/data\.pkl", name)]
        if len(prefixes) != 1:
            raise DamageError("no data.pkl, or several")
        tensor = torch_tensor(contents[f"{prefixes[0]}data.pkl"])
        content = contents.get(f"{prefixes[0]}data/{tensor.storage.key}")
        byte_order = {b"little": "<", b"big": ">"}.get(contents.get(f"{prefixes[0]}byteorder", b"little"))
        if content is None or byte_order is None:
            raise DamageError("the values of the tensor are not there, or in no known byte order")
        return tensor.values(content, byte_order)


def npy_header(data: bytes) -> tuple[str, bool, tuple[int, ...], int]:
    """Return descr, Fortran order, shape and where the values begin. numpy would evaluate the header as Python.

    The descr of a table is the text of a list, for the caller to know or refuse. Raises DamageError.
    """
    if data[:6] != b"\x93NUMPY" or data[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise DamageError("not the beginning of a .npy file")
    start = 10 if data[6] == 1 else 12
    end = start + int.from_bytes(data[8:start], "little")
    if end > min(len(data), _MAX_HEADER):
        raise DamageError(f"a header of {end} bytes, longer than the file or {_MAX_HEADER}")
    text = data[start:end].decode("latin-1").rstrip(" \n")
    match = _HEADER.fullmatch(text) if len(text) <= _MAX_HEADER // 10 else None
    if match is None:
        raise DamageError("a header without a plain descr, fortran_order and shape")
    plain, table, fortran, shape = match.groups()
    sizes = [size.strip().removesuffix("L") for size in shape.split(",")]  # Python 2 wrote 3L
    sizes = sizes[:-1] if sizes[-1] == "" else sizes
    if not all(size.isdecimal() and len(size) < 19 for size in sizes):
        raise DamageError(f"a header with the shape ({shape})")
    return plain or table, fortran == "True", tuple(map(int, sizes)), end


def _parse_member(data: bytes, where: str) -> Any:
    with DamageGuard(where, _NPZ_EXPECTED):
        descr, fortran, shape, start = npy_header(data)
        if descr != "|O":
            return array_from_buffer(memoryview(data)[start:], plain_dtype(descr), shape, fortran)
        if shape:
            raise DamageError(f"objects in the shape {shape}, not ()")
        return numpy_object(data[start:])
