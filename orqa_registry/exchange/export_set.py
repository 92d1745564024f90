"""A question set on its way to a file: what every format needs of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from orqa_registry.errors import CallError
from orqa_registry.exchange.image_files import ImageFiles
from orqa_registry.prompts.policy import CONCISE_SUFFIX
from orqa_registry.questions.question_set import QuestionSet, SampledQuestion
from orqa_registry.readers.io import atomic_write

TurnRenderer = Callable[[SampledQuestion], tuple[str, str]]
"""Makes what the user says and what the assistant answers, both without images."""


def plain_turn(one: SampledQuestion) -> tuple[str, str]:
    """Return question and answer, and nothing else."""
    return one.text, one.said


def turn_with_suffix(one: SampledQuestion) -> tuple[str, str]:
    """Return question and answer, and say in the question where the answer is to be bare: the set has sentences too."""
    return one.text + CONCISE_SUFFIX * one.concise, one.said


@frozen
class ExportSet:
    """A question set, the folder that it is written to, and the name that its files begin with.

    homes: dataset -> folder of its files, for names relative to it. render: how question and answer are worded in
    tools that want a conversation; else `plain_turn`. compat: one answer is right, as in the original (defect D8).
    """

    drawn: QuestionSet
    folder: Path
    name: str
    pictures: ImageFiles
    homes: Mapping[str, Path] = field(factory=dict)
    render: TurnRenderer | None = None
    compat: bool = False

    def turn(self, one: SampledQuestion) -> tuple[str, str]:
        """Return what is said to a model and what it is to answer, without images."""
        return (self.render or (turn_with_suffix if self.drawn.sentences else plain_turn))(one)

    def images(self, one: SampledQuestion) -> list[str]:
        """Return the images of a question: of the view that it is about, or all."""
        return self.pictures.of(one.timepoint, one.question.view)

    def truths(self, one: SampledQuestion) -> list[str]:
        """Return the right answers, the one that was drawn first."""
        return list(dict.fromkeys((one.answer, *(() if self.compat else one.question.answers))))

    def file(self, suffix: str) -> Path:
        """Return a file of this set to write, by its suffix. Raises CallError where it may be somebody else's.

        A set that was written before is replaced: beside it lies its manifest, which is written last.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / (self.name + suffix)
        if path.exists() and not self.manifest.exists():
            raise CallError(
                f"{path}: is there already, without the manifest of a finished set: choose another --out, or remove it"
            )
        return path

    @property
    def manifest(self) -> Path:
        """The file that says how the set was made."""
        return self.folder / f"{self.name}.manifest.json"


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line, in one step."""
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_list(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list, an object a line, in one step."""
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8") as out:
        out.write("[")
        for index, row in enumerate(rows):
            out.write((",\n" if index else "\n") + json.dumps(row, ensure_ascii=False))
        out.write("\n]\n")


def write_object(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object for people to read, in one step."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def question_line(one: SampledQuestion) -> dict[str, Any]:
    """Return a line as `orqa-registry ask` prints it, and how question and answer were worded."""
    point, question = one.timepoint, one.question
    return {
        "dataset": point.dataset,
        "split": point.split,
        "take": point.take,
        "frame": point.frame,
        "task": question.task,
        "arguments": list(question.arguments.values()),
        "question": question.text,
        "answer": one.answer,
        "view": question.view,
        "weight": question.weight,
        "text": one.text,
        "said": one.said,
        "concise": one.concise,
    }
