"""An evaluation as one HTML page that needs nothing else: table, plot, and some timepoints with their views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean

from orqa_shards.report import html
from orqa_shards.report.html import Markup, element
from orqa_train.evaluation.results import MAJORITY, SCORE_KINDS, AnswererScores, Evaluation
from orqa_train.evaluation.score_table import score_table
from orqa_train.plots import score_chart


def write_html_report(evaluation: Evaluation, out: Path, examples: int = 6) -> None:
    """Write the page to `out`, with `examples` timepoints spread over the split."""
    data = evaluation.outcomes[0]
    title = f"{evaluation.split.name}: {len(data.answers)} questions"
    about = (
        f"{evaluation.data}, split {evaluation.split.name}; {MAJORITY}: the most common answer of each task in split "
        f"{evaluation.learnt_from}; macro: every task counts the same; micro: every question does. "
        "Any right answer counts; one reference: the one that was drawn alone, as published; fair: by scorers without "
        "known defects. "
        f"Seed {evaluation.mixture.seed}."
    )
    if evaluation.bad:
        about += f" Left out: {len(evaluation.bad)} timepoints that cannot be read, the first {evaluation.bad[0]}."
    columns, rows = score_table(evaluation)
    plot = html.data_url(_plot(evaluation), "png")
    body = [
        element("h1", title),
        element("p", about, class_="about"),
        element("h2", "Scores"),
        html.html_table(columns, rows, numbers=range(1, len(columns)), sums=2 * len(SCORE_KINDS)),
        Markup(f'<img class="plot" alt="scores by task" src="{plot}">'),
        element("h2", "Some timepoints"),
        *_examples(evaluation, examples),
    ]
    html.write_html(out, title, body)


def _plot(evaluation: Evaluation) -> bytes:
    tasks = list(evaluation.outcomes[0].by_task())
    scores = {outcome.name: [fmean(scores) for scores in outcome.by_task().values()] for outcome in evaluation.outcomes}
    return score_chart(tasks, scores)


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
        yield element("section", title, html.view_figures(point), _answer_table(evaluation.outcomes, indices))


def _answer_table(outcomes: Sequence[AnswererScores], indices: Sequence[int]) -> Markup:
    rows = []
    for index in indices:
        asked = outcomes[0].answers[index].asked
        cells: list[object] = [asked.text, " or ".join(asked.question.answers)]
        for outcome in outcomes:
            answer = outcome.answers[index]
            kind = "right" if answer.score == 1 else "partly" if answer.score > 0 else "wrong"
            cells.append(element("td", answer.text or "(nothing)", class_=kind))
        rows.append(cells)
    return html.html_table(("question", "truth", *(outcome.name for outcome in outcomes)), rows)
