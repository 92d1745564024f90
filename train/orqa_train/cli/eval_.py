"""`orqa-registry eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orqa_registry import Registry
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring
from orqa_shards.cli.options import error_budget_options
from orqa_shards.sampling.mixture import Mixture
from orqa_train.cli.options import DATA_OPTION, FOLDER_PATH, JSON_OPTION, TRAIN_EXTRA

if TYPE_CHECKING:
    from orqa_train.evaluation.results import Evaluation


@click.command("eval")
@DATA_OPTION
@click.option("--split", default="test", show_default=True, help="Split to ask.")
@click.option(
    "--answerer",
    "answerers",
    multiple=True,
    required=True,
    metavar="NAME|FOLDER",
    help="majority, truth, a model's FOLDER, blind (that model with its views grey), or what a plugin brings; repeat.",
)
@click.option("--out", type=FOLDER_PATH, help="Folder for the results. Default: eval-DATA-SPLIT beside the shards.")
@click.option("--task", "tasks", multiple=True, help="Ask this task alone; repeat for several. Default: all that fit.")
@click.option("--compat", type=click.Choice(["orqa-v1"]), help="Ask as the original does, for published checkpoints.")
@click.option("--limit", type=click.IntRange(min=1), help="Take so many timepoints, spread evenly over the split.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which question is drawn for each task.")
@click.option("--batch", type=click.IntRange(min=1), default=16, show_default=True, help="Timepoints answered at once.")
@error_budget_options("timepoints", "their own questions")
@JSON_OPTION
@click.pass_obj
def eval_(
    registry: Registry,
    data: str,
    split: str,
    answerers: tuple[str, ...],
    out: Path | None,
    tasks: tuple[str, ...],
    compat: str | None,
    limit: int | None,
    seed: int,
    batch: int,
    bad_in_a_row: int,
    bad_per_cent: float,
    as_json: bool,
) -> None:
    """Put the questions of a split to answerers, and score what they say.

    Writes results.json, the answers as JSONL, and index.html with the table, a plot and some timepoints. Every
    table has the most common answer beside it. macro: every task counts the same; micro: every question does. Any right
    answer counts; "one reference" compares with the one that was drawn alone, as published numbers do; "fair" scores
    without the known defects of the benchmark's scorers.

    \b
    orqa-registry eval --data demo/shards --split test --answerer demo/model --answerer blind
    """
    with requiring("eval", TRAIN_EXTRA):
        from orqa_shards.error_budget import ErrorBudget
        from orqa_train.evaluation import evaluate, results
        from orqa_train.training.run import refuse_shard_folder

    if out is not None:
        refuse_shard_folder(out)
    with output.show_progress("timepoints") as advance:
        result = evaluate.evaluate(
            registry,
            data,
            split,
            answerers,
            Mixture(seed, compat=compat is not None),
            tasks=tasks,
            limit=limit,
            batch=batch,
            budget=ErrorBudget(bad_in_a_row, bad_per_cent),
            report=advance,
        )
    target = out or evaluate.parent_folder(data) / f"eval-{Path(data).resolve().name}-{result.split.name}"
    results.write_results(result, target)
    with requiring("eval", TRAIN_EXTRA):
        from orqa_train.evaluation.html_report import write_html_report
    write_html_report(result, target / "index.html")
    if as_json:
        output.print_json({**result.summary(), "out": str(target)})
    else:
        _print_table(result, target)


def _print_table(result: Evaluation, out: Path) -> None:
    from orqa_train.evaluation.score_table import score_table

    title = f"{result.split.name} of {result.data}; majority learnt from {result.learnt_from}; page: {out}/index.html"
    if result.bad:
        title += f"; {len(result.bad)} timepoints could not be read and are left out"
    columns, rows = score_table(result)
    output.print_table(title, columns, rows, numbers=columns[1:])
