"""The frame index of a take: which second and which image of each stream a timepoint is (datasets.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_plugin_mmor import names
from orqa_registry import OrqaError
from orqa_registry.readers.io import read_json

STREAMS = (names.ROOM, names.DETAIL, names.TRACKER)


@frozen
class IndexRow:
    """One timepoint. frame: its place in the index, six digits, by which it is labelled. second: since the take began.

    file_numbers: the second and the image of each stream, as files are named; None where there is none.
    """

    index: int
    second: int
    file_numbers: Mapping[str, str | None]

    @property
    def frame(self) -> str:
        """The id under which label files know it."""
        return f"{self.index:06d}"


def read_frame_index(path: Path) -> Iterator[IndexRow]:
    """Yield the rows of a frame index; row k is frame k. Raises OrqaError that names the file and the row.

    Rows may be longer than two, a stream may be null, and there may be streams that we do not know.
    """
    rows = read_json(path)
    if not isinstance(rows, list):
        raise OrqaError(f"{path}: a list of frames was expected, not {type(rows).__name__}")
    for index, row in enumerate(rows):
        try:
            timestamp, streams = row[0], row[1]
            second = int(timestamp)
            if not isinstance(streams, dict):
                raise TypeError(f"not a dictionary: {streams!r}")
            file_numbers = {stream: _format_number(streams.get(stream)) for stream in STREAMS}
            yield IndexRow(index, second, {names.TIMESTAMP: _format_number(timestamp), **file_numbers})
        except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise OrqaError(
                f"{path}: row {index}: expected [timestamp, {{stream: index}}]: {type(error).__name__}: {error}"
            ) from error


def _format_number(number: Any) -> str | None:
    """Return a number as it stands in file names: as the index writes it, or with the zeros that it lost."""
    return number if number is None or isinstance(number, str) else f"{int(number):06d}"
