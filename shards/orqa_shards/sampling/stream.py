"""Which questions are put at which timepoint, and in which order: pure functions of mixture and position.

So any number of workers, ranks or restarts gives the same epoch: position i is the same sample for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from orqa_registry import AskedQuestion, CallError, OrqaError, Question, Registry, Task, Timepoint, ask
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_registry.rng import choose, uniform_draws
from orqa_shards.read.dataset import Split, TimepointMedia
from orqa_shards.sampling.blend import Blend
from orqa_shards.sampling.mixture import NO_TASK_LEFT, OTHER_TASKS, Mixture
from orqa_shards.sampling.resumable import ResumableDataset


@frozen
class Sample:
    """A timepoint and the questions put at it; none where nothing that is there can be asked about."""

    timepoint: Timepoint
    asked: tuple[AskedQuestion, ...]


def draw_questions(
    split: Split, point: Timepoint, tasks: Sequence[Task], mixture: Mixture, epoch: int
) -> list[AskedQuestion]:
    """Return the questions put at a timepoint in an epoch: one of each task, rare ones rarely (protocol R8).

    What is drawn for a task depends on (seed, epoch, key, task) alone, never on the other tasks.
    """
    key, views = point.key, set(point.views)
    tasks_by_name = {task.name: task for task in tasks}
    randoms = {name: uniform_draws(mixture.seed, epoch, key, name) for name in tasks_by_name}
    ranked = (
        tasks_by_name[name] for name in mixture.task_order({name: numbers[-1] for name, numbers in randoms.items()})
    )
    drawn: dict[str, AskedQuestion] = {}
    for task, candidates in ask(point, split.timeline(point), ranked, mixture.seed, epoch, compat=mixture.compat):
        questions = visible_questions(candidates, views)
        if questions:
            numbers = randoms[task.name]
            question = choose(questions, numbers[0])
            if numbers[1] < question.weight:
                drawn[task.name] = _phrase(point, task, question, numbers[2:], mixture)
                if len(drawn) == mixture.questions:
                    break
    return [drawn[name] for name in tasks_by_name if name in drawn]


def visible_questions(questions: Sequence[Question], views: Collection[str]) -> list[Question]:
    """Return the questions that can be put where these views are there."""
    # A question about a view of which the picture is missing has nothing to look at; without any, words remain.
    return [question for question in questions if question.view is None or question.view in views or not views]


def _phrase(
    point: Timepoint, task: Task, question: Question, numbers: Sequence[float], mixture: Mixture
) -> AskedQuestion:
    answer = choose(question.answers, numbers[0])
    try:
        text = question.text
        if numbers[1] < mixture.paraphrase:
            text = choose(task.wordings(question)[1:] or [text], numbers[2])
        if numbers[3] < mixture.sentences:
            answer = choose(task.answer_sentences(question, answer) or [answer], numbers[4])
    except (IndexError, KeyError) as error:
        raise OrqaError(
            f"task {task.name}: a paraphrase or sentence asks for an argument that a question lacks: {error}"
        ) from error
    return AskedQuestion(point, question, text, answer)


@define(slots=False, repr=False)
class Stream(ResumableDataset[Sample]):
    """A run of samples: `stream[i]` is sample i, a pure function of all that `about` names.

    Without weights of datasets every timepoint comes exactly once an epoch. `shuffle=False`: in the order of takes.
    Tasks as of `askable_tasks`. With no tasks, timepoints alone. Raises CallError where the mixture names what is not
    there, or leaves none of the tasks to ask.
    """

    split: Split
    tasks: Sequence[Task]
    mixture: Mixture = field(factory=Mixture)
    epochs: int = 1
    shuffle: bool = True

    def __attrs_post_init__(self) -> None:
        self.mixture.check((task.name for task in self.tasks), self.split.entry.media)
        weighed = [task for task in self.tasks if self.mixture.weight(task.name)]
        if self.tasks and not weighed:
            raise CallError(NO_TASK_LEFT)
        self.tasks = weighed

    def __repr__(self) -> str:
        """Return in short what it is a run of."""
        return f"<{super().__repr__()[1:-1]} of split {self.split.name}, {len(self.tasks)} tasks>"

    @classmethod
    def of(
        cls, registry: Registry, split: Split, mixture: Mixture | None = None, epochs: int = 1, *, shuffle: bool = True
    ) -> Stream:
        """Return the stream of a split with all tasks that can be asked of it and have a weight in the mixture.

        Raises CallError where the mixture names a task that is not installed, or gives weight to one that cannot be
        asked; any task may have weight 0.
        """
        mixture = mixture or Mixture()
        named = [name for name, _ in mixture.tasks if name != OTHER_TASKS]
        for task in map(registry.task, named):
            if mixture.weight(task.name):
                askable_tasks(registry, split, [task.name])
        weighed = [name for name in named if mixture.weight(name)]
        return cls(
            split,
            askable_tasks(registry, split, () if mixture.weight(OTHER_TASKS) else weighed),
            mixture,
            epochs,
            shuffle,
        )

    @ForkSafeProperty
    def blend(self) -> Blend:
        """What is at each position."""
        counts = [shard.timepoints for shard in self.split.entry.shards]
        return Blend.of(self.mixture, self.split.shard_datasets, counts, self.shuffle)

    @property
    def length(self) -> int:
        """Samples of an epoch: as many as there are timepoints, or what the mixture says."""
        return len(self.blend)

    @property
    def about(self) -> dict[str, Any]:
        """Mixture, data, tasks in the order in which they are asked, and whether they are shuffled."""
        return {
            "mixture": self.mixture.digest,
            "data": self.split.entry.digest,
            "tasks": [task.name for task in self.tasks],
            "shuffle": self.shuffle,
        }

    def sample(self, place: int) -> Sample:
        """Return a sample, 0 to len - 1. Raises OrqaError for damaged shards."""
        slot = self.blend.place(place)
        point = self.split[slot.sample]
        if self.mixture.drop:
            point = _without_media(point, self.mixture.dropped_media(point.media, slot.epoch, point.key))
        return Sample(point, tuple(draw_questions(self.split, point, self.tasks, self.mixture, slot.epoch)))

    def key(self, sample: Sample) -> str:
        """Return the key of its timepoint."""
        return sample.timepoint.key


def _without_media(point: Timepoint, dropped: set[str]) -> Timepoint:
    media = point.media
    if isinstance(media, TimepointMedia):
        return evolve(point, media=evolve(media, names=tuple(name for name in media.names if name not in dropped)))
    return evolve(point, media={name: medium for name, medium in media.items() if name not in dropped})


def askable_tasks(registry: Registry, split: Split, wanted: Sequence[str] = ()) -> list[Task]:
    """Return the tasks that can be asked of a split, by name; of `wanted` alone where given.

    Raises CallError where a wanted task is unknown, or where none can be asked.
    """
    tasks = [registry.task(name) for name in wanted] if wanted else [task for _, task in sorted(registry.tasks.items())]
    facets = set(split.entry.facets)
    fitting = [task for task in tasks if task.needs <= facets]
    if not fitting:
        raise CallError(
            f"split {split.name} can be asked none of {', '.join(task.name for task in tasks) or 'no task'}: "
            f"its labels are {', '.join(sorted(facets)) or 'none'}"
        )
    return fitting
