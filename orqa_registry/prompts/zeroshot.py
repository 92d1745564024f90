"""The prompt of generalist models, never trained on the benchmark: made of the tasks themselves (protocol 12).

    prompt = build_prompt(asked, task, zero_shot_policy(registry.fitting_tasks(dataset), [dataset]))

It tells the names that answers are made of, then every question and its strict form: what is installed is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle

from attrs import evolve, frozen

from orqa_registry.data.dataset import Dataset
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES, TOOLS, display
from orqa_registry.prompts.policy import GRAPH_TAG, PromptPolicy, find_policy
from orqa_registry.questions.task import Task

OPENING = (
    "You see an operating room during surgery, in one or more images of one moment. "
    "You are asked one question about it, one of the kinds below."
)
CLOSING = (
    "Besides the images there may be further help before the question, between marks such as <speech_transcript_start> "
    "and <speech_transcript_end>: what happened until now, what was said, what the tracker and the robot report. Use "
    "all of it. A program reads your answer: write the answer alone, exactly in the form given for its question, with "
    "no word before or after it."
)


@frozen
class NameList:
    """Names that answers are made of. facets: a task that needs one of them is about these names.

    provides: a facet of the datasets that use them; others have names of their own.
    """

    title: str
    names: Sequence[str]
    facets: frozenset[str]
    provides: str

    def is_relevant(self, tasks: Iterable[Task], datasets: Sequence[Dataset]) -> bool:
        """Tell whether tasks ask for these names, and datasets, where any are given, use them."""
        used = not datasets or any(self.provides in dataset.provides for dataset in datasets)
        return used and any(self.facets & task.needs for task in tasks)


NAME_LISTS = (
    NameList(
        "People and things",
        tuple(map(display, ENTITIES)),
        frozenset({"relations", "roles", "entities", "boxes", "positions"}),
        "relations",
    ),
    NameList("Relations", PREDICATES, frozenset({"relations"}), "relations"),
    NameList("Tools", TOOLS, frozenset({"tools", "gaze"}), "tools"),
)

EXAMPLE_NAMES: Mapping[str, tuple[str, str]] = {
    "roles": ("head surgeon", "nurse"),
    "tools": ("drill", "suction cannula"),
    "entities": ("patient", "operating table"),
    "boxes": ("patient", "operating table"),
}
"""Facet -> two names, for examples of lists."""
EXAMPLE_WORDS: Mapping[str, str] = {"predicate": "holding", "action": "drilling", "tool": "scalpel"}
"""What a form may ask for -> an example of it."""
EXAMPLE_NUMBERS = (120, 340, 250, 610)
"""What coordinates are in examples."""

_FIELD_NAMES = re.compile(r"(\w+(?:, \w+)+): \w+ integers\b")


def example_answer(task: Task) -> str:
    """Return an answer in the form of a task, or nothing where its form does not say enough to make one up.

    A task with an attribute `example` says it itself.
    """
    answer_format = task.answer_format
    if own_example := getattr(task, "example", ""):
        return str(own_example)
    if task.choices:
        return task.choices[0]
    if match := _FIELD_NAMES.match(answer_format):
        return ", ".join(str(number) for number, _ in zip(cycle(EXAMPLE_NUMBERS), match[1].split(", "), strict=False))
    if answer_format.startswith(GRAPH_TAG):
        return f"{GRAPH_TAG} head surgeon,patient,drilling; nurse,saw,holding </SG>"
    if "<integer>" in answer_format:
        return answer_format.replace("<integer>", "40")
    if re.search(r"\binteger\b", answer_format):
        return "4"
    if "separated by commas" in answer_format:
        return next((", ".join(names) for facet, names in EXAMPLE_NAMES.items() if facet in task.needs), "")
    return next((name for word, name in EXAMPLE_WORDS.items() if re.search(rf"\b{word}\b", answer_format)), "")


def answer_form(task: Task) -> str:
    """Return how an answer is to be written: one of the choices, or the answer format with an example."""
    if task.choices:
        return "exactly one of: " + " | ".join(task.choices)
    sample = example_answer(task)
    empty_answers = " or ".join(_list_empty_answers(task))
    text = task.answer_format
    if sample and sample != text:
        text += f"; for example: {sample}"
    return f"{text}; where there is none: {empty_answers}" if empty_answers else text


def _list_empty_answers(task: Task) -> Iterator[str]:
    """Yield the answers that a task has sentences of their own for, counts aside: `nothing`, `no one`."""
    if isinstance(task.sentences, Mapping) and "*" in task.sentences:
        yield from (answer for answer in task.sentences if answer != "*" and not answer.isdecimal())


def zero_shot_preamble(tasks: Iterable[Task], datasets: Sequence[Dataset] = ()) -> str:
    """Return what a generalist model is told before a question: names, tasks with their forms, manners.

    datasets: whose names to tell; those of all where none is given.
    """
    tasks = sorted(tasks, key=lambda task: task.name)
    parts = [OPENING]
    parts += (
        f"{vocabulary.title}: {', '.join(vocabulary.names)}."
        for vocabulary in NAME_LISTS
        if vocabulary.is_relevant(tasks, datasets)
    )
    parts.append("Questions, and the form of an answer to each; words in [brackets] stand for what is asked about:")
    parts += (f"{number}. {_asked(task)}\nAnswer: {answer_form(task)}" for number, task in enumerate(tasks, 1))
    return "\n\n".join([*parts, CLOSING])


def _asked(task: Task) -> str:
    return re.sub(r"\{(\w+)\}", r"[\1]", task.question)


def zero_shot_policy(tasks: Iterable[Task], datasets: Sequence[Dataset] = (), base: str = "eval") -> PromptPolicy:
    """Return the prompt policy of generalist models: that of evaluation, or another by name, after the preamble."""
    return evolve(find_policy(base), preamble=zero_shot_preamble(tasks, datasets))
