"""A small dataset that the tests of shards and of streams write."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from orqa_registry import Card, Dataset, Take, Timepoint, Triplet
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource

LABELS = [
    {"roles": ("nurse", "patient"), "actions": ("sawing",), "relations": (Triplet("nurse", "closeTo", "patient"),)},
    {"roles": (), "actions": ()},
    {},
]


@lru_cache
def picture(about, size=(64, 48)):
    """Return a small JPEG, another one for each `about`."""
    made = io.BytesIO()
    noise = Image.effect_noise(size, 40)
    colour = Image.new("L", size, sum(map(ord, about)) % 256)
    Image.merge("RGB", (noise, colour, noise)).save(made, "JPEG", quality=90)
    return made.getvalue()


class Room(Dataset):
    """Twelve timepoints in two splits, with an odd take name and a file that is not there."""

    name = "A.Room"
    card = Card("t", "l", "a")
    provides = {"roles", "actions", "relations"}
    splits = ("train", "test")

    def takes(self, root, split):
        for name in ("one", "two.b") if split == "train" else ("three",):
            yield Take(self.name, split, name, lambda name=name: self.points(root, split, name))

    def points(self, root, split, name):
        for k in range(4):
            media = {"room1.jpg": picture(f"{name}{k}"), "speech.txt": b"hello", "room2.jpg": root / "gone.jpg"}
            yield Timepoint(self.name, split, name, f"{k:03d}", k, k / 2, media, LABELS[k % 3])


def written(registry, out, root=Path("/nowhere"), **options):
    """Write both splits, though a file is not there."""
    return pack(
        registry, [ShardSource(Room(), root, ("train", "test"))], out, WriteOptions(**{"strict": False, **options})
    )
