"""How long work tells how far it is, whoever listens."""

from __future__ import annotations

from typing import Protocol


class ProgressCallback(Protocol):
    """Told how far a piece of work is: `what` names it, `note` says something about it."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """Take note that `done` of `total` are done."""


def no_progress(what: str, done: int, total: int, note: str = "") -> None:
    """Tell nobody."""
