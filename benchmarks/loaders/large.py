"""A thousand shards of a hundred tiny timepoints: how soon the first batch comes, and whether memory grows."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from loaders import ours
from loaders.feeding import Run
from loaders.measure import apart, own_memory
from loaders.sets import Data
from PIL import Image

from orqa_registry import Card, Dataset, Take, Timepoint
from orqa_shards.format import label_line
from orqa_shards.read.image_decoder import decode_image
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource
from orqa_shards.write.transcode import Transcoder
from orqa_train.training.loader import Loader

SHARDS, A_SHARD, SHARDS_A_TAKE = 1000, 100, 10
TAKE = A_SHARD * SHARDS_A_TAKE
LOOKS = 400
"""Times that memory is looked at during an epoch."""


class Dots(Dataset):
    """Takes of a thousand timepoints, one 32 x 24 picture each, and a scene graph."""

    name = "dots"
    card = Card("Dots", "none", "synthetic")
    provides = frozenset({"relations", "roles"})
    splits = ("train",)

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes."""
        for number in range(SHARDS // SHARDS_A_TAKE):
            name = f"take{number:03d}"
            yield Take(self.name, split, name, partial(self._points, split, name))

    def _points(self, split: str, take: str) -> Iterator[Timepoint]:
        buffer = io.BytesIO()
        Image.effect_noise((32, 24), 40).convert("RGB").save(buffer, "JPEG", quality=90)
        facets = {"relations": (("nurse", "closeTo", "patient"),), "roles": ("nurse", "patient")}
        for k in range(TAKE):
            yield Timepoint(self.name, split, take, f"{k:06d}", k, float(k), {"room1.jpg": buffer.getvalue()}, facets)


def shards(data: Data) -> Path:
    """Return the folder, made where it is not there."""

    def make(out: Path) -> None:
        source, sample = ShardSource(Dots(), out, ("train",)), next(iter(next(Dots().takes(out, "train"))))
        # A timepoint takes its bytes and 1,024 for each of two members; between 100 and 101 of them are a shard.
        timepoint_bytes = len(sample.read("room1.jpg")) + len(label_line.encode_line(sample)) + 2048
        manifest = pack(
            ours.registry(),
            [source],
            out,
            WriteOptions(int(timepoint_bytes * (A_SHARD + 0.5)), transcoder=Transcoder(None)),
        )
        shard_count = len(manifest.splits["train"].shards)
        if shard_count != SHARDS:
            raise RuntimeError(f"{shard_count} shards instead of {SHARDS}")

    return data.made("ours-dots", make)


def _make_loader(folder: Path, threads: int) -> Loader:
    stream = ours.stream_of(ours.split_of(folder), 1)
    return Loader(stream, 8, transform=lambda sample: decode_image(sample.timepoint.read("room1.jpg")), threads=threads)


def first_batch(folder: Path) -> float:
    """Return the seconds on the clock from opening the folder to the first batch; imports do not count."""
    ours.registry()
    started = time.perf_counter()
    for _ in _make_loader(folder, 1):
        return time.perf_counter() - started
    raise RuntimeError("no batch came")


def starts(data: Data) -> dict[str, Run]:
    """Return the rows of starting up."""
    folder = shards(data)
    return {f"{SHARDS:,} shards, open to first batch": partial(first_batch, folder)}


def _measure_curve(loader: Loader, epochs: int) -> list[tuple[float, float]]:
    steps = len(loader) * epochs
    interval, step, curve = max(1, steps // LOOKS), 0, []
    for _ in range(epochs):
        for _ in loader:
            step += 1
            if step % interval == 0:
                gc.collect()
                curve.append((step / len(loader), own_memory() / 1e6))
    return curve


def memory(data: Data) -> dict[str, list[tuple[float, float]]]:
    """Return (epochs passed, MB) over an epoch of tiny and ten of real pictures, each in a process of its own."""
    dots, pictures = shards(data), data.shards("q95")
    return {
        f"{SHARDS * A_SHARD:,} tiny timepoints, {SHARDS:,} shards": apart(
            lambda: _measure_curve(_make_loader(dots, 1), 1)
        ),
        f"{data.timepoints} timepoints of 5 views, 2 threads": apart(
            lambda: _measure_curve(ours.loader(pictures, threads=2), 10)
        ),
    }
