"""Which questions are put at which timepoint, and in which order: pure functions of mixture and position.

So any number of workers, ranks or restarts gives the same epoch: position i is the same sample for everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from orqa_registry import Asked, CallError, OrqaError, Question, Registry, Task, Timepoint, ask
from orqa_registry.draws import lucks, pick
from orqa_registry.once import Once
from orqa_shards.blend import Blend
from orqa_shards.mixture import NO_TASK, OTHERS, Mixture
from orqa_shards.read import Split, TarMedia
from orqa_shards.run import Run


@frozen
class Sample:
    """A timepoint and the questions put at it; none where nothing that is there can be asked about."""

    timepoint: Timepoint
    asked: tuple[Asked, ...]


def draw(split: Split, point: Timepoint, tasks: Sequence[Task], mixture: Mixture, epoch: int) -> list[Asked]:
    """Return the questions put at a timepoint in an epoch: one of each task, rare ones rarely (protocol R8).

    What is drawn for a task depends on (seed, epoch, key, task) alone, never on the other tasks.
    """
    key, views = point.key, set(point.views)
    named = {task.name: task for task in tasks}
    luck = {name: lucks(mixture.seed, epoch, key, name) for name in named}
    ranked = (named[name] for name in mixture.ranked({name: own[-1] for name, own in luck.items()}))
    drawn: dict[str, Asked] = {}
    for task, every in ask(point, split.timeline(point), ranked, mixture.seed, epoch, compat=mixture.compat):
        questions = visible(every, views)
        if questions:
            own = luck[task.name]
            question = pick(questions, own[0])
            if own[1] < question.weight:
                drawn[task.name] = _asked(point, task, question, own[2:], mixture)
                if len(drawn) == mixture.questions:
                    break
    return [drawn[name] for name in named if name in drawn]


def visible(questions: Sequence[Question], views: Collection[str]) -> list[Question]:
    """Return the questions that can be put where these views are there."""
    # A question about a view of which the picture is missing has nothing to look at; without any, words remain.
    return [one for one in questions if one.view is None or one.view in views or not views]


def _asked(point: Timepoint, task: Task, question: Question, luck: Sequence[float], mixture: Mixture) -> Asked:
    answer = pick(question.answers, luck[0])
    try:
        text = question.text
        if luck[1] < mixture.paraphrase:
            text = pick(task.wordings(question)[1:] or [text], luck[2])
        if luck[3] < mixture.sentences:
            answer = pick(task.say(question, answer) or [answer], luck[4])
    except (IndexError, KeyError) as error:
        raise OrqaError(
            f"task {task.name}: a paraphrase or sentence asks for an argument that a question lacks: {error}"
        ) from error
    return Asked(point, question, text, answer)


@define(slots=False, repr=False)
class Stream(Run[Sample]):
    """A run of samples: `stream[i]` is sample i, a pure function of all that `about` names. Tasks as of `askable`.

    Without weights of datasets every timepoint comes exactly once an epoch. `shuffle=False`: in the order of takes.
    With no tasks, timepoints alone. Raises CallError where the mixture names what is not there, or leaves none of the
    tasks to ask.
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
            raise CallError(NO_TASK)
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
        named = [name for name, _ in mixture.tasks if name != OTHERS]
        for task in map(registry.task, named):
            if mixture.weight(task.name):
                askable(registry, split, [task.name])
        weighed = [name for name in named if mixture.weight(name)]
        return cls(split, askable(registry, split, () if mixture.weight(OTHERS) else weighed), mixture, epochs, shuffle)

    @Once
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
            point = _without(point, self.mixture.dropped(point.media, slot.epoch, point.key))
        return Sample(point, tuple(draw(self.split, point, self.tasks, self.mixture, slot.epoch)))

    def key(self, sample: Sample) -> str:
        """Return the key of its timepoint."""
        return sample.timepoint.key


def _without(point: Timepoint, dropped: set[str]) -> Timepoint:
    media = point.media
    if isinstance(media, TarMedia):
        return evolve(point, media=evolve(media, names=tuple(name for name in media.names if name not in dropped)))
    return evolve(point, media={name: one for name, one in media.items() if name not in dropped})


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
