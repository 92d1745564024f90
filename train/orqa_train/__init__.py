"""The trainer and the evaluator of orqa-registry: torch lives here alone, and is imported by what runs it alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orqa_registry import Answerer, hookimpl

if TYPE_CHECKING:
    import click


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
