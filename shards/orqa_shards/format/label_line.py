"""`labels-SPLIT.jsonl.zst`: one line a timepoint, one zstd frame a take, so that timelines and questions need no media.

Any zstd tool reads the whole file; the manifest says where the frame of a take lies, so that a take is read alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import orjson

from orqa_registry import OrqaError, Timepoint
from orqa_registry.data import facets

LINE_ERRORS = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What a line that is no timepoint raises."""


MAX_LINE_BYTES = 1 << 21
"""Bytes of a line; parsed, it takes thirty times as many at worst."""


class LoadedLabels(Mapping[str, Any]):
    """The labels of a line, each checked and made a value when somebody first looks at it."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._values: dict[str, Any] = {}

    def __getitem__(self, facet: str) -> Any:
        if facet not in self._values:
            try:
                self._values.update(facets.load_labels({facet: self._raw[facet]}))
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


class UnparsedLabels(Mapping[str, Any]):
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

    def _load(self) -> LoadedLabels:
        try:
            return LoadedLabels(_check_mapping(parse_line(self._line)["labels"]))
        except (KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"no labels: {error}. Find all: orqa-registry verify DIR") from error


def timepoint_to_json(point: Timepoint) -> dict[str, Any]:
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


def encode_line(point: Timepoint) -> bytes:
    """Return the line of a timepoint; the same bytes are its `KEY.json` in the tar."""
    return json.dumps(timepoint_to_json(point), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def timepoint_from_json(line: Mapping[str, Any], media: Mapping[str, Any] | None = None) -> Timepoint:
    """Return the timepoint of a line; without `media` they are named and empty. Its labels are looked at when asked.

    Raises one of `LINE_ERRORS`.
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
        *index_and_seconds(line),
        media=dict.fromkeys(media_names, b"") if media is None else media,
        labels=LoadedLabels(_check_mapping(line["labels"])),
        sizes={name: _parse_size(size) for name, size in sizes.items()} if (sizes := line["sizes"]) else {},
    )


_STRING_TYPES = frozenset((str,))


def index_and_seconds(line: Mapping[str, Any]) -> tuple[int, float | None]:
    """Return index and seconds of a line. Raises one of `LINE_ERRORS`."""
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


def parse_line(line: bytes) -> Mapping[str, Any]:
    """Return what a line says. Raises ValueError and TypeError; depth and numbers are bounded by the parser."""
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"{len(line)} bytes, and a timepoint may have {MAX_LINE_BYTES}")
    return _check_mapping(orjson.loads(line))


def validate_line(line: bytes) -> Mapping[str, Any]:
    """Return what a line says, every label looked at. Raises one of `LINE_ERRORS`."""
    record = parse_line(line)
    facets.load_labels(_check_mapping(record["labels"]))
    timepoint_from_json(record)
    return record
