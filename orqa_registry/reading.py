"""Reading files that somebody else wrote: bounded, never executed, and every error names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orqa_registry.errors import OrqaError

LARGEST_JSON = 1 << 30
"""Bytes; the largest label file known is 0.02 of this."""


def read_json(path: Path) -> Any:
    """Return a parsed JSON file. Raises OrqaError where it is missing, too large, not UTF-8 or not JSON."""
    try:
        size = path.stat().st_size
        if size > LARGEST_JSON:
            raise OrqaError(f"{path}: {size} bytes, more than the {LARGEST_JSON} that a label file may have")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise OrqaError(f"{path}: not JSON: {error}") from error


def settle(root: Path, holds: Callable[[Path], bool]) -> Path | None:
    """Return `root`, or the one folder directly in it, for which `holds` is true: archives wrap a folder around.

    Returns None where neither holds, or several folders do.
    """
    if holds(root):
        return root
    inside = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and holds(folder)]
    return inside[0] if len(inside) == 1 else None
