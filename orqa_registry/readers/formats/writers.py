"""Writers of the file formats in which sensors come, for layouts that are written; readers share nothing with them."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any


def write_pcd(path: Path, points: Any, data: str = "binary") -> None:
    """Write (N, 6) points x, y, z, red, green, blue 0..255 as PCD 0.7 with packed colours; data: ascii or binary."""
    import numpy as np

    points = np.asarray(points, dtype=np.float64)
    red, green, blue = (points[:, channel].astype(np.uint32) for channel in (3, 4, 5))
    packed = red << 16 | green << 8 | blue
    count = len(points)
    header = (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\n"
        f"WIDTH {count}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {count}\nDATA {data}\n"
    )
    coordinates = points[:, :3].astype(np.float32)
    if data == "ascii":
        rows = zip(coordinates.tolist(), packed.tolist(), strict=True)
        body = "".join(f"{x!r} {y!r} {z!r} {rgb}\n" for (x, y, z), rgb in rows).encode()
    else:
        body = np.column_stack([coordinates.view(np.uint32), packed.astype(np.uint32)]).astype("<u4").tobytes()
    path.write_bytes(header.encode() + body)


def write_ply(path: Path, points: Any) -> None:
    """Write (N, 3) points, or (N, 6) with red, green, blue 0..255, as binary little endian PLY with doubles."""
    import numpy as np

    points = np.asarray(points, dtype=np.float64)
    coloured = points.shape[1] == 6
    columns: list[Any] = [("x", "<f8"), ("y", "<f8"), ("z", "<f8")]
    columns += [("red", "u1"), ("green", "u1"), ("blue", "u1")] if coloured else []
    table = np.zeros(len(points), dtype=columns)
    for index, (name, _) in enumerate(columns):
        table[name] = points[:, index]
    type_names = {"<f8": "double", "u1": "uchar"}
    properties = "".join(f"property {type_names[code]} {name}\n" for name, code in columns)
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{properties}end_header\n"
    path.write_bytes(header.encode() + table.tobytes())


def write_pt(path: Path, values: Any) -> None:
    """Write a vector of float32 as `torch.save` writes a tensor on the CPU; torch is not needed."""
    import numpy as np

    values = np.asarray(values, dtype="<f4")
    count = len(values)
    pickled = b"".join(
        (
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((",
            *map(_encode_word, ("storage",)),
            b"ctorch\nFloatStorage\n",
            *map(_encode_word, ("0", "cpu")),
            b"J" + struct.pack("<i", count) + b"tQ",  # the storage by its persistent id
            b"K\x00",  # it begins at 0
            b"J" + struct.pack("<i", count) + b"\x85",  # shape
            b"K\x01\x85",  # stride
            b"\x89ccollections\nOrderedDict\n)RtR.",
        )
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (("data.pkl", pickled), ("byteorder", b"little"), ("data/0", values.tobytes())):
            archive.writestr(zipfile.ZipInfo(f"{path.stem}/{name}"), content)
        archive.writestr(zipfile.ZipInfo(f"{path.stem}/version"), b"3\n")
    path.write_bytes(buffer.getvalue())


def _encode_word(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()
