"""How results look: tables for people on a terminal, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import click

from orqa_registry.console.table import layout_table
from orqa_registry.errors import DataWarning
from orqa_registry.progress import ProgressCallback

MAX_WARNINGS = 10
"""Damaged files that are named; the others are counted."""

KEPT_LETTERS = "\n\xa0\u202f\u3000"
"""What is not printable to Python, and does no harm: the end of a line, and spaces of other widths."""

FIRST_LINE_SECONDS, LINE_SECONDS = 5.0, 60.0
"""Seconds until the first line of progress, and between two, where stderr is no terminal."""

DEFAULT_WIDTH = 120
"""Columns where the output is no terminal and nothing says how wide it is."""


def print_line(text: str, *, err: bool = False) -> None:
    """Print a line for people, on stderr with `err`; all words but a table's go through here. Lines stay lines."""
    click.echo(printable(text), err=err)


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Iterable[Any]], *, numbers: Collection[str] = ()
) -> None:
    """Print a table on stdout under its title; the columns named in `numbers` are aligned to the right.

    It is as wide as the terminal at most, and has no head where no column has a name.
    """
    width = shutil.get_terminal_size((DEFAULT_WIDTH, 40)).columns
    names = list(map(printable, columns))
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    head, below = layout_table(names, cells, right=set(map(printable, numbers)), width=width)
    bold = [printable(title), "", *(head if any(columns) else ())]
    click.echo("\n".join([*(click.style(line, bold=True) if line else line for line in bold), *below, ""]))


def printable(text: str) -> str:
    r"""Return a text in which a terminal sees no orders: what cannot be printed, as `\x1b`; lines stay lines.

    Names, labels and errors may hold words of data, and data may hold anything: also C1 controls, and letters that turn
    the direction of writing around.
    """
    return "".join(
        char if char.isprintable() or char in KEPT_LETTERS else char.encode("unicode_escape").decode() for char in text
    )


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


@contextmanager
def showing_warnings(*, strict: bool) -> Iterator[None]:
    """Show what readers warn of on stderr: the first few, then how many there were. `strict` raises the first."""
    import warnings

    messages: set[str] = set()  # a take is read more than once

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any, **named: Any
    ) -> None:
        if not issubclass(category, DataWarning):
            return show_other(printable(str(message)), category, filename, lineno, *rest, **named)
        if str(message) not in messages and len(messages) < MAX_WARNINGS:
            print_line(f"warning: {message}", err=True)
        messages.add(str(message))
        return None

    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "always", DataWarning)
        show_other, warnings.showwarning = warnings.showwarning, show
        try:
            yield
        finally:
            if len(messages) > MAX_WARNINGS:
                print_line(
                    f"warning: {len(messages)} files were left out in all; --strict stops at the first", err=True
                )


@contextmanager
def show_progress(unit: str) -> Iterator[ProgressCallback]:
    """Give a function that shows progress on stderr, with time left: a bar, or a line a minute where it is no terminal.

    Work that is done within seconds says nothing there.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    task_ids: dict[str, TaskID] = {}
    terminal = sys.stderr.isatty()
    started, before, due = 0.0, 0, monotonic() + FIRST_LINE_SECONDS
    counted = " ".join(filter(None, ("{task.completed:,}/{task.total:,}", unit)))
    columns = (
        TextColumn("{task.description}", markup=False),  # it holds names of data
        BarColumn(),
        TextColumn(counted + ", {task.fields[rate]:.1f} a second, left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not terminal, transient=True) as bar:

        def advance(what: str, done: int, total: int, note: str = "") -> None:
            nonlocal started, before, due
            now = monotonic()
            if what not in task_ids:
                task_ids[what] = bar.add_task("", total=total, completed=done, rate=0.0)
                started, before = now, done  # what a run that goes on had done already took no time
            rate = (done - before) / max(1e-6, now - started)
            label = f"{what} {note}".strip()
            bar.update(task_ids[what], completed=done, description=printable(label), rate=rate)
            if not terminal and now >= due:
                due = now + LINE_SECONDS
                counts = " ".join(filter(None, (f"{done:,}/{total:,}", unit)))
                left = f", {timedelta(seconds=round((total - done) / rate))} left" if rate else ""
                print_line(f"{label}: {counts}, {rate:.1f} a second{left}", err=True)

        yield advance
