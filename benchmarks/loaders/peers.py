"""The other loaders, each as its documentation has it: written with its own writer, shuffled, batched, in workers.

An `Epoch` goes once through all timepoints and yields batches, lists of samples; a sample is a list of five arrays.
Where a peer is not installed, importing it says so.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from loaders.pictures import VIEWS
from PIL import Image
from torch.utils.data import DataLoader, Dataset

BATCH = 8
SHARD = 100
"""Timepoints of a shard, so that 400 timepoints are four, and worker processes have two each."""
SEED = 7

Epoch = Callable[[], Iterable[Sequence[Any]]]
Decode = Callable[[bytes], np.ndarray]


Samples = Sequence[tuple[str, Mapping[str, bytes]]]
"""Key, and suffix -> bytes, of each timepoint: what our tars hold, so that all are given the same bytes."""


def pixels(sample: Mapping[str, bytes], suffix: str = ".jpg") -> list[np.ndarray]:
    """Decode the views of a sample, by the decoder that every loader is given."""
    return [simplejpeg.decode_jpeg(sample[view + suffix]) for view in VIEWS]


class Rows(Dataset):
    """Timepoints by number, from wherever `load` gets them."""

    def __init__(self, length: int, load: Callable[[int], list[np.ndarray]]):
        self.length, self.load = length, load

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> list[np.ndarray]:
        return self.load(number)


def rows(length: int, load: Callable[[int], list[np.ndarray]], workers: int) -> Epoch:
    """Return an epoch over timepoints by number, in the shuffled order that is the same for every map-style loader."""
    order = np.random.default_rng(SEED).permutation(length).tolist()
    return lambda: DataLoader(Rows(length, load), batch_size=BATCH, sampler=order, num_workers=workers, collate_fn=list)


def memory(samples: Samples, workers: int, decode: Decode = simplejpeg.decode_jpeg) -> Epoch:
    """Decode JPEGs that are in memory already: no loader can be faster."""
    views = [[sample[f"{view}.jpg"] for view in VIEWS] for _, sample in samples]
    return rows(len(views), lambda number: [decode(data) for data in views[number]], workers)


def loose(folder: Path, length: int, workers: int, resample: Image.Resampling) -> Epoch:
    """Open full-size files with PIL and resize them, as the original does."""

    def picture(path: Path) -> np.ndarray:
        with Image.open(path) as image:
            width, height = image.size
            scale = (112_896 / (width * height)) ** 0.5
            return np.asarray(image.convert("RGB").resize((int(width * scale), int(height * scale)), resample))

    return rows(length, lambda number: [picture(folder / f"{number:05d}" / f"{view}.jpg") for view in VIEWS], workers)


class WebDataset:
    """Plain tars, read from end to end; shards in any order, and a buffer of samples."""

    name, distribution = "webdataset", "webdataset"

    @staticmethod
    def write(samples: Samples, folder: Path) -> None:
        """Write plain tars."""
        import webdataset as wds

        with wds.ShardWriter(str(folder / "train-%06d.tar"), maxcount=SHARD, verbose=0, encoder=False) as writer:
            for key, sample in samples:
                writer.write({"__key__": key, **sample})

    @staticmethod
    def open(folder: Path, workers: int) -> Epoch:
        """Return an epoch: shards and a buffer shuffled, split by worker."""
        import webdataset as wds

        tars = sorted(map(str, folder.glob("*.tar")))
        dataset = wds.WebDataset(tars, shardshuffle=len(tars), seed=SEED, empty_check=False).shuffle(SHARD).map(pixels)
        return lambda: DataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=list)


class LitData:
    """Its own chunks."""

    name, distribution = "litdata", "litdata"

    @staticmethod
    def write(samples: Samples, folder: Path) -> None:
        """Write chunks in this process, as `optimize` does in its workers."""
        from litdata.streaming import Cache

        cache = Cache(str(folder), chunk_size=SHARD)
        for number, (_, sample) in enumerate(samples):
            cache[number] = dict(sample)
        cache.done()
        cache.merge()

    @staticmethod
    def open(folder: Path, workers: int) -> Epoch:
        """Return an epoch through its own loader."""
        from litdata import StreamingDataLoader, StreamingDataset

        dataset = StreamingDataset(str(folder), shuffle=True, seed=SEED, drop_last=False, transform=pixels)
        loader = StreamingDataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=list)
        return lambda: loader


class Mosaic:
    """MDS shards."""

    name, distribution = "mosaic MDS", "mosaicml-streaming"

    @staticmethod
    def library() -> Any:
        """Return `streaming` without its part for images, which nothing here uses and which needs torchvision."""
        sys.modules.setdefault("streaming.vision", types.ModuleType("streaming.vision"))
        import streaming

        return streaming

    @classmethod
    def write(cls, samples: Samples, folder: Path) -> None:
        """Write MDS shards."""
        columns = dict.fromkeys(samples[0][1], "bytes")
        size_limit = SHARD * sum(sum(map(len, sample.values())) for _, sample in samples) // len(samples)
        with cls.library().MDSWriter(out=str(folder), columns=columns, size_limit=size_limit) as writer:
            for _, sample in samples:
                writer.write(dict(sample))

    @classmethod
    def open(cls, folder: Path, workers: int) -> Epoch:
        """Return an epoch, shuffled by its default algorithm."""
        library = cls.library()

        class Pictures(library.StreamingDataset):
            def __getitem__(self, index: Any) -> list[np.ndarray]:
                return pixels(super().__getitem__(index))

        library.base.util.clean_stale_shared_memory()
        dataset = Pictures(local=str(folder), shuffle=True, shuffle_seed=SEED, batch_size=BATCH)
        return lambda: DataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=list)


class Energon:
    """Plain tars with the index that its own tool makes."""

    name, distribution = "energon", "megatron-energon"

    @staticmethod
    def write(samples: Samples, folder: Path) -> None:
        """Write plain tars and prepare them."""
        from megatron.energon.epathlib import EPath
        from megatron.energon.flavors import CrudeWebdataset

        WebDataset.write(samples, folder)
        tars = sorted(path.name for path in folder.glob("*.tar"))
        CrudeWebdataset.prepare_dataset(EPath(folder), tars, split_parts_ratio=[("train", 1.0)], workers=1)
        config = "__module__: megatron.energon\n__class__: CrudeWebdataset\n"
        (folder / ".nv-meta" / "dataset.yaml").write_text(config)

    @staticmethod
    def open(folder: Path, workers: int) -> Epoch:
        """Return an epoch through its own loader."""
        from megatron.energon import (
            Cooker,
            DefaultTaskEncoder,
            WorkerConfig,
            get_loader,
            get_train_dataset,
            stateless,
        )

        @stateless
        def cook(sample: dict[str, Any]) -> Any:
            return sample

        class Encoder(DefaultTaskEncoder):
            decoder = None
            cookers = [Cooker(cook)]

            @stateless
            def encode_sample(self, sample: Any) -> list[np.ndarray]:
                return pixels(sample)

            @stateless
            def batch(self, samples: list[Any]) -> list[Any]:
                return samples

        def epoch() -> Iterable[Any]:
            return get_loader(
                get_train_dataset(
                    str(folder),
                    worker_config=WorkerConfig(rank=0, world_size=1, num_workers=workers),
                    batch_size=BATCH,
                    shuffle_buffer_size=SHARD,
                    max_samples_per_sequence=SHARD,
                    task_encoder=Encoder(),
                    repeat=False,
                )
            )

        return epoch


PEERS = (WebDataset, LitData, Mosaic, Energon)


def absent(peer: Any) -> str | None:
    """Return why a peer cannot take part, or None."""
    try:
        metadata.version(peer.distribution)
    except metadata.PackageNotFoundError:
        return f"{peer.distribution} is not installed"
    return None
