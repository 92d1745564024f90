"""What the infrared tracker saw, second by second (datasets.md 3.5)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orqa_registry import DataWarning, OrqaError
from orqa_registry.data.vocabulary import TRACKED
from orqa_registry.readers.io import read_json

TrackedEntries = Sequence[Mapping[str, Any]]
"""The entries of what is in sight at one second."""


def read_tracker_log(path: Path) -> list[TrackedEntries | None]:
    """Return what is in sight at each second of a take, by second; None where there is no record.

    Entries with ids that mean nothing are left out; records of another form too, and are warned of.
    Raises OrqaError where the file is no list.
    """
    raw = read_json(path)
    if not isinstance(raw, list):
        raise OrqaError(f"{path}: a list with one record a second was expected, not {type(raw).__name__}")
    log: list[TrackedEntries | None] = []
    damaged_seconds = []
    for second, record in enumerate(raw):
        tracked = None
        try:
            if record is not None:
                entries = record["unique_id_dicts"]
                tracked = [entry for entry in entries if str(entry["unique_id"]) in TRACKED]
        except (KeyError, TypeError):
            damaged_seconds.append(second)
        log.append(tracked)
    if damaged_seconds:
        warnings.warn(
            f"{path}: {len(damaged_seconds)} records are left out, the first of second {damaged_seconds[0]}: "
            "expected unique_id_dicts with a unique_id each",
            DataWarning,
            stacklevel=2,
        )
    return log


def count_unknown_entries(path: Path) -> int:
    """Return how many entries of a log have an id that means nothing. Raises OrqaError for a damaged file."""
    raw = read_json(path)
    try:
        entry_lists = [record["unique_id_dicts"] for record in raw if record is not None]
        return sum(str(entry["unique_id"]) not in TRACKED for entries in entry_lists for entry in entries)
    except (KeyError, TypeError) as error:
        raise OrqaError(f"{path}: expected records with unique_id_dicts: {type(error).__name__}: {error}") from error


def tracked_tools(entries: TrackedEntries) -> tuple[str, ...]:
    """Return the tools in sight, each once."""
    return tuple(dict.fromkeys(TRACKED[str(entry["unique_id"])] for entry in entries))


def tracker_medium(entries: TrackedEntries) -> bytes:
    """Return `tracker.json` of a timepoint."""
    return json.dumps({"unique_id_dicts": entries}).encode()
