"""Point clouds: .pcd through pypcd4 and .ply through plyfile, after a look of our own at headers (see `cloud_headers`).

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

from orqa_registry.optional_imports import import_optional
from orqa_registry.readers.formats.array_buffers import array_from_buffer, plain_dtype
from orqa_registry.readers.formats.arrays import npy_header
from orqa_registry.readers.formats.bounded_file import DamageError, DamageGuard, read_bytes
from orqa_registry.readers.formats.cloud_headers import (
    PLY_TYPES,
    PcdHeader,
    PlyElement,
    PlyHeader,
    parse_pcd_header,
    parse_ply_header,
)

Cloud = npt.NDArray[np.float32]

_XYZ_COLUMN = ("xyz", "<f4", (3,))
_TABLE_TYPES = {6: np.dtype([_XYZ_COLUMN, ("rgb", "u1", (3,))]), 4: np.dtype([_XYZ_COLUMN, ("id", "u1")])}
"""Columns of a cloud -> the table that holds it, 15 bytes a point where the plain array takes 24, 13 for 16."""

_AXES = ("x", "y", "z")
_MAX_LINE = 1 << 16


def read_pcd(path: Path) -> Cloud:
    """Return float32 (N, 6): x, y, z as the file has them, red, green, blue 0..255, of a PCD file (datasets.md 8).

    Colours are 0 where there are none. Points of which a coordinate is not finite are left out.
    Raises OrqaError, and MissingLibraryError without pypcd4.
    """
    pypcd4 = import_optional("pypcd4", "a .pcd cloud", "pypcd4")
    data = read_bytes(path)
    with DamageGuard(path, "a PCD cloud: ascii, binary or binary_compressed, with x, y, z and rgb or r, g, b"):
        header = parse_pcd_header(data)
        names = [field.name for field in header.fields if field.count == 1]
        packed_name = next((name for name in ("rgb", "rgba") if name in names), "")
        channels = (packed_name,) if packed_name else ("r", "g", "b") if {"r", "g", "b"} <= set(names) else ()
        kinds = _match_columns(
            names, [(field.kind, field.size) for field in header.fields if field.count == 1], channels
        )
        if not header.points:
            return np.zeros((0, 6), np.float32)
        try:
            table = pypcd4.PointCloud.from_fileobj(_rewrite_pcd(header, data, (*_AXES, *channels))).pc_data
        except TypeError as error:  # what pypcd4 makes of LZF that ends too early or too late
            raise DamageError(f"points that do not unpack to {header.points * header.stride} bytes") from error
        if np.size(table) != header.points:  # a line that begins with # is none to the library
            raise DamageError(f"{np.size(table)} points, where {header.points} belong")
        colours = [table[name] for name in channels]
        if packed_name:
            kind, size = kinds[packed_name]
            if size != 4:
                raise DamageError(f"{packed_name} of {size} bytes, not 4")
            colours = _unpack_colours(np.array(colours[0]), kind)
        return _build_cloud([table[name] for name in _AXES], colours)


def read_ply(path: Path) -> Cloud:
    """Return float32 (N, 6): x, y, z as the file has them, red, green, blue 0..255, of the vertices of a PLY file.

    Ascii, binary little endian or big endian. Colours are 0 where there are none. Points of which a coordinate is not
    finite are left out; faces and other tables are ignored. Raises OrqaError, and MissingLibraryError without plyfile.
    """
    plyfile = import_optional("plyfile", "a .ply cloud", "plyfile")
    data = read_bytes(path)
    with DamageGuard(path, "a PLY cloud with x, y, z and, where it has colours, red, green, blue as uchar"):
        header = parse_ply_header(data)
        vertex = header.elements[-1]
        names = [prop.name for prop in vertex.properties]
        channels = ("red", "green", "blue") if {"red", "green", "blue"} <= set(names) else ()
        kinds = _match_columns(names, [prop.code for prop in vertex.properties], channels)
        if any(kinds[channel][0] == "f" for channel in channels):
            raise DamageError("colours that are not whole numbers")
        # From memory plyfile reads value by value; a file of its own, which it can map, is a thousand times quicker.
        mapped = header.encoding != "ascii" and not any(element.has_lists for element in header.elements)
        with tempfile.TemporaryFile() if mapped else io.BytesIO() as stream:
            stream.write(_rewrite_ply(header, data, (*_AXES, *channels)))
            stream.seek(0)
            table = plyfile.PlyData.read(stream)["vertex"].data
            return _build_cloud(*([table[name] for name in columns] for columns in (_AXES, channels)))


def cloud_from_npy(data: bytes, where: str = "npy bytes") -> Cloud:
    """Return float32 (N, C) of a cloud as .npy bytes, plain or of `compact_cloud`: x, y, z and what else a point has.

    C is 6 with red, green, blue 0..255 (`points.npy`), 4 with an id (`segments.npy`). Raises OrqaError.
    """
    with DamageGuard(where, "a cloud: an array (N, 3 or more) of numbers, or a table of xyz and rgb or id"):
        table = _parse_npy(data)
        if table.dtype.names is None:
            if table.dtype.kind not in "fiu" or table.ndim != 2 or table.shape[1] < 3:
                raise DamageError(f"{table.dtype} of shape {table.shape}")
            with np.errstate(over="ignore"):  # what is too large for 32 bit becomes infinite
                return table.astype(np.float32)
        return np.column_stack([table[name].astype(np.float32) for name in table.dtype.names])


def compact_cloud(data: bytes, where: str = "npy bytes") -> bytes:
    """Return .npy bytes of the same cloud with colours or ids as uint8; `data` itself where that would lose anything.

    Raises OrqaError where `data` is no cloud.
    """
    cloud = cloud_from_npy(data, where)
    table_type = _TABLE_TYPES.get(cloud.shape[1])
    if table_type is None or _parse_npy(data).dtype != np.float32:  # packed already, or more than float32 holds
        return data
    table = np.zeros(len(cloud), table_type)
    for name, columns in zip(table_type.names or (), (cloud[:, :3], cloud[:, 3:]), strict=True):
        with np.errstate(invalid="ignore"):  # what is no uint8 is found below
            table[name] = columns.reshape(table[name].shape)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, table, allow_pickle=False)
    return buffer.getvalue() if cloud_from_npy(buffer.getvalue()).tobytes() == cloud.tobytes() else data


def _parse_npy(data: bytes) -> npt.NDArray[Any]:
    descr, fortran, shape, start = npy_header(data)
    dtype = next(
        (table_type for table_type in _TABLE_TYPES.values() if str(table_type.descr) == descr), None
    ) or plain_dtype(descr)
    if dtype.names and len(shape) != 1:
        raise DamageError(f"a table of shape {shape}")
    return array_from_buffer(memoryview(data)[start:], dtype, shape, fortran)


def _match_columns(names: Sequence[str], kinds: Sequence[Any], channels: Sequence[str]) -> dict[str, Any]:
    """Return name -> kind of the columns of a cloud. Raises DamageError where one is missing or there twice."""
    for name in (*_AXES, *channels):
        if names.count(name) != 1:
            raise DamageError(f"{names.count(name)} columns {name}, not one")
    return dict(zip(names, kinds, strict=True))


def _rewrite_pcd(header: PcdHeader, data: bytes, columns: Sequence[str]) -> io.BytesIO:
    """Return the cloud with a header of ours, where columns that are not wanted have names that cannot disturb."""
    fields = header.fields
    body = data[header.start :]
    kinds = [(field.kind, field.size) for field in fields]
    if header.encoding == "ascii":
        # As doubles: they carry every packed colour exactly, and the library takes no 1.0 for a whole number.
        kinds = [("F", 8)] * len(fields)
        rows = [line.split() for line in _read_lines(body, header.points)]
        if any(len(values) != header.columns for values in rows):
            raise DamageError(f"lines of more or fewer than {header.columns} numbers")
        body = b"".join(b" ".join(values) + b"\n" for values in rows)
    names = [field.name if field.name in columns else f"other{index}" for index, field in enumerate(fields)]
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
    text = "".join(f"{key} {' '.join(map(str, values))}\n" for key, values in lines.items())
    return io.BytesIO(text.encode() + body)


def _read_lines(body: bytes, count: int) -> list[bytes]:
    """Return the first `count` lines that are not empty. Raises DamageError where there are fewer or one is endless."""
    lines = (line for line in iter(partial(io.BytesIO(body).readline, _MAX_LINE), b"") if line.strip())
    rows = list(islice(lines, count))
    if len(rows) < count or any(len(line) == _MAX_LINE for line in rows):
        raise DamageError(f"{len(rows)} lines of less than {_MAX_LINE} bytes, where {count} points belong")
    return rows


def _rewrite_ply(header: PlyHeader, data: bytes, columns: Sequence[str]) -> bytes:
    """Return the vertices, and what is before them, with a header of ours that ends with them."""
    is_text = header.encoding == "ascii"
    lines = ["ply", f"format {header.encoding} 1.0"]
    for index, table in enumerate(header.elements):
        is_last = index == len(header.elements) - 1
        lines += [
            f"element {'vertex' if is_last else f'other{index}'} {table.rows}",
            *_format_properties(table, columns, is_text, is_last),
        ]
    body = data[header.start :]
    if is_text:
        body = b"".join(_read_lines(body, sum(table.rows for table in header.elements)))
    return "\n".join([*lines, "end_header\n"]).encode() + body


def _format_properties(table: PlyElement, columns: Sequence[str], is_text: bool, is_last: bool) -> list[str]:
    types = {code: name for name, code in PLY_TYPES.items()}
    lines = []
    for index, prop in enumerate(table.properties):
        name = prop.name if is_last and prop.name in columns else f"other{index}"
        code = "f8" if is_text and not prop.length else prop.code  # text has no size to keep to
        lines.append(f"property {f'list {types[prop.length]} ' if prop.length else ''}{types[code]} {name}")
    return lines


def _unpack_colours(values: npt.NDArray[Any], kind: str) -> list[npt.NDArray[Any]]:
    """Return red, green, blue of colours 0x00RRGGBB; of kind F they are the bits of a float."""
    if values.dtype.itemsize == 8:  # from text, as a double
        finite = np.where(np.isfinite(values), values, 0.0)
        if kind == "F":
            with np.errstate(over="ignore"):
                values = finite.astype(np.float32)
        else:
            values = np.where(np.abs(finite) < 1 << 32, finite, 0.0).astype(np.int64).astype(np.uint32)
    bits = values.view(np.uint32)
    return [(bits >> shift) & 0xFF for shift in (16, 8, 0)]


def _build_cloud(coordinates: Sequence[npt.NDArray[Any]], colours: Sequence[npt.NDArray[Any]]) -> Cloud:
    cloud = np.zeros((np.size(coordinates[0]), 6), np.float32)
    with np.errstate(over="ignore"):  # what is too large for 32 bit becomes infinite
        for column, values in enumerate((*coordinates, *colours)):
            cloud[:, column] = values
    rgb = cloud[:, 3:]
    np.clip(np.nan_to_num(rgb, copy=False, nan=0.0), 0.0, 255.0, out=rgb)
    is_finite = np.isfinite(cloud[:, :3]).all(axis=1)
    return cloud if is_finite.all() else cloud[is_finite]
