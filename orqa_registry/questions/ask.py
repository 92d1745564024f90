"""Putting the questions of tasks to a timepoint; what a stranger's task does wrong is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orqa_registry.data.records import Timepoint
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import CallError, DataWarning, MissingLibraryError, OrqaError, describe_error
from orqa_registry.questions.question import Moment, Question
from orqa_registry.questions.task import Task


def ask(
    timepoint: Timepoint, timeline: Timeline, tasks: Iterable[Task], *seed: object, compat: bool = False
) -> Iterator[tuple[Task, list[Question]]]:
    """Yield for each task all questions that it asks at a timepoint; a task whose facets are absent is left out.

    compat: as the original asks, defects and all (protocol 13). Raises OrqaError that names task and timepoint where a
    task fails, or asks what is not a question of its own.
    """
    present: dict[str, bool] = {}
    shared: dict[Callable[[Moment], Any], Any] = {}
    key = timepoint.key
    for task in tasks:
        for facet in task.needs:
            if facet not in present:
                present[facet] = timepoint.has(facet)
            if not present[facet]:
                break
        else:
            moment = Moment(timepoint, timeline, (*seed, key, task.name, "ask"), compat, shared)
            yield task, _ask_task(task, moment)


def _ask_task(task: Task, moment: Moment) -> list[Question]:
    try:
        questions, name = list(task.ask(moment)), task.name
        for question in questions:
            if not isinstance(question, Question) or question.task != name:
                raise OrqaError(f"it yielded {question!r}, which is no question of its own; use self.pose")
            if not question.answers:
                raise OrqaError(f"it yielded {question!r}, which has no right answer; ask nothing instead")
    except (CallError, DataWarning, MissingLibraryError):
        raise  # of a label that the task looked at, not of the task
    except Exception as error:
        raise OrqaError(f"task {task.name} failed at {moment.timepoint.key}: {describe_error(error)}") from error
    return questions
