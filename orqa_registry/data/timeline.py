"""A take's labels, indexed once in linear time, so that every question about before and after is a look-up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from orqa_registry.fork_safe import ForkSafeProperty

ABSENT = object()


@frozen
class Span:
    """A run of neighbouring annotated timepoints that share a value. Ends are inclusive; seconds None: no clock."""

    first: int
    last: int
    start: float | None
    end: float | None

    def progress(self, seconds: float | None) -> float | None:
        """Return how far `seconds` is into the span, 0 to 1, or None without clock or length."""
        if seconds is None or self.start is None or self.end is None or self.end <= self.start:
            return None
        return (seconds - self.start) / (self.end - self.start)


class Track:
    """One facet over one take, seen at its annotated timepoints alone.

    A timepoint where the facet is absent neither ends a run nor extends it: absent is not empty.
    """

    def __init__(self, rows: Iterable[tuple[int, float | None, tuple[str, ...]]]) -> None:
        self._indices: list[int] = []
        self._seconds: list[float | None] = []
        self._rows: list[tuple[str, ...]] = []
        self._positions: dict[str, list[int]] = {}
        shared_rows: dict[tuple[str, ...], tuple[str, ...]] = {}  # rows are many, and few differ: each is held once
        for position, (index, seconds, names) in enumerate(rows):
            values = shared_rows.setdefault(names, names)
            self._indices.append(index)
            self._seconds.append(seconds)
            self._rows.append(values)
            for value in dict.fromkeys(values):
                self._positions.setdefault(value, []).append(position)

    @ForkSafeProperty
    def values(self) -> tuple[str, ...]:
        """Every value that occurs in the take, sorted."""
        return tuple(sorted(self._positions))

    def happened(self, value: str, index: int) -> bool:
        """Tell whether `value` occurs at `index` or before."""
        positions = self._positions.get(value, [])
        return bool(positions) and self._indices[positions[0]] <= index

    def next_seconds(self, value: str, index: int) -> float | None:
        """Return when `value` next occurs strictly after `index`, or None: never again, or no clock."""
        positions = self._positions.get(value, ())
        offset = bisect_left(positions, bisect_right(self._indices, index))
        return self._seconds[positions[offset]] if offset < len(positions) else None

    def span(self, value: str, index: int) -> Span | None:
        """Return the run of `value` around `index`, or None where it does not hold there."""
        position = bisect_left(self._indices, index)
        if position == len(self._indices) or self._indices[position] != index:
            return None
        firsts, lasts = self._runs.get(value, ([], []))
        run = bisect_right(firsts, position) - 1
        if run < 0 or lasts[run] < position:
            return None
        first, last = firsts[run], lasts[run]
        return Span(self._indices[first], self._indices[last], self._seconds[first], self._seconds[last])

    def following(self, index: int, *, gaps: bool = False) -> str | None:
        """Return the first later value that differs from the one at `index`; timepoints without a value are skipped.

        With `gaps` a timepoint without a value is itself what differs, and then nothing follows (defect D12). For
        facets with at most one value a timepoint, such as robot_phase (protocol 4.12).
        """
        position = bisect_left(self._indices, index)
        if position == len(self._indices) or self._indices[position] != index:
            return None
        return (self._following_gaps if gaps else self._following)[position]

    @ForkSafeProperty
    def _runs(self) -> dict[str, tuple[list[int], list[int]]]:
        return {
            value: (
                [i for before, i in zip([None, *positions], positions, strict=False) if before != i - 1],
                [i for i, after in zip(positions, [*positions[1:], None], strict=True) if after != i + 1],
            )
            for value, positions in self._positions.items()
        }

    @ForkSafeProperty
    def _following_gaps(self) -> list[str | None]:
        answers: list[str | None] = [None] * len(self._rows)
        for position in range(len(self._rows) - 2, -1, -1):
            current, after = self._rows[position][:1], self._rows[position + 1][:1]
            answers[position] = answers[position + 1] if current == after else (after[0] if after else None)
        return answers

    @ForkSafeProperty
    def _following(self) -> list[str | None]:
        answers: list[str | None] = [None] * len(self._rows)
        upcoming: str | None = None  # the next value that is there at all
        after: str | None = None  # the first one later than `upcoming` that differs from it
        for position in range(len(self._rows) - 1, -1, -1):
            value = self._rows[position][0] if self._rows[position] else None
            answers[position] = upcoming if upcoming != value else after
            if value is not None and value != upcoming:
                upcoming, after = value, upcoming
        return answers


class Timeline:
    """All facets of one take. Rows are (index, seconds, labels) in order; raises ValueError where they are not."""

    def __init__(self, rows: Iterable[tuple[int, float | None, Mapping[str, Any]]]) -> None:
        self._rows = list(rows)
        for (before, _, _), (after, _, _) in zip(self._rows, self._rows[1:], strict=False):
            if after <= before:
                raise ValueError(f"timepoints out of order: index {after} follows {before}")
        self._tracks: dict[str, Track] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def track(self, facet: str) -> Track:
        """Return the track of a facet whose values are names: one (`robot_phase`) or several (`actions`)."""
        if facet not in self._tracks:
            self._tracks[facet] = Track(
                (index, seconds, _to_names(value))
                for index, seconds, labels in self._rows
                if (value := labels.get(facet, ABSENT)) is not ABSENT
            )
        return self._tracks[facet]


def _to_names(value: Any) -> tuple[str, ...]:
    """Return a facet value as names; None and the empty string, which mean no phase, are none."""
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
