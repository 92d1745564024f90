"""Opening a few labels to see whether they can be read: what a listing of files claims need not hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from orqa_registry.errors import CallError, DataWarning, OrqaError, say
from orqa_registry.records import CLOCK, Timepoint

FAULTS = (OrqaError, OSError)
"""What reading a damaged download raises."""

TOLD = 3
"""Reasons that are told of one take."""


@contextmanager
def listening() -> Iterator[list[str]]:
    """Give a list of what readers warn of meanwhile, complete afterwards; all is still shown where it would be."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        try:
            yield said
        finally:
            said += [str(one.message) for one in heard if issubclass(one.category, DataWarning)]
    for one in heard:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def told(reasons: Iterable[str]) -> str:
    """Return the first few of several reasons as one line, each once, and how many more there are."""
    why = list(dict.fromkeys(filter(None, reasons)))
    return "; ".join(why[:TOLD]) + (f"; and {len(why) - TOLD} more" if len(why) > TOLD else "")


def unreadable(points: Sequence[Timepoint]) -> str:
    """Return which labels of a take are claimed and cannot be read, and why; empty where all can be.

    Of each facet the first and the middle timepoint that claim it are tried. A facet that is absent once its file has
    been opened counts only where a reader warned too: it may just not be annotated there. Raises CallError.
    """
    gone: set[str] = set()
    reasons: list[str] = []
    for point in _picked(points):
        absent, said = _open(point)
        if said:
            gone |= absent
            reasons += said
    return f"{', '.join(sorted(gone))} cannot be read: {told(reasons)}" if gone else told(reasons)


def _picked(points: Sequence[Timepoint]) -> Iterator[Timepoint]:
    """Yield the first and the middle one of the timepoints that claim a facet, for each facet; none twice."""
    claiming: dict[str, list[int]] = {}
    for place, point in enumerate(points):
        for facet in point.claimed - {CLOCK}:
            claiming.setdefault(facet, []).append(place)
    places = {place for found in claiming.values() for place in (found[0], found[len(found) // 2])}
    yield from map(points.__getitem__, sorted(places))


def _open(point: Timepoint) -> tuple[set[str], list[str]]:
    """Return the facets that are claimed and absent, without what goes before a colon, and what readers said."""
    absent: set[str] = set()
    raised: list[str] = []
    with listening() as said:
        for facet in sorted(point.claimed - {CLOCK}):
            try:
                there = facet in point.labels
            except CallError:
                raise
            except FAULTS as error:
                there = False
                raised.append(say(error))
            if not there:
                absent.add(facet.rpartition(":")[2])
    return absent, raised + said
