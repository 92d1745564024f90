"""How much damage a run bears: a bad sample costs itself, counted and named; too many of them stop the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from orqa_registry import CallError, OrqaError

MIN_SEEN = 1000
"""Samples after which the percentage counts: among fewer, a few bad ones say little."""

MAX_REMEMBERED = 1000
"""Bad samples that are remembered by name; beyond, they are counted."""

MAX_NAMED = 20
"""Bad samples that the error names."""


@frozen
class BadSample:
    """A sample, or a medium, that cannot be used: its key, and why."""

    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@define
class ErrorBudget:
    """Counts good and bad samples, and raises OrqaError once there are too many bad ones.

    in_a_row: so many bad ones without a good one between stop the run: the disk is gone, or a library.
    per_cent: more than so many of all, 0 to 100, stop it as well, once 1,000 were seen.
    things: what is counted. advice: what to do next, the last sentence of the error.
    seen, wrong, row: all, the bad ones, and those since the last good one. named: the first 1,000 bad ones, by name.
    One thread counts: that which gathers what others read, so the count is the same on any number of workers.
    Raises CallError for limits that cannot be.
    """

    in_a_row: int = 100
    per_cent: float = 1.0
    things: str = "samples"
    advice: str = (
        "See what is damaged, and repair it: orqa-registry verify DIR --repair. "
        "To bear more: train --set bad_per_cent=M --set bad_in_a_row=N, eval --bad-per-cent M --bad-in-a-row N"
    )
    seen: int = field(default=0, init=False)
    wrong: int = field(default=0, init=False)
    row: int = field(default=0, init=False)
    named: list[BadSample] = field(factory=list, init=False, repr=False)
    _last_bad: list[BadSample] = field(factory=list, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.in_a_row < 1:
            raise CallError(f"{self.in_a_row} bad {self.things} in a row: at least 1 was expected")
        if not 0 <= self.per_cent <= 100:
            raise CallError(f"{self.per_cent} per cent of bad {self.things}: 0 to 100 was expected")

    def good(self, count: int = 1) -> None:
        """Count good samples. Raises OrqaError where the percentage now counts, and is exceeded."""
        if count:
            self.seen += count
            self.row = 0
            self._last_bad.clear()
            self._check_share()

    def bad(self, one: BadSample) -> None:
        """Count a bad sample. Raises OrqaError with the list where it is one too many."""
        self.seen += 1
        self.wrong += 1
        self.row += 1
        if len(self.named) < MAX_REMEMBERED:
            self.named.append(one)
        if len(self._last_bad) < MAX_NAMED:
            self._last_bad.append(one)
        self._check_row()
        self._check_share()

    def add(self, counts: Mapping[str, int], bad: Sequence[BadSample]) -> None:
        """Count what was counted elsewhere, whose `state` this is. Raises OrqaError where it is too much.

        A part that is bad throughout makes the row longer, and any other begins one with those at its end.
        """
        part = ErrorBudget()
        part.restore(counts)
        if part.wrong == part.seen:
            self.row += part.row
            self._last_bad += bad[: MAX_NAMED - len(self._last_bad)]
        else:
            self.row, self._last_bad = part.row, list(bad[len(bad) - part.row :][:MAX_NAMED])
        self.seen += part.seen
        self.wrong += part.wrong
        self.named += bad[: MAX_REMEMBERED - len(self.named)]
        self._check_row()
        self._check_share()

    def state(self) -> dict[str, int]:
        """Return the counts, for a checkpoint."""
        return {"seen": self.seen, "wrong": self.wrong, "row": self.row}

    def restore(self, state: Mapping[str, int]) -> None:
        """Go on from the counts of a checkpoint. Raises OrqaError where they are none."""
        counts = [state.get(key) for key in ("seen", "wrong", "row")]
        seen, wrong, row = (count if type(count) is int else -1 for count in counts)
        if not 0 <= row <= wrong <= seen:
            raise OrqaError(f"counts of bad {self.things} are seen >= wrong >= row >= 0, not {dict(state)}")
        self.seen, self.wrong, self.row = seen, wrong, row

    def summary(self) -> str:
        """Return the counts in words: `3 of 1,200 samples were bad (0.25 %)`."""
        return f"{self.wrong:,} of {self.seen:,} {self.things} were bad ({100 * self.wrong / max(self.seen, 1):.3g} %)"

    def _check_row(self) -> None:
        if self.row >= self.in_a_row:
            raise OrqaError(
                self._format_error(f"{self.row:,} {self.things} in a row are bad", self.row, self._last_bad)
            )

    def _check_share(self) -> None:
        if self.seen >= MIN_SEEN and 100 * self.wrong > self.per_cent * self.seen:
            problem = f"more than {self.per_cent:g} % of the {self.things} are bad"
            raise OrqaError(self._format_error(problem, self.wrong, self.named[:MAX_NAMED]))

    def _format_error(self, problem: str, count: int, named: list[BadSample]) -> str:
        """Return the error, with the first of so many by name; those of before a restart are counted."""
        lines = [f"{problem}; so far {self.summary()}:", *(f"  {bad}" for bad in named)]
        if count > len(named):
            lines.append(f"  and {count - len(named):,} more")
        return "\n".join([*lines, self.advice])
