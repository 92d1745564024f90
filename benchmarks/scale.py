"""Constants from which docs/explanation/scale.md counts: bytes and seconds a shard, a take, a timepoint.

python benchmarks/scale.py --data SHARDS         bytes of a folder of your own
python benchmarks/scale.py                       and seconds, on a folder of 1,000 shards made for it
"""

import argparse
import io
import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image

from orqa_registry import Card, Dataset, Registry, Take, Timepoint
from orqa_shards.format.tar_index import index_name
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.shuffle import ShuffledOrder
from orqa_shards.sampling.stream import Stream
from orqa_shards.storage.open import open_store
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource

LABELS = {"roles": ("nurse", "patient"), "actions": ("sawing",), "entities": ("nurse", "patient", "drill", "saw")}
SHARDS, TIMEPOINTS, TAKE = 1000, 100, 1000


def picture() -> bytes:
    """Return a JPEG of 16 pixels."""
    out = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(out, "JPEG")
    return out.getvalue()


class Many(Dataset):
    """Takes of 1,000 timepoints with five tiny views each: what is counted is everything but the pictures."""

    name = "Many"
    card = Card("Many shards", "none", "made here")
    provides = set(LABELS)
    splits = ("train",)
    views = {f"room{view}.jpg": picture() for view in range(5)}

    def takes(self, root: Path, split: str):
        """Yield takes of 1,000 timepoints."""
        for number in range(SHARDS * TIMEPOINTS // TAKE):
            yield Take(self.name, split, f"{number:04d}", lambda number=number: self.points(split, number))

    def points(self, split: str, number: int):
        """Yield the timepoints of a take."""
        for index in range(TAKE):
            yield Timepoint(self.name, split, f"{number:04d}", f"{index:06d}", index, float(index), self.views, LABELS)


def sizes(folder: str) -> dict[str, float]:
    """Return bytes of what lies beside the tars."""
    store = open_store(folder)
    manifest = Shards.open(folder).manifest
    splits = manifest.splits.values()
    timepoints, takes = sum(split.timepoints for split in splits), sum(len(split.takes) for split in splits)
    shards = [shard for split in splits for shard in split.shards]
    members = sum(sum(split.media.values()) + split.timepoints for split in splits)
    return {
        "timepoints": timepoints,
        "takes": takes,
        "shards": len(shards),
        "tar_bytes_a_timepoint": sum(shard.bytes for shard in shards) / timepoints,
        "index_bytes_a_member": sum(store.size(index_name(shard.name)) or 0 for shard in shards) / members,
        "label_bytes_a_timepoint": sum(split.labels.bytes for split in splits) / timepoints,
        "manifest_bytes_a_shard_and_take": (store.size("manifest.json") or 0) / (len(shards) + takes),
    }


def seconds(folder: str, runs: int) -> dict[str, float]:
    """Return seconds from opening to the first batch of 16 timepoints with questions and media, and its parts."""
    registry, open_seconds, batch_seconds = Registry.load(), [], []
    for seed in range(runs):
        started = time.perf_counter()
        split = Shards.open(folder).split("train")
        open_seconds.append(time.perf_counter() - started)
        stream = Stream.of(registry, split, Mixture(seed=seed))
        for sample in stream[:16]:
            dict(sample.timepoint.media)
        batch_seconds.append(time.perf_counter() - started)
    return {
        "open": median(open_seconds),
        "open_to_first_batch": median(batch_seconds),
        "open_to_first_batch_slowest": max(batch_seconds),
    }


def order(shards: int) -> dict[str, float]:
    """Return what the order of an epoch over so many shards of 800 timepoints costs."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    ShuffledOrder((800,) * shards).place(0, 0)
    took = time.perf_counter() - started
    return {
        "order_seconds": took,
        "order_bytes_a_shard": 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / shards,
    }


def main() -> None:
    """Print the constants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="A shard folder of your own, instead of one made here.")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    constants = order(4_000_000)
    if args.data:
        print(json.dumps(sizes(args.data) | constants, indent=2))
        return
    with tempfile.TemporaryDirectory() as folder:
        timepoint_bytes = 1024 * 6 + 6 * 700
        started = time.perf_counter()
        options = WriteOptions(shard_bytes=TIMEPOINTS * timepoint_bytes)
        pack(Registry.load(), [ShardSource(Many(), Path(folder), ("train",))], Path(folder) / "s", options)
        constants["write_seconds"] = time.perf_counter() - started
        print(json.dumps(sizes(f"{folder}/s") | seconds(f"{folder}/s", args.runs) | constants, indent=2))


if __name__ == "__main__":
    main()
