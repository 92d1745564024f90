"""Where the frames of a take lie on disk. Files are looked up by name alone, in folders below the root."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from orqa_plugin_egosurgery.names import BOX_FILES, image_folder, parse_frame
from orqa_registry import OrqaError

SUFFIXES = (".jpg", ".jpeg")
FOLDERS = ("images", *BOX_FILES, "val")
"""Folders of the root that hold frames; some distributions have train/01/01_1_0124.jpg."""

MAX_FOLDER_DEPTH = 4
"""Folders inside folders that are looked into."""

VIDEO_FOLDER = re.compile(r"([0-9]{2})(_[0-9]+)?")
"""A folder named so holds the frames of one video or one segment."""


def find_images(home: Path, take: str, frames: Collection[str] | None = None) -> dict[str, Path]:
    """Return frame -> image of a take: the wanted frames, or all there are.

    The video's own folder is looked into first, and others only for what it lacks. Raises OrqaError where a folder
    cannot be listed.
    """
    images: dict[str, Path] = {}
    prefix = f"{take}_"
    try:
        for folder, file_names in _list_image_folders(home, take):
            for name in file_names:
                if not name.startswith(prefix) or not name.lower().endswith(SUFFIXES):
                    continue
                frame = parse_frame(name)
                if frame is not None and frame not in images and (frames is None or frame in frames):
                    images[frame] = Path(folder, name)
            if frames is not None and len(images) == len(frames):
                break
    except OSError as error:
        raise OrqaError(f"{error.filename}: cannot be listed: {error.strerror or error}") from error
    return images


def has_images(home: Path, take: str) -> bool:
    """Tell whether there is a folder for the frames of a take's video; nothing is listed."""
    video_folder = image_folder(home, take)
    return any((home / name / video_folder.name).is_dir() for name in FOLDERS)


def _list_image_folders(home: Path, take: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (folder, names of its files): images/VV, and then all that may hold frames of this take."""
    video_folder = image_folder(home, take)
    if video_folder.is_dir():
        yield str(video_folder), _list_folder(str(video_folder))[0]
    for name in FOLDERS:
        if (home / name).is_dir():
            yield from _walk_folder(str(home / name), take, MAX_FOLDER_DEPTH)


def _walk_folder(folder: str, take: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    files, folders = _list_folder(folder)
    yield folder, files
    for name in folders if depth else ():
        video = VIDEO_FOLDER.fullmatch(name)
        if video is None or (name in (take, video[1]) and take.startswith(video[1])):
            yield from _walk_folder(os.path.join(folder, name), take, depth - 1)


def _list_folder(folder: str) -> tuple[list[str], list[str]]:
    """Return the names of the files and of the folders in a folder, sorted."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir() else files).append(entry.name)
    return sorted(files), sorted(folders)
