"""Putting the questions of tasks to a timepoint; what a stranger's task does wrong is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orqa_registry.draws import seeded
from orqa_registry.errors import OrqaError, say
from orqa_registry.plugin import Task
from orqa_registry.records import Moment, Question, Timepoint
from orqa_registry.timeline import Timeline


def ask(
    timepoint: Timepoint, timeline: Timeline, tasks: Iterable[Task], *seed: object
) -> Iterator[tuple[Task, list[Question]]]:
    """Yield for each task all questions that it asks at a timepoint; a task whose facets are absent is left out.

    Raises OrqaError that names task and timepoint where a task fails, or asks what is not a question of its own.
    """
    for task in tasks:
        if all(facet in timepoint.labels for facet in task.needs):
            moment = Moment(timepoint, timeline, seeded(*seed, timepoint.key, task.name, "ask"))
            try:
                questions = list(task.ask(moment))
                if strange := [one for one in questions if not isinstance(one, Question) or one.task != task.name]:
                    raise OrqaError(f"it yielded {strange[0]!r}, which is no question of its own; use self.pose")
            except Exception as error:
                raise OrqaError(f"task {task.name} failed at {timepoint.key}: {say(error)}") from error
            yield task, questions
