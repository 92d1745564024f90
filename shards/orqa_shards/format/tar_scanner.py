"""A tar that anybody wrote, scanned without trusting a byte of it.

What is no plain file of the folder is refused (links, devices, absolute names, `..`), and after a damaged header the
scan goes on with the next whole one, so that damage costs the sample it hits. Nothing is followed, extracted or run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import define, frozen
from isal.isal_zlib import crc32

from orqa_shards.format.tar_writer import MAX_MEMBER_BYTES, TAR_BLOCK, TarMember, unsafe_name

MAX_EXTENSION_BYTES = 1 << 16
"""Bytes of what a GNU or POSIX extension may say about the member after it."""

SCAN_BYTES = 1 << 20
"""Bytes that are read at once."""

MAX_NAME = 200
"""Letters of a name that a message shows."""

_PLAIN, _FOLDER = frozenset((0, ord("0"), ord("7"))), ord("5")
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = (ord(kind) for kind in "LKxg")
_EXTENSIONS = {_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL}
_REFUSED = {
    **{ord(kind): "is a link" for kind in "12"},
    **{ord(kind): "is a device" for kind in "34"},
    ord("6"): "is a pipe",
    ord("S"): "is sparse",
}
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
}
"""What packed files begin with."""

ReadSpan = Callable[[int, int], bytes]
"""(offset, size) -> bytes that lie in the file."""


@frozen
class TarDamage:
    """Something in a tar that cannot be used.

    offset: where it begins. name: of the member, as far as it can be read. whole: its header is, so the name is right.
    """

    offset: int
    why: str
    name: str | None = None
    whole: bool = False


def scan_tar(read: ReadSpan, size: int) -> Iterator[TarMember | TarDamage]:
    """Yield the plain files of a tar of `size` bytes, and what is no such thing or damaged, with the reason.

    Every member is read once, for its checksum. Folders are passed over. Work is linear in the size of the file, and
    no more than a few MB of it are held.
    """
    tar = _Window(read, size)
    offset: int | None = 0
    overrides: dict[str, str] = {}
    while offset is not None and offset + TAR_BLOCK <= size:
        head, start = tar.span(offset, TAR_BLOCK), offset + TAR_BLOCK
        if head.count(0) == TAR_BLOCK:
            # The end, or a hole where a header was: whole headers behind it tell which.
            next_offset = tar.next_header(start)
            if next_offset is None:
                return
            yield TarDamage(offset, "an empty block where a header was expected")
            offset, overrides = next_offset, {}
            continue
        try:
            length, kind = _parse_header(head)
        except ValueError as error:
            next_offset = tar.after(start, _parse_length(head))
            yield _describe_broken(head, offset, next_offset, str(error))
            offset, overrides = next_offset, {}
            continue
        if length > size - start:
            yield TarDamage(
                offset,
                f"{_shorten(_parse_name(head))} is cut short: {size - start} of {length} bytes",
                _parse_name(head),
            )
            offset, overrides = tar.next_header(start), {}
            continue
        next_offset = start + length + (-length % TAR_BLOCK)
        if kind in _EXTENSIONS:
            try:
                overrides.update(_read_extension(tar, start, length, kind))
            except ValueError as error:
                yield TarDamage(offset, str(error))
                if kind != _PAX_GLOBAL:
                    overrides["refused"] = "follows an extension that cannot be read"
        else:
            result = _read_member(tar, offset, length, kind, overrides.get("path") or _parse_name(head), overrides)
            if result is not None:
                yield result
            if overrides.get("size", str(length)) != str(length):
                next_offset = tar.after(start, int(overrides["size"]))
            overrides = {}
        offset = next_offset
    if offset is not None:
        yield TarDamage(min(offset, size), "it is cut short: a tar ends with empty blocks" if size else "an empty file")


def _describe_broken(head: bytes, offset: int, next_offset: int | None, why: str) -> TarDamage:
    """Return what is wrong where no header can be read."""
    if offset == 0 and next_offset is None:
        packing = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
        return TarDamage(0, f"no plain tar: packed with {packing}. Unpack it" if packing else "no tar")
    name = _parse_name(head)
    hint = f", of {_shorten(name)} perhaps" if unsafe_name(name) is None else ""
    return TarDamage(offset, f"a damaged header{hint}: {why}", name)


def _read_member(
    tar: _Window, offset: int, length: int, kind: int, name: str, overrides: Mapping[str, str]
) -> TarMember | TarDamage | None:
    """Return the member of a header, what is wrong with it, or None for a folder."""
    if kind == _FOLDER or (name.endswith("/") and kind in _PLAIN):
        return None
    why = overrides.get("refused") or _REFUSED.get(kind) or overrides.get("sparse")
    if why is None and kind not in _PLAIN:
        why = f"is of a kind that is not read, {chr(kind)!r}"
    if why is None and overrides.get("size", str(length)) != str(length):
        why = "has a size that an extension says otherwise"
    if why is None and length > MAX_MEMBER_BYTES:
        why = f"has {length} bytes, more than {MAX_MEMBER_BYTES}"
    if why := why or unsafe_name(name):
        return TarDamage(offset, f"{_shorten(name)} {why}", name, whole=True)
    checksum, position, end = 0, offset + TAR_BLOCK, offset + TAR_BLOCK + length
    while position < end:
        chunk = tar.span(position, min(4 * SCAN_BYTES, end - position))
        checksum, position = crc32(chunk, checksum), position + len(chunk)
    return TarMember(name, offset + TAR_BLOCK, length, checksum)


def _parse_header(head: bytes) -> tuple[int, int]:
    """Return size and kind of a header. Raises ValueError where its checksum does not fit."""
    if _parse_octal(head[148:156]) != sum(head) - sum(head[148:156]) + 8 * ord(" "):
        raise ValueError("its checksum does not fit")
    return _parse_octal(head[124:136]), head[156]


def _parse_octal(digits: bytes) -> int:
    if digits[0] & 0x80:  # GNU's form for 8 GiB and more
        if digits[0] & 0x40:
            raise ValueError("a negative number")
        return int.from_bytes(digits[1:], "big") | (digits[0] & 0x3F) << 8 * (len(digits) - 1)
    text = digits.partition(b"\0")[0].strip()
    if not text.isdigit():
        raise ValueError(f"{digits!r} is no number")
    return int(text, 8)


def _parse_length(head: bytes) -> int | None:
    """Return the size that a damaged header says, if that can be read."""
    try:
        return _parse_octal(head[124:136])
    except ValueError:
        return None


def _parse_name(head: bytes) -> str:
    """Return the name in a header."""
    name = head[:100].partition(b"\0")[0]
    prefix = head[345:500].partition(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _shorten(name: str) -> str:
    return repr(name[:MAX_NAME])


def _read_extension(tar: _Window, start: int, length: int, kind: int) -> dict[str, str]:
    """Return what an extension says of the next member, of what matters. Raises ValueError where it is damaged."""
    if length > MAX_EXTENSION_BYTES:
        raise ValueError(f"an extension of {length} bytes")
    if kind == _LONG_LINK:
        return {}
    data = tar.span(start, length)
    if kind == _LONG_NAME:
        return {"path": data.partition(b"\0")[0].decode("utf-8", "replace")}
    records = dict(_parse_records(data))
    if kind == _PAX_GLOBAL and records:
        raise ValueError(f"an extension that says {', '.join(records)} of all members")
    return records


def _parse_records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the words of a POSIX extension that matter, and their values. Raises ValueError."""
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        end = position + int(data[position:space]) if space > position and data[position:space].isdigit() else 0
        if not space < end <= len(data) or data[end - 1 : end] != b"\n":
            raise ValueError("a damaged extension")
        keyword, _, value = data[space + 1 : end - 1].partition(b"=")
        if keyword == b"path":
            yield "path", value.decode("utf-8", "replace")
        elif keyword == b"size":
            if not value.isdigit() or len(value) > 20:
                raise ValueError("a damaged extension: its size is no number")
            yield "size", str(int(value))
        elif keyword.startswith(b"GNU.sparse"):
            yield "sparse", "is sparse"
        position = end


@define
class _Window:
    """Reads a file from front to back in large parts, so that many small looks cost little."""

    read: ReadSpan
    size: int
    _start: int = 0
    _buffer: bytes = b""

    def span(self, offset: int, count: int) -> bytes:
        """Return bytes that lie in the file."""
        start = offset - self._start
        if start < 0 or start + count > len(self._buffer):
            if count >= SCAN_BYTES:
                return self.read(offset, count)
            self._start, self._buffer, start = offset, self.read(offset, min(SCAN_BYTES, self.size - offset)), 0
        return self._buffer[start : start + count]

    def after(self, start: int, length: int | None) -> int | None:
        """Return where the scan goes on after a header that cannot be used; `length`: of its member, perhaps.

        Where that leads to a header, or to the end, what lies in the member is not taken for headers.
        """
        if length is not None:
            end = start + length + (-length % TAR_BLOCK)
            if end + TAR_BLOCK <= self.size and ((head := self._peek(end)).count(0) == TAR_BLOCK or _is_header(head)):
                return end
        return self.next_header(start)

    def next_header(self, offset: int) -> int | None:
        """Return where the next block lies that is a whole header, or None."""
        seek = offset + 257
        while (block := seek // TAR_BLOCK * TAR_BLOCK) + TAR_BLOCK <= self.size:
            self.span(block, TAR_BLOCK)
            hit = self._buffer.find(b"ustar", seek - self._start)
            if hit < 0:
                seek = self._start + len(self._buffer) // TAR_BLOCK * TAR_BLOCK
                continue
            candidate = self._start + hit - 257
            if candidate % TAR_BLOCK == 0 and candidate + TAR_BLOCK <= self.size and _is_header(self._peek(candidate)):
                return candidate
            seek = self._start + hit + 1
        return None

    def _peek(self, offset: int) -> bytes:
        """Return a block; what else is held stays, so that hostile sizes cannot make the scan read back and forth."""
        start = offset - self._start
        held = start >= 0 and start + TAR_BLOCK <= len(self._buffer)
        return self._buffer[start : start + TAR_BLOCK] if held else self.read(offset, TAR_BLOCK)


def _is_header(head: bytes) -> bool:
    try:
        _parse_header(head)
    except ValueError:
        return False
    return True
