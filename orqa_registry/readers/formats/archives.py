"""Zip archives as numpy and torch write them, unpacked within bounds: what a zip bomb claims is never believed."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence

from orqa_registry.readers.formats.bounded_file import MAX_FILE_BYTES, DamageError

MAX_DIRECTORY_BYTES = 1 << 20
"""Bytes of the table of contents; each entry of it costs ten times as much memory once parsed."""

_END_SIZE = 22
_LOCATOR_SIZE = 20
_END64_SIZE = 56


def unpack_archive(data: bytes) -> dict[str, bytes]:
    """Return name -> content of every member of a zip archive.

    Raises DamageError, or what zipfile and zlib raise, where it is damaged, encrypted, packed in another way than
    stored or deflated, has two members of one name, or unpacks to more than MAX_FILE_BYTES bytes.
    """
    _check_directory(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check_entries(entries, len(data))
        return {entry.filename: _read_member(archive, entry) for entry in entries}


def _check_directory(data: bytes) -> None:
    # zipfile reads the whole table at once, however long it says it is; so its length is looked up first, where
    # zipfile looks it up too: at the very end, and before that where the archive has a 64-bit table as torch's have.
    end = data[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(b"PK\5\6") or end[-2:] != b"\0\0":
        raise DamageError("no table of contents at the end of the archive")
    sizes = [struct.unpack_from("<L", end, 12)[0]]
    record_start = len(data) - _END_SIZE - _LOCATOR_SIZE - _END64_SIZE
    if data[-_END_SIZE - _LOCATOR_SIZE : -_END_SIZE].startswith(b"PK\6\7"):
        record = data[max(record_start, 0) : record_start + _END64_SIZE]
        (offset,) = struct.unpack_from("<Q", data, len(data) - _END_SIZE - _LOCATOR_SIZE + 8)
        if record_start < 0 or offset != record_start or not record.startswith(b"PK\6\6"):
            raise DamageError("the 64-bit table of contents is not where the archive says")
        sizes = [size for size in sizes if size != 0xFFFFFFFF] + [struct.unpack_from("<Q", record, 40)[0]]
    if max(sizes) > MAX_DIRECTORY_BYTES:
        raise DamageError(f"a table of contents of {max(sizes)} bytes, more than {MAX_DIRECTORY_BYTES}")


def _check_entries(entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    if len({entry.filename for entry in entries}) < len(entries):
        raise DamageError("two members of one name")
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without bound
            raise DamageError(f"{entry.filename[:80]!r} is compressed by method {entry.compress_type}, not deflate")
        if entry.flag_bits & 1:
            raise DamageError(f"{entry.filename[:80]!r} is encrypted")
    if sum(entry.compress_size for entry in entries) > size:
        raise DamageError("members that overlap")
    if (unpacked := sum(entry.file_size for entry in entries)) > MAX_FILE_BYTES:
        raise DamageError(f"{unpacked} bytes unpacked, more than {MAX_FILE_BYTES}")


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as member:
        content = member.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise DamageError(f"{entry.filename[:80]!r} has {len(content)} bytes, not the {entry.file_size} it claims")
    return content
