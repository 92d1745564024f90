"""What reading a sample costs without decoding it, and what writing it costs."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from loaders import ours, peers
from loaders.feeding import Run
from loaders.measure import spent
from loaders.peers import SEED, Samples
from loaders.sets import Data

from orqa_shards.format.tar_index import TarIndex, index_name
from orqa_shards.format.tar_writer import TarWriter
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store

PASSES = 5
"""Times that all is read in a row, since once takes too little to be timed."""
LARGE = 100
"""Timepoints that are written at full size, of 0.9 MB each."""


def reading(opened: Callable[[], Callable[[], Iterator[int]]], timepoints: int) -> float:
    """Return CPU microseconds a sample; `opened()` gives what reads all samples and yields the members of each."""
    read = opened()
    sum(read())
    seconds, count = spent(lambda: sum(sum(1 for _ in read()) for _ in range(PASSES)))
    if count != timepoints * PASSES:
        raise RuntimeError(f"{count} of {timepoints * PASSES} samples came")
    return 1e6 * seconds / count


def _open_webdataset(folder: Path) -> Callable[[], Iterator[int]]:
    import webdataset as wds

    tars = sorted(map(str, folder.glob("*.tar")))
    return lambda: (len(sample) for sample in wds.WebDataset(tars, shardshuffle=False, empty_check=False))


def _open_tarfile(folder: Path) -> Callable[[], Iterator[int]]:
    def read() -> Iterator[int]:
        for path in sorted(folder.glob("*.tar")):
            with tarfile.open(path, "r|") as tar:
                key = ""
                for member in tar:
                    if (opened := tar.extractfile(member)) is not None:
                        opened.read()
                    before, key = key, member.name.partition(".")[0]
                    if key != before:
                        yield 1

    return read


def _draw_order(length: int) -> list[int]:
    return np.random.default_rng(SEED).permutation(length).tolist()


def _open_our_tars(folder: Path, shuffled: bool) -> Callable[[], Iterator[int]]:
    store = open_store(folder)
    tars = [Tar.open(store, name) for name in store.names() if name.endswith(".tar")]
    samples = [(tar, number) for tar in tars for number in range(len(tar))]
    order = _draw_order(len(samples)) if shuffled else range(len(samples))
    return lambda: (len(tar[number]) for tar, number in (samples[position] for position in order))


def _open_our_split(folder: Path) -> Callable[[], Iterator[int]]:
    split = ours.split_of(folder)
    return lambda: (sum(map(len, split[position].media.values())) for position in _draw_order(len(split)))


def _open_plain(folder: Path) -> Callable[[], Iterator[int]]:
    """One positioned read a sample and nothing else: no reader can be faster."""
    ranges = []
    for path in sorted(folder.glob("*.tar")):
        fd = os.open(path, os.O_RDONLY)
        index = TarIndex.from_bytes(path.with_name(index_name(path.name)).read_bytes(), path.name)
        for number in range(len(index)):
            members = index.members(number)
            first, last = members[0].offset, members[-1].offset + members[-1].size
            ranges.append((fd, last - first, first))
    return lambda: (len(os.pread(*ranges[position])) for position in _draw_order(len(ranges)))


def readers(data: Data) -> dict[str, Run]:
    """Return the name of each row of reading and how it is measured; ours checks the crc32 of all it reads."""
    rows: dict[str, Callable[[], Callable[[], Iterator[int]]]] = {}
    for kind in ("q90", "q95", "full"):
        folder = data.shards(kind)
        rows[f"{kind} webdataset, read"] = partial(_open_webdataset, folder)
        rows[f"{kind} tarfile r|, read"] = partial(_open_tarfile, folder)
        rows[f"{kind} ours, read"] = partial(_open_our_tars, folder, False)
        rows[f"{kind} ours shuffled, read"] = partial(_open_our_tars, folder, True)
        rows[f"{kind} ours timepoints, read"] = partial(_open_our_split, folder)
        rows[f"{kind} one pread a sample, read"] = partial(_open_plain, folder)
    return {name: partial(reading, opened, data.timepoints) for name, opened in rows.items()}


def writing(write: Callable[[Samples, Path], None], samples: Callable[[], Samples], folder: Path) -> float:
    """Return the MB a second of CPU that members in memory are written with; nothing is synced to disk."""
    contents, warmup, out = samples(), folder / "written-first", folder / "written"
    try:
        warmup.mkdir(parents=True)
        write(contents[:1], warmup)  # what is done once, as importing, is done now
        out.mkdir()
        seconds, _ = spent(lambda: write(contents, out) or 0)
    finally:
        for path in (warmup, out):
            shutil.rmtree(path, ignore_errors=True)
    return sum(len(member) for _, sample in contents for member in sample.values()) / 1e6 / seconds


def _write_tarwriter(samples: Samples, out: Path) -> None:
    import webdataset as wds

    with wds.TarWriter(str(out / "one.tar"), encoder=False) as writer:
        for key, sample in samples:
            writer.write({"__key__": key, **sample})


def _write_tarfile(samples: Samples, out: Path) -> None:
    with tarfile.open(out / "one.tar", "w") as tar:
        for key, sample in samples:
            for suffix, member in sample.items():
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(member)
                tar.addfile(info, io.BytesIO(member))


def _write_ours(samples: Samples, out: Path) -> None:
    with (out / "one.tar").open("wb", buffering=1 << 20) as raw:
        tar = TarWriter(raw)
        for key, sample in samples:
            tar.write(key, sample)
        tar.close()
    (out / "one.idx").write_bytes(TarIndex.of(tar.rows, tar.length).to_bytes())


def _write_plain(samples: Samples, out: Path) -> None:
    """Bytes one after the other and nothing else: no writer can be faster."""
    with (out / "one").open("wb", buffering=1 << 20) as raw:
        for _, sample in samples:
            raw.writelines(sample.values())


def writers(data: Data) -> dict[str, Run]:
    """Return the name of each row of writing and how it is measured; ours makes an index with crc32."""
    rows = {
        "TarWriter": _write_tarwriter,
        "tarfile": _write_tarfile,
        "ours": _write_ours,
        "plain write": _write_plain,
    }
    rows |= {peer.name: peer.write for peer in (peers.LitData, peers.Mosaic) if not peers.absent(peer)}
    sizes = {"q90": None, "q95": None, "full": LARGE}
    return {
        f"{kind} {name}, write": partial(
            writing, write, lambda kind=kind, limit=limit: data.samples(kind)[:limit], data.folder
        )
        for kind, limit in sizes.items()
        for name, write in rows.items()
    }
