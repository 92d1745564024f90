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
from orqa_registry.records import key_part
from orqa_shards.noting import noted

WEIGHED = 16
"""Timepoints of a dataset's split that are tried out, to know how many fit into a shard."""


@frozen
class Source:
    """A dataset, where its raw files are, and which of its splits to write."""

    dataset: Dataset
    root: Path
    splits: tuple[str, ...]

    def absolute(self) -> Source:
        """Return the source for a process that is in another folder."""
        return evolve(self, root=self.root.absolute())

    def within(self, text: str) -> str:
        """Return a text that names files from the root on: where that lies says nothing of the dataset."""
        return text.replace(f"{self.root}/", "")


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


def find_takes(sources: Sequence[Source], *, strict: bool) -> tuple[list[TakeAt], list[str]]:
    """Return the takes of all sources, split by split, not counted yet, and what was warned of while they were listed.

    Raises OrqaError where there is none. strict: raises the first warning, a DataWarning.
    """
    found: list[TakeAt] = []
    warned: list[str] = []
    for split in dict.fromkeys(split for source in sources for split in source.splits):
        for number, source in enumerate(sources):
            if split in source.splits:
                with noted(strict=strict) as said:
                    for place, take in enumerate(source.dataset.takes(source.root, split)):
                        found.append(TakeAt(number, split, place, take.dataset, take.name))
                warned += [f"{key_part(source.dataset.name)}: {source.within(one)}" for one in said]
    if not found:
        wanted = (f"no take of {one.dataset.name} in {one.root} is of {', '.join(one.splits)}" for one in sources)
        raise OrqaError("nothing to write: " + "; ".join(wanted))
    seen: set[tuple[str, str, str]] = set()
    for one in found:
        if (one.split, one.dataset, one.name) in seen:
            raise OrqaError(f"take {one.name} occurs twice in split {one.split} of {one.dataset}")
        seen.add((one.split, one.dataset, one.name))
    return found, warned


Weigh = Callable[[Sequence[tuple[TakeAt, int]]], Iterable[int]]
"""Timepoints, as take and number -> the bytes that each takes in a shard."""


def jobs(takes: Sequence[TakeAt], shard_bytes: int, weigh: Weigh) -> list[Job]:
    """Return the shards of counted takes, of about `shard_bytes` each; none holds timepoints of two datasets."""
    made: list[Job] = []
    for split, of_split in groupby(takes, lambda one: one.split):
        first = len(made)
        for _, of_source in groupby(of_split, lambda one: one.source):
            own = list(of_source)
            ends = list(accumulate(one.timepoints for one in own))
            whole = ends[-1]
            weights = list(weigh(_spread(own, ends)))
            a_shard = max(1, shard_bytes * len(weights) // max(1, sum(weights)))
            shards = ceil(whole / a_shard)
            for shard in range(shards):
                parts = _cut(own, ends, whole * shard // shards, whole * (shard + 1) // shards)
                made.append(Job(f"{split}-{len(made) - first:06d}", tuple(parts)))
    return made


def _spread(takes: Sequence[TakeAt], ends: Sequence[int]) -> list[tuple[TakeAt, int]]:
    """Return a few timepoints, evenly over all takes."""
    many = min(WEIGHED, ends[-1])
    starts = [ends[-1] * k // many for k in range(many)]
    return [(part.take, part.start) for start in starts for part in _cut(takes, ends, start, start + 1)]


def _cut(takes: Sequence[TakeAt], ends: Sequence[int], start: int, stop: int) -> list[Part]:
    """Return what lies between two places, counted over all takes, of which each ends at its place in `ends`."""
    parts, number = [], bisect_right(ends, start)
    while start < stop:
        begin, end = ends[number] - takes[number].timepoints, min(stop, ends[number])
        parts.append(Part(takes[number], start - begin, end - begin))
        start, number = end, number + 1
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
