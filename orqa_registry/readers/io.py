"""Reading files that somebody else wrote: bounded, never executed, and every error names the file."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from orqa_registry.errors import DataWarning, MissingLibraryError, OrqaError

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

MAX_JSON_BYTES = 1 << 30
"""Bytes; the largest label file known is 0.02 of this."""


def read_json(path: Path) -> Any:
    """Return a parsed JSON file. Raises OrqaError where it is missing, too large, not UTF-8 or not JSON."""
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            raise OrqaError(f"{path}: {size} bytes, more than the {MAX_JSON_BYTES} that a label file may have")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise OrqaError(f"{path}: not JSON: {error}") from error


def find_home(root: Path, holds: Callable[[Path], bool]) -> Path | None:
    """Return `root`, or the one folder directly in it, for which `holds` is true: archives wrap a folder around.

    Returns None where neither holds, or several folders do.
    """
    if not root.is_dir():
        return None
    if holds(root):
        return root
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and holds(folder)]
    return folders[0] if len(folders) == 1 else None


def read_or_warn(
    function: Callable[Arguments, Value], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Value | None:
    """Return what a reader returns, or warn with what it says is wrong and return None: the rest can still be used.

    Raises MissingLibraryError, which no other file can mend.
    """
    try:
        return function(*args, **kwargs)
    except MissingLibraryError:
        raise
    except OrqaError as error:
        warnings.warn(str(error), DataWarning, stacklevel=2)
        return None


def list_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by name, none where it is not there.

    What an index names is looked up here, so it can point nowhere else, and a file that is absent costs no look.
    """
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:  # it knows what is a file without a look at each
        files = {entry.name for entry in entries if entry.is_file()}
    return {path.name: path for path in folder.iterdir() if path.name in files}


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; the file gets its own once it is on disk, and is gone if anything fails."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
