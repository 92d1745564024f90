"""HybridOR: a procedural operating room as a dataset of orqa-registry, and the command `synth` that writes it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from orqa_plugin_hybridor.command import synth
from orqa_plugin_hybridor.dataset import HybridOR
from orqa_registry import Dataset, hookimpl

__all__ = ["HybridOR", "orqa_commands", "orqa_datasets"]


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Yield HybridOR."""
    yield HybridOR()


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Add `synth`."""
    cli.add_command(synth)
