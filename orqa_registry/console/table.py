"""Tables of text: columns as wide as what they hold, folded where the terminal is narrower."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

COLUMN_GAP = "   "

MAX_WHOLE_WORD = 30
"""Letters of a word that stays whole while another column can be folded: names of tasks are words, paths are not."""


def layout_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[str], width: int
) -> tuple[list[str], list[str]]:
    """Return the lines of a table's head, and the lines below it; none is longer than `width` characters can be.

    right: columns that are aligned to the right. The widest columns are folded first, and within words only where
    nothing else is left to fold.
    """
    alignments = [str.rjust if column in right else str.ljust for column in columns]
    gaps = len(COLUMN_GAP) * (len(columns) - 1)
    natural = [max(1, *map(_measure_width, cells)) for cells in zip(columns, *rows, strict=True)]
    words = [max(1, *map(_measure_word, cells)) for cells in zip(columns, *rows, strict=True)]
    widths = _fit_widths(natural, [word if word <= MAX_WHOLE_WORD else 1 for word in words], width - gaps - 2)

    def lines(cells: Sequence[str]) -> Iterator[str]:
        for parts in zip_longest(*map(_fold, cells, widths), fillvalue=""):
            padded = (
                align(part, column_width) for align, part, column_width in zip(alignments, parts, widths, strict=True)
            )
            yield f" {COLUMN_GAP.join(padded)}".rstrip()

    rule = " " + "─" * (sum(widths) + gaps)
    return list(lines(columns)), [rule, *(line for row in rows for line in lines(row))]


def _measure_width(cell: str) -> int:
    return max(map(len, cell.splitlines()), default=0)


def _measure_word(cell: str) -> int:
    return max(map(len, cell.split()), default=0)


def _fit_widths(widths: list[int], words: list[int], room: int) -> list[int]:
    """Return the widths, the widest of them made as narrow as the others until all have room; none goes below 1.

    words: the width of the longest word of each; those that have more room give it first.
    """
    while sum(widths) > max(room, len(widths)):
        shrinkable = [index for index, (width, word) in enumerate(zip(widths, words, strict=True)) if width > word]
        widths[max(shrinkable or range(len(widths)), key=widths.__getitem__)] -= 1
    return widths


def _fold(cell: str, width: int) -> list[str]:
    lines = cell.splitlines() or [""]
    folded = ([line] if len(line) <= width else textwrap.wrap(line, width, break_on_hyphens=False) for line in lines)
    return [part for parts in folded for part in parts]
