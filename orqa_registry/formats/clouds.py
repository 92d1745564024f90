"""Point clouds: .pcd through pypcd4 and .ply through plyfile, after a look of our own at the header (see `headers`).

As a medium a cloud is .npy bytes: a plain float32 array, or, in shards, a table of places and small whole numbers.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_registry.formats.arrays import npy_header
from orqa_registry.formats.buffers import array, plain_dtype
from orqa_registry.formats.files import DamageError, Reading, read_bytes
from orqa_registry.formats.headers import PLY_TYPES, Pcd, Ply, PlyElement, pcd_header, ply_header
from orqa_registry.reading import library

Cloud = npt.NDArray[np.float32]

_PLACES = ("xyz", "<f4", (3,))
_TABLES = {6: np.dtype([_PLACES, ("rgb", "u1", (3,))]), 4: np.dtype([_PLACES, ("id", "u1")])}
"""Columns of a cloud -> the table that holds it, 15 bytes a point where the plain array takes 24, 13 for 16."""

_PLACE = ("x", "y", "z")
_LONGEST_LINE = 1 << 16


def read_pcd(path: Path) -> Cloud:
    """Return float32 (N, 6): x, y, z as the file has them, red, green, blue 0..255, of a PCD file (datasets.md 8).

    Colours are 0 where there are none. Points of which a coordinate is not finite are left out.
    Raises OrqaError, and MissingLibraryError without pypcd4.
    """
    pypcd4 = library("pypcd4", "a .pcd cloud", "pypcd4")
    data = read_bytes(path)
    with Reading(path, "a PCD cloud: ascii, binary or binary_compressed, with x, y, z and rgb or r, g, b"):
        header = pcd_header(data)
        names = [field.name for field in header.fields if field.count == 1]
        packed = next((name for name in ("rgb", "rgba") if name in names), "")
        channels = (packed,) if packed else ("r", "g", "b") if {"r", "g", "b"} <= set(names) else ()
        kinds = _wanted(names, [(field.kind, field.size) for field in header.fields if field.count == 1], channels)
        if not header.points:
            return np.zeros((0, 6), np.float32)
        try:
            table = pypcd4.PointCloud.from_fileobj(_plain_pcd(header, data, (*_PLACE, *channels))).pc_data
        except TypeError as error:  # what pypcd4 makes of LZF that ends too early or too late
            raise DamageError(f"points that do not unpack to {header.points * header.stride} bytes") from error
        if np.size(table) != header.points:  # a line that begins with # is none to the library
            raise DamageError(f"{np.size(table)} points, where {header.points} belong")
        colours = [table[name] for name in channels]
        if packed:
            kind, size = kinds[packed]
            if size != 4:
                raise DamageError(f"{packed} of {size} bytes, not 4")
            colours = _unpacked(np.array(colours[0]), kind)
        return _cloud([table[name] for name in _PLACE], colours)


def read_ply(path: Path) -> Cloud:
    """Return float32 (N, 6): x, y, z as the file has them, red, green, blue 0..255, of the vertices of a PLY file.

    Ascii, binary little endian or big endian. Colours are 0 where there are none. Points of which a coordinate is not
    finite are left out; faces and other tables are ignored. Raises OrqaError, and MissingLibraryError without plyfile.
    """
    plyfile = library("plyfile", "a .ply cloud", "plyfile")
    data = read_bytes(path)
    with Reading(path, "a PLY cloud with x, y, z and, where it has colours, red, green, blue as uchar"):
        header = ply_header(data)
        vertex = header.elements[-1]
        names = [one.name for one in vertex.properties]
        channels = ("red", "green", "blue") if {"red", "green", "blue"} <= set(names) else ()
        kinds = _wanted(names, [one.code for one in vertex.properties], channels)
        if any(kinds[channel][0] == "f" for channel in channels):
            raise DamageError("colours that are not whole numbers")
        # From memory plyfile reads value by value; a file of its own, which it can map, is a thousand times quicker.
        mapped = header.encoding != "ascii" and not any(one.has_lists for one in header.elements)
        with tempfile.TemporaryFile() if mapped else io.BytesIO() as stream:
            stream.write(_plain_ply(header, data, (*_PLACE, *channels)))
            stream.seek(0)
            table = plyfile.PlyData.read(stream)["vertex"].data
            return _cloud(*([table[name] for name in part] for part in (_PLACE, channels)))


def from_npy(data: bytes, where: str = "npy bytes") -> Cloud:
    """Return float32 (N, C) of a cloud as .npy bytes, plain or `packed`: x, y, z and what else a point has.

    C is 6 with red, green, blue 0..255 (`points.npy`), 4 with an id (`segments.npy`). Raises OrqaError.
    """
    with Reading(where, "a cloud: an array (N, 3 or more) of numbers, or a table of xyz and rgb or id"):
        table = _from_npy(data)
        if table.dtype.names is None:
            if table.dtype.kind not in "fiu" or table.ndim != 2 or table.shape[1] < 3:
                raise DamageError(f"{table.dtype} of shape {table.shape}")
            with np.errstate(over="ignore"):  # what is too large for 32 bit becomes infinite
                return table.astype(np.float32)
        return np.column_stack([table[name].astype(np.float32) for name in table.dtype.names])


def packed(data: bytes, where: str = "npy bytes") -> bytes:
    """Return .npy bytes of the same cloud with colours or ids as uint8; `data` itself where that would lose anything.

    Raises OrqaError where `data` is no cloud.
    """
    cloud = from_npy(data, where)
    kind = _TABLES.get(cloud.shape[1])
    if kind is None or _from_npy(data).dtype != np.float32:  # packed already, or more than float32 holds
        return data
    table = np.zeros(len(cloud), kind)
    for name, part in zip(kind.names or (), (cloud[:, :3], cloud[:, 3:]), strict=True):
        with np.errstate(invalid="ignore"):  # what is no uint8 is found below
            table[name] = part.reshape(table[name].shape)
    made = io.BytesIO()
    np.lib.format.write_array(made, table, allow_pickle=False)
    return made.getvalue() if from_npy(made.getvalue()).tobytes() == cloud.tobytes() else data


def _from_npy(data: bytes) -> npt.NDArray[Any]:
    descr, fortran, shape, start = npy_header(data)
    dtype = next((one for one in _TABLES.values() if str(one.descr) == descr), None) or plain_dtype(descr)
    if dtype.names and len(shape) != 1:
        raise DamageError(f"a table of shape {shape}")
    return array(memoryview(data)[start:], dtype, shape, fortran)


def _wanted(names: Sequence[str], kinds: Sequence[Any], channels: Sequence[str]) -> dict[str, Any]:
    """Return name -> kind of the columns of a cloud. Raises DamageError where one is missing or there twice."""
    for name in (*_PLACE, *channels):
        if names.count(name) != 1:
            raise DamageError(f"{names.count(name)} columns {name}, not one")
    return dict(zip(names, kinds, strict=True))


def _plain_pcd(header: Pcd, data: bytes, wanted: Sequence[str]) -> io.BytesIO:
    """Return the cloud with a header of ours, where columns that are not wanted have names that cannot disturb."""
    fields = header.fields
    body = data[header.start :]
    kinds = [(field.kind, field.size) for field in fields]
    if header.encoding == "ascii":
        # As doubles: they carry every packed colour exactly, and the library takes no 1.0 for a whole number.
        kinds = [("F", 8)] * len(fields)
        rows = [line.split() for line in _rows(body, header.points)]
        if any(len(words) != header.columns for words in rows):
            raise DamageError(f"lines of more or fewer than {header.columns} numbers")
        body = b"".join(b" ".join(words) + b"\n" for words in rows)
    names = [field.name if field.name in wanted else f"other{place}" for place, field in enumerate(fields)]
    lines: dict[str, Sequence[object]] = {
        "VERSION": ["0.7"],
        "FIELDS": names,
        "SIZE": [size for _, size in kinds],
        "TYPE": [kind for kind, _ in kinds],
        "COUNT": [field.count for field in fields],
        "WIDTH": [header.points],
        "HEIGHT": [1],
        "VIEWPOINT": [0, 0, 0, 1, 0, 0, 0],
        "POINTS": [header.points],
        "DATA": [header.encoding],
    }
    text = "".join(f"{key} {' '.join(map(str, words))}\n" for key, words in lines.items())
    return io.BytesIO(text.encode() + body)


def _rows(body: bytes, count: int) -> list[bytes]:
    """Return the first `count` lines that are not empty. Raises DamageError where there are fewer or one is endless."""
    lines = (line for line in iter(partial(io.BytesIO(body).readline, _LONGEST_LINE), b"") if line.strip())
    rows = list(islice(lines, count))
    if len(rows) < count or any(len(line) == _LONGEST_LINE for line in rows):
        raise DamageError(f"{len(rows)} lines of less than {_LONGEST_LINE} bytes, where {count} points belong")
    return rows


def _plain_ply(header: Ply, data: bytes, wanted: Sequence[str]) -> bytes:
    """Return the vertices, and what is before them, with a header of ours that ends with them."""
    text = header.encoding == "ascii"
    lines = ["ply", f"format {header.encoding} 1.0"]
    for place, table in enumerate(header.elements):
        last = place == len(header.elements) - 1
        lines += [
            f"element {'vertex' if last else f'other{place}'} {table.rows}",
            *_properties(table, wanted, text, last),
        ]
    body = data[header.start :]
    if text:
        body = b"".join(_rows(body, sum(table.rows for table in header.elements)))
    return "\n".join([*lines, "end_header\n"]).encode() + body


def _properties(table: PlyElement, wanted: Sequence[str], text: bool, last: bool) -> list[str]:
    types = {code: name for name, code in PLY_TYPES.items()}
    lines = []
    for place, one in enumerate(table.properties):
        name = one.name if last and one.name in wanted else f"other{place}"
        code = "f8" if text and not one.length else one.code  # text has no size to keep to
        lines.append(f"property {f'list {types[one.length]} ' if one.length else ''}{types[code]} {name}")
    return lines


def _unpacked(packed: npt.NDArray[Any], kind: str) -> list[npt.NDArray[Any]]:
    """Return red, green, blue of colours 0x00RRGGBB; of kind F they are the bits of a float."""
    if packed.dtype.itemsize == 8:  # from text, as a double
        number = np.where(np.isfinite(packed), packed, 0.0)
        if kind == "F":
            with np.errstate(over="ignore"):
                packed = number.astype(np.float32)
        else:
            packed = np.where(np.abs(number) < 1 << 32, number, 0.0).astype(np.int64).astype(np.uint32)
    bits = packed.view(np.uint32)
    return [(bits >> shift) & 0xFF for shift in (16, 8, 0)]


def _cloud(places: Sequence[npt.NDArray[Any]], colours: Sequence[npt.NDArray[Any]]) -> Cloud:
    cloud = np.zeros((np.size(places[0]), 6), np.float32)
    with np.errstate(over="ignore"):  # what is too large for 32 bit becomes infinite
        for column, values in enumerate((*places, *colours)):
            cloud[:, column] = values
    shown = cloud[:, 3:]
    np.clip(np.nan_to_num(shown, copy=False, nan=0.0), 0.0, 255.0, out=shown)
    kept = np.isfinite(cloud[:, :3]).all(axis=1)
    return cloud if kept.all() else cloud[kept]
