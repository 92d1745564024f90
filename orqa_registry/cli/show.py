"""How results look: tables for people on a terminal, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from orqa_registry.errors import DataWarning

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10
"""Damaged files that are named; the others are counted."""

UNKNOWN_WIDTH = 120
"""Columns where the output is no terminal and nothing says how wide it is."""


@lru_cache(maxsize=2)
def console(*, stderr: bool = False) -> Console:
    """Return a console as wide as the terminal, or wide enough to read where there is none."""
    from rich.console import Console

    width = shutil.get_terminal_size((UNKNOWN_WIDTH, 40)).columns
    return Console(stderr=stderr, width=width, highlight=False)


def print_table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, numbers: Iterable[str] = ()
) -> None:
    """Print a table on stdout under its title; the columns named in `numbers` are aligned to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    right = set(numbers)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    out = console()
    out.print(Text(title, style="bold"))
    out.print(made)


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
    with Progress(*columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:

        def advance(what: str, done: int, total: int, note: str = "") -> None:
            nonlocal began, last
            if what not in running:
                running[what] = bar.add_task(what, total=total, rate=0.0)
                began = last  # it has been at work since the one before was done
            last = monotonic()
            rate = done / max(1e-6, last - began)
            bar.update(running[what], completed=done, description=f"{what} {note}".strip(), rate=rate)

        yield advance
