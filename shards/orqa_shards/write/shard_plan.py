"""Which timepoints go to which shard, decided before any is written: so neither workers nor a restart change a byte."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, groupby
from math import ceil
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from orqa_registry import Dataset, OrqaError
from orqa_registry.data.records import quote_key_part
from orqa_shards.write.data_warnings import collect_data_warnings

SIZED_TIMEPOINTS = 16
"""Timepoints of a dataset's split that are tried out, to know how many fit into a shard."""


@frozen
class ShardSource:
    """A dataset, where its raw files are, and which of its splits to write."""

    dataset: Dataset
    root: Path
    splits: tuple[str, ...]

    def absolute(self) -> ShardSource:
        """Return the source for a process that is in another folder."""
        return evolve(self, root=self.root.absolute())

    def strip_root(self, text: str) -> str:
        """Return a text that names files from the root on: where that lies says nothing of the dataset."""
        return text.replace(f"{self.root}/", "")


@frozen
class PlannedTake:
    """A take to be written. source: number of its source. place: its number among the takes of source and split."""

    source: int
    split: str
    place: int
    dataset: str
    name: str
    timepoints: int = 0


@frozen
class TakeSlice:
    """Timepoints `start` to `stop` of a take."""

    take: PlannedTake
    start: int
    stop: int


@frozen
class PlannedShard:
    """A shard to be written. name: without suffix, `train-000003`."""

    name: str
    parts: tuple[TakeSlice, ...]

    @property
    def timepoints(self) -> int:
        """How many timepoints the shard holds."""
        return sum(part.stop - part.start for part in self.parts)


def find_takes(sources: Sequence[ShardSource], *, strict: bool) -> tuple[list[PlannedTake], list[str]]:
    """Return the takes of all sources, split by split, not counted yet, and what was warned of while they were listed.

    Raises OrqaError where there is none. strict: raises the first warning, a DataWarning.
    """
    takes: list[PlannedTake] = []
    warnings: list[str] = []
    for split in dict.fromkeys(split for source in sources for split in source.splits):
        for source_index, source in enumerate(sources):
            if split in source.splits:
                with collect_data_warnings(strict=strict) as messages:
                    for take_index, listed in enumerate(source.dataset.takes(source.root, split)):
                        takes.append(PlannedTake(source_index, split, take_index, listed.dataset, listed.name))
                warnings += [
                    f"{quote_key_part(source.dataset.name)}: {source.strip_root(message)}" for message in messages
                ]
    if not takes:
        reasons = (
            f"no take of {source.dataset.name} in {source.root} is of {', '.join(source.splits)}" for source in sources
        )
        raise OrqaError("nothing to write: " + "; ".join(reasons))
    take_keys: set[tuple[str, str, str]] = set()
    for take in takes:
        if (take.split, take.dataset, take.name) in take_keys:
            raise OrqaError(f"take {take.name} occurs twice in split {take.split} of {take.dataset}")
        take_keys.add((take.split, take.dataset, take.name))
    return takes, warnings


SizeFunction = Callable[[Sequence[tuple[PlannedTake, int]]], Iterable[int]]
"""Timepoints, as take and number -> the bytes that each takes in a shard."""


def plan_shards(takes: Sequence[PlannedTake], shard_bytes: int, weigh: SizeFunction) -> list[PlannedShard]:
    """Return the shards of counted takes, of about `shard_bytes` each; none holds timepoints of two datasets."""
    shard_jobs: list[PlannedShard] = []
    for split, split_takes in groupby(takes, lambda take: take.split):
        split_start = len(shard_jobs)
        for _, group in groupby(split_takes, lambda take: take.source):
            source_takes = list(group)
            ends = list(accumulate(take.timepoints for take in source_takes))
            total = ends[-1]
            weights = list(weigh(_pick_evenly(source_takes, ends)))
            shard_size = max(1, shard_bytes * len(weights) // max(1, sum(weights)))
            shard_count = ceil(total / shard_size)
            for index in range(shard_count):
                parts = _cut_parts(source_takes, ends, total * index // shard_count, total * (index + 1) // shard_count)
                shard_jobs.append(PlannedShard(f"{split}-{len(shard_jobs) - split_start:06d}", tuple(parts)))
    return shard_jobs


def _pick_evenly(takes: Sequence[PlannedTake], ends: Sequence[int]) -> list[tuple[PlannedTake, int]]:
    """Return a few timepoints, evenly over all takes."""
    count = min(SIZED_TIMEPOINTS, ends[-1])
    starts = [ends[-1] * k // count for k in range(count)]
    return [(part.take, part.start) for start in starts for part in _cut_parts(takes, ends, start, start + 1)]


def _cut_parts(takes: Sequence[PlannedTake], ends: Sequence[int], start: int, stop: int) -> list[TakeSlice]:
    """Return what lies between two places, counted over all takes, of which each ends at its place in `ends`."""
    parts, index = [], bisect_right(ends, start)
    while start < stop:
        take_start, part_stop = ends[index] - takes[index].timepoints, min(stop, ends[index])
        parts.append(TakeSlice(takes[index], start - take_start, part_stop - take_start))
        start, index = part_stop, index + 1
    return parts


def plan_to_json(made: Sequence[PlannedShard]) -> list[Any]:
    """Return jobs as JSON has them."""
    return [asdict(job) for job in made]


def plan_from_json(raw: Iterable[Any]) -> list[PlannedShard]:
    """Return the jobs that `plan_to_json` gave. Raises KeyError or TypeError."""
    return [
        PlannedShard(
            job["name"],
            tuple(TakeSlice(PlannedTake(**part["take"]), part["start"], part["stop"]) for part in job["parts"]),
        )
        for job in raw
    ]
