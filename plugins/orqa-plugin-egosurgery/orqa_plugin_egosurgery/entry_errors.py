"""What is wrong with single entries of a file: they are left out, and one warning a kind says so."""

from __future__ import annotations

import warnings
from pathlib import Path

from orqa_registry import DataWarning


class EntryErrors:
    """Counts the faults of one file by kind and remembers where each kind was met first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: dict[str, tuple[int, str]] = {}

    def add(self, expected: str, position: str, action: str = "left out") -> None:
        """Count one fault: what was expected, where it is not so, and what was done about it."""
        message = f"{expected}; {action} where not"
        count, first = self._counts.get(message, (0, position))
        self._counts[message] = (count + 1, first)

    def warn(self) -> None:
        """Issue a DataWarning for each kind of fault."""
        for message, (count, first) in self._counts.items():
            warning = f"{self._path}: {message}: {count}, the first at {first}"
            warnings.warn(warning, DataWarning, stacklevel=3)


def abbreviate(value: object) -> str:
    """Return a value as a message may show it: short, and printable whatever it is."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:60] + "..."
