"""Ask the questions of a split, collect the answers, score them, and sum up."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

from attrs import define, field, frozen

from orqa_registry import Asked, CallError, OrqaError, Registry, Setting, Task
from orqa_registry.errors import say
from orqa_registry.records import is_view, key_part
from orqa_registry.writing import whole_file
from orqa_shards.read import Shards, Split
from orqa_shards.stream import Draw, askable, draw
from orqa_train.answerers import is_model_folder

TRAIN = "train"
COMMON = "majority"
"""The answerer that every table compares with."""


@frozen
class Answer:
    """One answer with its scores, 0 to 1.

    score: the benchmark's scorer, against every right answer. strict: against the one that was drawn, as published.
    fair: against every right answer, by a scorer without known defects.
    """

    asked: Asked
    text: str
    score: float
    strict: float
    fair: float


KINDS = {"score": "", "strict": "one reference", "fair": "fair"}
"""The scores of an answer -> what tables call them."""


@define
class Outcome:
    """What one answerer answered, in the order of the questions."""

    name: str
    answers: list[Answer] = field(factory=list)

    def by_task(self, kind: str = "score") -> dict[str, list[float]]:
        """Return the scores of each task; `kind` is one of KINDS."""
        scores: dict[str, list[float]] = {}
        for one in self.answers:
            scores.setdefault(one.asked.question.task, []).append(getattr(one, kind))
        return dict(sorted(scores.items()))

    @property
    def macro(self) -> float:
        """The mean of the tasks' means: every task counts the same."""
        return self.mean("score", macro=True)

    @property
    def micro(self) -> float:
        """The mean over all questions; the benchmark publishes that of `strict`."""
        return self.mean("score", macro=False)

    def mean(self, kind: str, *, macro: bool) -> float:
        """Return the mean of one kind of score, over tasks (macro) or over questions (micro)."""
        by_task = self.by_task(kind).values()
        return fmean(map(fmean, by_task)) if macro else fmean(score for scores in by_task for score in scores)


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

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the head and the rows of the table: tasks, then the two means."""
        names = [one.name for one in self.outcomes]
        tasks = [one.by_task() for one in self.outcomes]
        rows = [
            [task, str(len(scores)), *(f"{fmean(by_task[task]):.3f}" for by_task in tasks)]
            for task, scores in tasks[0].items()
        ]
        many = str(len(self.outcomes[0].answers))
        for kind, called in KINDS.items():
            for mean in ("macro", "micro"):
                means = (one.mean(kind, macro=mean == "macro") for one in self.outcomes)
                title = f"{mean}, {called}" if called else mean
                rows.append([title, many if mean == "micro" else "", *(f"{one:.3f}" for one in means)])
        return ["task", "questions", *names], rows

    def summary(self) -> dict[str, Any]:
        """Return the scores, for `results.json`."""
        return {
            "data": str(self.data),
            "split": self.split.name,
            "labels_sha256": self.split.entry.labels.sha256,
            "seed": self.how.seed,
            "compat": self.how.compat,
            "majority_from": self.learnt_from,
            "questions": len(self.outcomes[0].answers),
            "answerers": {
                one.name: {
                    "macro": one.macro,
                    "micro": one.micro,
                    **{
                        kind: {"macro": one.mean(kind, macro=True), "micro": one.mean(kind, macro=False)}
                        for kind in ("strict", "fair")
                    },
                    "tasks": {
                        task: {
                            "questions": len(scores),
                            **{kind: fmean(one.by_task(kind)[task]) for kind in KINDS},
                        }
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
    tasks: Sequence[str] = (),
    limit: int | None = None,
    batch: int = 16,
    report: Callable[[str, int, int], None] = lambda who, done, total: None,
) -> Evaluation:
    """Put the questions of a split to answerers; `limit` takes so many timepoints, spread evenly.

    tasks: names of those to ask, all that fit if empty. report(answerer, timepoints done, timepoints in all) is called
    after each batch. Raises OrqaError and CallError.
    """
    shards = Shards.open(data)
    split = shards.split(split_name)
    asking = askable(registry, split, tasks)
    groups = [group for group in _questions(split, asking, how, limit) if group]
    if not groups:
        raise CallError(f"no question is drawn from split {split.name} of {data}")
    if not any(map(is_view, split.entry.media)):
        warnings.warn(f"{data}: split {split.name} has no picture: models answer from words alone", stacklevel=2)
    named = _named(registry, answerers)
    learnt = _learnt_from(shards, split, asking)

    def history() -> Iterator[Asked]:
        fitting = [task for task in asking if task.needs <= set(learnt.entry.facets)]
        return (asked for group in _questions(learnt, fitting, how, None) for asked in group)

    models = tuple(spec for spec in answerers if is_model_folder(spec)) or _beside(data)
    outcomes = []
    for name, spec in named.items():
        kind, argument = ("model", spec) if is_model_folder(spec) else _parse(spec)
        with _blamed(name):
            answer = registry.answerer(kind).open(Setting(argument, history, models))
        outcomes.append(Outcome(name, list(_answers(registry, answer, groups, batch, name, report))))
    return Evaluation(data, split, learnt.name, how, tuple(outcomes))


def _learnt_from(shards: Shards, split: Split, asking: Sequence[Task]) -> Split:
    """Return the split that the most common answers come from: train, or the one asked where train has none."""
    if TRAIN in shards.manifest.splits:
        train = shards.split(TRAIN)
        if any(task.needs <= set(train.entry.facets) for task in asking):
            return train
    return split


def _beside(data: Path) -> tuple[str, ...]:
    """Return the trained models that lie beside the shards, for an answerer that needs one and was given none."""
    return tuple(str(path.parent) for path in sorted(data.resolve().parent.glob("*/config.json")))


@contextmanager
def _blamed(name: str) -> Iterator[None]:
    """Name the answerer in what it raises."""
    try:
        yield
    except OrqaError:
        raise
    except Exception as error:
        raise OrqaError(f"answerer {name} failed: {say(error)}") from error


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
            name = f"{name}-trained" if name in registry.answerers and name != "model" else name
        else:
            kind = registry.answerer(kind).name
            name = f"{kind}-{Path(argument).name}" if argument else kind
        if name == COMMON and COMMON in named:
            continue  # asked for in another spelling
        named[name if name not in named else f"{name}-{len(named) + 1}"] = spec
    return named


def _questions(split: Split, tasks: Sequence[Task], how: Draw, limit: int | None) -> Iterator[list[Asked]]:
    points = split.timepoints
    if limit is not None and limit < len(points):
        points = [points[place * len(points) // limit] for place in range(limit)]
    for point in points:
        yield draw(split, point, tasks, how, epoch=0)


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
        with _blamed(name):
            texts = list(answer(asked))
        if len(texts) != len(asked) or not all(isinstance(text, str) for text in texts):
            raise OrqaError(
                f"answerer {name}: {len(asked)} answers in words were expected, not {len(texts)}: {texts[:3]}"
            )
        for one, text in zip(asked, texts, strict=True):
            task, truths = one.question.task, one.question.answers
            score = registry.score(task, text, *truths)
            strict = registry.score(task, text, one.answer)
            yield Answer(one, text, score, strict, registry.score(task, text, *truths, fair=True))
        report(name, min(start + batch, len(groups)), len(groups))


def write(evaluation: Evaluation, out: Path) -> None:
    """Write `results.json` and one `answers-NAME.jsonl` for each answerer."""
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("answers-*.jsonl"):
        stale.unlink()
    for outcome in evaluation.outcomes:
        with whole_file(out / f"answers-{key_part(outcome.name)}.jsonl") as partial:
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
            "truth": one.asked.answer,
            "truths": list(question.answers),
            "answer": one.text,
            "score": one.score,
            "strict": one.strict,
            "fair": one.fair,
        }
