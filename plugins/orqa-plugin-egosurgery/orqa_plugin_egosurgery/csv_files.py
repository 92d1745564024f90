"""The CSV files of a take (datasets.md 5.3): phases and gaze by frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from orqa_plugin_egosurgery.entry_errors import EntryErrors, abbreviate
from orqa_plugin_egosurgery.names import GAZE_COLUMNS, PHASE_COLUMNS, frame_take, parse_frame
from orqa_registry import OrqaError

LARGEST_CSV = 1 << 28
"""Bytes; half an hour of an eye tracker at 200 rows a second is a fifth of this."""


def read_phases(path: Path, take: str) -> dict[str, str]:
    """Return frame -> phase in lower case; the last row of a frame counts, and one without a phase is no annotation.

    Raises OrqaError where the file cannot be read or lacks a column; rows that are wrong cost a DataWarning.
    """
    errors = EntryErrors(path)
    phases: dict[str, str] = {}
    for frame, position, (cell,) in _read_rows(path, take, PHASE_COLUMNS, errors):
        phase = cell.lower()
        if not phase.isprintable():
            errors.add("a phase is a word", f"{position}: {abbreviate(cell)}")
        elif phase:
            phases[frame] = phase
        else:
            phases.pop(frame, None)
    errors.warn()
    return phases


def read_gaze(path: Path, take: str, origin: str) -> dict[str, tuple[float, float]]:
    """Return frame -> (x, y) in 0..1 with the origin at the top left; the last row of a frame counts.

    A frame whose last row is empty, not a number or outside the image has no gaze. origin: where y begins in the file,
    `top` or `bottom`. Raises OrqaError where the file cannot be read or lacks a column; rows that are wrong cost a
    DataWarning.
    """
    errors = EntryErrors(path)
    gaze: dict[str, tuple[float, float]] = {}
    for frame, position, cells in _read_rows(path, take, GAZE_COLUMNS, errors):
        try:
            x, y = (float(cell or "nan") for cell in cells)
        except ValueError:
            errors.add("norm_pos_x and norm_pos_y are numbers", f"{position}: {abbreviate(cells)}")
            gaze.pop(frame, None)
            continue
        if 0 <= x <= 1 and 0 <= y <= 1:
            gaze[frame] = (x, 1 - y if origin == "bottom" else y)
        else:
            gaze.pop(frame, None)
    errors.warn()
    return gaze


def _read_rows(
    path: Path, take: str, columns: tuple[str, ...], errors: EntryErrors
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (frame, where the row stands, cells of the columns after the first), whatever the order of the columns."""
    try:
        size = path.stat().st_size
        if size > LARGEST_CSV:
            raise OrqaError(f"{path}: {size} bytes, more than the {LARGEST_CSV} that a file of one take may have")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            frame_column, *other_columns = _find_columns(path, next(reader, []), columns)
            last_column = max(frame_column, *other_columns)
            for row in reader:
                position = f"line {reader.line_num}"
                frame = parse_frame(row[frame_column]) if len(row) > last_column else None
                if frame is None or frame_take(frame) != take:
                    if any(cell.strip() for cell in row):
                        errors.add(
                            f"a row has {last_column + 1} cells and a frame {take}_NNNN",
                            f"{position}: {abbreviate(row)}",
                        )
                    continue
                yield frame, position, tuple(row[column].strip() for column in other_columns)
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise OrqaError(f"{path}: not a CSV file in UTF-8: {error}") from error


def _find_columns(path: Path, header: list[str], columns: tuple[str, ...]) -> list[int]:
    """Return where the columns stand in a header."""
    header_names = [name.strip().lower() for name in header]
    missing = [column for column in columns if column.lower() not in header_names]
    if missing:
        raise OrqaError(
            f"{path}: no column {', '.join(missing)}: the header must name {', '.join(columns)}, "
            f"not {abbreviate(header)}"
        )
    return [header_names.index(column.lower()) for column in columns]
