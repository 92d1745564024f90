"""Temporal memory: what changed in a take, and a prompt's words for it (protocol.md 8; defects D1 to D4).

    memory = Memory(change_log(log_rows(take)))
    memory.text(point.index)  # Long: nurse,holding,saw; Short: not nurse,holding,saw
    memory.sampled(point.index, seeded_rng(seed, epoch, point.key))  # as training has it: some style, items dropped

A log holds whole triples, or labels where a dataset has actions and no scene graphs, and can be replayed without loss.
The log that published checkpoints were trained on, with its losses, is `compat_log`.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import accumulate

from orqa_registry.data.records import Triplet
from orqa_registry.errors import CallError
from orqa_registry.prompts.change_log import NOT_MARK, Change, ChangeLog

MEMORY_STYLES = ("longshort", "short", "long")
"""What a memory tells: the last few changes (short), what was there before them (long), or both."""

NO_MEMORY = "none"
"""The style of a prompt without memory, one of those that `sample_style` draws."""

SHORT_LENGTH = 5
"""How many changes, the last ones, make the short memory (protocol 8.3)."""

DROP_CHANCE = 0.5
"""The chance that training drops an item of a memory (protocol 8.4)."""

TASKS_WITHOUT_MEMORY = frozenset({"tool_equipment_attribute"})
"""Tasks that are never given a memory: they ask about scenes that belong to no take (protocol 8.4)."""


LONG_MARK, SHORT_MARK = "Long: ", "Short: "


class Memory:
    """The memory strings of a take. Each is cut out of two texts as long as the log; only the last long part is kept.

    spaces: write names as questions do, `head surgeon`, and not as label files do.
    """

    __slots__ = (
        "_cached_head",
        "_compat",
        "_distinct_items",
        "_ends",
        "_first_positions",
        "_items",
        "_long_ends",
        "_long_text",
        "_text",
        "_times",
    )

    def __init__(self, log: ChangeLog, *, spaces: bool = False) -> None:
        self._compat = log.compat
        changes = _select_told_changes(log)
        self._times = [change.timepoint for change in changes]
        format_item = cache(partial(_format_change, compat=log.compat, spaces=spaces))
        self._items = [format_item(what, ended) for _, what, ended in changes]
        first_positions: dict[str, int] = {}  # what began -> where it is said first
        for position, (change, item) in enumerate(zip(changes, self._items, strict=True)):
            if not change.ended and item not in first_positions:
                first_positions[item] = position
        self._distinct_items, self._first_positions = tuple(first_positions), tuple(first_positions.values())
        self._text, self._long_text = "".join(self._items), LONG_MARK + "".join(first_positions)
        self._ends = tuple(accumulate(map(len, self._items), initial=0))  # place k: the end of k items
        self._long_ends = tuple(accumulate(map(len, first_positions), initial=len(LONG_MARK)))
        self._cached_head = 0, LONG_MARK + SHORT_MARK

    def text(self, timepoint: int, style: str = "longshort", keep: Callable[[], bool] | None = None) -> str:
        """Return the memory at a timepoint: what changed strictly before it (protocol 8.3).

        short: the last five changes. long: what began before those, each once, whether or not it ended. longshort:
        both. `keep` is asked once an item, in their order, whether it stays. Raises CallError for any other style.
        """
        count = bisect_left(self._times, timepoint)
        older_count = count - SHORT_LENGTH if count > SHORT_LENGTH else 0
        long_count = bisect_left(self._first_positions, older_count)
        if style == "longshort" and keep is None and count:
            cached_count, head = self._cached_head  # one look at both, for threads
            if cached_count != long_count:
                head = self._long_text[: self._long_ends[long_count]] + SHORT_MARK
                self._cached_head = long_count, head
            return head + self._text[self._ends[older_count] : self._ends[count] - 2]
        if style == NO_MEMORY or (style == "all" and self._compat):  # the original has that style, and it is empty
            return ""
        if style not in MEMORY_STYLES:
            raise CallError(f"unknown style of memory {style!r}: there is {', '.join(MEMORY_STYLES)}")
        text = ""
        if style != "short":
            text += LONG_MARK + "".join(item for item in self._distinct_items[:long_count] if keep is None or keep())
        if style != "long":
            text += SHORT_MARK + "".join(item for item in self._items[older_count:count] if keep is None or keep())
        return text[:-2]  # the break after the last item, or the end of ": " where there is none

    def sampled(self, timepoint: int, rng: random.Random) -> str:
        """Return the memory as training has it: of a style that is drawn, items dropped, and none half of the time."""
        return self.text(timepoint, sample_style(rng), item_filter(rng))


def _select_told_changes(log: ChangeLog) -> Sequence[Change]:
    """Return the changes that a memory tells: that an action ended is not said where another begins in its place."""
    if log.compat or not log.changes or not isinstance(log.changes[0].what, str):
        return log.changes
    starts = {change.timepoint for change in log.changes if not change.ended}
    return [change for change in log.changes if not (change.ended and change.timepoint in starts)]


def _format_change(what: Triplet | str, ended: bool, *, compat: bool, spaces: bool) -> str:
    """Return a change in words; what ended is denied as a whole, where the original denies the object alone (D2)."""
    prefix = NOT_MARK if ended else ""
    if isinstance(what, str):
        return f"{prefix}{what}; "
    subject, verb, thing = what
    if spaces:
        subject, thing = subject.replace("_", " "), thing.replace("_", " ")
    return f"{subject},{verb},{prefix}{thing}; " if compat else f"{prefix}{subject},{verb},{thing}; "


def sample_style(rng: random.Random) -> str:
    """Return the style of a training sample: half of the time NO_MEMORY, else one of MEMORY_STYLES (protocol 8.4)."""
    number = rng.random()
    return NO_MEMORY if number < 0.5 else "short" if number < 0.666 else "long" if number < 0.833 else "longshort"


def item_filter(rng: random.Random, chance: float = DROP_CHANCE) -> Callable[[], bool]:
    """Return a `keep` for `Memory.text` that drops each item with a chance, alike for the same seed."""
    return lambda: rng.random() >= chance
