"""Which questions are put at which timepoint, and in which order: pure functions of seed, epoch and key.

So any number of workers, ranks or restarts gives the same epoch: position i is the same sample for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from attrs import define, field, frozen

from orqa_registry import Asked, CallError, OrqaError, Question, Registry, Task, Timepoint, ask
from orqa_registry.draws import seeded
from orqa_shards.read import Split


@frozen
class Draw:
    """How questions are drawn: one of each task at a timepoint.

    seed: everything hangs on it. questions: at most so many a timepoint, None for one of each task.
    paraphrase: the chance, 0 to 1, that a wording other than the canonical one is used.
    compat: ask as the original does, for comparing with published checkpoints.
    """

    seed: int = 0
    questions: int | None = None
    paraphrase: float = 0.0
    compat: bool = False


@frozen
class Sample:
    """A timepoint and the questions put at it."""

    timepoint: Timepoint
    asked: tuple[Asked, ...]


def draw(split: Split, point: Timepoint, tasks: Sequence[Task], how: Draw, epoch: int) -> list[Asked]:
    """Return the questions put at a timepoint in an epoch: one of each task, rare ones rarely (protocol R8).

    What is drawn for a task depends on (seed, epoch, key, task) alone, never on the other tasks.
    """
    drawn: list[Asked] = []
    views = set(point.views)
    for task, every in ask(point, split.timeline(point), tasks, how.seed, epoch, compat=how.compat):
        # A question about a view of which the picture is missing has nothing to look at; without any, words remain.
        questions = [one for one in every if one.view is None or one.view in views or not views]
        rng = seeded(how.seed, epoch, point.key, task.name)
        if questions:
            question = rng.choice(questions)
            if rng.random() < question.weight:
                drawn.append(Asked(point, question, _wording(task, question, rng, how), rng.choice(question.answers)))
    if how.questions is not None and len(drawn) > how.questions:
        rank = {one.question.task: seeded(how.seed, epoch, point.key, one.question.task, "k").random() for one in drawn}
        chosen = set(sorted(rank, key=rank.__getitem__)[: how.questions])
        drawn = [one for one in drawn if one.question.task in chosen]
    return drawn


def _wording(task: Task, question: Question, rng: Any, how: Draw) -> str:
    try:
        wordings = task.wordings(question)
    except (IndexError, KeyError) as error:
        raise OrqaError(
            f"task {task.name}: a paraphrase asks for an argument that a question lacks: {error}"
        ) from error
    if len(wordings) > 1 and rng.random() < how.paraphrase:
        return str(rng.choice(wordings[1:]))
    return wordings[0]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, length: int) -> tuple[int, ...]:
    places = list(range(length))
    seeded(seed, epoch, "order").shuffle(places)
    return tuple(places)


@define
class Stream:
    """A sequence of samples, several epochs long: `stream[i]` is sample i of the run. Tasks as of `askable`.

    A sequence rather than an iterator, so that loaders may split it over workers and ranks, and skip to any place.
    A timepoint at which nothing can be asked gives way to the next one in order.
    """

    split: Split
    tasks: Sequence[Task]
    how: Draw = field(factory=Draw)
    epochs: int = 1

    def __len__(self) -> int:
        return len(self.split) * self.epochs

    def __getitem__(self, place: int) -> Sample:
        """Return sample `place`. Raises IndexError beyond the end and OrqaError for damaged shards."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        epoch, within = divmod(place, len(self.split))
        order = _order(self.how.seed, epoch, len(self.split))
        for step in range(len(order)):
            point = self.split.timepoints[order[(within + step) % len(order)]]
            drawn = draw(self.split, point, self.tasks, self.how, epoch)
            if drawn:
                return Sample(point, tuple(drawn))
        raise CallError(f"nothing can be asked in split {self.split.name}: no task fits what is annotated there")


def askable(registry: Registry, split: Split, wanted: Sequence[str] = ()) -> list[Task]:
    """Return the tasks that can be asked of a split, by name; of `wanted` alone where given.

    Raises CallError where a wanted task is unknown, or where none can be asked.
    """
    tasks = [registry.task(name) for name in wanted] if wanted else [task for _, task in sorted(registry.tasks.items())]
    there = set(split.entry.facets)
    fitting = [task for task in tasks if task.needs <= there]
    if not fitting:
        raise CallError(
            f"split {split.name} can be asked none of {', '.join(task.name for task in tasks) or 'no task'}: "
            f"its labels are {', '.join(sorted(there)) or 'none'}"
        )
    return fitting
