"""`labels-SPLIT.jsonl.zst`: one line a timepoint, whole takes, so that timelines and questions need no media."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from orqa_registry import OrqaError, Timepoint, facets

DAMAGED = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What a line that is no timepoint raises."""

LONGEST_LINE = 1 << 24
"""Bytes of one line; a scene graph with boxes of ten views takes 0.001 of this."""


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
        "labels": dict(point.labels),
    }


def encode(point: Timepoint) -> bytes:
    """Return the line of a timepoint; the same bytes are its `KEY.json` in the tar."""
    return json.dumps(to_json(point), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def from_json(line: Mapping[str, Any]) -> Timepoint:
    """Return the timepoint of a line, its media named and empty. Raises KeyError, TypeError or ValueError."""
    return Timepoint(
        dataset=line["dataset"],
        split=line["split"],
        take=line["take"],
        frame=line["frame"],
        index=int(line["index"]),
        seconds=None if line["seconds"] is None else float(line["seconds"]),
        media=dict.fromkeys(line["media"], b""),
        labels=facets.load(line["labels"]),
    )


def write(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines compressed; the same lines give the same bytes."""
    with path.open("wb") as raw, zstandard.ZstdCompressor(level=9).stream_writer(raw) as compressed:
        for line in lines:
            compressed.write(line)


def read(path: Path) -> Iterator[Timepoint]:
    """Yield the timepoints of a label file. Raises OrqaError that names file and line."""
    number = 0
    try:
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as plain:
            lines = io.BufferedReader(plain)
            while line := lines.readline(LONGEST_LINE):
                number += 1
                yield from_json(json.loads(line))
    except (OSError, zstandard.ZstdError) as error:
        raise OrqaError(f"{path}: cannot be read after line {number}: {error}") from error
    except DAMAGED as error:
        raise OrqaError(f"{path}, line {number}: not a timepoint: {type(error).__name__}: {error}") from error
