"""`labels-SPLIT.jsonl.zst`: one line a timepoint, one zstd frame a take, so that timelines and questions need no media.

Any zstd tool reads the whole file; the manifest says where the frame of a take lies, so that a take is read alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import zstandard

from orqa_registry import OrqaError, Timepoint, facets

DAMAGED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What a line that is no timepoint raises."""

LARGEST_TAKE = 1 << 30
"""Bytes of the lines of one take; a million timepoints have fewer."""


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
            except ValueError as error:
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
    return Timepoint(
        dataset=line["dataset"],
        split=line["split"],
        take=line["take"],
        frame=line["frame"],
        index=int(line["index"]),
        seconds=None if line["seconds"] is None else float(line["seconds"]),
        media=dict.fromkeys(line["media"], b"") if media is None else media,
        labels=Loaded(_mapping(line["labels"])),
        sizes={name: (int(width), int(height)) for name, (width, height) in line["sizes"].items()},
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a dictionary was expected, not {value!r}")
    return value


def parse(line: bytes) -> Mapping[str, Any]:
    """Return what a line says. Raises ValueError; depth and numbers are bounded by the parser."""
    return _mapping(orjson.loads(line))


def check(line: bytes) -> Timepoint:
    """Return the timepoint of a line, every label looked at. Raises one of `DAMAGED`."""
    raw = parse(line)
    facets.load(_mapping(raw["labels"]))
    return from_json(raw)


def pack_take(lines: Sequence[bytes]) -> bytes:
    """Return the frame of a take; the same lines give the same bytes."""
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


def read_take(frame: bytes, where: str) -> list[Mapping[str, Any]]:
    """Return what the lines of a take say. Raises OrqaError that names `where` and line."""
    found = []
    for number, line in enumerate(unpack_take(frame, where), 1):
        try:
            found.append(parse(line))
        except DAMAGED as error:
            raise OrqaError(f"{where}, line {number}: not a timepoint: {type(error).__name__}: {error}") from error
    return found
