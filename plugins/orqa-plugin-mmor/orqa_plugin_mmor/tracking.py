"""What the infrared tracker saw, second by second (datasets.md 3.5)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orqa_registry import DataWarning, OrqaError
from orqa_registry.reading import read_json
from orqa_registry.vocabulary import TRACKED

Sight = Sequence[Mapping[str, Any]]
"""The entries of what is in sight at one second."""


def read_tracks(path: Path) -> list[Sight | None]:
    """Return what is in sight at each second of a take, by second; None where there is no record.

    Entries with ids that mean nothing are left out; records of another form too, and are warned of.
    Raises OrqaError where the file is no list.
    """
    raw = read_json(path)
    if not isinstance(raw, list):
        raise OrqaError(f"{path}: a list with one record a second was expected, not {type(raw).__name__}")
    seen: list[Sight | None] = []
    damaged = []
    for second, record in enumerate(raw):
        sight = None
        try:
            if record is not None:
                entries = record["unique_id_dicts"]
                sight = [one for one in entries if str(one["unique_id"]) in TRACKED]
        except (KeyError, TypeError):
            damaged.append(second)
        seen.append(sight)
    if damaged:
        warnings.warn(
            f"{path}: {len(damaged)} records are left out, the first of second {damaged[0]}: expected unique_id_dicts "
            "with a unique_id each",
            DataWarning,
            stacklevel=2,
        )
    return seen


def strangers(path: Path) -> int:
    """Return how many entries of a log have an id that means nothing. Raises OrqaError for a damaged file."""
    raw = read_json(path)
    try:
        sights = [record["unique_id_dicts"] for record in raw if record is not None]
        return sum(str(entry["unique_id"]) not in TRACKED for sight in sights for entry in sight)
    except (KeyError, TypeError) as error:
        raise OrqaError(f"{path}: expected records with unique_id_dicts: {type(error).__name__}: {error}") from error


def tools(sight: Sight) -> tuple[str, ...]:
    """Return the tools in sight, each once."""
    return tuple(dict.fromkeys(TRACKED[str(one["unique_id"])] for one in sight))


def as_json(sight: Sight) -> bytes:
    """Return `tracker.json` of a timepoint."""
    return json.dumps({"unique_id_dicts": sight}).encode()
