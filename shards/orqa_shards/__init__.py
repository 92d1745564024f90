"""Timepoints as WebDataset shards: media are written once, labels lie beside them, questions are asked while reading.

    from orqa_shards.read import Shards
    from orqa_shards.stream import Draw, Stream, askable

    split = Shards.open(folder).split("train")
    for sample in Stream(split, askable(registry, split), Draw(seed=0), epochs=1):
        sample.timepoint.read("room1.jpg"), [asked.text for asked in sample.asked]

A stream is a sequence: any loader may split and shuffle it.
"""

from __future__ import annotations

import click

from orqa_registry import hookimpl


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Bring `orqa-registry shard`."""
    from orqa_shards.command import shard

    cli.add_command(shard)
