"""`orqa-registry train` and `orqa-registry eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import asdict

from orqa_registry import CallError, Registry
from orqa_registry.cli import show
from orqa_registry.reading import needing
from orqa_shards import toml
from orqa_shards.bearing import bearing
from orqa_shards.mixing import keys
from orqa_shards.mixture import Mixture
from orqa_train.patience import Patience
from orqa_train.recipe import Recipe, Tiny

if TYPE_CHECKING:
    from orqa_train.outcomes import Evaluation

TRAIN = "orqa-registry[train]"
FOLDER = click.Path(file_okay=False, path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
DATA = click.option("--data", metavar="DIR|URL", required=True, help="Shards that `orqa-registry shard` wrote.")


class Explained(click.Command):
    """A command whose help ends with the keys of a recipe."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them as a list, with what they are where a recipe does not say."""
        with formatter.section("Keys of a recipe"):
            formatter.write_dl(
                [(name, f"{text} Default: {_default_text(name)}.") for name, text in keys(Recipe)], col_max=12
            )


def _default_text(key: str) -> str:
    """Return what a key of a recipe is where no recipe says it."""
    value = getattr(Recipe(), key)
    if isinstance(value, Mixture):
        return "as `orqa-registry mixture` prints it"
    if isinstance(value, Tiny):
        return ", ".join(f"{name} = {toml.written(size)}" for name, size in asdict(value).items())
    return toml.written(value)


@click.command(cls=Explained)
@DATA
@click.option(
    "--recipe",
    default="tiny",
    show_default=True,
    help="Name of a recipe, tiny or finetune, or a TOML file of keys.",
)
@click.option("--out", type=FOLDER, required=True, help="Folder for the model.")
@click.option(
    "--mixture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file that replaces the recipe's mixture: weights of datasets and tasks, questions a timepoint, ...",
)
@click.option("--task", "tasks", multiple=True, help="Train on this task alone; repeat for several. Default: all.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the recipe, as --set steps=200; repeatable.",
)
@click.option("--seed", type=int, help="The same as --set seed=N --set mixture.seed=N.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option(
    "--resume", is_flag=True, help="Go on from the last checkpoint in the folder; where the model is finished, say so."
)
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
    if mixture is not None and tasks:
        raise CallError("--task and --mixture: the file says which tasks are asked. Leave one of them out")
    with needing("train", TRAIN):
        from orqa_train import recipe as recipes
        from orqa_train.job import LOG, Job
    changed = recipes.load(recipe, changes, mixture)
    if tasks:
        changed = changed.asking(registry.task(name).name for name in tasks)
    if seed is not None:
        changed = changed.seeded(seed)
    job = Job.of(registry, data, changed, out, split, resume=resume)
    if job.done is not None:
        if as_json:
            show.print_json(job.done)
        show.print_line(f"the model in {out} is finished: nothing is left to do", err=True)
        return
    with needing("train", TRAIN):  # only now: it takes seconds, and what is wrong with the call has been said
        from orqa_train import plots, training
    with show.progress("steps") as advance, Patience() as patience:

        def report(step: int, steps: int, loss: float | None) -> None:
            patience.steps += 1
            advance("training", step, steps, "" if loss is None else f"loss {loss:.3f}")

        done = training.run(job, report, lambda: patience.asked)
    plots.loss_curve(out / LOG, out / "loss.png")
    if as_json:
        show.print_json(done)
        return
    shown = ("parameters", "steps", "timepoints_seen", "seconds", "loss")
    rows = [(key.replace("_", " "), f"{done[key]:.4g}" if isinstance(done[key], float) else done[key]) for key in shown]
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
@bearing("timepoints", "their own questions")
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
    with needing("eval", TRAIN):
        from orqa_shards.budget import Budget
        from orqa_train import evaluation, outcomes
        from orqa_train.job import refuse_shards

    if out is not None:
        refuse_shards(out)
    with show.progress("timepoints") as advance:
        result = evaluation.evaluate(
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
    target = out or evaluation.beside(data) / f"eval-{Path(data).resolve().name}-{result.split.name}"
    outcomes.write(result, target)
    with needing("eval", TRAIN):
        from orqa_train import report
    report.write_page(result, target / "index.html")
    if as_json:
        show.print_json({**result.summary(), "out": str(target)})
    else:
        _print_table(result, target)


def _print_table(result: Evaluation, out: Path) -> None:
    title = f"{result.split.name} of {result.data}; majority learnt from {result.learnt_from}; page: {out}/index.html"
    if result.bad:
        title += f"; {len(result.bad)} timepoints could not be read and are left out"
    columns, rows = result.rows()
    show.print_table(title, columns, rows, numbers=columns[1:])
