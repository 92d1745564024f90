"""Our side: a dataset of loose files, its shards, and the loader over them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from loaders.peers import BATCH, SEED, SHARD, Epoch, Samples
from loaders.pictures import SIZE, VIEWS

from orqa_registry import Box, Card, Dataset, Registry, Take, Timepoint, Triplet
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES, ROBOT_PHASES
from orqa_shards.read.dataset import Shards, Split
from orqa_shards.read.image_decoder import decode_image
from orqa_shards.read.tar_reader import Tar
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.stream import Sample, Stream, askable_tasks
from orqa_shards.storage.open import open_store
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource
from orqa_shards.write.transcode import Transcoder
from orqa_train.training.loader import Loader

PIXELS = 112_896


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the registry with whatever tasks are installed."""
    return Registry.load()


def labels(number: int) -> dict[str, Any]:
    """Return labels as rich as real ones: nine relations, ten boxes, what the robot does; 16 tasks always can ask."""
    rng = random.Random(number)
    pairs = {(rng.choice(ENTITIES), rng.choice(ENTITIES)): rng.choice(PREDICATES) for _ in range(8)}
    pairs["head_surgeon", "patient"] = "drilling"
    boxes = tuple(Box(entity, 10, 20, 110 + k, 130) for k, entity in enumerate(rng.sample(ENTITIES, 10)))
    extents = {box.entity: tuple(rng.randint(-900, 900) + step for step in (0, 0, 0, 99, 99, 99)) for box in boxes}
    return {
        **scenegraph.graph_facets(
            tuple(Triplet(subject, predicate, target) for (subject, target), predicate in sorted(pairs.items()))
        ),
        "roles": ("head_surgeon", "nurse", "patient"),
        "robot_phase": rng.choice(ROBOT_PHASES),
        "robot_calibrated": rng.random() < 0.5,
        "sterility_breach": ("nurse closeTo instrument_table",),
        "tracked_tools": (),
        "screen_text": "step 4 of 9",
        "boxes": {"room1": {"size": SIZE, "boxes": boxes}},
        "positions": {"reach": 5000, "extents": extents},
    }


class Leaves(Dataset):
    """Takes of `SHARD` timepoints; its root holds a folder of pictures for each, as `pictures.make` writes them."""

    name = "leaves"
    card = Card("Dead leaves", "none", "synthetic")
    provides = frozenset(labels(0))
    splits = ("train",)

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes."""
        folders = sorted(root.iterdir())
        for start in range(0, len(folders), SHARD):
            name = f"take{start // SHARD}"
            yield Take(
                self.name, split, name, partial(self._points, split, name, start, folders[start : start + SHARD])
            )

    def _points(self, split: str, take: str, start: int, folders: Sequence[Path]) -> Iterator[Timepoint]:
        for k, folder in enumerate(folders):
            media = {f"{view}.jpg": folder / f"{view}.jpg" for view in VIEWS}
            yield Timepoint(self.name, split, take, f"{k:06d}", k, float(k), media, labels(start + k))


def write(loose: Path, out: Path, recoder: Transcoder) -> None:
    """Write shards of `SHARD` timepoints or so."""
    source = ShardSource(Leaves(), loose, ("train",))
    timepoint_bytes = sum(len(recoder(path.name, path.read_bytes()).data) for path in sorted(loose.glob("00000/*")))
    pack(
        registry(),
        [source],
        out,
        WriteOptions(shard_bytes=int(timepoint_bytes * SHARD * 1.05), transcoder=recoder, workers=2),
    )


def members(folder: Path) -> Samples:
    """Return what the tars hold, whole, in their order."""
    store, samples = open_store(folder), []
    for name in store.names():
        if name.endswith(".tar"):
            tar = Tar.open(store, name)
            samples += [(tar.index.keys[number], tar[number]) for number in range(len(tar))]
    return samples


def split_of(folder: Path) -> Split:
    """Return the split."""
    return Shards.open(folder).split("train")


def stream_of(split: Split, questions: int) -> Stream:
    """Return a stream that puts so many questions at each timepoint, none for 0."""
    tasks = askable_tasks(registry(), split) if questions else []
    return Stream(split, tasks, Mixture(seed=SEED, questions=questions))


class Views:
    """Decodes the views of a sample; makes sure that as many questions came with them as were to be asked."""

    def __init__(self, questions: int) -> None:
        self.questions = questions

    def __call__(self, sample: Sample) -> list[Any]:
        """Return five arrays."""
        if len(sample.asked) != self.questions:
            raise ValueError(f"{len(sample.asked)} questions, and {self.questions} were expected")
        return [decode_image(sample.timepoint.read(f"{view}.jpg"), PIXELS) for view in VIEWS]


def loader(folder: Path, workers: int = 0, threads: int = 1, questions: int = 0) -> Loader:
    """Return the loader over shards: read, checked, decoded."""
    stream = stream_of(split_of(folder), questions)
    return Loader(stream, BATCH, transform=Views(questions), workers=workers, threads=threads)


def epoch(folder: Path, workers: int = 0, threads: int = 1, questions: int = 0) -> Epoch:
    """Return an epoch through the loader."""
    batches = loader(folder, workers, threads, questions)
    return lambda: batches
