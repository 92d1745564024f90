"""`labels-SPLIT.jsonl.zst`: one line a timepoint, one zstd frame a take, so that timelines and questions need no media.

Any zstd tool reads the whole file; the manifest says where the frame of a take lies, so that a take is read alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import orjson
import zstandard

from orqa_registry import OrqaError, Timeline, Timepoint, facets
from orqa_registry.once import Once
from orqa_shards.manifest import TakeEntry
from orqa_shards.store import Store

DAMAGED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What a line that is no timepoint raises."""

LARGEST_TAKE = 1 << 28
"""Bytes of the lines of one take: half a million timepoints of 500, five hours at 30 a second."""

LARGEST_LINE = 1 << 21
"""Bytes of a line; parsed, it takes thirty times as many at worst."""

KEPT_LABELS = 512_000_000
"""Bytes of labels that a process keeps in memory, whole takes: 600,000 timepoints of 500.

A window of 64 tars of 1,000 timepoints reaches into 128 takes of 1,000, and needs 95 MB where lines have 390 bytes;
twice as much where one window ends and the next begins.
"""
BESIDE_LINE = 350
"""Bytes that a line needs beside its own: as an object, and in the timeline of its take with two tracks or three."""

SHORTEST = 64
"""Bytes of a line; a timepoint has more."""


class Loaded(Mapping[str, Any]):
    """The labels of a line, each checked and made a value when somebody first looks at it."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._values: dict[str, Any] = {}

    def __getitem__(self, facet: str) -> Any:
        if facet not in self._values:
            try:
                self._values.update(facets.load({facet: self._raw[facet]}))
            except (RecursionError, ValueError) as error:
                raise OrqaError(f"labels of another shape: {error}. Find all: orqa-registry verify DIR") from error
        return self._values[facet]

    def __contains__(self, facet: object) -> bool:
        return facet in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return repr(dict(self))


class Unread(Mapping[str, Any]):
    """The labels of a line, which is parsed whenever somebody looks: a line is an eighth of what it says."""

    __slots__ = ("_line",)

    def __init__(self, line: bytes) -> None:
        self._line = line

    def __getitem__(self, facet: str) -> Any:
        return self._load()[facet]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def _load(self) -> Loaded:
        try:
            return Loaded(_check_mapping(parse(self._line)["labels"]))
        except (KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"no labels: {error}. Find all: orqa-registry verify DIR") from error


def to_json(point: Timepoint) -> dict[str, Any]:
    """Return a timepoint without its media, of which the names remain."""
    return {
        "dataset": point.dataset,
        "split": point.split,
        "take": point.take,
        "frame": point.frame,
        "index": point.index,
        "seconds": point.seconds,
        "media": list(point.media),
        "sizes": dict(point.sizes),
        "labels": dict(point.labels),
    }


def encode(point: Timepoint) -> bytes:
    """Return the line of a timepoint; the same bytes are its `KEY.json` in the tar."""
    return json.dumps(to_json(point), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def from_json(line: Mapping[str, Any], media: Mapping[str, Any] | None = None) -> Timepoint:
    """Return the timepoint of a line; without `media` they are named and empty. Its labels are looked at when asked.

    Raises one of `DAMAGED`.
    """
    media_names = line["media"]
    if (
        type(media_names) is not list
        or not _STRING_TYPES.issuperset(map(type, media_names))
        or len(set(media_names)) != len(media_names)
    ):
        raise ValueError(f"media are a list of names, each once, not {media_names!r}")
    names = line["dataset"], line["split"], line["take"], line["frame"]
    if not _STRING_TYPES.issuperset(map(type, names)):
        raise ValueError(f"dataset, split, take and frame are names, not {names!r}")
    return Timepoint(
        *names,
        *moment(line),
        media=dict.fromkeys(media_names, b"") if media is None else media,
        labels=Loaded(_check_mapping(line["labels"])),
        sizes={name: _parse_size(size) for name, size in sizes.items()} if (sizes := line["sizes"]) else {},
    )


_STRING_TYPES = frozenset((str,))


def moment(line: Mapping[str, Any]) -> tuple[int, float | None]:
    """Return index and seconds of a line. Raises one of `DAMAGED`."""
    index, seconds = line["index"], line["seconds"]
    if type(index) is not int:
        raise ValueError(f"index is a whole number, not {index!r}")
    if seconds is None:
        return index, None
    if type(seconds) not in (float, int) or not isfinite(seconds):
        raise ValueError(f"seconds are a number or null, not {seconds!r}")
    return index, float(seconds)


def _parse_size(value: Any) -> tuple[int, int]:
    if type(value) is not list or [type(side) for side in value] != [int, int] or min(value) < 1:
        raise ValueError(f"a size is [width, height] in pixels, not {value!r}")
    return value[0], value[1]


def _check_mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a dictionary was expected, not {value!r}")
    return value


def parse(line: bytes) -> Mapping[str, Any]:
    """Return what a line says. Raises ValueError and TypeError; depth and numbers are bounded by the parser."""
    if len(line) > LARGEST_LINE:
        raise ValueError(f"{len(line)} bytes, and a timepoint may have {LARGEST_LINE}")
    return _check_mapping(orjson.loads(line))


def check(line: bytes) -> Mapping[str, Any]:
    """Return what a line says, every label looked at. Raises one of `DAMAGED`."""
    record = parse(line)
    facets.load(_check_mapping(record["labels"]))
    from_json(record)
    return record


def pack_take(lines: Sequence[bytes]) -> bytes:
    """Return the frame of a take; the same lines give the same bytes. Raises OrqaError where nobody would read it."""
    if (size := sum(map(len, lines))) > LARGEST_TAKE:
        take = parse(lines[0])["take"]
        raise OrqaError(f"take {take}: {size} bytes of labels, and at most {LARGEST_TAKE} are read. Divide it")
    return zstandard.ZstdCompressor(level=9, write_checksum=True).compress(b"".join(lines))


def unpack_take(frame: bytes, where: str) -> list[bytes]:
    """Return the lines of a take. Raises OrqaError that names `where`."""
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= LARGEST_TAKE:
            raise OrqaError(f"{where}: a take of {size} bytes, and at most {LARGEST_TAKE} are read")
        text = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise OrqaError(f"{where}: damaged: {error}. Make it anew: orqa-registry verify DIR --repair") from error
    if text.count(b"\n") * SHORTEST > len(text):  # a billion empty lines would need 8 GB
        raise OrqaError(f"{where}: lines that are no timepoints")
    return text.splitlines()


def read_take(store: Store, file: str, entry: TakeEntry, where: str) -> list[bytes]:
    """Return the lines of a take, as many as the manifest says. Raises OrqaError that names `where`."""
    if entry.bytes > LARGEST_TAKE:
        raise OrqaError(f"{where}: {entry.bytes} bytes of labels, and at most {LARGEST_TAKE} are read")

    def attempt() -> list[bytes]:
        return unpack_take(store.span(file, entry.offset, entry.bytes), where)

    lines = store.sound(file, entry.offset, entry.bytes, attempt)
    if len(lines) != entry.timepoints:
        raise OrqaError(f"{where}: {len(lines)} lines, and the manifest says {entry.timepoints}")
    return lines


class LabelledTake:
    """The labels of one take in memory: a line a timepoint, and the timeline of them all.

    Lines are kept as they are and parsed when somebody asks: an eighth of the memory, for microseconds.
    """

    def __init__(self, lines: Sequence[bytes], where: str) -> None:
        self.lines, self._where = lines, where
        self.weight = sum(map(len, lines)) + BESIDE_LINE * len(lines)

    @Once
    def timeline(self) -> Timeline:
        """The labels of the take, indexed once."""
        try:
            return Timeline((*moment(parse(line)), Unread(line)) for line in self.lines)
        except DAMAGED as error:
            raise OrqaError(f"{self._where}: not timepoints: {type(error).__name__}: {error}") from error
