"""Datasets with something wrong, which spawned writers import from here."""

import io
import os
import signal
import warnings
from functools import partial
from pathlib import Path

from attrs import evolve
from PIL import Image
from small_room import Room

from orqa_registry import DataWarning, LazyLabels, Take, Timepoint
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource


def picture(k):
    """Return a small JPEG, in every process the same."""
    made = io.BytesIO()
    Image.new("RGB", (16, 16), (5 * k, 100, 50)).save(made, "JPEG")
    return made.getvalue()


def late(root, frame):
    """Read labels late, as plugins do, and warn where they are damaged."""
    warnings.warn(f"{root}/labels/{frame}.json: not JSON", DataWarning, stacklevel=2)
    return {}


class Damaged(Room):
    """One take of six timepoints; the first is listed with a damaged index, the third has damaged labels."""

    splits = ("train",)

    def takes(self, root, split):
        yield Take(self.name, split, "t", partial(self.points, root, split, "t"))

    def points(self, root, split, name):
        warnings.warn(f"{root}/index.csv: cut short", DataWarning, stacklevel=2)
        for k in range(6):
            labels = LazyLabels({}, {"roles": partial(late, root, k)}) if k == 2 else {"roles": ("nurse",)}
            yield Timepoint(self.name, split, name, f"{k}", k, None, {"room1.jpg": picture(k)}, labels)


class Unreadable(Damaged):
    """The last picture is gone as well."""

    def points(self, root, split, name):
        for point in super().points(root, split, name):
            yield evolve(point, media={"room1.jpg": root / "gone.jpg"}) if point.index == 5 else point


class Gone(Damaged):
    """Twelve hundred timepoints, of which every `every`th has a picture and the others have lost theirs."""

    every = 10**6
    many = 1200

    def points(self, root, split, name):
        for k in range(self.many):
            media = {"room1.jpg": root / "gone.jpg" if k % self.every else picture(0)}
            yield Timepoint(self.name, split, name, f"{k}", k, None, media, {"roles": ("nurse",)})


class HalfGone(Gone):
    """Every other picture is there."""

    every = 2


def kill():
    """Die as for want of memory, once: the second time the picture is there."""
    flag = Path(os.environ["ORQA_TEST_FLAG"])
    if flag.exists():
        flag.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return picture(39)


class Deadly(Damaged):
    """The process that reads the last of forty pictures is killed."""

    def points(self, root, split, name):
        for k in range(40):
            media = {"room1.jpg": kill if k == 39 else picture(k)}
            yield Timepoint(self.name, split, name, f"{k}", k, None, media, {"roles": ("nurse",)})


def pack_one(registry, room, out, root=Path("/nowhere"), **options):
    """Write the training split of a room, whatever is damaged."""
    return pack(registry, [ShardSource(room, root, ("train",))], out, WriteOptions(**{"strict": False, **options}))
