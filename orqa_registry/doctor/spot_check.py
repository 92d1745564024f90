"""Opening a few labels to see whether they can be read: what a listing of files claims need not hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from orqa_registry.data.records import CLOCK, Timepoint
from orqa_registry.errors import CallError, DataWarning, OrqaError, describe_error

READ_ERRORS = (OrqaError, OSError)
"""What reading a damaged download raises."""

MAX_REASONS = 3
"""Reasons that are told of one take."""


@contextmanager
def collecting_warnings() -> Iterator[list[str]]:
    """Give a list of what readers warn of meanwhile, complete afterwards; all is still shown where it would be."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        try:
            yield messages
        finally:
            messages += [str(warning.message) for warning in caught if issubclass(warning.category, DataWarning)]
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def join_reasons(reasons: Iterable[str]) -> str:
    """Return the first few of several reasons as one line, each once, and how many more there are."""
    distinct = list(dict.fromkeys(filter(None, reasons)))
    return "; ".join(distinct[:MAX_REASONS]) + (
        f"; and {len(distinct) - MAX_REASONS} more" if len(distinct) > MAX_REASONS else ""
    )


def unreadable_labels(points: Sequence[Timepoint]) -> str:
    """Return which labels of a take are claimed and cannot be read, and why; empty where all can be.

    Of each facet the first and the middle timepoint that claim it are tried. A facet that is absent once its file has
    been opened counts only where a reader warned too: it may just not be annotated there. Raises CallError.
    """
    facets: set[str] = set()
    reasons: list[str] = []
    for point in _pick_points(points):
        absent, messages = _open_labels(point)
        if messages:
            facets |= absent
            reasons += messages
    return f"{', '.join(sorted(facets))} cannot be read: {join_reasons(reasons)}" if facets else join_reasons(reasons)


def _pick_points(points: Sequence[Timepoint]) -> Iterator[Timepoint]:
    """Yield the first and the middle one of the timepoints that claim a facet, for each facet; none twice."""
    indices_of: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        for facet in point.available_facets - {CLOCK}:
            indices_of.setdefault(facet, []).append(index)
    chosen = {index for indices in indices_of.values() for index in (indices[0], indices[len(indices) // 2])}
    yield from map(points.__getitem__, sorted(chosen))


def _open_labels(point: Timepoint) -> tuple[set[str], list[str]]:
    """Return the facets that are claimed and absent, without what goes before a colon, and what readers said."""
    absent: set[str] = set()
    failures: list[str] = []
    with collecting_warnings() as messages:
        for facet in sorted(point.available_facets - {CLOCK}):
            try:
                present = facet in point.labels
            except CallError:
                raise
            except READ_ERRORS as error:
                present = False
                failures.append(describe_error(error))
            if not present:
                absent.add(facet.rpartition(":")[2])
    return absent, failures + messages
