"""Ask the questions of a split, collect the answers, score them, and sum up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from attrs import define, field, frozen

from orqa_registry import Asked, CallError, Registry, Setting
from orqa_registry.errors import nearest
from orqa_shards.manifest import whole_file
from orqa_shards.read import Shards, Split
from orqa_shards.stream import Draw, askable, draw
from orqa_train.answerers import is_model_folder

COMMON = "majority"
"""The answerer that every table compares with."""


@frozen
class Answer:
    """One answer with its score, 0 to 1."""

    asked: Asked
    text: str
    score: float


@define
class Outcome:
    """What one answerer answered, in the order of the questions."""

    name: str
    answers: list[Answer] = field(factory=list)

    def by_task(self) -> dict[str, list[float]]:
        """Return the scores of each task."""
        scores: dict[str, list[float]] = {}
        for one in self.answers:
            scores.setdefault(one.asked.question.task, []).append(one.score)
        return dict(sorted(scores.items()))

    @property
    def macro(self) -> float:
        """The mean of the tasks' means: every task counts the same."""
        return fmean(fmean(scores) for scores in self.by_task().values())

    @property
    def micro(self) -> float:
        """The mean over all questions, as the benchmark publishes it."""
        return fmean(one.score for one in self.answers)


@frozen
class Evaluation:
    """The outcomes of all answerers on the same questions; the most common answer is always among them."""

    data: Path
    split: Split
    learnt_from: str
    how: Draw
    outcomes: tuple[Outcome, ...]

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of an answerer by name."""
        return next(one for one in self.outcomes if one.name == name)

    def summary(self) -> dict[str, Any]:
        """Return the scores, for `results.json`."""
        return {
            "data": str(self.data),
            "split": self.split.name,
            "labels_sha256": self.split.entry.labels.sha256,
            "seed": self.how.seed,
            "majority_from": self.learnt_from,
            "questions": len(self.outcomes[0].answers),
            "answerers": {
                one.name: {
                    "macro": one.macro,
                    "micro": one.micro,
                    "tasks": {
                        task: {"questions": len(scores), "score": fmean(scores)}
                        for task, scores in one.by_task().items()
                    },
                }
                for one in self.outcomes
            },
        }


def evaluate(
    registry: Registry,
    data: Path,
    split_name: str,
    answerers: Sequence[str],
    how: Draw,
    *,
    limit: int | None = None,
    batch: int = 16,
    report: Callable[[str, int, int], None] = lambda who, done, total: None,
) -> Evaluation:
    """Put the questions of a split to answerers; `limit` takes so many timepoints, spread evenly.

    report(answerer, timepoints done, timepoints in all) is called after each batch. Raises OrqaError and CallError.
    """
    shards = Shards.open(data)
    split = shards.split(split_name)
    groups = [group for group in _questions(registry, split, how, limit) if group]
    if not groups:
        raise CallError(f"no question is drawn from split {split.name} of {data}")
    learnt = shards.split("train") if "train" in shards.manifest.splits else split

    def history() -> Iterator[Asked]:
        return (asked for group in _questions(registry, learnt, how, None) for asked in group)

    models = tuple(spec for spec in answerers if is_model_folder(spec))
    outcomes = []
    for name, spec in _named(registry, answerers).items():
        kind, argument = ("model", spec) if spec in models else _parse(spec)
        answer = registry.answerer(kind).open(Setting(argument, history, models))
        outcomes.append(Outcome(name, list(_answers(registry, answer, groups, batch, name, report))))
    return Evaluation(data, split, learnt.name, how, tuple(outcomes))


def _parse(spec: str) -> tuple[str, str | None]:
    kind, colon, argument = spec.partition(":")
    return kind, argument if colon else None


def _named(registry: Registry, specs: Sequence[str]) -> dict[str, str]:
    """Return name in the table -> answerer as it was called. Raises CallError for one that nobody brings."""
    named: dict[str, str] = {}
    for spec in dict.fromkeys((*specs, COMMON)):
        kind, argument = _parse(spec)
        if is_model_folder(spec):
            name = Path(spec).resolve().name
        elif kind in registry.answerers:
            name = f"{kind}-{Path(argument).name}" if argument else kind
        else:
            raise CallError(
                f"{spec!r} is neither an answerer nor a trained model's folder: {nearest(kind, registry.answerers)}"
            )
        named[name if name not in named else f"{name}-{len(named) + 1}"] = spec
    return named


def _questions(registry: Registry, split: Split, how: Draw, limit: int | None) -> Iterator[list[Asked]]:
    tasks = askable(registry, split, how.tasks)
    points = split.timepoints
    if limit is not None and limit < len(points):
        points = [points[place * len(points) // limit] for place in range(limit)]
    for point in points:
        yield draw(registry, split, point, tasks, how, epoch=0)


def _answers(
    registry: Registry,
    answer: Callable[[Sequence[Asked]], Sequence[str]],
    groups: Sequence[Sequence[Asked]],
    batch: int,
    name: str,
    report: Callable[[str, int, int], None],
) -> Iterator[Answer]:
    for start in range(0, len(groups), batch):
        asked = [one for group in groups[start : start + batch] for one in group]
        texts = answer(asked)
        if len(texts) != len(asked):
            raise CallError(f"answerer {name} gave {len(texts)} answers to {len(asked)} questions")
        for one, text in zip(asked, texts, strict=True):
            yield Answer(one, text, registry.score(one.question.task, text, *one.question.answers))
        report(name, min(start + batch, len(groups)), len(groups))


def write(evaluation: Evaluation, out: Path) -> None:
    """Write `results.json` and one `answers-NAME.jsonl` for each answerer."""
    out.mkdir(parents=True, exist_ok=True)
    for outcome in evaluation.outcomes:
        with whole_file(out / f"answers-{outcome.name}.jsonl") as partial:
            lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in _lines(outcome.answers))
            partial.write_text("".join(lines), encoding="utf-8")
    with whole_file(out / "results.json") as partial:
        partial.write_text(json.dumps(evaluation.summary(), indent=2) + "\n", encoding="utf-8")


def _lines(answers: Iterable[Answer]) -> Iterator[Mapping[str, Any]]:
    for one in answers:
        point, question = one.asked.timepoint, one.asked.question
        yield {
            "dataset": point.dataset,
            "split": point.split,
            "take": point.take,
            "frame": point.frame,
            "task": question.task,
            "arguments": list(question.arguments.values()),
            "question": one.asked.text,
            "truth": question.answer,
            "truths": list(question.answers),
            "answer": one.text,
            "score": one.score,
        }
