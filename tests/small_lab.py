"""A dataset small enough to train a model on in a test, and how to damage a medium of shards."""

import io
from functools import partial
from pathlib import Path

from attrs import evolve
from PIL import Image

from orqa_registry import Card, Dataset, Take, Timepoint
from orqa_shards.read.dataset import Shards
from orqa_shards.write.pack import pack
from orqa_shards.write.shard_plan import ShardSource

SMALL = ("workers=0", "pixels=3136", "batch=2", "tiny.hidden=32", "tiny.vision_hidden=32", "tiny.vocabulary=600")
"""Changes that make the tiny recipe smaller."""


class Lab(Dataset):
    """Two takes of six timepoints, one of them without any view."""

    name = "Lab"
    card = Card("t", "l", "a")
    provides = {"roles", "actions"}
    splits = ("train", "test")

    def takes(self, root, split):
        yield Take(self.name, split, split, partial(self.points, split))

    def points(self, split):
        for k in range(6):
            image = io.BytesIO()
            Image.new("RGB", (70, 56), (40 * k, 100, 50)).save(image, "PNG")
            media = {"room1.png": image.getvalue(), "room1.mask.png": b"never read"} if k != 3 else {}
            labels = {"roles": ("nurse", "patient")[: k % 3], "actions": ("sawing", "drilling")[k % 2 : k % 2 + 1]}
            yield Timepoint(self.name, split, split, f"{k}", k, float(k), media, labels)


class Unlabelled(Lab):
    """The same, of which only the last two timepoints are annotated."""

    def points(self, split):
        for point in super().points(split):
            yield point if point.index > 3 else evolve(point, labels={})


def packed(registry, out, dataset=None):
    """Write the shards of a lab; return where."""
    pack(registry, [ShardSource(dataset or Lab(), Path(), ("train", "test"))], out)
    return out


def spoil(folder, split_name, number, medium):
    """Write over some bytes of a medium of a timepoint, by its number; return its key."""
    split = Shards.open(folder).split(split_name)
    key = split[number].key
    member = split.members(number, key)[1][medium]
    before = 0
    for shard in split.entry.shards:
        if number < before + shard.timepoints:
            break
        before += shard.timepoints
    with (folder / shard.name).open("r+b") as tar:
        tar.seek(member.offset + member.size // 2)
        tar.write(b"damage")
    return key
