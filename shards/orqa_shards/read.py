"""A shard folder, opened: labels a take at a time, media of a sample with one positioned read."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar, overload
from urllib.parse import unquote

from attrs import define, field, frozen
from isal.isal_zlib import crc32

from orqa_registry import CallError, OrqaError, Timeline, Timepoint
from orqa_registry.errors import match, nearest
from orqa_registry.records import key_of
from orqa_shards import index, labels
from orqa_shards.index import Index
from orqa_shards.manifest import File, Manifest, SplitEntry
from orqa_shards.store import Store, open_store
from orqa_shards.tar import Member

KEPT_TIMEPOINTS = 1 << 16
"""Timepoints whose labels are kept in memory, a take at a time: about 300 MB."""
KEPT_INDEXES = 256

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Name, Value]):
    """What was made last, up to so much of it; threads may share it, and it does not travel to other processes."""

    def __init__(self, make: Callable[[Name], Value], most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._make, self._most, self._weigh = make, most, weigh
        self._kept: OrderedDict[Name, Value] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __call__(self, name: Name) -> Value:
        """Return what `make` makes of a name."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        made = self._make(name)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = made
                self._weight += self._weigh(made)
                while self._weight > self._most and len(self._kept) > 1:
                    self._weight -= self._weigh(self._kept.popitem(last=False)[1])
        return made


@frozen
class Shards:
    """A finished shard folder."""

    store: Store
    manifest: Manifest

    @classmethod
    def open(cls, where: str | Path | Store) -> Shards:
        """Return the shards in a folder, or at a URL that fsspec knows.

        Raises OrqaError where they are absent, unfinished or of another schema.
        """
        store = where if isinstance(where, Store) else open_store(where)
        return cls(store, Manifest.read(store))

    def split(self, name: str) -> Split:
        """Return a split; `val` finds `validation`. Raises CallError with the splits there are."""
        there = match(name, self.manifest.splits)
        if there is None:
            raise CallError(f"{self.store.name} has no split {name!r}: {nearest(name, self.manifest.splits)}")
        return Split(self.store, there, self.manifest.splits[there])


@define(slots=False, eq=False)
class Tar:
    """A tar with its index; samples are dictionaries of suffix -> bytes. Anybody's tar will do.

    damages: what its scan found, where there was no index beside it.
    """

    store: Store
    file: str
    index: Index
    damages: Sequence[str] = ()

    @classmethod
    def open(cls, store: Store, file: str) -> Tar:
        """Return a tar of a folder. A tar without an index is indexed now, and the index kept where one can write.

        Raises OrqaError where it cannot be read.
        """
        beside = index_name(file)
        size = store.size(file)
        if size is None:
            raise OrqaError(f"{store.name}/{file}: there is no such file")
        kept = store.size(beside) is not None
        if kept:
            found = Index.from_bytes(store.read(beside, index.LARGEST), f"{store.name}/{beside}")
            if found.tar_bytes == size:
                return cls(store, file, found)
        made, damages = index.index_of(lambda offset, many: store.span(file, offset, many), size)
        if damages and not len(made):
            raise OrqaError(f"{store.place(file)}: {damages[0].why}")
        if not kept:  # an index of the tar as it was tells a repair what has been damaged since
            index.keep(store, beside, made)
        return cls(store, file, made, tuple(f"{file}, byte {one.offset}: {one.why}" for one in damages))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, sample: int | str) -> dict[str, bytes]:
        """Return a sample by number or key. Raises IndexError, KeyError, and OrqaError where its bytes are damaged."""
        number = self.index.place[sample] if isinstance(sample, str) else sample
        if not 0 <= number < len(self):
            raise IndexError(sample)
        key = self.index.keys[number]
        return {one.name: read_member(self.store, self.file, one, key) for one in self.index.members(number)}


def index_name(tar: str) -> str:
    """Return the name of the index beside a tar."""
    return tar.removesuffix(".tar") + ".idx"


def read_member(store: Store, file: str, member: Member, key: str) -> bytes:
    """Return the bytes of a member with one positioned read. Raises OrqaError where they are not those written.

    Members of a sample lie in a row: to read one after the other is quicker than all at once and then to part them,
    from memory (no second copy) and from a disk (the system reads ahead meanwhile).
    """
    data = store.span(file, member.offset, member.size)
    if crc32(data) == member.crc32:
        return data
    # What lies in a cache may have been damaged there: once more, from where it came.
    if store.forget(file, member.offset, member.size):
        data = store.span(file, member.offset, member.size)
        if crc32(data) == member.crc32:
            return data
    raise OrqaError(
        f"{store.name}/{file}: {key}.{member.name} is damaged: its CRC-32 is not the index's. "
        f"Find all: orqa-registry verify {store.name}"
    )


@frozen(eq=False)
class TarMedia(Mapping[str, bytes]):
    """The media of one timepoint: none is read before somebody asks for it."""

    split: Split = field(repr=False)
    number: int
    key: str
    names: tuple[str, ...]
    _found: list[tuple[str, dict[str, Member]]] = field(factory=list, init=False, repr=False)

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of a medium. Raises KeyError where there is none of this name, OrqaError for damage."""
        if name not in self.names:
            raise KeyError(name)
        if not self._found:
            self._found.append(self.split.members(self.number, self.key))
        file, members = self._found[0]
        if name not in members:
            raise OrqaError(f"{self.split.where}: {self.key}.{name} is in the labels and not in its tar")
        return read_member(self.split.store, file, members[name], self.key)

    def __contains__(self, name: object) -> bool:
        return name in self.names  # a Mapping would read it to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class LabelledTake:
    """The labels of one take in memory: a line a timepoint, and the timeline of them all."""

    def __init__(self, lines: Sequence[Mapping[str, Any]], where: str) -> None:
        self.lines, self._where = lines, where

    @cached_property
    def timeline(self) -> Timeline:
        """The labels of the take, indexed once."""
        try:
            return Timeline((line["index"], line["seconds"], labels.Loaded(line["labels"])) for line in self.lines)
        except labels.DAMAGED as error:
            raise OrqaError(f"{self._where}: not timepoints: {type(error).__name__}: {error}") from error


@define(slots=False, eq=False)
class Split(Sequence[Timepoint]):
    """One split: a sequence of timepoints in the order of takes and time, with their timelines.

    Nothing is read before somebody asks; what is kept is bounded, so a split may be larger than memory.
    """

    store: Store
    name: str
    entry: SplitEntry

    def __attrs_post_init__(self) -> None:
        self._take_ends = list(accumulate(one.timepoints for one in self.entry.takes))
        self._shard_ends = list(accumulate(one.timepoints for one in self.entry.shards))
        self._takes = Recent(self._read_take, KEPT_TIMEPOINTS, lambda take: len(take.lines))
        self._tars = Recent(self._open_tar, KEPT_INDEXES)

    def __reduce__(self) -> tuple[type[Split], tuple[Store, str, SplitEntry]]:
        """Travel to another process without what is kept in memory."""
        return Split, (self.store, self.name, self.entry)

    @property
    def where(self) -> str:
        """The folder, for messages."""
        return self.store.name

    def __len__(self) -> int:
        return self.entry.timepoints

    @overload
    def __getitem__(self, number: int) -> Timepoint: ...
    @overload
    def __getitem__(self, number: slice) -> list[Timepoint]: ...

    def __getitem__(self, number: int | slice) -> Timepoint | list[Timepoint]:
        """Return a timepoint by its number. Raises IndexError, and OrqaError where its labels are damaged."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        take = bisect_right(self._take_ends, number)
        return self._timepoint(number, take)

    def __iter__(self) -> Iterator[Timepoint]:
        return (self[number] for number in range(len(self)))

    def find(self, key: str) -> int:
        """Return the number of a timepoint by its key, `dataset/take/frame`. Raises CallError with the nearest keys."""
        dataset, _, rest = key.partition("/")
        take, _, frame = (unquote(part) for part in rest.partition("/"))
        for place, entry in enumerate(self.entry.takes):
            if (entry.dataset, entry.name) == (unquote(dataset), take):
                frames = [str(line.get("frame")) for line in self._takes(place).lines]
                if frame in frames:
                    return self._take_ends[place] - entry.timepoints + frames.index(frame)
                raise CallError(f"{self.where}: take {take} has no frame {frame!r}: {nearest(frame, frames)}")
        names = [f"{one.dataset}/{one.name}" for one in self.entry.takes]
        raise CallError(f"{self.where}: split {self.name} has no take of {key!r}: {nearest(key, names)}")

    def timeline(self, point: Timepoint) -> Timeline:
        """Return the timeline of the take that a timepoint belongs to."""
        return self._takes(self._take_numbers[point.dataset, point.take]).timeline

    def lies(self, number: int) -> tuple[File, str, list[Member]]:
        """Return the tar that a sample is in, its key there and its members; no medium is read. Raises OrqaError."""
        place = bisect_right(self._shard_ends, number)
        shard, found = self._tars(place)
        row = number - self._shard_ends[place] + shard.timepoints
        return shard, found.keys[row], found.members(row)

    def members(self, number: int, key: str) -> tuple[str, dict[str, Member]]:
        """Return the tar that a sample is in and its members by suffix. Raises OrqaError where it is another sample."""
        shard, found, members = self.lies(number)
        if found != key:
            raise OrqaError(
                f"{self.where}: {key} in the labels is {found} in its tar: of two different runs. Write them anew"
            )
        return shard.name, {one.name: one for one in members}

    @cached_property
    def shard_datasets(self) -> list[str]:
        """The dataset of each shard."""
        starts = [end - one.timepoints for end, one in zip(self._shard_ends, self.entry.shards, strict=True)]
        return [self.entry.takes[bisect_right(self._take_ends, start)].dataset for start in starts]

    @cached_property
    def _take_numbers(self) -> dict[tuple[str, str], int]:
        return {(one.dataset, one.name): number for number, one in enumerate(self.entry.takes)}

    def _timepoint(self, number: int, take: int) -> Timepoint:
        entry = self.entry.takes[take]
        place = number - self._take_ends[take] + entry.timepoints
        line = self._takes(take).lines[place]
        try:
            key = key_of(line["dataset"], line["take"], line["frame"])
            return labels.from_json(line, TarMedia(self, number, key, tuple(line["media"])))
        except labels.DAMAGED as error:
            raise OrqaError(
                f"{self.where}/{self.entry.labels.name}: timepoint {place} of take {entry.name}: {error}"
            ) from error

    def _read_take(self, number: int) -> LabelledTake:
        file, entry = self.entry.labels.name, self.entry.takes[number]
        where = f"{self.where}/{file}, take {entry.name}"
        lines = labels.read_take(self.store.span(file, entry.offset, entry.bytes), where)
        if len(lines) != entry.timepoints:
            raise OrqaError(f"{where}: {len(lines)} lines, and the manifest says {entry.timepoints}")
        return LabelledTake(lines, where)

    def _open_tar(self, number: int) -> tuple[File, Index]:
        shard = self.entry.shards[number]
        found = Index.from_bytes(
            self.store.read(index_name(shard.name), index.LARGEST), f"{self.where}/{index_name(shard.name)}"
        )
        if found.tar_bytes != shard.bytes or len(found) != shard.timepoints:
            raise OrqaError(f"{self.where}/{index_name(shard.name)}: of another {shard.name}{index.REPAIR}")
        return shard, found
