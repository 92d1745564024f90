"""Everything that can be asked of some takes, with the chance that one draw yields it (protocol.md 5 and 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attrs import define, field, frozen

from orqa_registry.data.records import Take, Timepoint
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import OrqaError, describe_error
from orqa_registry.questions.ask import ask
from orqa_registry.questions.question import Question
from orqa_registry.questions.task import Task

CellKey = tuple[str, str]
"""Dataset and task."""


@frozen
class Candidate:
    """Something that can be asked. chance: that one draw of its task at its timepoint yields it, 0 to 1.

    sampling_class: what answers have in common that count as one, of `Task.sampling_class`.
    """

    timepoint: Timepoint
    question: Question
    answer: str
    chance: float
    sampling_class: str


@define
class QuestionPool:
    """Everything that can be asked, by dataset and task."""

    cells: dict[CellKey, list[Candidate]] = field(factory=dict)
    tasks: dict[str, Task] = field(factory=dict)
    _questions: dict[tuple[object, ...], Question] = field(factory=dict, init=False, repr=False)
    """The same questions are asked at many timepoints: each is kept once."""

    def __len__(self) -> int:
        return sum(map(len, self.cells.values()))

    def read(self, take: Take, tasks: Sequence[Task], *, compat: bool = False) -> int:
        """Add all that can be asked in a take, and return how many timepoints it has. Raises OrqaError, as `ask`."""
        points = list(take)  # once: labels that take opening a file are opened once
        timeline = Timeline((point.index, point.seconds, point.labels) for point in points)
        for point in points:
            for task, questions in ask(point, timeline, tasks, "pool", compat=compat):
                self.add(point, task, questions)
        return len(points)

    def add(self, timepoint: Timepoint, task: Task, questions: Sequence[Question]) -> None:
        """Add what a task asks at a timepoint.

        A draw takes one view where the questions are about views, then one question, then one right answer of it, and
        keeps it with the chance that is its weight. Raises OrqaError where the task cannot say what answers are alike.
        """
        if not questions:
            return
        self.tasks[task.name] = task
        cell = self.cells.setdefault((timepoint.dataset, task.name), [])
        view_counts = Counter(question.view for question in questions)
        chances: dict[tuple[str | None, str, str], tuple[Question, float]] = {}
        for posed in questions:
            question = self._questions.setdefault((*posed[:3], *posed.arguments.values(), *posed[4:]), posed)
            chance = question.weight / len(view_counts) / view_counts[question.view] / len(question.answers)
            text = question.text
            for answer in question.answers:
                key = (question.view, text, answer)
                chances[key] = (question, chances[key][1] + chance if key in chances else chance)
        for (_, _, answer), (question, chance) in chances.items():
            if chance > 0:
                cell.append(Candidate(timepoint, question, answer, chance, _group_answer(task, timepoint, answer)))


def _group_answer(task: Task, timepoint: Timepoint, answer: str) -> str:
    try:
        return task.sampling_class(answer)
    except Exception as error:
        raise OrqaError(
            f"task {task.name} failed at {timepoint.key}: alike({answer!r}): {describe_error(error)}"
        ) from error
