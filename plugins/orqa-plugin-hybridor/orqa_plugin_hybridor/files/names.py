"""Names on disk, shared by who writes and who reads. Light: no numpy, so that listing datasets stays quick."""

from __future__ import annotations

import re

FILES_SCHEMA = 2
"""Version of the files; a reader refuses newer ones."""

INDEX_FILE = "hybridor.json"
TAKE_FILE = "take.json"
TIMEPOINTS_FILE = "timepoints.jsonl"
CAMERA_VIEWS: tuple[str, ...] = ("room1", "room2", "room3", "detail")
SPLITS: tuple[str, ...] = ("train", "validation", "test")

TAKE_PATTERN = re.compile(r"hybrid\d{3,}")


def take_name(number: int) -> str:
    """Return the name of take 1, 2, ..."""
    return f"hybrid{number:03d}"


def frame_name(seconds: int) -> str:
    """Return the id of a timepoint: its second, six digits."""
    return f"{seconds:06d}"


def partial_name(take: str) -> str:
    """Return the folder that a take has until it is whole."""
    return f".{take}.partial"


def split_of(number: int, takes: int) -> str:
    """Return the split of take `number` (from 1) of `takes`: about three quarters train, the last ones held out."""
    if takes == 2:
        return "test" if number == 2 else "train"
    held_out = max(2, round(takes / 4)) if takes > 2 else 0
    test = held_out - held_out // 2
    if number > takes - test:
        return "test"
    return "validation" if number > takes - held_out else "train"
