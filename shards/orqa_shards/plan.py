"""Which timepoints go to which shard, decided before any is written: so neither workers nor a restart change a byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from orqa_registry import Dataset, OrqaError

WEIGHED = 16
"""Timepoints of a dataset's split that are tried out, to know how many fit into a shard."""


@frozen
class Source:
    """A dataset, where its raw files are, and which of its splits to write."""

    dataset: Dataset
    root: Path
    splits: tuple[str, ...]


@frozen
class TakeAt:
    """A take to be written. source: number of its source. place: its number among the takes of source and split."""

    source: int
    split: str
    place: int
    dataset: str
    name: str
    timepoints: int = 0


@frozen
class Part:
    """Timepoints `start` to `stop` of a take."""

    take: TakeAt
    start: int
    stop: int


@frozen
class Job:
    """A shard to be written. name: without suffix, `train-000003`."""

    name: str
    parts: tuple[Part, ...]

    @property
    def timepoints(self) -> int:
        """How many timepoints the shard holds."""
        return sum(part.stop - part.start for part in self.parts)


def find_takes(sources: Sequence[Source]) -> list[TakeAt]:
    """Return the takes of all sources, split by split, not counted yet. Raises OrqaError where there is none."""
    found: list[TakeAt] = []
    for split in dict.fromkeys(split for source in sources for split in source.splits):
        for number, source in enumerate(sources):
            if split in source.splits:
                for place, take in enumerate(source.dataset.takes(source.root, split)):
                    found.append(TakeAt(number, split, place, take.dataset, take.name))
    if not found:
        wanted = (f"no take of {one.dataset.name} in {one.root} is of {', '.join(one.splits)}" for one in sources)
        raise OrqaError("nothing to write: " + "; ".join(wanted))
    seen: set[tuple[str, str, str]] = set()
    for one in found:
        if (one.split, one.dataset, one.name) in seen:
            raise OrqaError(f"take {one.name} occurs twice in split {one.split} of {one.dataset}")
        seen.add((one.split, one.dataset, one.name))
    return found


Weigh = Callable[[Sequence[tuple[TakeAt, int]]], Iterable[int]]
"""Timepoints, as take and number -> the bytes that each takes in a shard."""


def jobs(takes: Sequence[TakeAt], shard_bytes: int, weigh: Weigh) -> list[Job]:
    """Return the shards of counted takes, of about `shard_bytes` each; none holds timepoints of two datasets."""
    made: list[Job] = []
    for split, of_split in groupby(takes, lambda one: one.split):
        first = len(made)
        for _, of_source in groupby(of_split, lambda one: one.source):
            own = list(of_source)
            whole = sum(one.timepoints for one in own)
            weights = list(weigh(_spread(own, whole)))
            a_shard = max(1, shard_bytes * len(weights) // max(1, sum(weights)))
            shards = ceil(whole / a_shard)
            for shard in range(shards):
                parts = _cut(own, whole * shard // shards, whole * (shard + 1) // shards)
                made.append(Job(f"{split}-{len(made) - first:06d}", tuple(parts)))
    return made


def _spread(takes: Sequence[TakeAt], whole: int) -> list[tuple[TakeAt, int]]:
    """Return a few timepoints, evenly over all takes."""
    many = min(WEIGHED, whole)
    return [
        (part.take, part.start) for k in range(many) for part in _cut(takes, whole * k // many, whole * k // many + 1)
    ]


def _cut(takes: Sequence[TakeAt], start: int, stop: int) -> list[Part]:
    """Return what lies between two places, counted over all takes."""
    parts, begin = [], 0
    for take in takes:
        low, high = max(start, begin), min(stop, begin + take.timepoints)
        if low < high:
            parts.append(Part(take, low - begin, high - begin))
        begin += take.timepoints
    return parts


def to_json(made: Sequence[Job]) -> list[Any]:
    """Return jobs as JSON has them."""
    return [asdict(job) for job in made]


def from_json(raw: Iterable[Any]) -> list[Job]:
    """Return the jobs that `to_json` gave. Raises KeyError or TypeError."""
    return [
        Job(job["name"], tuple(Part(TakeAt(**part["take"]), part["start"], part["stop"]) for part in job["parts"]))
        for job in raw
    ]
