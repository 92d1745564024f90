"""What is wrong with single entries of a file: they are left out, and one warning a kind says so."""

from __future__ import annotations

import warnings
from pathlib import Path

from orqa_registry import DataWarning


class Faults:
    """Counts the faults of one file by kind and remembers where each kind was met first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._met: dict[str, tuple[int, str]] = {}

    def add(self, expected: str, where: str, done: str = "left out") -> None:
        """Count one fault: what was expected, where it is not so, and what was done about it."""
        fault = f"{expected}; {done} where not"
        count, first = self._met.get(fault, (0, where))
        self._met[fault] = (count + 1, first)

    def warn(self) -> None:
        """Issue a DataWarning for each kind of fault."""
        for fault, (count, first) in self._met.items():
            text = f"{self._path}: {fault}: {count}, the first at {first}"
            warnings.warn(text, DataWarning, stacklevel=3)


def shown(value: object) -> str:
    """Return a value as a message may show it: short, and printable whatever it is."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:60] + "..."
