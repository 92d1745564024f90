"""How results look: tables for people on a terminal, JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

UNKNOWN_WIDTH = 120
"""Columns where the output is no terminal and nothing says how wide it is."""


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


def progress(unit: str) -> Progress:
    """Return a progress bar on stderr with rate and time left; silent where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
