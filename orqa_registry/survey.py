"""What of a dataset is on disk: takes, timepoints, pieces, known numbers, and what a lack costs. Opens no image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from orqa_registry.cards import Check, Piece
from orqa_registry.errors import OrqaError
from orqa_registry.plugin import Dataset, Task
from orqa_registry.records import Take, Timepoint


@define
class SplitCount:
    """What there is of one split. takes: those found; missing: official ones that were not; damaged: take -> why."""

    takes: list[str] = field(factory=list)
    timepoints: int = 0
    missing: list[str] = field(factory=list)
    damaged: dict[str, str] = field(factory=dict)


@frozen
class PieceCount:
    """How many timepoints have something of a piece, and which tasks cannot be asked anywhere for the lack of it.

    timepoints: None for a piece that gives no medium and no facet of its own; known numbers tell of it.
    """

    piece: Piece
    timepoints: int | None
    costs: tuple[str, ...]


@frozen
class Survey:
    """What `orqa-registry doctor` found. media, facets, tasks: name -> timepoints that have it, or can be asked it."""

    dataset: Dataset
    root: Path
    home: Path
    splits: dict[str, SplitCount]
    media: Counter[str]
    facets: Counter[str]
    tasks: Counter[str]
    pieces: list[PieceCount]
    checks: list[Check]

    @property
    def timepoints(self) -> int:
        """All timepoints of all splits."""
        return sum(one.timepoints for one in self.splits.values())

    @property
    def wrong(self) -> list[Check]:
        """The known numbers that were not found."""
        return [check for check in self.checks if not check.good]

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "dataset": self.dataset.name,
            "root": str(self.root),
            "home": str(self.home),
            "timepoints": self.timepoints,
            "splits": {
                name: {
                    "takes": one.takes,
                    "timepoints": one.timepoints,
                    "missing": one.missing,
                    "damaged": one.damaged,
                }
                for name, one in self.splits.items()
            },
            "pieces": [
                {
                    "name": one.piece.name,
                    "files": one.piece.files,
                    "timepoints": one.timepoints,
                    "costs": list(one.costs),
                    "access": one.piece.access or self.dataset.card.access,
                    "terms": one.piece.terms or self.dataset.card.licence,
                }
                for one in self.pieces
            ],
            "media": dict(sorted(self.media.items())),
            "facets": dict(sorted(self.facets.items())),
            "tasks": dict(sorted(self.tasks.items())),
            "checks": [
                {
                    "what": check.what,
                    "found": check.found,
                    "expected": check.expected,
                    "good": check.good,
                    "note": check.note,
                }
                for check in self.checks
            ],
        }


@define
class _Tally:
    tasks_fitting: list[Task]
    pieces: list[Piece]
    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)
    tasks: Counter[str] = field(factory=Counter)
    having: Counter[str] = field(factory=Counter)

    def add(self, point: Timepoint) -> None:
        facets = point.claimed
        self.media.update(point.media.keys())
        self.facets.update(facets)
        self.tasks.update(task.name for task in self.tasks_fitting if task.needs <= facets)
        self.having.update(piece.name for piece in self.pieces if _has(piece, point, facets))


def _has(piece: Piece, point: Timepoint, facets: frozenset[str]) -> bool:
    """Tell whether a timepoint has something of a piece: one of its media, or where it has none of its facets."""
    if piece.media:
        return any(piece.gives(medium) for medium in point.media)
    return not facets.isdisjoint(piece.facets)


def examine(dataset: Dataset, root: Path, tasks: list[Task], advance: Callable[[str, int, int], None]) -> Survey:
    """Return what of a dataset is below `root`. Raises OrqaError where nothing of it is."""
    home = dataset.home(root)
    tally = _Tally(tasks, list(dataset.pieces))
    splits: dict[str, SplitCount] = {}
    for split in dataset.splits:
        count = splits[split] = SplitCount()
        takes = list(dataset.takes(root, split))
        for done, take in enumerate(takes, 1):
            _count(take, count, tally)
            advance(split, done, len(takes))
        found = {take.name for take in takes}
        count.missing = [name for name in dataset.official.get(split, ()) if name not in found]
    lacking = {facet for facet in dataset.provides if not tally.facets[facet]}
    pieces = [PieceCount(one, _having(one, tally), _costs(one, lacking, tasks)) for one in dataset.pieces]
    checks = list(dataset.checks(root))
    return Survey(dataset, root, home, splits, tally.media, tally.facets, tally.tasks, pieces, checks)


def _having(piece: Piece, tally: _Tally) -> int | None:
    return tally.having[piece.name] if piece.media or piece.facets else None


def _count(take: Take, count: SplitCount, tally: _Tally) -> None:
    try:
        for point in take:
            tally.add(point)
            count.timepoints += 1
        count.takes.append(take.name)
    except OrqaError as error:
        count.damaged[take.name] = str(error)


def _costs(piece: Piece, lacking: set[str], tasks: list[Task]) -> tuple[str, ...]:
    """Return the tasks that a piece would make possible: its facets are nowhere, and they need one of them."""
    gone = lacking.intersection(piece.facets)
    return tuple(task.name for task in tasks if gone & set(task.needs))
