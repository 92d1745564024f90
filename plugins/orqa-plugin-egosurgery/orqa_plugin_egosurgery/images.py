"""Where the frames of a take lie on disk. Files are looked up by name alone, in folders below the root."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from orqa_plugin_egosurgery.names import BOX_FILES, frame_of, image_folder
from orqa_registry import OrqaError

SUFFIXES = (".jpg", ".jpeg")
FOLDERS = ("images", *BOX_FILES, "val")
"""Folders of the root that hold frames; some distributions have train/01/01_1_0124.jpg."""

DEPTH = 4
"""Folders inside folders that are looked into."""

VIDEO = re.compile(r"([0-9]{2})(_[0-9]+)?")
"""A folder named so holds the frames of one video or one segment."""


def find_images(home: Path, take: str, wanted: Collection[str] | None = None) -> dict[str, Path]:
    """Return frame -> image of a take: the wanted frames, or all there are.

    The video's own folder is looked into first, and others only for what it lacks. Raises OrqaError where a folder
    cannot be listed.
    """
    found: dict[str, Path] = {}
    start = f"{take}_"
    try:
        for folder, names in _folders(home, take):
            for name in names:
                if not name.startswith(start) or not name.lower().endswith(SUFFIXES):
                    continue
                frame = frame_of(name)
                if frame is not None and frame not in found and (wanted is None or frame in wanted):
                    found[frame] = Path(folder, name)
            if wanted is not None and len(found) == len(wanted):
                break
    except OSError as error:
        raise OrqaError(f"{error.filename}: cannot be listed: {error.strerror or error}") from error
    return found


def has_images(home: Path, take: str) -> bool:
    """Tell whether there is a folder for the frames of a take's video; nothing is listed."""
    own = image_folder(home, take)
    return any((home / name / own.name).is_dir() for name in FOLDERS)


def _folders(home: Path, take: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (folder, names of its files): images/VV, and then all that may hold frames of this take."""
    own = image_folder(home, take)
    if own.is_dir():
        yield str(own), _listed(str(own))[0]
    for name in FOLDERS:
        if (home / name).is_dir():
            yield from _below(str(home / name), take, DEPTH)


def _below(folder: str, take: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    files, folders = _listed(folder)
    yield folder, files
    for name in folders if depth else ():
        video = VIDEO.fullmatch(name)
        if video is None or (name in (take, video[1]) and take.startswith(video[1])):
            yield from _below(os.path.join(folder, name), take, depth - 1)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Return the names of the files and of the folders in a folder, sorted."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir() else files).append(entry.name)
    return sorted(files), sorted(folders)
