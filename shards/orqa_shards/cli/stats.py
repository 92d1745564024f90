"""`orqa-registry stats`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orqa_registry import Registry
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring

if TYPE_CHECKING:
    from orqa_shards.report.stats import SplitStats


@click.command()
@click.argument("data", metavar="DIR|URL")
@click.option("--split", "splits", multiple=True, help="Count this split alone; repeat for several. Default: all.")
@click.option("--limit", type=click.IntRange(min=1), help="Take so many takes of each split, spread evenly.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a page too, for a browser."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def stats(
    registry: Registry, data: str, splits: tuple[str, ...], limit: int | None, html: Path | None, as_json: bool
) -> None:
    """Count the questions, answers and media of a shard folder, in one pass over its labels.

    questions: everything that can be asked, each question of each task at each timepoint. drawn: how many of them an
    epoch is expected to put with the default mixture, one a task and timepoint at most, empty answers rarely. An
    answer's share is of those drawn; several right answers to a question share it alike. bits: the entropy of the
    answers, 0 where all are the same.

    MB: media and labels alone; the files that `inspect` counts also hold their headers, and the labels once more.

    Media are not read but for the page of --html, which shows some. It needs nothing else and runs no script.

    \b
    orqa-registry stats demo/shards
    orqa-registry stats s3://bucket/shards --split train --limit 50 --json
    orqa-registry stats demo/shards --html stats.html
    """
    with requiring("stats", "orqa-registry[shards]"):
        from orqa_shards.read.dataset import Shards
        from orqa_shards.report.stats import count_split
        from orqa_shards.report.stats_page import write_stats_page
    shards = Shards.open(data)
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)  # now, not after all has been counted
    tasks = [task for _, task in sorted(registry.tasks.items())]
    chosen_splits = [shards.split(name) for name in dict.fromkeys(splits or shards.manifest.splits)]
    with output.show_progress("takes") as advance:
        results = [count_split(split, tasks, limit, advance) for split in chosen_splits]
    if as_json:
        output.print_json({"data": shards.store.name, "splits": [result.as_json() for result in results]})
    else:
        for result in results:
            _print_split(shards.store.name, result)
    if html is not None:
        write_stats_page(shards, results, tasks, html)
        output.print_line(f"page in {html}", err=as_json)


def _print_split(data: str, result: SplitStats) -> None:
    from orqa_shards.report.stats_page import duration_text, megabytes_text

    sampled = "" if result.counted == result.takes else f" of {result.takes}, spread evenly"
    rows: list[tuple[Any, ...]] = []
    for name, holding in result.datasets.items():
        lengths = "{} to {}, median {:g}".format(*(holding.lengths[index] for index in (0, 2, 1)))
        size = megabytes_text(holding.bytes.total())
        rows.append(
            (name, len(holding.takes), f"{holding.timepoints:,}", lengths, duration_text(holding.seconds), size)
        )
    columns = ("dataset", "takes", "timepoints", "timepoints a take", "duration", "MB")
    takes = f"{result.counted} take{'s' * (result.counted != 1)}{sampled}"
    title = f"{data}, split {result.split}: {takes}, {result.timepoints:,} timepoints"
    output.print_table(title, columns, rows, numbers=columns[1:])
    _print_questions(result)
    _print_coverage(result)


def _print_questions(result: SplitStats) -> None:
    from orqa_shards.report.stats_page import percent_text, shorten_answers

    datasets = list(result.datasets)
    rows: list[tuple[Any, ...]] = []
    for task, total in result.tasks.items():
        cells = (f"{result.asked[name, task].questions:,}" if (name, task) in result.asked else "" for name in datasets)
        rows.append((task, *cells, f"{total.questions:,}", f"{total.drawn:,.0f}"))
    columns = ("task", *datasets, "all", "drawn")
    if rows:
        output.print_table("Questions", columns, rows, numbers=columns[1:])
    rows = []
    for task, answers in sorted(result.answers.items()):
        most_common = ", ".join(f"{answer} {percent_text(share)}" for answer, share in shorten_answers(answers.top(3)))
        rows.append((task, f"{len(answers.expected):,}", f"{answers.bits:.1f}", most_common))
    columns = ("task", "different", "bits", "most common")
    if rows:
        output.print_table("Answers", columns, rows, numbers=columns[1:3])


def _print_coverage(result: SplitStats) -> None:
    from orqa_shards.report.stats_page import megabytes_text

    datasets = result.datasets.values()
    for kind, column in (("media", "medium"), ("facets", "facet")):
        rows: list[tuple[Any, ...]] = []
        for name in result.names(kind):
            shares = [getattr(holding, kind)[name] / holding.timepoints for holding in datasets]
            size_cell = (megabytes_text(sum(holding.bytes[name] for holding in datasets)),) if kind == "media" else ()
            rows.append((name, *(f"{share:.0%}" if share else "" for share in shares), *size_cell))
        columns = (column, *result.datasets, *(("MB",) if kind == "media" else ()))
        if rows:
            output.print_table(f"Timepoints that have each {column}", columns, rows, numbers=columns[1:])
