"""Ask the questions of a split, collect the answers, score them, and sum up."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from orqa_registry import (
    AnswererSetting,
    AskedQuestion,
    CallError,
    DataWarning,
    MissingLibraryError,
    OrqaError,
    Registry,
    Task,
)
from orqa_registry.data.records import is_view
from orqa_registry.errors import describe_error
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_shards.error_budget import BadSample, ErrorBudget
from orqa_shards.read.dataset import Shards, Split
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.stream import askable_tasks, draw_questions
from orqa_train.answering.answerers import is_model_folder
from orqa_train.evaluation.results import MAJORITY, AnswererScores, Evaluation, ScoredAnswer

LEARNING_SPLIT = "train"

AnswerFunction = Callable[[Sequence[AskedQuestion]], Sequence[str]]
"""An answerer that is open."""


def evaluate(
    registry: Registry,
    data: str | Path,
    split_name: str,
    answerers: Sequence[str],
    mixture: Mixture,
    *,
    tasks: Sequence[str] = (),
    limit: int | None = None,
    batch: int = 16,
    budget: ErrorBudget | None = None,
    report: ProgressCallback = no_progress,
) -> Evaluation:
    """Put the questions of a split to answerers; `limit` takes so many timepoints, spread evenly.

    tasks: names of those to ask, all that fit if empty. report(answerer, timepoints done, timepoints in all) is called
    after each batch. A timepoint that an answerer cannot read costs its questions for all of them, and is named.
    budget: how many of them are borne. Raises OrqaError, also where there are too many, and CallError.
    """
    limits = budget or ErrorBudget()
    shards = Shards.open(data)
    split = shards.split(split_name)
    fitting_tasks = askable_tasks(registry, split, tasks)
    specs = _name_answerers(registry, answerers)
    groups = [group for group in _draw_questions(split, fitting_tasks, mixture, limit) if group]
    if not groups:
        raise CallError(f"no question is drawn from split {split.name} of {data}")
    if not any(map(is_view, split.entry.media)):
        warnings.warn(f"{data}: split {split.name} has no picture: models answer from words alone", stacklevel=2)
    history_split = _history_split(shards, split, fitting_tasks)

    def history() -> Iterator[AskedQuestion]:
        history_tasks = [task for task in fitting_tasks if task.needs <= set(history_split.entry.facets)]
        return (asked for group in _draw_questions(history_split, history_tasks, mixture, None) for asked in group)

    models = tuple(spec for spec in answerers if is_model_folder(spec)) or _models_beside(data)
    outcomes: list[AnswererScores] = []
    bad: dict[str, BadSample] = {}
    for name, spec in specs.items():
        kind, argument = ("model", spec) if is_model_folder(spec) else _split_spec(spec)
        with _blame(name):
            answer = registry.answerer(kind).open(AnswererSetting(argument, history, models))
        remaining = [group for group in groups if group[0].timepoint.key not in bad]
        results = list(
            _score_answers(registry, answer, remaining, batch, name, evolve(limits, things="timepoints"), report)
        )
        bad |= {result.key: result for result in results if isinstance(result, BadSample)}
        outcomes.append(AnswererScores(name, [result for result in results if isinstance(result, ScoredAnswer)]))
    if len(bad) == len(groups):
        raise OrqaError(f"no timepoint of split {split.name} of {data} can be used: {next(iter(bad.values()))}")
    complete = (
        AnswererScores(outcome.name, [scored for scored in outcome.answers if scored.asked.timepoint.key not in bad])
        for outcome in outcomes
    )
    return Evaluation(str(data), split, history_split.name, mixture, tuple(complete), tuple(bad.values()))


def _history_split(shards: Shards, split: Split, tasks: Sequence[Task]) -> Split:
    """Return the split that the most common answers come from: train, or the one asked where train has none."""
    if LEARNING_SPLIT in shards.manifest.splits:
        train = shards.split(LEARNING_SPLIT)
        if any(task.needs <= set(train.entry.facets) for task in tasks):
            return train
    return split


def parent_folder(data: str | Path) -> Path:
    """Return the folder that the shards lie in, this one where they are far away."""
    return Path() if "://" in str(data) else Path(data).resolve().parent


def _models_beside(data: str | Path) -> tuple[str, ...]:
    """Return the trained models that lie beside the shards, for an answerer that needs one and was given none."""
    return tuple(str(path.parent) for path in sorted(parent_folder(data).glob("*/config.json")))


@contextmanager
def _blame(name: str) -> Iterator[None]:
    """Name the answerer in what it raises."""
    try:
        yield
    except OrqaError:
        raise
    except Exception as error:
        raise OrqaError(f"answerer {name} failed: {describe_error(error)}") from error


def _split_spec(spec: str) -> tuple[str, str | None]:
    kind, colon, argument = spec.partition(":")
    return kind, argument if colon else None


def _name_answerers(registry: Registry, specs: Sequence[str]) -> dict[str, str]:
    """Return name in the table -> answerer as it was called. Raises CallError for one that nobody brings."""
    named: dict[str, str] = {}
    for spec in dict.fromkeys((*specs, MAJORITY)):
        kind, argument = _split_spec(spec)
        if is_model_folder(spec):
            name = Path(spec).resolve().name
            name = f"{name}-trained" if name in registry.answerers and name != "model" else name
        else:
            kind = registry.answerer(kind).name
            name = f"{kind}-{Path(argument).name}" if argument else kind
        if name == MAJORITY and MAJORITY in named:
            continue  # asked for in another spelling
        named[name if name not in named else f"{name}-{len(named) + 1}"] = spec
    return named


def _draw_questions(
    split: Split, tasks: Sequence[Task], mixture: Mixture, limit: int | None
) -> Iterator[list[AskedQuestion]]:
    count = len(split) if limit is None else min(limit, len(split))
    for i in range(count):
        yield draw_questions(split, split[i * len(split) // count], tasks, mixture, epoch=0)


def _score_answers(
    registry: Registry,
    answer: AnswerFunction,
    groups: Sequence[Sequence[AskedQuestion]],
    batch: int,
    name: str,
    budget: ErrorBudget,
    report: ProgressCallback,
) -> Iterator[ScoredAnswer | BadSample]:
    """Yield the scored answers of each timepoint, or why it cannot be used. Raises OrqaError for too many of these."""
    for start in range(0, len(groups), batch):
        batch_groups = groups[start : start + batch]
        for group, texts in zip(batch_groups, _ask_answerer(answer, batch_groups, name), strict=True):
            if isinstance(texts, BadSample):
                warnings.warn(f"{texts}: its questions are left out", DataWarning, stacklevel=3)
                budget.bad(texts)
                yield texts
                continue
            budget.good()
            for asked, text in zip(group, texts, strict=True):
                task, truths = asked.question.task, asked.question.answers
                score = registry.score(task, text, *truths)
                strict = registry.score(task, text, asked.answer)
                yield ScoredAnswer(asked, text, score, strict, registry.score(task, text, *truths, fair=True))
        report(name, min(start + batch, len(groups)), len(groups))


def _ask_answerer(
    answer: AnswerFunction, groups: Sequence[Sequence[AskedQuestion]], name: str
) -> list[Sequence[str] | BadSample]:
    """Return the answers to the questions of each timepoint; where one cannot be read, the others are asked alone."""
    asked = [question for group in groups for question in group]
    with _blame(name):
        try:
            texts = list(answer(asked))
        except (CallError, MissingLibraryError):
            raise
        except OrqaError as error:
            if len(groups) > 1:
                return [texts for group in groups for texts in _ask_answerer(answer, [group], name)]
            key = asked[0].timepoint.key
            return [BadSample(key, str(error).removeprefix(f"{key}."))]
    if len(texts) != len(asked) or not all(isinstance(text, str) for text in texts):
        raise OrqaError(f"answerer {name}: {len(asked)} answers in words were expected, not {len(texts)}: {texts[:3]}")
    remaining = iter(texts)
    return [[next(remaining) for _ in group] for group in groups]
