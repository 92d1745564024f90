"""Timepoints as WebDataset shards: media are written once, labels lie beside them, questions are asked while reading.

    from orqa_shards import Mixture, Shards, Stream

    split = Shards.open(folder).split("train")
    for sample in Stream.of(registry, split, Mixture(seed=0), epochs=1):
        sample.timepoint.read("room1.jpg"), [asked.text for asked in sample.asked]

A stream is a sequence: any loader may split and shuffle it. Names outside `__all__` are private and may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orqa_registry import hookimpl
from orqa_registry.lazy_exports import lazy_exports

if TYPE_CHECKING:
    import click

    from orqa_shards.error_budget import BadSample, ErrorBudget
    from orqa_shards.format.manifest import Manifest
    from orqa_shards.format.tar_writer import TarWriter
    from orqa_shards.read.dataset import Shards, Split
    from orqa_shards.read.image_decoder import decode_image, image_dimensions
    from orqa_shards.read.tar_reader import Tar
    from orqa_shards.sampling.mixture import Mixture
    from orqa_shards.sampling.resumable import ResumableDataset
    from orqa_shards.sampling.shuffle import RankShare, ShuffledOrder
    from orqa_shards.sampling.stream import Sample, Stream
    from orqa_shards.sampling.tar_stream import TarStream
    from orqa_shards.storage.open import open_store
    from orqa_shards.storage.store import Store
    from orqa_shards.write.pack import WriteOptions, pack
    from orqa_shards.write.shard_plan import ShardSource
    from orqa_shards.write.transcode import Transcoder

__all__ = [
    "BadSample",
    "ErrorBudget",
    "Manifest",
    "Mixture",
    "RankShare",
    "ResumableDataset",
    "Sample",
    "ShardSource",
    "Shards",
    "ShuffledOrder",
    "Split",
    "Store",
    "Stream",
    "Tar",
    "TarStream",
    "TarWriter",
    "Transcoder",
    "WriteOptions",
    "decode_image",
    "image_dimensions",
    "open_store",
    "pack",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "BadSample": "error_budget",
        "ErrorBudget": "error_budget",
        "Manifest": "format.manifest",
        "Mixture": "sampling.mixture",
        "RankShare": "sampling.shuffle",
        "ResumableDataset": "sampling.resumable",
        "Sample": "sampling.stream",
        "ShardSource": "write.shard_plan",
        "Shards": "read.dataset",
        "ShuffledOrder": "sampling.shuffle",
        "Split": "read.dataset",
        "Store": "storage.store",
        "Stream": "sampling.stream",
        "Tar": "read.tar_reader",
        "TarStream": "sampling.tar_stream",
        "TarWriter": "format.tar_writer",
        "Transcoder": "write.transcode",
        "WriteOptions": "write.pack",
        "decode_image": "read.image_decoder",
        "image_dimensions": "read.image_decoder",
        "open_store": "storage.open",
        "pack": "write.pack",
    },
)


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
