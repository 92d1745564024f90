"""The trainer and the evaluator of orqa-registry: torch lives here alone, and is imported by what runs it alone.

    from orqa_train import load_recipe, train

    train(registry, "demo/shards", load_recipe("tiny"), Path("model"))

Names outside `__all__` are private and may change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orqa_registry import Answerer, hookimpl
from orqa_registry.lazy_exports import lazy_exports

if TYPE_CHECKING:
    import click

    from orqa_train.answering.local_model import LocalModel
    from orqa_train.evaluation.evaluate import evaluate
    from orqa_train.evaluation.results import Evaluation
    from orqa_train.recipe import Recipe, load_recipe
    from orqa_train.training.loader import Loader
    from orqa_train.training.trainer import train

__all__ = [
    "Evaluation",
    "Loader",
    "LocalModel",
    "Recipe",
    "evaluate",
    "load_recipe",
    "train",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "Evaluation": "evaluation.results",
        "Loader": "training.loader",
        "LocalModel": "answering.local_model",
        "Recipe": "recipe",
        "evaluate": "evaluation.evaluate",
        "load_recipe": "recipe",
        "train": "training.trainer",
    },
)


@hookimpl
def orqa_answerers() -> Iterator[Answerer]:
    """Bring the baselines and the trained model."""
    from orqa_train.answering import answerers

    yield answerers.MajorityAnswerer()
    yield answerers.TruthAnswerer()
    yield answerers.BlindAnswerer()
    yield answerers.ModelAnswerer()


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Bring `orqa-registry train` and `orqa-registry eval`."""
    from orqa_registry.console.lazy_command import LazyCommand

    for command in (
        LazyCommand(
            "train",
            "orqa_train.cli.train:train",
            "Train a vision-language model on the questions that can be asked of a shard folder.",
        ),
        LazyCommand(
            "eval",
            "orqa_train.cli.eval_:eval_",
            "Put the questions of a split to answerers, and score what they say.",
        ),
    ):
        cli.add_command(command)
