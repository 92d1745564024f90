"""How results look: tables for people on a terminal, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

import click

from orqa_registry.cli.table import layout
from orqa_registry.errors import DataWarning

SHOWN = 10
"""Damaged files that are named; the others are counted."""

UNKNOWN_WIDTH = 120
"""Columns where the output is no terminal and nothing says how wide it is."""


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Iterable[Any]], *, numbers: Collection[str] = ()
) -> None:
    """Print a table on stdout under its title; the columns named in `numbers` are aligned to the right.

    It is as wide as the terminal at most, and has no head where no column has a name.
    """
    width = shutil.get_terminal_size((UNKNOWN_WIDTH, 40)).columns
    head, below = layout(columns, [[plain(str(cell)) for cell in row] for row in rows], right=numbers, width=width)
    bold = [title, "", *(head if any(columns) else ())]
    click.echo("\n".join([*(click.style(line, bold=True) if line else line for line in bold), *below, ""]))


def plain(text: str) -> str:
    """Return a text without what a terminal would take for orders; data may hold anything."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


@contextmanager
def damage_shown(*, strict: bool) -> Iterator[None]:
    """Show what readers warn of on stderr: the first few, then how many there were. `strict` raises the first."""
    import warnings

    seen: set[str] = set()  # a take is read more than once

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any, **named: Any
    ) -> None:
        if not issubclass(category, DataWarning):
            return others(message, category, filename, lineno, *rest, **named)
        if str(message) not in seen and len(seen) < SHOWN:
            sys.stderr.write(f"warning: {message}\n")
        seen.add(str(message))
        return None

    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "always", DataWarning)
        others, warnings.showwarning = warnings.showwarning, show
        try:
            yield
        finally:
            if len(seen) > SHOWN:
                sys.stderr.write(f"warning: {len(seen)} files were left out in all; --strict stops at the first\n")


class Advance(Protocol):
    """Tells how far a piece of work is: `what` names it, `note` says something about it."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` are done."""


@contextmanager
def progress(unit: str) -> Iterator[Advance]:
    """Give a function that shows progress on stderr, with time left; silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    running: dict[str, TaskID] = {}
    began = last = monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + ", {task.fields[rate]:.1f} a second, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:

        def advance(what: str, done: int, total: int, note: str = "") -> None:
            nonlocal began, last
            if what not in running:
                running[what] = bar.add_task(what, total=total, rate=0.0)
                began = last  # it has been at work since the one before was done
            last = monotonic()
            rate = done / max(1e-6, last - began)
            bar.update(running[what], completed=done, description=f"{what} {note}".strip(), rate=rate)

        yield advance
