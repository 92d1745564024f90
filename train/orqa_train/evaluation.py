"""Ask the questions of a split, collect the answers, score them, and sum up."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve

from orqa_registry import Asked, CallError, DataWarning, MissingLibraryError, OrqaError, Registry, Setting, Task
from orqa_registry.errors import say
from orqa_registry.progress import Advance, silent
from orqa_registry.records import is_view
from orqa_shards.budget import Bad, Budget
from orqa_shards.mixture import Mixture
from orqa_shards.read import Shards, Split
from orqa_shards.stream import askable, draw
from orqa_train.answerers import is_model_folder
from orqa_train.outcomes import COMMON, Answer, Evaluation, Outcome

TRAIN = "train"

Asking = Callable[[Sequence[Asked]], Sequence[str]]
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
    budget: Budget | None = None,
    report: Advance = silent,
) -> Evaluation:
    """Put the questions of a split to answerers; `limit` takes so many timepoints, spread evenly.

    tasks: names of those to ask, all that fit if empty. report(answerer, timepoints done, timepoints in all) is called
    after each batch. A timepoint that an answerer cannot read costs its questions for all of them, and is named.
    budget: how many of them are borne. Raises OrqaError, also where there are too many, and CallError.
    """
    limits = budget or Budget()
    shards = Shards.open(data)
    split = shards.split(split_name)
    fitting_tasks = askable(registry, split, tasks)
    specs = _name_answerers(registry, answerers)
    groups = [group for group in _draw_questions(split, fitting_tasks, mixture, limit) if group]
    if not groups:
        raise CallError(f"no question is drawn from split {split.name} of {data}")
    if not any(map(is_view, split.entry.media)):
        warnings.warn(f"{data}: split {split.name} has no picture: models answer from words alone", stacklevel=2)
    history_split = _history_split(shards, split, fitting_tasks)

    def history() -> Iterator[Asked]:
        history_tasks = [task for task in fitting_tasks if task.needs <= set(history_split.entry.facets)]
        return (asked for group in _draw_questions(history_split, history_tasks, mixture, None) for asked in group)

    models = tuple(spec for spec in answerers if is_model_folder(spec)) or _models_beside(data)
    outcomes: list[Outcome] = []
    bad: dict[str, Bad] = {}
    for name, spec in specs.items():
        kind, argument = ("model", spec) if is_model_folder(spec) else _split_spec(spec)
        with _blame(name):
            answer = registry.answerer(kind).open(Setting(argument, history, models))
        remaining = [group for group in groups if group[0].timepoint.key not in bad]
        results = list(
            _score_answers(registry, answer, remaining, batch, name, evolve(limits, things="timepoints"), report)
        )
        bad |= {result.key: result for result in results if isinstance(result, Bad)}
        outcomes.append(Outcome(name, [result for result in results if isinstance(result, Answer)]))
    if len(bad) == len(groups):
        raise OrqaError(f"no timepoint of split {split.name} of {data} can be used: {next(iter(bad.values()))}")
    complete = (
        Outcome(outcome.name, [scored for scored in outcome.answers if scored.asked.timepoint.key not in bad])
        for outcome in outcomes
    )
    return Evaluation(str(data), split, history_split.name, mixture, tuple(complete), tuple(bad.values()))


def _history_split(shards: Shards, split: Split, tasks: Sequence[Task]) -> Split:
    """Return the split that the most common answers come from: train, or the one asked where train has none."""
    if TRAIN in shards.manifest.splits:
        train = shards.split(TRAIN)
        if any(task.needs <= set(train.entry.facets) for task in tasks):
            return train
    return split


def beside(data: str | Path) -> Path:
    """Return the folder that the shards lie in, this one where they are far away."""
    return Path() if "://" in str(data) else Path(data).resolve().parent


def _models_beside(data: str | Path) -> tuple[str, ...]:
    """Return the trained models that lie beside the shards, for an answerer that needs one and was given none."""
    return tuple(str(path.parent) for path in sorted(beside(data).glob("*/config.json")))


@contextmanager
def _blame(name: str) -> Iterator[None]:
    """Name the answerer in what it raises."""
    try:
        yield
    except OrqaError:
        raise
    except Exception as error:
        raise OrqaError(f"answerer {name} failed: {say(error)}") from error


def _split_spec(spec: str) -> tuple[str, str | None]:
    kind, colon, argument = spec.partition(":")
    return kind, argument if colon else None


def _name_answerers(registry: Registry, specs: Sequence[str]) -> dict[str, str]:
    """Return name in the table -> answerer as it was called. Raises CallError for one that nobody brings."""
    named: dict[str, str] = {}
    for spec in dict.fromkeys((*specs, COMMON)):
        kind, argument = _split_spec(spec)
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


def _draw_questions(split: Split, tasks: Sequence[Task], mixture: Mixture, limit: int | None) -> Iterator[list[Asked]]:
    count = len(split) if limit is None else min(limit, len(split))
    for i in range(count):
        yield draw(split, split[i * len(split) // count], tasks, mixture, epoch=0)


def _score_answers(
    registry: Registry,
    answer: Asking,
    groups: Sequence[Sequence[Asked]],
    batch: int,
    name: str,
    budget: Budget,
    report: Advance,
) -> Iterator[Answer | Bad]:
    """Yield the scored answers of each timepoint, or why it cannot be used. Raises OrqaError for too many of these."""
    for start in range(0, len(groups), batch):
        batch_groups = groups[start : start + batch]
        for group, texts in zip(batch_groups, _ask_answerer(answer, batch_groups, name), strict=True):
            if isinstance(texts, Bad):
                warnings.warn(f"{texts}: its questions are left out", DataWarning, stacklevel=3)
                budget.bad(texts)
                yield texts
                continue
            budget.good()
            for asked, text in zip(group, texts, strict=True):
                task, truths = asked.question.task, asked.question.answers
                score = registry.score(task, text, *truths)
                strict = registry.score(task, text, asked.answer)
                yield Answer(asked, text, score, strict, registry.score(task, text, *truths, fair=True))
        report(name, min(start + batch, len(groups)), len(groups))


def _ask_answerer(answer: Asking, groups: Sequence[Sequence[Asked]], name: str) -> list[Sequence[str] | Bad]:
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
            return [Bad(key, str(error).removeprefix(f"{key}."))]
    if len(texts) != len(asked) or not all(isinstance(text, str) for text in texts):
        raise OrqaError(f"answerer {name}: {len(asked)} answers in words were expected, not {len(texts)}: {texts[:3]}")
    remaining = iter(texts)
    return [[next(remaining) for _ in group] for group in groups]
