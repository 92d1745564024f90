"""Timepoints as WebDataset shards: media are written once, labels lie beside them, questions are asked while reading.

    from orqa_shards.read.dataset import Shards
    from orqa_shards.sampling.mixture import Mixture
    from orqa_shards.sampling.stream import Stream

    split = Shards.open(folder).split("train")
    for sample in Stream.of(registry, split, Mixture(seed=0), epochs=1):
        sample.timepoint.read("room1.jpg"), [asked.text for asked in sample.asked]

A stream is a sequence: any loader may split and shuffle it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orqa_registry import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Bring `orqa-registry shard`, `verify`, `inspect`, `stats` and `mixture`."""
    from orqa_registry.console.lazy_command import LazyCommand

    for command in (
        LazyCommand("shard", "orqa_shards.cli.shard:shard", "Pack the timepoints of DATASET... as WebDataset shards."),
        LazyCommand(
            "verify", "orqa_shards.cli.verify:verify", "Check that the shards in DIR are whole, and repair them."
        ),
        LazyCommand(
            "inspect",
            "orqa_shards.cli.inspect:inspect",
            "Show what a shard folder holds, or with KEY one sample of it.",
        ),
        LazyCommand(
            "stats",
            "orqa_shards.cli.stats:stats",
            "Count the questions, answers and media of a shard folder, in one pass over its labels.",
        ),
        LazyCommand(
            "mixture",
            "orqa_shards.cli.mixture:mixture",
            "Print a mixture, what a run is fed with, and what an epoch of it would hold.",
        ),
    ):
        cli.add_command(command)
