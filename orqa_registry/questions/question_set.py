"""Which questions a question set holds: the sampling of the benchmark, exactly (protocol.md 5 and 6).

The original draws a hundred million questions by chance, counts them, and then samples those that are rare more often.
Here everything that can be asked is known, with the chance that one draw at its timepoint yields it, so that the
expected counts take the place of the hundred million draws.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, fsum, inf, log
from struct import Struct
from typing import Any, Literal

from attrs import asdict, frozen

from orqa_registry.errors import CallError, OrqaError, describe_error, suggest_names
from orqa_registry.questions.question import AskedQuestion
from orqa_registry.questions.question_pool import Candidate, CellKey, QuestionPool
from orqa_registry.questions.task import Task
from orqa_registry.rng import blake2b_digest

BENCHMARK_SHARES: Mapping[str, float] = {"4D-OR": 0.20, "MM-OR": 0.40, "MVOR": 0.10, "EgoSurgery": 0.30}
"""The share of each dataset in the question sets of the benchmark."""

SamplingMethod = Literal["benchmark", "uniform", "all"]
"""benchmark: rare answers and rare questions as often as others. uniform: as chance has it. all: whatever there is."""


ROUNDING = 1e-6
"""What a share may be off by rounding: 0.3 of 100,000 must not become 29,999."""

_FOUR_INTEGERS = Struct(">4Q")
_INTEGER_RANGE = 1 << 64


@frozen
class SampledQuestion(AskedQuestion):
    """A question of a question set. said: the answer as it is to be given; concise: it is the bare answer."""

    said: str
    concise: bool = True


@frozen
class CellCounts:
    """How a dataset and a task fared. available: different questions with answers; duplicates: taken again."""

    dataset: str
    task: str
    available: int
    wanted: int
    taken: int
    duplicates: int = 0

    @property
    def shortage(self) -> int:
        """How many are lacking because there are no more."""
        return self.wanted - self.taken


@frozen
class QuestionSet:
    """A question set, in the order in which it is written, and how it came about. size: as asked for, None for all."""

    items: tuple[SampledQuestion, ...]
    cells: tuple[CellCounts, ...]
    size: int | None
    how: SamplingMethod
    weights: Mapping[str, float]
    seed: int
    replace: bool
    paraphrase: float
    sentences: float

    @property
    def names(self) -> set[str]:
        """The datasets and tasks that had a part in it."""
        return {name for cell in self.cells for name in (cell.dataset, cell.task)}

    def manifest(self, plugins: Mapping[str, str]) -> dict[str, Any]:
        """Return all this but the questions, for a JSON file, with the versions of the plugins behind its names."""
        return {
            **asdict(self, recurse=False, filter=lambda attribute, _: attribute.name not in {"items", "cells"}),
            "questions": len(self.items),
            "duplicates": sum(cell.duplicates for cell in self.cells),
            "shortage": sum(cell.shortage for cell in self.cells),
            "cells": [{**asdict(cell), "shortage": cell.shortage} for cell in self.cells],
            "plugins": dict(plugins),
        }


def sample_questions(
    pool: QuestionPool,
    size: int | None,
    weights: Mapping[str, float] | None = None,
    how: SamplingMethod = "benchmark",
    seed: int = 0,
    *,
    replace: bool = False,
    paraphrase: float = 0.0,
    sentences: float = 0.0,
) -> QuestionSet:
    """Return a question set of about `size` questions; a pure function of its arguments, whatever the order of takes.

    weights: dataset -> share, beside those of BENCHMARK_SHARES; they need not add up to 1. Each share falls in equal
    parts to the tasks of the dataset, rounded down as the original does: a million of all four datasets are 999,979.
    replace: a question may be drawn again, as in the original (defect D18); without, where there are fewer than
    wanted, all are taken and the rest is the shortage of the cell. how "all" takes everything once, and no size.
    paraphrase: the chance of a wording other than the canonical one. sentences: that of an answer in a full sentence.

    Raises CallError where sizes or weights make no sense, and OrqaError where a question is in the pool twice.
    """
    present = sorted({dataset for dataset, tasks in pool.cells if pool.cells[dataset, tasks]})
    shares = _normalise_weights(present, weights or {}) if how != "all" else {}
    quotas = _compute_quotas(pool, size, shares, how)
    cells: list[CellCounts] = []
    drawn: list[tuple[int, SampledQuestion]] = []
    for name in sorted(quotas):
        task, items = pool.tasks[name[1]], pool.cells[name]
        taken = list(_draw_items(items, sampling_weights(items, how), seed, quotas[name], replace=replace))
        distinct_count = len({index for index, _ in taken})
        cells.append(CellCounts(*name, len(items), quotas[name], len(taken), len(taken) - distinct_count))
        drawn += [
            (numbers[1], _word_question(task, items[index], numbers, paraphrase, sentences)) for index, numbers in taken
        ]
    chosen = tuple(question for _, question in sorted(drawn, key=lambda pair: pair[0]))
    return QuestionSet(chosen, tuple(cells), size, how, shares, seed, replace, paraphrase, sentences)


def sampling_weights(items: Sequence[Candidate], how: SamplingMethod = "benchmark") -> list[float]:
    """Return how likely each item of a cell is to be drawn, up to a common factor.

    N draws of the original are expected to yield an item N f times, each copy of it weighing 1 / (n_answer n_question),
    the counts of what shares its answer or its canonical question. So it is drawn as f / (F_answer F_question).
    """
    if how == "all":
        return [1.0] * len(items)
    if how == "uniform":
        return [item.chance for item in items]
    answers = _sum_chances((item.sampling_class, item.chance) for item in items)
    questions = _sum_chances((item.question.text, item.chance) for item in items)
    return [item.chance / (answers[item.sampling_class] * questions[item.question.text]) for item in items]


def _sum_chances(chances: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return name -> sum, rounded once, so that the order makes no difference."""
    groups: dict[str, list[float]] = defaultdict(list)
    for name, chance in chances:
        groups[name].append(chance)
    return {name: fsum(group) for name, group in groups.items()}


def _normalise_weights(present: Sequence[str], weights: Mapping[str, float]) -> dict[str, float]:
    for name in weights:
        if name not in present:
            raise CallError(f"a weight for {name!r}, of which nothing can be asked: {suggest_names(name, present)}")
        if not 0 < weights[name] < inf:
            raise CallError(f"the weight of {name} is {weights[name]}, and has to be more than 0")
    known_weights = {**BENCHMARK_SHARES, **weights}
    if not any(name in known_weights for name in present):
        known_weights = dict.fromkeys(present, 1.0)
    if lacking := [name for name in present if name not in known_weights]:
        raise CallError(
            f"what is the weight of {', '.join(lacking)}? The benchmark knows {', '.join(BENCHMARK_SHARES)} alone"
        )
    total = fsum(known_weights[name] for name in present)
    return {name: known_weights[name] / total for name in present}


def _compute_quotas(
    pool: QuestionPool, size: int | None, shares: Mapping[str, float], how: SamplingMethod
) -> dict[CellKey, int]:
    available = {name: len(items) for name, items in pool.cells.items() if items}
    if (how == "all") != (size is None):
        raise CallError("a size is for sampling, and sampling needs one; all that can be asked has its own")
    if size is None:
        return available
    task_counts = Counter(dataset for dataset, _ in available)
    quotas = {name: int(shares[name[0]] * size + ROUNDING) // task_counts[name[0]] for name in available}
    if available and not any(quotas.values()):
        minimum = min(ceil(task_counts[name] / shares[name] - ROUNDING) for name in task_counts)
        raise CallError(f"{size} questions leave none for each of {len(available)} types: ask for {minimum} or more")
    return quotas


ItemDraws = tuple[float, int, float, float]
"""When an item is drawn, its place in the set, its wording, its form: numbers from 0 to 1, the place a whole one."""


def _draw_items(
    items: Sequence[Candidate], weights: Sequence[float], seed: int, count: int, *, replace: bool
) -> Iterator[tuple[int, ItemDraws]]:
    """Yield places of items in the order in which they are drawn, as many as wanted if there are.

    Every item arrives again and again, at random times at the rate that is its weight (a Poisson process). The first
    arrivals of all are weighted draws with replacement; those of each item once are draws without (Efraimidis and
    Spirakis). When an item arrives depends on the seed and on what it is, so a larger set holds the smaller one.
    """
    first_numbers = [_draw_numbers(seed, item, 0) for item in items]
    if len({numbers[1] for numbers in first_numbers}) < len(items):
        raise OrqaError(_describe_duplicate(items))
    queue = [(-log(numbers[0]) / weights[index], numbers, index, 0) for index, numbers in enumerate(first_numbers)]
    heapq.heapify(queue)
    for _ in range(count):
        if not queue:
            return
        time, numbers, index, copy = heapq.heappop(queue)
        yield index, numbers
        if replace:
            next_numbers = _draw_numbers(seed, items[index], copy + 1)
            heapq.heappush(queue, (time - log(next_numbers[0]) / weights[index], next_numbers, index, copy + 1))


def _draw_numbers(seed: int, item: Candidate, copy: int) -> ItemDraws:
    point, question = item.timepoint, item.question
    identity = (point.dataset, point.take, point.frame, question.task, question.view or "", question.text, item.answer)
    time, position, wording, form = _FOUR_INTEGERS.unpack(blake2b_digest((seed, copy, *identity), _FOUR_INTEGERS.size))
    return (time + 1) / _INTEGER_RANGE, position, wording / _INTEGER_RANGE, form / _INTEGER_RANGE


def _describe_duplicate(items: Iterable[Candidate]) -> str:
    counts = Counter((item.timepoint.key, item.question.text, item.question.view, item.answer) for item in items)
    (key, text, *_), count = counts.most_common(1)[0]
    return f"{key} is in the pool {count} times with {text!r}: was a take read twice?"


def _word_question(
    task: Task, item: Candidate, numbers: ItemDraws, paraphrase: float, sentences: float
) -> SampledQuestion:
    question, answer = item.question, item.answer
    try:
        text = _pick_option(task.wordings(question)[1:], numbers[2], paraphrase) if paraphrase else None
        sentence = _pick_option(task.answer_sentences(question, answer), numbers[3], sentences) if sentences else None
    except Exception as error:
        raise OrqaError(
            f"task {task.name} cannot word {question.text!r}, answer {answer!r}: {describe_error(error)}"
        ) from error
    return SampledQuestion(
        item.timepoint, question, text or question.text, answer, sentence or answer, sentence is None
    )


def _pick_option(options: Sequence[str], number: float, chance: float) -> str | None:
    """Return one of several, each as likely as any other, or with what is left of the chance None."""
    return options[min(int(number / chance * len(options)), len(options) - 1)] if options and number < chance else None
