"""What of a dataset is on disk: takes, timepoints, pieces, known numbers, and what a lack costs.

Folders are listed and label files read. Of each take the labels of a few timepoints are opened, masks among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from orqa_registry.data.card import Check, Piece
from orqa_registry.data.dataset import Dataset
from orqa_registry.data.records import Take, Timepoint
from orqa_registry.doctor.spot_check import READ_ERRORS, collecting_warnings, join_reasons, unreadable_labels
from orqa_registry.errors import CallError, describe_error
from orqa_registry.progress import ProgressCallback
from orqa_registry.questions.task import Task

WHOLE_SPLIT = "*"
"""The name under which a split says what concerns all its takes."""


@define
class SplitCount:
    """What there is of one split.

    takes: those read to their end; missing: official ones that were not found; damaged: take -> why, of takes that end
    early and of those with labels that cannot be read; WHOLE_SPLIT -> what is wrong with what says which takes there
    are.
    """

    takes: list[str] = field(factory=list)
    timepoints: int = 0
    missing: list[str] = field(factory=list)
    damaged: dict[str, str] = field(factory=dict)


@frozen
class PieceCount:
    """How many timepoints have something of a piece, and which tasks cannot be asked anywhere for the lack of it.

    timepoints: None where they cannot be counted: the piece gives no medium and no facet of its own, or no take could
    be read. there: whether a file of it is, for a piece that cannot be counted and has a `glob`; else None.
    lacking_in: the takes that have none of it, where others have.
    """

    piece: Piece
    timepoints: int | None
    costs: tuple[str, ...]
    there: bool | None = None
    lacking_in: tuple[str, ...] = ()

    @property
    def absent(self) -> bool:
        """Whether it is known that nothing of it is there."""
        return self.timepoints == 0 or self.there is False


@frozen
class Survey:
    """What `orqa-registry doctor` found.

    media, facets, tasks: name -> timepoints that have it, or are annotated for it. unchecked: why known numbers were
    not counted to their end, empty where they were.
    """

    dataset: Dataset
    root: Path
    home: Path
    splits: dict[str, SplitCount]
    media: Counter[str]
    facets: Counter[str]
    tasks: Counter[str]
    pieces: list[PieceCount]
    checks: list[Check]
    unchecked: str = ""

    @property
    def timepoints(self) -> int:
        """All timepoints of all splits."""
        return sum(split.timepoints for split in self.splits.values())

    @property
    def wrong(self) -> list[Check]:
        """The known numbers that were not found."""
        return [check for check in self.checks if not check.good]

    @property
    def uneven(self) -> dict[str, int]:
        """Media that not all timepoints have -> how many do; 0 only where another medium of their piece is there."""
        related = {
            medium
            for piece in self.dataset.pieces
            if any(map(piece.gives, self.media))
            for medium in _list_media(piece, self)
        }
        counts = {medium: self.media[medium] for medium in self.dataset.media}
        return {
            medium: count
            for medium, count in counts.items()
            if count < self.timepoints and (count or medium in related)
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        return {
            "dataset": self.dataset.name,
            "root": str(self.root),
            "home": str(self.home),
            "timepoints": self.timepoints,
            "splits": {
                name: {
                    "takes": split.takes,
                    "timepoints": split.timepoints,
                    "missing": split.missing,
                    "damaged": split.damaged,
                }
                for name, split in self.splits.items()
            },
            "pieces": [
                {
                    "name": count.piece.name,
                    "files": count.piece.files,
                    "timepoints": count.timepoints,
                    "there": count.there,
                    "lacking_in": list(count.lacking_in),
                    "costs": list(count.costs),
                    "access": count.piece.access or self.dataset.card.access,
                    "terms": count.piece.terms or self.dataset.card.licence,
                }
                for count in self.pieces
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
            "unchecked": self.unchecked,
        }


def _list_media(piece: Piece, survey: Survey) -> Iterable[str]:
    return filter(piece.gives, survey.dataset.media)


@define
class _Tally:
    """Counts over all takes. own: piece -> the facets that tell of it. seen: (split, take) -> pieces that it has."""

    tasks_fitting: list[Task]
    pieces: list[Piece]
    own: dict[str, frozenset[str]]
    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)
    tasks: Counter[str] = field(factory=Counter)
    having: Counter[str] = field(factory=Counter)
    seen: dict[tuple[str, str], set[str]] = field(factory=dict)

    def add(self, point: Timepoint, take: Take) -> None:
        facets = point.available_facets
        names = {piece.name for piece in self.pieces if self._has(piece, point, facets)}
        self.media.update(point.media.keys())
        self.facets.update(facets)
        self.tasks.update(task.name for task in self.tasks_fitting if task.needs <= facets)
        self.having.update(names)
        self.seen.setdefault((take.split, take.name), set()).update(names)

    def _has(self, piece: Piece, point: Timepoint, facets: frozenset[str]) -> bool:
        """Tell whether a timepoint has something of a piece: one of its media, or where it has none of its facets."""
        if piece.media:
            return any(piece.gives(medium) for medium in point.media)
        return not facets.isdisjoint(self.own[piece.name])

    def countable(self, piece: Piece) -> bool:
        """Tell whether timepoints show that a piece is there."""
        return bool(piece.media or self.own[piece.name])


def _find_exclusive_facets(piece: Piece, pieces: Iterable[Piece]) -> frozenset[str]:
    """Return the facets of a piece that no other gives: one that is shared does not say which of them is there."""
    return frozenset(piece.facets).difference(*(other.facets for other in pieces if other is not piece))


def survey_dataset(dataset: Dataset, root: Path, tasks: list[Task], advance: ProgressCallback) -> Survey:
    """Return what of a dataset is below `root`; what is damaged is part of it. Raises OrqaError where nothing of it is.

    Raises CallError where the dataset says that the call was wrong.
    """
    home = dataset.home(root)
    tally = _Tally(
        tasks,
        list(dataset.pieces),
        {piece.name: _find_exclusive_facets(piece, dataset.pieces) for piece in dataset.pieces},
    )
    splits: dict[str, SplitCount] = {}
    for split in dataset.splits:
        count = splits[split] = SplitCount()
        takes, complete = _list_takes(dataset, root, split, count)
        for done, take in enumerate(takes, 1):
            _count_take(take, count, tally)
            advance(split, done, len(takes))
        if complete:  # else they may be there
            names = {take.name for take in takes}
            count.missing = [name for name in dataset.official.get(split, ()) if name not in names]
    lacking = {facet for facet in dataset.provides if not tally.facets[facet]}
    total, undamaged = (
        sum(split_count.timepoints for split_count in splits.values()),
        not any(split_count.damaged for split_count in splits.values()),
    )
    pieces = [
        _count_piece(piece, home, tally, total, undamaged, _list_costs(piece, lacking, tasks))
        for piece in dataset.pieces
    ]
    checks, unchecked = _run_checks(dataset, root)
    return Survey(dataset, root, home, splits, tally.media, tally.facets, tally.tasks, pieces, checks, unchecked)


def _list_takes(dataset: Dataset, root: Path, split: str, count: SplitCount) -> tuple[list[Take], bool]:
    """Return the takes of a split, and whether these are all."""
    takes: list[Take] = []
    failure = ""
    with collecting_warnings() as messages:
        try:
            takes.extend(dataset.takes(root, split))  # those before a fault stay
        except CallError:
            raise
        except READ_ERRORS as error:
            failure = describe_error(error)
    if failure or messages:
        count.damaged[WHOLE_SPLIT] = join_reasons((failure, *messages))
    return takes, not failure


def _count_take(take: Take, count: SplitCount, tally: _Tally) -> None:
    points: list[Timepoint] = []
    failure = ""
    with collecting_warnings() as messages:
        try:
            for point in take:
                tally.add(point, take)
                points.append(point)
            count.takes.append(take.name)
        except CallError:
            raise
        except READ_ERRORS as error:
            failure = describe_error(error)
    count.timepoints += len(points)
    late = unreadable_labels(points)
    if failure or messages or late:
        count.damaged[take.name] = join_reasons((failure, late, *messages))


def _run_checks(dataset: Dataset, root: Path) -> tuple[list[Check], str]:
    checks: list[Check] = []
    try:
        checks.extend(dataset.checks(root))  # those before a fault stay
    except CallError:
        raise
    except READ_ERRORS as error:
        return checks, describe_error(error)
    return checks, ""


def _count_piece(
    piece: Piece, home: Path, tally: _Tally, total: int, undamaged: bool, costs: tuple[str, ...]
) -> PieceCount:
    """Return what is known of a piece. Where no take could be read for damage, its files are looked for instead."""
    if tally.countable(piece) and (total or undamaged):
        count = tally.having[piece.name]
        without = [take for (_, take), names in tally.seen.items() if piece.name not in names]
        complete = count == total and total > 0
        return PieceCount(piece, count, () if complete else costs, None, tuple(without) if count else ())
    present = any(path.is_file() for path in home.glob(piece.glob)) if piece.glob else None
    return PieceCount(piece, None, () if present else costs, present)


def _list_costs(piece: Piece, lacking: set[str], tasks: list[Task]) -> tuple[str, ...]:
    """Return the tasks that a piece would make possible: its facets are nowhere, and they need one of them."""
    lost = lacking.intersection(piece.facets)
    return tuple(task.name for task in tasks if lost & set(task.needs))
