"""Writes a folder so that it is there whole or not at all, and replaces one only where every file in it is ours."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orqa_registry import CallError

MARKER_FILE = "orqa-synth.json"
"""Says how a folder was made, and which files with which content are in it."""


@contextmanager
def atomic_folder(out: Path, about: Mapping[str, Any], *, force: bool) -> Iterator[Path]:
    """Give a folder beside `out` to write to: it gets that name once all is written, and is gone if anything fails.

    A folder that is there already is replaced with `force`, and only if it holds what was written into it and nothing
    else. `about`: how the content was made, for the marker. Raises CallError.
    """
    out = out.resolve()
    check_replaceable(out, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    partial.mkdir()
    try:
        yield partial
        files = {str(path.relative_to(partial).as_posix()): hash_file(path) for path in _list_files(partial)}
        (partial / MARKER_FILE).write_text(json.dumps({**about, "files": files}, indent=1) + "\n", encoding="utf-8")
        check_replaceable(out, force=force)  # somebody may have put a file there meanwhile
        _swap_folders(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_replaceable(out: Path, *, force: bool) -> None:
    """Raise CallError where `out` may not be written: it holds something, and is not ours or not to be replaced."""
    if not out.exists():
        return
    if not out.is_dir():
        raise CallError(f"{out} is a file: name a folder")
    if not any(out.iterdir()):
        return
    digests = _read_marker(out)
    if digests is None:
        raise CallError(
            f"{out} holds files and no {MARKER_FILE}: it was not made by synth --layout; name an empty folder"
        )
    if not force:
        raise CallError(f"{out} holds a copy that was made before: name another folder, or say --force to replace it")
    for path in _list_files(out):
        name = path.relative_to(out).as_posix()
        if name != MARKER_FILE and (path.is_symlink() or digests.get(name) != hash_file(path)):
            reason = "was changed since it was written" if name in digests else "was not written by synth"
            raise CallError(f"{path} {reason}, so {out} is not replaced: move it away, or name another folder")


def _read_marker(out: Path) -> dict[str, str] | None:
    """Return file -> digest of what the marker says was written, None without a marker that can be read."""
    try:
        files = json.loads((out / MARKER_FILE).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def hash_file(path: Path) -> str:
    """Return what tells a file's content from any other."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _swap_folders(partial: Path, out: Path) -> None:
    """Give `partial` the name `out`; what has that name is put aside until this is done, and then deleted."""
    if not out.exists():
        partial.rename(out)
        return
    aside = partial.with_suffix(".replaced")
    out.rename(aside)
    try:
        partial.rename(out)
    except BaseException:
        aside.rename(out)
        raise
    shutil.rmtree(aside)
