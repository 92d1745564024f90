"""An evaluation as one HTML page that needs nothing else: table, plot, and some timepoints with their views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean

from orqa_shards import page
from orqa_shards.page import Markup, element
from orqa_train.outcomes import COMMON, KINDS, Evaluation, Outcome
from orqa_train.plots import scores_by_task


def write_page(evaluation: Evaluation, out: Path, examples: int = 6) -> None:
    """Write the page to `out`, with `examples` timepoints spread over the split."""
    data = evaluation.outcomes[0]
    title = f"{evaluation.split.name}: {len(data.answers)} questions"
    about = (
        f"{evaluation.data}, split {evaluation.split.name}; {COMMON}: the most common answer of each task in split "
        f"{evaluation.learnt_from}; macro: every task counts the same; micro: every question does. "
        "Any right answer counts; one reference: the one that was drawn alone, as published; fair: by scorers without "
        "known defects. "
        f"Seed {evaluation.mixture.seed}."
    )
    if evaluation.bad:
        about += f" Left out: {len(evaluation.bad)} timepoints that cannot be read, the first {evaluation.bad[0]}."
    columns, rows = evaluation.rows()
    plot = page.data(_plot(evaluation), "png")
    body = [
        element("h1", title),
        element("p", about, class_="about"),
        element("h2", "Scores"),
        page.table(columns, rows, numbers=range(1, len(columns)), sums=2 * len(KINDS)),
        Markup(f'<img class="plot" alt="scores by task" src="{plot}">'),
        element("h2", "Some timepoints"),
        *_examples(evaluation, examples),
    ]
    page.write_page(out, title, body)


def _plot(evaluation: Evaluation) -> bytes:
    tasks = list(evaluation.outcomes[0].by_task())
    scores = {outcome.name: [fmean(scores) for scores in outcome.by_task().values()] for outcome in evaluation.outcomes}
    return scores_by_task(tasks, scores)


def _examples(evaluation: Evaluation, limit: int) -> Iterable[Markup]:
    """Yield timepoints with their views, and what each answerer said."""
    first = evaluation.outcomes[0].answers
    groups = [
        [index for index, _ in group]
        for _, group in groupby(enumerate(first), key=lambda item: item[1].asked.timepoint.key)
    ]
    count = min(limit, len(groups))
    for number in range(count):
        indices = groups[(2 * number + 1) * len(groups) // (2 * count)]
        point = first[indices[0]].asked.timepoint
        clock = "" if point.seconds is None else f", {point.seconds:g} s"
        title = element("h3", f"{point.dataset} {point.take}, frame {point.frame}{clock}")
        yield element("section", title, page.views(point), _answer_table(evaluation.outcomes, indices))


def _answer_table(outcomes: Sequence[Outcome], indices: Sequence[int]) -> Markup:
    rows = []
    for index in indices:
        asked = outcomes[0].answers[index].asked
        cells: list[object] = [asked.text, " or ".join(asked.question.answers)]
        for outcome in outcomes:
            answer = outcome.answers[index]
            kind = "right" if answer.score == 1 else "partly" if answer.score > 0 else "wrong"
            cells.append(element("td", answer.text or "(nothing)", class_=kind))
        rows.append(cells)
    return page.table(("question", "truth", *(outcome.name for outcome in outcomes)), rows)
