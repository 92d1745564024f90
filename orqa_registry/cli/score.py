"""`orqa-registry score`: scores answers that were written to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.errors import OrqaError
from orqa_registry.questions import scoring
from orqa_registry.registry import Registry


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--table", "as_table", is_flag=True, help="Print the mean score of each task instead of the lines.")
@click.pass_obj
def score(registry: Registry, file: Path, as_table: bool) -> None:
    """Add a score to every line of FILE, JSONL with `task`, `truth` and `answer`; `-` reads stdin.

    `score` is what the benchmark publishes, `fair` the same without its known defects: precision counts in scene
    graphs, case and a full stop do not matter. Where a line has a list `truths`, the best of them counts, as in what
    `eval` writes. The names of the original are read too: `question_type`, `gt` and `pred`. Where a line says
    `with_sg_grounding`, the scene graph before the answer is cut off first. What cannot be parsed scores 0.

    \b
    echo '{"task": "count_people", "truth": "4", "answer": "5"}' | orqa-registry score -
    """
    totals: dict[str, list[tuple[float, float]]] = {}
    for line in _score_lines(registry, file):
        if as_table:
            totals.setdefault(line[_find_field(line, "task")], []).append((line["score"], line["fair"]))
        else:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    if as_table:
        output.print_table(
            str(file), ("task", "answers", "score", "fair"), _compute_means(totals), numbers=NUMBER_COLUMNS
        )


NUMBER_COLUMNS = ("answers", "score", "fair")


def _compute_means(totals: dict[str, list[tuple[float, float]]]) -> Iterator[tuple[str, ...]]:
    """Yield a row a task, then the means: over tasks, each counting the same, and over answers, as published."""
    means = {}
    for task, scores in sorted(totals.items()):
        means[task] = tuple(fmean(column) for column in zip(*scores, strict=True))
        yield (task, str(len(scores)), *(f"{mean:.4f}" for mean in means[task]))
    if totals:
        every = [score for scores in totals.values() for score in scores]
        yield ("macro", "", *(f"{fmean(column):.4f}" for column in zip(*means.values(), strict=True)))
        yield ("micro", str(len(every)), *(f"{fmean(column):.4f}" for column in zip(*every, strict=True)))


ORIGINAL_NAMES = {"task": "question_type", "truth": "gt", "answer": "pred"}
"""Field -> its name in the original's files."""


def _find_field(line: dict[str, Any], field: str) -> str:
    return field if field in line else ORIGINAL_NAMES[field]


def _parse_line(text: str, source: str) -> dict[str, Any]:
    """Return a line. Raises OrqaError that says which field is missing or no text."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OrqaError(f"{source}: not JSON: {error}") from error
    if not isinstance(line, dict):
        raise OrqaError(f"{source}: an object with task, truth and answer was expected, not {text.strip()[:40]!r}")
    for field, original in ORIGINAL_NAMES.items():
        if field == "truth" and "truths" in line:
            continue
        value = line.get(field, line.get(original))
        if not isinstance(value, str):
            fault = (
                "is missing" if field not in line and original not in line else f"is {value!r}, and a text was expected"
            )
            raise OrqaError(
                f"{source}: {field} {fault}. Each line has task, truth (the right answer) and answer (what was said); "
                "what `ask` prints has no answer to score yet"
            )
    truths = line.get("truths", [""])
    if not isinstance(truths, list) or not truths or not all(isinstance(truth, str) for truth in truths):
        raise OrqaError(f"{source}: truths is {truths!r}, and a list of one text or more was expected")
    return line


def _score_lines(registry: Registry, file: Path) -> Iterator[dict[str, Any]]:
    with click.open_file(str(file), encoding="utf-8") as lines:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            line = _parse_line(text, f"{file}, line {number}")
            task, answer = line[_find_field(line, "task")], line[_find_field(line, "answer")]
            truths = line["truths"] if "truths" in line else [line[_find_field(line, "truth")]]
            bare_answer = scoring.without_graph(answer) if line.get("with_sg_grounding") else answer
            scores = {
                "score": registry.score(task, bare_answer, *truths),
                "fair": registry.score(task, bare_answer, *truths, fair=True),
            }
            yield {**line, **scores}
