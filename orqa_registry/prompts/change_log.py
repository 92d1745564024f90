"""What changed in a take: the log that memory is made of (protocol.md 8.1 and 8.2; defects D1 to D4)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from attrs import frozen

from orqa_registry.data.records import Timepoint, Triplet
from orqa_registry.data.vocabulary import entity, predicate
from orqa_registry.errors import OrqaError
from orqa_registry.readers.io import read_json

NO_RELATION, NO_ACTION = "none", "nothing"
"""The name of no relation, and the answer that nothing is being done."""


NOT_MARK = "not "


Prediction = Iterable[Triplet] | str | None
"""What a model said of a timepoint: a graph, an action, or None where its answer could not be read."""


LogRow = tuple[int, Mapping[str, Any]]
"""A timepoint and its labels."""


class Change(NamedTuple):
    """At `timepoint` a triple, or an action, began to hold, or `ended`: no longer held."""

    timepoint: int
    what: Triplet | str
    ended: bool = False


@frozen
class ChangeLog:
    """The changes of a take, in order. `compat`: made and to be worded as the original does it (D1, D2, D3)."""

    changes: tuple[Change, ...]
    compat: bool = False


def log_rows(
    points: Iterable[Timepoint],
    predictions: Mapping[str, Prediction] | None = None,
    *,
    when: Callable[[Timepoint], int] = attrgetter("index"),
) -> Iterator[LogRow]:
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


def change_log(rows: Iterable[LogRow]) -> ChangeLog:
    """Return what changed: at each annotated timepoint what ended, then what began, each in alphabetical order.

    A timepoint without annotation changes nothing: absent is not empty. Names are those of the vocabulary, however
    they are written. Scene graphs are logged where a take has any, else actions. Raises ValueError where timepoints
    are out of order.
    """
    changes: list[Change] = []
    state: frozenset[Triplet | str] = frozenset()
    for timepoint, items in _select_annotated(rows):
        current = frozenset(
            item
            for item in items
            if (item not in {"", NO_ACTION} if isinstance(item, str) else NO_RELATION not in item)
        )
        changes += (Change(timepoint, item, ended=True) for item in sorted(state - current))
        changes += (Change(timepoint, item) for item in sorted(current - state))
        state = current
    return ChangeLog(tuple(changes))


def compat_log(rows: Iterable[LogRow], rng: random.Random | None = None) -> ChangeLog:
    """Return the log of the original, for its checkpoints (protocol 8.1 and 8.2).

    Of the triples with one subject and predicate the last one counts, and a new object is no change; of actions, every
    timepoint is logged. `rng` shuffles the changes of a timepoint, as the original does; without it what began comes
    first, in the order of the labels. Raises ValueError where timepoints are out of order.
    """
    changes: list[Change] = []
    state: dict[tuple[str, str], Triplet] = {}
    for timepoint, items in _select_annotated(rows):
        additions = [Change(timepoint, item) for item in items if isinstance(item, str)]
        graph = [item for item in items if not isinstance(item, str) and NO_RELATION not in item[:2]]
        current = {edge[:2]: edge for edge in graph}
        additions += (Change(timepoint, edge) for key, edge in current.items() if key not in state)
        additions += (Change(timepoint, edge, ended=True) for key, edge in state.items() if key not in current)
        state = {key: state.get(key, edge) for key, edge in current.items()}
        if rng is not None:
            rng.shuffle(additions)
        changes += additions
    return ChangeLog(tuple(changes), compat=True)


def _select_annotated(rows: Iterable[LogRow]) -> Iterator[tuple[int, list[Triplet | str]]]:
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


def replay(log: ChangeLog, timepoints: Iterable[int]) -> Iterator[frozenset[Triplet | str]]:
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


def to_published(log: ChangeLog) -> list[list[Any]]:
    """Return a log in the shape of `surgery_sg_*.json` (datasets.md 0.7); what ended has `not ` before the object.

    [timepoint, [subject, object, predicate]], or [timepoint, label] where actions are logged.
    """
    return [[timepoint, _format_published(what, NOT_MARK if ended else "")] for timepoint, what, ended in log.changes]


def _format_published(what: Triplet | str, prefix: str) -> list[str] | str:
    return prefix + what if isinstance(what, str) else [what.subject, prefix + what.object, what.predicate]


def read_published(path: Path) -> ChangeLog:
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
    return ChangeLog(tuple(changes), compat=True)


def _parse_change(timepoint: Any, what: Any) -> Change:
    if isinstance(what, str):
        return Change(int(timepoint), intern(what))
    subject, thing, verb = what
    edge = Triplet(*map(intern, (subject, verb, thing.removeprefix(NOT_MARK))))
    return Change(int(timepoint), edge, thing.startswith(NOT_MARK))
