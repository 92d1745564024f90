"""What a split holds, counted in one pass over its labels: questions, answers, coverage, lengths, bytes.

Nothing but labels and indexes is read. What is counted:

- questions: everything that can be asked, each question of each task at each timepoint, as `orqa-registry ask` lists.
- drawn: how many of them an epoch is expected to put with the default mixture: one a task and timepoint, chosen among
  those that show something, and kept with the chance that is its weight (protocol R8).
- answers: how often each is the right one among those drawn; several right answers to a question share it alike.
- coverage: timepoints that have a medium, or are annotated with a facet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import fsum, log2
from statistics import median
from typing import Any

from attrs import define, field, frozen

from orqa_registry import Question, Task, Timepoint, ask
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_registry.readers.io import read_or_warn
from orqa_shards.read.dataset import Split
from orqa_shards.sampling.stream import visible_questions

MAX_ANSWERS = 100_000
"""Different answers of a task that are told apart, as many as come first; the others are counted together."""

LABELS_MEMBER = "json"
"""The member of a sample that holds its labels."""


@define
class QuestionCounts:
    """What a task asks of a dataset. timepoints: those at which it asks something."""

    timepoints: int = 0
    questions: int = 0
    drawn: float = 0.0

    def __add__(self, other: QuestionCounts) -> QuestionCounts:
        return QuestionCounts(
            self.timepoints + other.timepoints, self.questions + other.questions, self.drawn + other.drawn
        )


@define
class AnswerDistribution:
    """How often each answer of a task is expected to be drawn. others: those that are not told apart."""

    expected: dict[str, float] = field(factory=dict)
    others: float = 0.0

    def add(self, answer: str, chance: float) -> None:
        """Count an answer."""
        if answer in self.expected or len(self.expected) < MAX_ANSWERS:
            self.expected[answer] = self.expected.get(answer, 0.0) + chance
        else:
            self.others += chance

    @property
    def total(self) -> float:
        """All that is drawn."""
        return fsum(self.expected.values()) + self.others

    def top(self, many: int) -> list[tuple[str, float]]:
        """Return the most common answers with their shares, 0 to 1, the most common first."""
        total = self.total or 1.0
        ranked = sorted(self.expected.items(), key=lambda item: (-item[1], item[0]))
        return [(answer, expected / total) for answer, expected in ranked[:many]]

    @property
    def bits(self) -> float:
        """The entropy in bits: 0 where all answers are the same, 1 for a coin; at least, where not all are told."""
        total = self.total or 1.0
        shares = [expected / total for expected in (*self.expected.values(), self.others) if expected > 0]
        return max(0.0, -fsum(share * log2(share) for share in shares))


@frozen
class TakeStats:
    """A take. seconds: from its first to its last timepoint, None without a clock."""

    dataset: str
    name: str
    timepoints: int
    seconds: float | None


@define
class DatasetStats:
    """What there is of a dataset. media, facets: name -> timepoints that have it. bytes: member -> bytes in tars."""

    takes: list[TakeStats] = field(factory=list)
    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)
    bytes: Counter[str] = field(factory=Counter)

    @property
    def timepoints(self) -> int:
        """All timepoints of all takes."""
        return sum(take.timepoints for take in self.takes)

    @property
    def seconds(self) -> float | None:
        """How long all takes with a clock are together; None where none has one."""
        known = [take.seconds for take in self.takes if take.seconds is not None]
        return fsum(known) if known else None

    @property
    def lengths(self) -> tuple[int, float, int]:
        """Timepoints of the shortest, the median and the longest take."""
        counts = [take.timepoints for take in self.takes]
        return min(counts), median(counts), max(counts)


@define
class SplitStats:
    """What was counted of a split; `takes` of it are there, and `counted` of them were looked at.

    asked: (dataset, task) -> what it asks. answers: task -> how they are distributed.
    """

    split: str
    takes: int
    counted: int = 0
    datasets: dict[str, DatasetStats] = field(factory=lambda: defaultdict(DatasetStats))
    asked: dict[tuple[str, str], QuestionCounts] = field(factory=lambda: defaultdict(QuestionCounts))
    answers: dict[str, AnswerDistribution] = field(factory=lambda: defaultdict(AnswerDistribution))

    @property
    def timepoints(self) -> int:
        """Timepoints that were counted."""
        return sum(holding.timepoints for holding in self.datasets.values())

    @property
    def tasks(self) -> dict[str, QuestionCounts]:
        """Task -> what it asks of all datasets, by name."""
        totals: dict[str, QuestionCounts] = defaultdict(QuestionCounts)
        for (_, task), asked in sorted(self.asked.items()):
            totals[task] += asked
        return dict(sorted(totals.items()))

    def names(self, kind: str) -> list[str]:
        """Return all media, facets or bytes that some dataset has, by name."""
        return sorted({name for holding in self.datasets.values() for name in getattr(holding, kind)})

    def as_json(self, answers: int = 20) -> dict[str, Any]:
        """Return all of it for programs, with so many of the most common answers of each task."""
        return {
            "split": self.split,
            "takes": self.takes,
            "takes_counted": self.counted,
            "timepoints": self.timepoints,
            "datasets": {name: _holding_json(holding) for name, holding in self.datasets.items()},
            "questions": [
                {
                    "dataset": dataset,
                    "task": task,
                    "timepoints": asked.timepoints,
                    "questions": asked.questions,
                    "drawn": round(asked.drawn, 6),
                }
                for (dataset, task), asked in sorted(self.asked.items())
            ],
            "answers": {
                task: {
                    "different": len(distribution.expected),
                    "not_told_apart": distribution.others,
                    "bits": distribution.bits,
                    "top": [{"answer": answer, "share": share} for answer, share in distribution.top(answers)],
                }
                for task, distribution in sorted(self.answers.items())
            },
        }


def _holding_json(holding: DatasetStats) -> Mapping[str, Any]:
    return {
        "timepoints": holding.timepoints,
        "seconds": holding.seconds,
        "takes": [
            {"name": take.name, "timepoints": take.timepoints, "seconds": take.seconds} for take in holding.takes
        ],
        "media": dict(sorted(holding.media.items())),
        "facets": dict(sorted(holding.facets.items())),
        "bytes": dict(sorted(holding.bytes.items())),
    }


def count_split(
    split: Split, tasks: Sequence[Task], limit: int | None = None, advance: ProgressCallback = no_progress
) -> SplitStats:
    """Count a split; `limit` takes so many takes, spread evenly. Raises OrqaError for labels that are damaged.

    Where indexes cannot be read, that is warned of once, and bytes are not counted.
    """
    takes = split.entry.takes
    starts = list(accumulate((take.timepoints for take in takes), initial=0))
    take_count = min(limit or len(takes), len(takes))
    stats = SplitStats(split.name, len(takes))
    weighable = True
    for done in range(take_count):
        take_index = (2 * done + 1) * len(takes) // (2 * take_count)
        numbers = range(starts[take_index], starts[take_index + 1])
        points = split[numbers.start : numbers.stop]
        weighable = weighable and _weigh_samples(split, numbers, stats.datasets[takes[take_index].dataset])
        _count_take(split, points, takes[take_index].name, tasks, stats)
        advance(split.name, done + 1, take_count)
    stats.counted = take_count
    return stats


def _weigh_samples(split: Split, numbers: range, holding: DatasetStats) -> bool:
    """Count the bytes of samples, and return whether their indexes could be read."""
    for index in numbers:
        if (location := read_or_warn(split.locate, index)) is None:
            return False
        for member in location[2]:
            holding.bytes[member.name] += member.size
    return True


def _count_take(split: Split, points: Sequence[Timepoint], name: str, tasks: Sequence[Task], stats: SplitStats) -> None:
    if not points:
        return
    dataset = points[0].dataset
    holding = stats.datasets[dataset]
    seconds = [point.seconds for point in points if point.seconds is not None]
    holding.takes.append(TakeStats(dataset, name, len(points), seconds[-1] - seconds[0] if seconds else None))
    timeline = split.timeline(points[0])
    for point in points:
        holding.media.update(point.media.keys())
        holding.facets.update(point.available_facets)
        # The same seed as the first epoch of the default mixture.
        for task, questions in ask(point, timeline, tasks, 0, 0):
            if questions:
                _count_questions(questions, point, stats.asked[dataset, task.name], stats.answers[task.name])


def _count_questions(
    questions: Sequence[Question], point: Timepoint, asked: QuestionCounts, answers: AnswerDistribution
) -> None:
    asked.timepoints += 1
    asked.questions += len(questions)
    drawable = visible_questions(questions, point.views)
    for question in drawable:
        chance = question.weight / len(drawable)
        asked.drawn += chance
        for answer in question.answers:
            answers.add(answer, chance / len(question.answers))
