"""Temporal memory: what changed in a take, and a prompt's words for it (protocol.md 8; defects D1 to D4).

    memory = Memory(change_log(rows(take)))
    memory.text(point.index)                                   # Long: nurse,holding,saw; Short: not nurse,holding,saw
    memory.drawn(point.index, seeded(seed, epoch, point.key))  # as training has it: some style, some items dropped

A log holds whole triples, or labels where a dataset has actions and no scene graphs, and can be replayed without loss.
The log that published checkpoints were trained on, with its losses, is `compat_log`.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import accumulate, pairwise
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from attrs import frozen

from orqa_registry.errors import CallError, OrqaError
from orqa_registry.reading import read_json
from orqa_registry.records import Timepoint, Triplet
from orqa_registry.vocabulary import entity, predicate

STYLES = ("longshort", "short", "long")
"""What a memory tells: the last few changes (short), what was there before them (long), or both."""

NO_MEMORY = "none"
"""The style of a prompt without memory, one of those that `draw_style` draws."""

RECENT = 5
"""How many changes, the last ones, make the short memory (protocol 8.3)."""

DROP = 0.5
"""The chance that training drops an item of a memory (protocol 8.4)."""

FORGETFUL = frozenset({"tool_equipment_attribute"})
"""Tasks that are never given a memory: they ask about scenes that belong to no take (protocol 8.4)."""

NONE, NOTHING = "none", "nothing"
"""The name of no relation, and the answer that nothing is being done."""

NOT = "not "
LONG, SHORT = "Long: ", "Short: "

Prediction = Iterable[Triplet] | str | None
"""What a model said of a timepoint: a graph, an action, or None where its answer could not be read."""

Row = tuple[int, Mapping[str, Any]]
"""A timepoint and its labels."""


class Change(NamedTuple):
    """At `timepoint` a triple, or an action, began to hold, or `ended`: no longer held."""

    timepoint: int
    what: Triplet | str
    ended: bool = False


@frozen
class Log:
    """The changes of a take, in order. `compat`: made and to be worded as the original does it (D1, D2, D3)."""

    changes: tuple[Change, ...]
    compat: bool = False


def rows(
    points: Iterable[Timepoint],
    predictions: Mapping[str, Prediction] | None = None,
    *,
    when: Callable[[Timepoint], int] = attrgetter("index"),
) -> Iterator[Row]:
    """Yield what a log is made of: the truth, or instead of it what a model said of each frame.

    A frame without a prediction, or with None, counts as one that nobody annotated. `when`: a point's time in the log.
    """
    for point in points:
        yield when(point), point.labels if predictions is None else _convert_prediction(predictions.get(point.frame))


def _convert_prediction(prediction: Prediction) -> dict[str, Any]:
    if prediction is None:
        return {}
    return (
        {"actions": (prediction,)}
        if isinstance(prediction, str)
        else {"relations": tuple(Triplet(*edge) for edge in prediction)}
    )


def published_timepoint(frame: str) -> int:
    """Return the time that published histories have for a frame: its digits, `01_1_0124` -> 110124 (datasets.md 0.4).

    Raises OrqaError where the name holds anything but digits and underscores.
    """
    digits = frame.replace("_", "")
    if not (digits.isascii() and digits.isdecimal()):
        raise OrqaError(f"frame {frame!r} has no published timepoint: a name of digits and underscores was expected")
    return int(digits)


def change_log(rows: Iterable[Row]) -> Log:
    """Return what changed: at each annotated timepoint what ended, then what began, each in alphabetical order.

    A timepoint without annotation changes nothing: absent is not empty. Names are those of the vocabulary, however
    they are written. Scene graphs are logged where a take has any, else actions. Raises ValueError where timepoints
    are out of order.
    """
    changes: list[Change] = []
    state: frozenset[Triplet | str] = frozenset()
    for timepoint, items in _select_annotated(rows):
        current = frozenset(
            item for item in items if (item not in {"", NOTHING} if isinstance(item, str) else NONE not in item)
        )
        changes += (Change(timepoint, item, ended=True) for item in sorted(state - current))
        changes += (Change(timepoint, item) for item in sorted(current - state))
        state = current
    return Log(tuple(changes))


def compat_log(rows: Iterable[Row], rng: random.Random | None = None) -> Log:
    """Return the log of the original, for its checkpoints (protocol 8.1 and 8.2).

    Of the triples with one subject and predicate the last one counts, and a new object is no change; of actions, every
    timepoint is logged. `rng` shuffles the changes of a timepoint, as the original does; without it what began comes
    first, in the order of the labels. Raises ValueError where timepoints are out of order.
    """
    changes: list[Change] = []
    state: dict[tuple[str, str], Triplet] = {}
    for timepoint, items in _select_annotated(rows):
        additions = [Change(timepoint, item) for item in items if isinstance(item, str)]
        graph = [item for item in items if not isinstance(item, str) and NONE not in item[:2]]
        current = {edge[:2]: edge for edge in graph}
        additions += (Change(timepoint, edge) for key, edge in current.items() if key not in state)
        additions += (Change(timepoint, edge, ended=True) for key, edge in state.items() if key not in current)
        state = {key: state.get(key, edge) for key, edge in current.items()}
        if rng is not None:
            rng.shuffle(additions)
        changes += additions
    return Log(tuple(changes), compat=True)


def _select_annotated(rows: Iterable[Row]) -> Iterator[tuple[int, list[Triplet | str]]]:
    """Yield the annotated timepoints with what holds there, in the spelling of the vocabulary."""
    rows = list(rows)
    for (before, _), (after, _) in pairwise(rows):
        if after <= before:
            raise ValueError(f"timepoints out of order: {after} follows {before}")
    facet = "relations" if any("relations" in labels for _, labels in rows) else "actions"
    for timepoint, labels in rows:
        if facet in labels:
            yield timepoint, [_normalise(item) for item in labels[facet]]


@lru_cache(maxsize=1 << 14)  # graphs say the same again and again: logs share their triples
def _normalise(what: Triplet | str) -> Triplet | str:
    """Return a triple or an action as logs spell it (D4), also where a model said `head surgeon` and `closeto`."""
    if isinstance(what, str):
        return " ".join(what.lower().replace("_", " ").split())
    subject, verb, thing = what
    return Triplet(entity(subject), predicate(verb), entity(thing))


def replay(log: Log, timepoints: Iterable[int]) -> Iterator[frozenset[Triplet | str]]:
    """Yield what holds at each of some timepoints, which must ascend, by the log alone."""
    state: set[Triplet | str] = set()
    position = 0
    for timepoint in timepoints:
        while position < len(log.changes) and log.changes[position].timepoint <= timepoint:
            change = log.changes[position]
            if log.compat and isinstance(change.what, str) and change.timepoint != log.changes[position - 1].timepoint:
                state.clear()  # it says the actions of every timepoint, and never that one ended
            (state.discard if change.ended else state.add)(change.what)
            position += 1
        yield frozenset(state)


def published(log: Log) -> list[list[Any]]:
    """Return a log in the shape of `surgery_sg_*.json` (datasets.md 0.7); what ended has `not ` before the object.

    [timepoint, [subject, object, predicate]], or [timepoint, label] where actions are logged.
    """
    return [[timepoint, _format_published(what, NOT if ended else "")] for timepoint, what, ended in log.changes]


def _format_published(what: Triplet | str, prefix: str) -> list[str] | str:
    return prefix + what if isinstance(what, str) else [what.subject, prefix + what.object, what.predicate]


def read_published(path: Path) -> Log:
    """Return the log of a `surgery_sg_*.json`, names as they are written. Raises OrqaError that names the entry."""
    changes: list[Change] = []
    entries = read_json(path)
    if not isinstance(entries, list):
        raise OrqaError(f"{path}: a list of changes was expected, not {type(entries).__name__}")
    for index, entry in enumerate(entries):
        try:
            changes.append(_parse_change(*entry))
            if index and changes[index].timepoint < changes[index - 1].timepoint:
                raise ValueError("its timepoint is earlier than the one before")
        except (AttributeError, TypeError, ValueError) as error:
            raise OrqaError(
                f"{path}: entry {index}: expected [timepoint, [subject, object, predicate]] or [timepoint, label] "
                f"in order: {error}"
            ) from error
    return Log(tuple(changes), compat=True)


def _parse_change(timepoint: Any, what: Any) -> Change:
    if isinstance(what, str):
        return Change(int(timepoint), intern(what))
    subject, thing, verb = what
    edge = Triplet(*map(intern, (subject, verb, thing.removeprefix(NOT))))
    return Change(int(timepoint), edge, thing.startswith(NOT))


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

    def __init__(self, log: Log, *, spaces: bool = False) -> None:
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
        self._text, self._long_text = "".join(self._items), LONG + "".join(first_positions)
        self._ends = tuple(accumulate(map(len, self._items), initial=0))  # place k: the end of k items
        self._long_ends = tuple(accumulate(map(len, first_positions), initial=len(LONG)))
        self._cached_head = 0, LONG + SHORT

    def text(self, timepoint: int, style: str = "longshort", keep: Callable[[], bool] | None = None) -> str:
        """Return the memory at a timepoint: what changed strictly before it (protocol 8.3).

        short: the last five changes. long: what began before those, each once, whether or not it ended. longshort:
        both. `keep` is asked once an item, in their order, whether it stays. Raises CallError for any other style.
        """
        count = bisect_left(self._times, timepoint)
        older_count = count - RECENT if count > RECENT else 0
        long_count = bisect_left(self._first_positions, older_count)
        if style == "longshort" and keep is None and count:
            cached_count, head = self._cached_head  # one look at both, for threads
            if cached_count != long_count:
                head = self._long_text[: self._long_ends[long_count]] + SHORT
                self._cached_head = long_count, head
            return head + self._text[self._ends[older_count] : self._ends[count] - 2]
        if style == NO_MEMORY or (style == "all" and self._compat):  # the original has that style, and it is empty
            return ""
        if style not in STYLES:
            raise CallError(f"unknown style of memory {style!r}: there is {', '.join(STYLES)}")
        text = ""
        if style != "short":
            text += LONG + "".join(item for item in self._distinct_items[:long_count] if keep is None or keep())
        if style != "long":
            text += SHORT + "".join(item for item in self._items[older_count:count] if keep is None or keep())
        return text[:-2]  # the break after the last item, or the end of ": " where there is none

    def drawn(self, timepoint: int, rng: random.Random) -> str:
        """Return the memory as training has it: of a style that is drawn, items dropped, and none half of the time."""
        return self.text(timepoint, draw_style(rng), dropping(rng))


def _select_told_changes(log: Log) -> Sequence[Change]:
    """Return the changes that a memory tells: that an action ended is not said where another begins in its place."""
    if log.compat or not log.changes or not isinstance(log.changes[0].what, str):
        return log.changes
    starts = {change.timepoint for change in log.changes if not change.ended}
    return [change for change in log.changes if not (change.ended and change.timepoint in starts)]


def _format_change(what: Triplet | str, ended: bool, *, compat: bool, spaces: bool) -> str:
    """Return a change in words; what ended is denied as a whole, where the original denies the object alone (D2)."""
    prefix = NOT if ended else ""
    if isinstance(what, str):
        return f"{prefix}{what}; "
    subject, verb, thing = what
    if spaces:
        subject, thing = subject.replace("_", " "), thing.replace("_", " ")
    return f"{subject},{verb},{prefix}{thing}; " if compat else f"{prefix}{subject},{verb},{thing}; "


def draw_style(rng: random.Random) -> str:
    """Return the style of a training sample: half of the time NO_MEMORY, else one of STYLES (protocol 8.4)."""
    number = rng.random()
    return NO_MEMORY if number < 0.5 else "short" if number < 0.666 else "long" if number < 0.833 else "longshort"


def dropping(rng: random.Random, chance: float = DROP) -> Callable[[], bool]:
    """Return a `keep` for `Memory.text` that drops each item with a chance, alike for the same seed."""
    return lambda: rng.random() >= chance
