"""Headers of .pcd and .ply, checked before a library sees them: what they claim is held against the file.

A library gets what was understood here, written anew, so it cannot read the same header in another way.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from orqa_registry.readers.formats.bounded_file import MAX_FILE_BYTES, DamageError

MAX_HEADER_BYTES = 1 << 16
"""Bytes of a header."""

MAX_TEXT_NUMBERS = 5_000_000
"""Numbers of a file that is text, of which a million take the libraries three to six seconds."""

MAX_TEXT_BYTES = 1 << 26
"""Bytes of a file that is text."""

_MAX_COLUMNS = 1024


@frozen
class PcdField:
    """A field of each point: kind F, I or U, bytes of one value, number of values."""

    name: str
    kind: str
    size: int
    count: int


@frozen
class PcdHeader:
    """The header of a PCD file; `start` is where the points begin."""

    fields: tuple[PcdField, ...]
    points: int
    encoding: str
    start: int

    @property
    def columns(self) -> int:
        """Values of a point."""
        return sum(field.count for field in self.fields)

    @property
    def stride(self) -> int:
        """Bytes of a point."""
        return sum(field.count * field.size for field in self.fields)


_PCD_SIZES = {"F": (4, 8), "I": (1, 2, 4, 8), "U": (1, 2, 4, 8)}
_ENCODINGS = ("ascii", "binary", "binary_compressed")
_MAX_LZF_RATIO = 88  # at most: 3 bytes stand for 264


def parse_pcd_header(data: bytes) -> PcdHeader:
    """Return the header of a PCD file (datasets.md 8) that has as many points as it says. Raises DamageError."""
    words: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in words:
        end = data.find(b"\n", start, MAX_HEADER_BYTES)
        if end < 0:
            raise DamageError(f"no line DATA in the first {MAX_HEADER_BYTES} bytes")
        line, start = data[start:end], end + 1
        key, *values = line.decode("latin-1").split() or [""]
        if key and not key.startswith("#"):
            if key in words:
                raise DamageError(f"two lines {key[:40]!r}")
            words[key] = values
    header = PcdHeader(_parse_pcd_fields(words), _parse_pcd_points(words), " ".join(words["DATA"]), start)
    if header.encoding not in _ENCODINGS:
        raise DamageError(f"DATA {header.encoding[:40]!r}, not one of {', '.join(_ENCODINGS)}")
    _check_pcd_size(header, data)
    return header


def _parse_pcd_fields(words: Mapping[str, list[str]]) -> tuple[PcdField, ...]:
    names, sizes, kinds = (words.get(key, []) for key in ("FIELDS", "SIZE", "TYPE"))
    counts = words.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(kinds) == len(counts) or len(names) > _MAX_COLUMNS:
        raise DamageError("FIELDS, SIZE, TYPE and COUNT of different lengths, or too long")
    rows = zip(names, kinds, sizes, counts, strict=True)
    fields = tuple(PcdField(name, kind, parse_count(size), parse_count(count)) for name, kind, size, count in rows)
    for field in fields:
        if field.size not in _PCD_SIZES.get(field.kind, ()) or not 1 <= field.count <= _MAX_COLUMNS:
            raise DamageError(f"a field of TYPE {field.kind[:40]!r}, SIZE {field.size} and COUNT {field.count}")
    if sum(field.count for field in fields) > _MAX_COLUMNS:
        raise DamageError(f"more than {_MAX_COLUMNS} values in a point")
    return fields


def _parse_pcd_points(words: Mapping[str, list[str]]) -> int:
    counts = {key: parse_count(" ".join(words[key])) for key in ("WIDTH", "HEIGHT", "POINTS") if key in words}
    if "POINTS" not in counts and "WIDTH" not in counts:
        raise DamageError("neither POINTS nor WIDTH")
    points = counts.get("POINTS", counts.get("WIDTH", 0) * counts.get("HEIGHT", 1))
    if "WIDTH" in counts and counts["WIDTH"] * counts.get("HEIGHT", 1) != points:
        raise DamageError(f"POINTS {points}, not WIDTH x HEIGHT")
    return points


def _check_pcd_size(header: PcdHeader, data: bytes) -> None:
    available = len(data) - header.start
    needed = header.points * header.stride
    if header.encoding == "ascii":
        needed = header.points * header.columns * 2 - 1  # a digit and what parts it from the next
        _check_text(available, header.points * header.columns)
    elif header.encoding == "binary_compressed" and header.points:
        packed, unpacked = (
            int.from_bytes(data[header.start + offset : header.start + offset + 4], "little") for offset in (0, 4)
        )
        if unpacked != needed or unpacked > min(packed * _MAX_LZF_RATIO, MAX_FILE_BYTES):
            raise DamageError(f"{packed} bytes that unpack to {unpacked}, where {header.points} points take {needed}")
        needed = 8 + packed
    if needed > available:
        raise DamageError(f"{header.points} points, which take {needed} bytes, and {available} bytes after the header")


PLY_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
"""Type in a PLY header -> numpy's code without byte order."""


@frozen
class PlyProperty:
    """A property of each row: its code, and the code of its length where it is a list."""

    name: str
    code: str
    length: str = ""

    @property
    def least(self) -> int:
        """Bytes that it takes at least: an empty list has its length alone."""
        return int((self.length or self.code)[1:])


@frozen
class PlyElement:
    """A table of a PLY file."""

    name: str
    rows: int
    properties: tuple[PlyProperty, ...]

    @property
    def has_lists(self) -> bool:
        """Whether rows differ in length."""
        return any(prop.length for prop in self.properties)


@frozen
class PlyHeader:
    """The header of a PLY file: the tables up to `vertex`, which is last; `start` is where their rows begin."""

    encoding: str
    elements: tuple[PlyElement, ...]
    start: int


_PLY_FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
_MAX_LIST_ROWS = 200_000  # rows, where the library reads them one by one


def parse_ply_header(data: bytes) -> PlyHeader:
    """Return the header of a PLY file that has as many vertices as it says. Raises DamageError.

    Tables after the vertices, such as faces, are left out.
    """
    lines, start = _read_ply_lines(data)
    encoding = ""
    elements: list[tuple[str, int, list[PlyProperty]]] = []
    for key, *words in lines:
        if key == "format" and len(words) == 2 and words[0] in _PLY_FORMATS and not encoding:
            encoding = words[0]
        elif key == "element" and len(words) == 2:
            elements.append((words[0], parse_count(words[1]), []))
        elif key == "property" and elements:
            elements[-1][2].append(_parse_ply_property(words))
        elif key not in ("comment", "obj_info"):
            raise DamageError(f"a line {' '.join([key, *words])[:80]!r}")
    tables = [PlyElement(name, rows, tuple(properties)) for name, rows, properties in elements]
    indices = [index for index, table in enumerate(tables) if table.name == "vertex"]
    if len(indices) != 1 or not encoding:
        raise DamageError("no format, or not one element vertex")
    header = PlyHeader(encoding, tuple(tables[: indices[0] + 1]), start)
    _check_ply_size(header, len(data) - start)
    return header


def _read_ply_lines(data: bytes) -> tuple[list[list[str]], int]:
    start = next((4 + extra for extra, magic in enumerate((b"ply\n", b"ply\r\n")) if data.startswith(magic)), 0)
    if not start:
        raise DamageError("not the beginning of a PLY file")
    lines: list[list[str]] = []
    while True:
        end = data.find(b"\n", start, MAX_HEADER_BYTES)
        if end < 0:
            raise DamageError(f"no line end_header in the first {MAX_HEADER_BYTES} bytes")
        words, start = data[start:end].decode("latin-1").split(), end + 1
        if words == ["end_header"]:
            return lines, start
        if words:
            lines.append(words)


def _parse_ply_property(words: list[str]) -> PlyProperty:
    if len(words) == 2 and words[0] in PLY_TYPES:
        return PlyProperty(words[1], PLY_TYPES[words[0]])
    if len(words) == 4 and words[0] == "list" and words[1] in PLY_TYPES and words[2] in PLY_TYPES:
        return PlyProperty(words[3], PLY_TYPES[words[2]], PLY_TYPES[words[1]])
    raise DamageError(f"a property {' '.join(words)[:80]!r}")


def _check_ply_size(header: PlyHeader, available: int) -> None:
    is_text = header.encoding == "ascii"
    needed = 0
    for table in header.elements:
        if len(table.properties) > _MAX_COLUMNS or (table.rows and not table.properties):
            raise DamageError(f"an element {table.name[:40]!r} of {len(table.properties)} properties")
        needed += table.rows * sum(2 if is_text else prop.least for prop in table.properties)
    words = sum(table.rows * len(table.properties) for table in header.elements)
    if is_text:
        _check_text(available, words)
    if any(table.has_lists for table in header.elements):
        if header.elements[-1].has_lists:
            raise DamageError("vertices with lists")
        if sum(table.rows for table in header.elements) > _MAX_LIST_ROWS:
            raise DamageError(f"lists before the vertices, and more than {_MAX_LIST_ROWS} rows: put the vertices first")
    if needed - is_text > available:
        raise DamageError(f"rows that take {needed} bytes or more, and {available} bytes after the header")


def _check_text(size: int, words: int) -> None:
    if size > MAX_TEXT_BYTES or words > MAX_TEXT_NUMBERS:
        raise DamageError(f"{words} numbers in {size} bytes of text, more than {MAX_TEXT_NUMBERS} in {MAX_TEXT_BYTES}")


def parse_count(word: str) -> int:
    """Return a count that a header writes. Raises DamageError where it is none."""
    if not (word.isascii() and word.isdecimal() and len(word) < 16):
        raise DamageError(f"{word[:40]!r}, not a count")
    return int(word)
