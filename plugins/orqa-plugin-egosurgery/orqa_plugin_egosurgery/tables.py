"""The CSV files of a take (datasets.md 5.3): phases and gaze by frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from orqa_plugin_egosurgery.faults import Faults, shown
from orqa_plugin_egosurgery.names import GAZE_COLUMNS, PHASE_COLUMNS, frame_of, take_of
from orqa_registry import OrqaError

LARGEST_CSV = 1 << 28
"""Bytes; half an hour of an eye tracker at 200 rows a second is a fifth of this."""


def read_phases(path: Path, take: str) -> dict[str, str]:
    """Return frame -> phase in lower case; the last row of a frame counts, and one without a phase is no annotation.

    Raises OrqaError where the file cannot be read or lacks a column; rows that are wrong cost a DataWarning.
    """
    faults = Faults(path)
    phases: dict[str, str] = {}
    for frame, where, (cell,) in _rows(path, take, PHASE_COLUMNS, faults):
        phase = cell.lower()
        if not phase.isprintable():
            faults.add("a phase is a word", f"{where}: {shown(cell)}")
        elif phase:
            phases[frame] = phase
        else:
            phases.pop(frame, None)
    faults.warn()
    return phases


def read_gaze(path: Path, take: str, origin: str) -> dict[str, tuple[float, float]]:
    """Return frame -> (x, y) in 0..1 with the origin at the top left; the last row of a frame counts.

    A frame whose last row is empty, not a number or outside the image has no gaze. origin: where y begins in the file,
    `top` or `bottom`. Raises OrqaError where the file cannot be read or lacks a column; rows that are wrong cost a
    DataWarning.
    """
    faults = Faults(path)
    gaze: dict[str, tuple[float, float]] = {}
    for frame, where, cells in _rows(path, take, GAZE_COLUMNS, faults):
        try:
            x, y = (float(cell or "nan") for cell in cells)
        except ValueError:
            faults.add("norm_pos_x and norm_pos_y are numbers", f"{where}: {shown(cells)}")
            gaze.pop(frame, None)
            continue
        if 0 <= x <= 1 and 0 <= y <= 1:
            gaze[frame] = (x, 1 - y if origin == "bottom" else y)
        else:
            gaze.pop(frame, None)
    faults.warn()
    return gaze


def _rows(
    path: Path, take: str, columns: tuple[str, ...], faults: Faults
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (frame, where the row stands, cells of the columns after the first), whatever the order of the columns."""
    try:
        size = path.stat().st_size
        if size > LARGEST_CSV:
            raise OrqaError(f"{path}: {size} bytes, more than the {LARGEST_CSV} that a file of one take may have")
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            first, *others = _places(path, next(lines, []), columns)
            last = max(first, *others)
            for row in lines:
                where = f"line {lines.line_num}"
                frame = frame_of(row[first]) if len(row) > last else None
                if frame is None or take_of(frame) != take:
                    if any(cell.strip() for cell in row):
                        faults.add(f"a row has {last + 1} cells and a frame {take}_NNNN", f"{where}: {shown(row)}")
                    continue
                yield frame, where, tuple(row[place].strip() for place in others)
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise OrqaError(f"{path}: not a CSV file in UTF-8: {error}") from error


def _places(path: Path, header: list[str], columns: tuple[str, ...]) -> list[int]:
    """Return where the columns stand in a header."""
    names = [name.strip().lower() for name in header]
    missing = [column for column in columns if column.lower() not in names]
    if missing:
        raise OrqaError(
            f"{path}: no column {', '.join(missing)}: the header must name {', '.join(columns)}, not {shown(header)}"
        )
    return [names.index(column.lower()) for column in columns]
