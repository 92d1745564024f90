"""The trainer and the evaluator of orqa-registry: torch lives here alone, and is imported by what runs it alone."""

from __future__ import annotations

from collections.abc import Iterator

import click

from orqa_registry import Answerer, hookimpl


@hookimpl
def orqa_answerers() -> Iterator[Answerer]:
    """Bring the baselines and the trained model."""
    from orqa_train import answerers

    yield answerers.Majority()
    yield answerers.Truth()
    yield answerers.Blind()
    yield answerers.Model()


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Bring `orqa-registry train` and `orqa-registry eval`."""
    from orqa_train import commands

    cli.add_command(commands.train)
    cli.add_command(commands.eval_)
