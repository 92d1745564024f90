"""`orqa-registry train` and `orqa-registry eval`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orqa_registry import Registry
from orqa_registry.cli import show
from orqa_registry.reading import needing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orqa_train.outcomes import Evaluation

FOLDER = click.Path(file_okay=False, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
DATA = click.option("--data", metavar="DIR|URL", required=True, help="Shards that `orqa-registry shard` wrote.")


@contextmanager
def _installed(command: str) -> Iterator[None]:
    """Say what to install where a package is missing, and keep the libraries' own bars off the terminal."""
    with needing(command, "orqa-registry[train]"):
        from transformers.utils import logging

        logging.disable_progress_bar()
        yield


@click.command()
@DATA
@click.option("--recipe", default="tiny", show_default=True, help="Name of a recipe, or a TOML file of your own.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the model.")
@click.option(
    "--mixture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file that replaces the recipe's mixture: weights of datasets and tasks, questions a timepoint, ...",
)
@click.option("--task", "tasks", multiple=True, help="Train on this task alone; repeat for several. Default: all.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe, as --set steps=200.")
@click.option("--seed", type=int, help="The same as --set seed=N --set mixture.seed=N.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the folder.")
@JSON
@click.pass_obj
def train(
    registry: Registry,
    data: str,
    recipe: str,
    out: Path,
    mixture: Path | None,
    tasks: tuple[str, ...],
    changes: tuple[str, ...],
    seed: int | None,
    split: str,
    resume: bool,
    as_json: bool,
) -> None:
    """Train a vision-language model on the questions that can be asked of a shard folder.

    The recipe `tiny` builds a small random Qwen2-VL; a recipe whose `model` is a name or a folder trains that one. All
    questions of a timepoint share one sequence, in which none sees another. The result is a folder that
    `from_pretrained` loads.

    \b
    orqa-registry train --data demo/shards --recipe tiny --out demo/model --task tools_used --task current_action
    orqa-registry train --data shards --recipe finetune --set model=Qwen/Qwen2-VL-2B-Instruct --out run
    """
    with _installed("train"):
        from orqa_train import plots, training
        from orqa_train import recipe as recipes
    changed = recipes.load(recipe, changes, mixture)
    if tasks:
        changed = changed.asking(registry.task(name).name for name in tasks)
    if seed is not None:
        changed = changed.seeded(seed)
    with show.progress("steps") as advance:

        def report(step: int, steps: int, loss: float | None) -> None:
            advance("training", step, steps, "" if loss is None else f"loss {loss:.3f}")

        done = training.train(registry, data, changed, out, split_name=split, resume=resume, report=report)
    plots.loss_curve(out / training.LOG, out / "loss.png")
    if as_json:
        show.print_json(done)
        return
    keys = ("parameters", "steps", "timepoints_seen", "seconds", "loss")
    rows = [(key.replace("_", " "), f"{done[key]:.4g}" if isinstance(done[key], float) else done[key]) for key in keys]
    rows += [("samples left out", done["left_out"]), ("tasks", ", ".join(done["tasks"]))]
    show.print_table(f"model in {out}, loss curve in {out}/loss.png", ("", ""), rows)


@click.command("eval")
@DATA
@click.option("--split", default="test", show_default=True, help="Split to ask.")
@click.option(
    "--answerer",
    "answerers",
    multiple=True,
    required=True,
    metavar="NAME|FOLDER",
    help="majority, truth, a model's FOLDER, blind (that model with its views grey), or what a plugin brings; repeat.",
)
@click.option("--out", type=FOLDER, help="Folder for the results. Default: eval-DATA-SPLIT beside the shards.")
@click.option("--task", "tasks", multiple=True, help="Ask this task alone; repeat for several. Default: all that fit.")
@click.option("--compat", type=click.Choice(["orqa-v1"]), help="Ask as the original does, for published checkpoints.")
@click.option("--limit", type=click.IntRange(min=1), help="Take so many timepoints, spread evenly over the split.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which question is drawn for each task.")
@click.option("--batch", type=click.IntRange(min=1), default=16, show_default=True, help="Timepoints answered at once.")
@click.option(
    "--bad-in-a-row",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="So many timepoints in a row that cannot be read stop the run; fewer cost their own questions.",
)
@click.option(
    "--bad-per-cent",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="More than so many of all stop it too, once 1,000 were seen.",
)
@JSON
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
    with _installed("eval"):
        from orqa_shards.budget import Budget
        from orqa_shards.mixture import Mixture
        from orqa_train import evaluation, outcomes, report

    with show.progress("timepoints") as advance:
        found = evaluation.evaluate(
            registry,
            data,
            split,
            answerers,
            Mixture(seed, compat=compat is not None),
            tasks=tasks,
            limit=limit,
            batch=batch,
            budget=Budget(bad_in_a_row, bad_per_cent),
            report=advance,
        )
    target = out or evaluation.beside(data) / f"eval-{Path(data).resolve().name}-{found.split.name}"
    outcomes.write(found, target)
    report.write_page(found, target / "index.html")
    if as_json:
        show.print_json({**found.summary(), "out": str(target)})
    else:
        _print(found, target)


def _print(found: Evaluation, out: Path) -> None:
    title = f"{found.split.name} of {found.data}; majority learnt from {found.learnt_from}; page: {out}/index.html"
    if found.bad:
        title += f"; {len(found.bad)} timepoints could not be read and are left out"
    columns, rows = found.rows()
    show.print_table(title, columns, rows, numbers=columns[1:])
