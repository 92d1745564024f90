"""`orqa-registry train` and `orqa-registry eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import asdict

from orqa_registry import CallError, Registry
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring
from orqa_shards.cli.mixture import record_keys
from orqa_shards.sampling import toml_text
from orqa_shards.sampling.mixture import Mixture
from orqa_train.cli.options import DATA_OPTION, FOLDER_PATH, JSON_OPTION, TRAIN_EXTRA
from orqa_train.recipe import Recipe, TinyModelSize
from orqa_train.training.interrupt import GracefulInterrupt

if TYPE_CHECKING:
    pass


class RecipeCommand(click.Command):
    """A command whose help ends with the keys of a recipe."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them as a list, with what they are where a recipe does not say."""
        with formatter.section("Keys of a recipe"):
            formatter.write_dl(
                [(name, f"{text} Default: {_default_text(name)}.") for name, text in record_keys(Recipe)], col_max=12
            )


def _default_text(key: str) -> str:
    """Return what a key of a recipe is where no recipe says it."""
    value = getattr(Recipe(), key)
    if isinstance(value, Mixture):
        return "as `orqa-registry mixture` prints it"
    if isinstance(value, TinyModelSize):
        return ", ".join(f"{name} = {toml_text.toml_value(size)}" for name, size in asdict(value).items())
    return toml_text.toml_value(value)


@click.command(cls=RecipeCommand)
@DATA_OPTION
@click.option(
    "--recipe",
    default="tiny",
    show_default=True,
    help="Name of a recipe, tiny or finetune, or a TOML file of keys.",
)
@click.option("--out", type=FOLDER_PATH, required=True, help="Folder for the model.")
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
@JSON_OPTION
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
    with requiring("train", TRAIN_EXTRA):
        from orqa_train import recipe as recipes
        from orqa_train.training.run import LOG_FILE, TrainingRun
    changed = recipes.load_recipe(recipe, changes, mixture)
    if tasks:
        changed = changed.with_tasks(registry.task(name).name for name in tasks)
    if seed is not None:
        changed = changed.with_seed(seed)
    job = TrainingRun.of(registry, data, changed, out, split, resume=resume)
    if job.done is not None:
        if as_json:
            output.print_json(job.done)
        output.print_line(f"the model in {out} is finished: nothing is left to do", err=True)
        return
    with requiring("train", TRAIN_EXTRA):  # only now: it takes seconds, and what is wrong with the call has been said
        from orqa_train import plots
        from orqa_train.training import trainer
    with output.show_progress("steps") as advance, GracefulInterrupt() as patience:

        def report(step: int, steps: int, loss: float | None) -> None:
            patience.steps += 1
            advance("training", step, steps, "" if loss is None else f"loss {loss:.3f}")

        done = trainer.run_training(job, report, lambda: patience.asked)
    plots.loss_curve(out / LOG_FILE, out / "loss.png")
    if as_json:
        output.print_json(done)
        return
    shown = ("parameters", "steps", "timepoints_seen", "seconds", "loss")
    rows = [(key.replace("_", " "), f"{done[key]:.4g}" if isinstance(done[key], float) else done[key]) for key in shown]
    rows += [("samples left out", done["left_out"]), ("tasks", ", ".join(done["tasks"]))]
    output.print_table(f"model in {out}, loss curve in {out}/loss.png", ("", ""), rows)
