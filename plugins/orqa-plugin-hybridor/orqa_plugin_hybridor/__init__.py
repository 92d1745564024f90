"""HybridOR: a procedural operating room as a dataset of orqa-registry, and the command `synth` that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orqa_plugin_hybridor.dataset import HybridOR
from orqa_registry import Dataset, hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["HybridOR", "orqa_commands", "orqa_datasets"]


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Yield HybridOR."""
    yield HybridOR()


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Add `synth`."""
    from orqa_registry.console.lazy_command import LazyCommand

    cli.add_command(
        LazyCommand(
            "synth",
            "orqa_plugin_hybridor.command:synth",
            "Write a procedural operating-room dataset (HybridOR), or in the layout of another.",
        )
    )
