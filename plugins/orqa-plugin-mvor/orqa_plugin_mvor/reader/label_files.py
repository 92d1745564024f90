"""The label files that the ORQA authors added to MVOR: clips, labels of frames, splits (datasets.md 4.3)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from orqa_plugin_mvor.names import CLIP_COLUMNS, FRAME_LABEL_COLUMNS, FRAME_NAME, SPLIT_BY_CLIP_LABEL, SPLIT_KEYS
from orqa_registry import OrqaError
from orqa_registry.readers.io import read_json, read_or_warn

LARGEST_CSV = 1 << 24
"""Bytes; the real files have 0.001 of this."""

Parsed = TypeVar("Parsed")


@frozen
class Clip:
    """A take: frames `start` to `end` of one day, both included, written as `2_000017`."""

    take: str
    split: str
    start: str
    end: str

    def holds(self, frame: str) -> bool:
        """Tell whether a frame belongs to the clip; names are as long as one another, so text compares as numbers."""
        return self.start <= frame <= self.end


def read_clips(path: Path) -> list[Clip]:
    """Return the clips; the number of a row is the name of the take. A damaged row costs its take (DataWarning).

    Raises OrqaError where the file cannot be read or has other columns.
    """
    rows = _read_rows(path, CLIP_COLUMNS)
    clips = (read_or_warn(_parse_clip, path, index, row) for index, row in enumerate(rows))
    return [clip for clip in clips if clip is not None]


def read_frame_labels(path: Path) -> dict[str, str]:
    """Return frame -> what happens in it, lower case. A damaged row costs its frame (DataWarning). Raises OrqaError."""
    rows = _read_rows(path, FRAME_LABEL_COLUMNS)
    labels = (read_or_warn(_parse_label, path, index, row) for index, row in enumerate(rows))
    return dict(label for label in labels if label is not None)


def read_splits(path: Path) -> dict[str, tuple[str, ...]]:
    """Return split -> its frames. Raises OrqaError."""
    raw = read_json(path)
    try:
        splits = {split: tuple(map(_parse_frame, raw[key])) for split, key in SPLIT_KEYS.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise OrqaError(f"{path}: expected lists of frames under train, val and test: {_describe(error)}") from error
    return splits


def _parse_clip(path: Path, index: int, row: Mapping[str, str]) -> Clip:
    def parse() -> Clip:
        start, end = _parse_frame(row["Clip start"]), _parse_frame(row["Clip end"])
        if start[0] != end[0]:
            raise ValueError(f"{start} and {end} are of two days")
        return Clip(f"{index:03d}", SPLIT_BY_CLIP_LABEL[row["Clip label"]], start, end)

    return _parse_row(path, index, "start and end such as 1_000017, label 0, 1 or 2", parse)


def _parse_label(path: Path, index: int, row: Mapping[str, str]) -> tuple[str, str]:
    def parse() -> tuple[str, str]:
        label = " ".join(row["Label"].lower().split())
        if not label:
            raise ValueError("the label is empty")
        return _parse_frame(row["Frame number"]), label

    return _parse_row(path, index, "a frame such as 1_000017 and a label", parse)


def _parse_row(path: Path, index: int, expected: str, parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except (KeyError, ValueError) as error:
        # The header is line 1.
        raise OrqaError(f"{path}: line {index + 2}: expected {expected}: {_describe(error)}") from error


def _parse_frame(text: str) -> str:
    if not FRAME_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no frame")
    return text


def _read_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file without the blanks that pad its cells, and without empty lines."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_CSV + 1)
        if len(content) > LARGEST_CSV:
            raise OrqaError(f"{path}: more than the {LARGEST_CSV} bytes that a label file may have")
        lines = csv.reader(content.decode("utf-8-sig").splitlines(), strict=True)
        table = [[cell.strip() for cell in line] for line in lines]
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise OrqaError(f"{path}: not a table of comma-separated values: {error}") from error
    header = table[0] if table else []
    if not set(columns) <= set(header):
        raise OrqaError(f"{path}: expected the columns {', '.join(columns)}, found {', '.join(header) or 'none'}")
    yield from (dict(zip(header, row, strict=False)) for row in table[1:] if any(row))


def _describe(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
