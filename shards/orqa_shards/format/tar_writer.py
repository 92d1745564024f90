"""One tar, written byte for byte by us: plain ustar that every tool reads; the same members give the same bytes.

What anybody wrote is read by `scan_tar`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from attrs import field, frozen
from isal.isal_zlib import crc32

from orqa_registry import OrqaError

TAR_BLOCK = 512
TAR_END = bytes(2 * TAR_BLOCK)
"""What a tar ends with."""

MAX_MEMBER_BYTES = 1 << 30
"""Bytes of one member; larger ones are neither written nor read."""
MAX_NAME_BYTES = 1 << 12

MEMBER_NAME = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)")
"""A name is key and suffix, parted by the first dot of its last part, as WebDataset has it."""

MEDIUM_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+")
"""Names that survive a tar: WebDataset folds case, and drops what begins with an underscore."""


class TarMember(NamedTuple):
    """A member and where its bytes lie in the tar. crc32: of these bytes."""

    name: str
    offset: int
    size: int
    crc32: int


def tar_header(name: str, size: int) -> bytes:
    """Return the header of a plain file, with an extension before it where the name is long. Raises OrqaError."""
    if why := unsafe_name(name):
        raise OrqaError(f"{name!r} cannot be a member: it {why}")
    if not 0 <= size <= MAX_MEMBER_BYTES:
        raise OrqaError(f"{name}: {size} bytes, and a member has at most {MAX_MEMBER_BYTES}")
    encoded = name.encode()
    if len(encoded) <= 100:
        return _build_header(encoded, size, b"0")
    record = b" path=" + encoded + b"\n"
    length = len(record) + len(str(len(record)))
    length = len(record) + len(str(length))
    extension = str(length).encode() + record
    return (
        _build_header(b"pax_header", len(extension), b"x")
        + extension
        + _padding(len(extension))
        + _build_header(encoded[:100], size, b"0")
    )


_OWNER_FIELDS = b"\0".join((b"0000444", b"0000000", b"0000000", b""))
_MAGIC_FIELDS = b"\0".join((b"ustar", b"00")).ljust(255, b"\0")
_FIXED_SUM = sum(_OWNER_FIELDS) + sum(_MAGIC_FIELDS) + sum(b"00000000000\0") + 8 * ord(" ")


def _build_header(name: bytes, size: int, kind: bytes) -> bytes:
    size_field = b"%011o\0" % size
    checksum = _FIXED_SUM + sum(name) + sum(size_field) + kind[0]
    return b"%s%s%s00000000000\0%06o\0 %s%s%s" % (
        name.ljust(100, b"\0"),
        _OWNER_FIELDS,
        size_field,
        checksum,
        kind,
        bytes(100),
        _MAGIC_FIELDS,
    )


_PADDING = [bytes(-size % TAR_BLOCK) for size in range(TAR_BLOCK)]


def _padding(size: int) -> bytes:
    return _PADDING[size % TAR_BLOCK]


@frozen
class TarWriter:
    """Writes samples one after another, and keeps where each member went."""

    raw: BinaryIO
    rows: list[tuple[str, list[TarMember]]] = field(factory=list)
    """Key and members of each sample, in order; the name of a member is its suffix."""
    _position: list[int] = field(factory=lambda: [0])

    @property
    def length(self) -> int:
        """How many bytes were written."""
        return self._position[0]

    def write(self, key: str, members: Mapping[str, bytes]) -> None:
        """Write a sample: suffix -> bytes, in this order. Raises OrqaError where a member is too large."""
        position = self._position[0]
        parts: list[bytes] = []
        row: list[TarMember] = []
        for suffix, data in members.items():
            size = len(data)
            head = tar_header(f"{key}.{suffix}", size)
            position += len(head)
            row.append(TarMember(suffix, position, size, crc32(data)))
            padding = _PADDING[size % TAR_BLOCK]
            position += size + len(padding)
            parts += (head, data, padding)
        self.raw.writelines(parts)
        self._position[0] = position
        self.rows.append((key, row))

    def close(self) -> None:
        """Write the end; the file itself stays open."""
        self.raw.write(TAR_END)
        self._position[0] += len(TAR_END)


def unsafe_name(name: str) -> str | None:
    """Return what is wrong with the name of a member, or None: it names a file in the folder and nothing else."""
    if not name or name.startswith("/") or "\\" in name or (len(name) > 1 and name[1] == ":"):
        return "is not a name in the folder"
    if ".." in name.split("/") or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return "is not a name in the folder"
    return None if name.isprintable() else "has unprintable letters"
