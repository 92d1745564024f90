"""Timepoints as WebDataset shards: media are written once, labels lie beside them, questions are asked while reading.

from orqa_shards.read import Shards
from orqa_shards.stream import Draw, Stream

shards = Shards.open(folder)
for sample in Stream(shards.split("train"), registry, Draw(seed=0), epochs=1):
    sample.timepoint.read("room1.jpg"), [asked.text for asked in sample.asked]
"""

from __future__ import annotations

import click

from orqa_registry import hookimpl


@hookimpl
def orqa_commands(cli: click.Group) -> None:
    """Bring `orqa-registry shard`."""
    from orqa_shards.command import shard

    cli.add_command(shard)
