"""An evaluation as one HTML page that needs nothing else: table, plot, and some timepoints with their views."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean

from PIL import Image

from orqa_registry import OrqaError, Timepoint
from orqa_registry.records import is_view
from orqa_registry.writing import whole_file
from orqa_train.outcomes import COMMON, KINDS, Evaluation, Outcome
from orqa_train.plots import scores_by_task

LARGEST_PICTURE = 60_000
"""Bytes of a view that goes into the page as it is."""

STYLE = """
:root { color-scheme: light; font: 15px/1.5 system-ui, sans-serif; color: #1d2327; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.about { color: #5a6670; margin-top: .2rem; }
table { border-collapse: collapse; margin: .8rem 0; } th, td { padding: .25rem .9rem .25rem 0; text-align: left; }
th { border-bottom: 2px solid #cfd6da; font-weight: 600; } td { border-bottom: 1px solid #e8ecee; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } tr.sum td { font-weight: 600; }
.views { display: flex; flex-wrap: wrap; gap: .5rem; } figure { margin: 0; }
figure img { width: 200px; image-rendering: auto; border-radius: 4px; display: block; background: #eee; }
figcaption { font-size: .8rem; color: #5a6670; }
.right { color: #1c7c3c; } .partly { color: #a86a00; } .wrong { color: #b3261e; }
section { margin: 1.6rem 0 2.6rem; } img.plot { max-width: 100%; }
"""


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
    body = [
        f"<h1>{html.escape(title)}</h1><p class=about>{html.escape(about)}</p>",
        "<h2>Scores</h2>",
        _table(*evaluation.rows(), sums=2 * len(KINDS)),
        f'<img class=plot alt="scores by task" src="{_data(_plot(evaluation), "png")}">',
        "<h2>Some timepoints</h2>",
        *_examples(evaluation, examples),
    ]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><body>{''.join(body)}</body></html>\n"
    )
    with whole_file(out) as partial:
        partial.write_text(page, encoding="utf-8")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], sums: int = 0) -> str:
    top = "".join(f"<th{' class=n' if place else ''}>{html.escape(cell)}</th>" for place, cell in enumerate(head))
    lines = []
    for number, row in enumerate(rows):
        cells = "".join(f"<td{' class=n' if place else ''}>{html.escape(cell)}</td>" for place, cell in enumerate(row))
        lines.append(f"<tr{' class=sum' if number >= len(rows) - sums else ''}>{cells}</tr>")
    return f"<table><tr>{top}</tr>{''.join(lines)}</table>"


def _plot(evaluation: Evaluation) -> bytes:
    tasks = list(evaluation.outcomes[0].by_task())
    scores = {one.name: [fmean(scores) for scores in one.by_task().values()] for one in evaluation.outcomes}
    return scores_by_task(tasks, scores)


def _examples(evaluation: Evaluation, wanted: int) -> Iterable[str]:
    """Yield timepoints with their views, and what each answerer said."""
    first = evaluation.outcomes[0].answers
    groups = [
        [place for place, _ in group]
        for _, group in groupby(enumerate(first), key=lambda item: item[1].asked.timepoint.key)
    ]
    count = min(wanted, len(groups))
    for number in range(count):
        places = groups[(2 * number + 1) * len(groups) // (2 * count)]
        point = first[places[0]].asked.timepoint
        clock = "" if point.seconds is None else f", {point.seconds:g} s"
        title = f"<h3>{html.escape(f'{point.dataset} {point.take}, frame {point.frame}{clock}')}</h3>"
        yield f"<section>{title}{_views(point)}{_answers(evaluation.outcomes, places)}</section>"


def _views(point: Timepoint) -> str:
    figures = []
    for name in filter(is_view, point.media):
        view, _, suffix = name.rpartition(".")
        source = _data(*_thumbnail(point, name, "jpeg" if suffix == "jpg" else suffix))
        caption = html.escape(view)
        figures.append(f'<figure><img alt="{caption}" src="{source}"><figcaption>{caption}</figcaption></figure>')
    return f"<div class=views>{''.join(figures)}</div>" if figures else "<p class=about>no view</p>"


def _thumbnail(point: Timepoint, name: str, kind: str) -> tuple[bytes, str]:
    """Return a picture small enough for a page; one that cannot be read becomes an empty one."""
    try:
        content = point.read(name)
        if len(content) <= LARGEST_PICTURE:
            return content, kind
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            image.thumbnail((480, 480))
            small = io.BytesIO()
            image.convert("RGB").save(small, "JPEG", quality=85)
    except (OrqaError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return b"", kind
    return small.getvalue(), "jpeg"


def _answers(outcomes: Sequence[Outcome], places: Sequence[int]) -> str:
    head = "".join(f"<th>{html.escape(one.name)}</th>" for one in outcomes)
    rows = []
    for place in places:
        asked = outcomes[0].answers[place].asked
        truth = " or ".join(asked.question.answers)
        cells = []
        for outcome in outcomes:
            answer = outcome.answers[place]
            kind = "right" if answer.score == 1 else "partly" if answer.score > 0 else "wrong"
            cells.append(f"<td class={kind}>{html.escape(answer.text) or '(nothing)'}</td>")
        rows.append(f"<tr><td>{html.escape(asked.text)}</td><td>{html.escape(truth)}</td>{''.join(cells)}</tr>")
    return f"<table><tr><th>question</th><th>truth</th>{head}</tr>{''.join(rows)}</table>"


def _data(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
