"""A shard folder, opened: labels a take at a time, each medium alone when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import overload
from urllib.parse import unquote

from attrs import define, field, frozen
from isal.isal_zlib import crc32

from orqa_registry import CallError, OrqaError, Timeline, Timepoint
from orqa_registry.errors import match, nearest
from orqa_registry.once import Once
from orqa_registry.records import Medium, key_of
from orqa_shards import index, labels
from orqa_shards.index import Index
from orqa_shards.labels import KEPT_LABELS, LabelledTake
from orqa_shards.manifest import File, Manifest, SplitEntry
from orqa_shards.recent import Recent
from orqa_shards.store import Store, open_store
from orqa_shards.tar import Member

KEPT_INDEXES = 256


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
            raise CallError(f"{self.store.name} has no split {name!r}: {nearest(name, list(self.manifest.splits))}")
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
    def open(cls, where: str | Path | Store, file: str | None = None) -> Tar:
        """Return a tar, by its path or URL, or as a file of a folder.

        A tar without an index is indexed now, and the index kept where one can write. Raises OrqaError where it cannot
        be read.
        """
        if file is None:
            if isinstance(where, Store):
                raise CallError(f"{where.name}: which tar of it? Say its name")
            folder, slash, file = str(where).rpartition("/")
            where = (folder if folder and not folder.endswith("/") else folder + slash) or "."
        store = where if isinstance(where, Store) else open_store(where)
        beside = index_name(file)
        size = store.size(file)
        if size is None:
            raise OrqaError(f"{store.place(file)}: there is no such file")
        kept = store.size(beside) is not None
        if kept:
            found = read_index(store, file)
            if found.tar_bytes == size:
                return cls(store, file, found)
        made, damages = index.index_of(partial(store.fresh().span, file), size)
        if damages and not len(made):
            raise OrqaError(f"{store.place(file)}: {damages[0].why}")
        if not kept:  # an index of the tar as it was tells a repair what has been damaged since
            index.keep(store, beside, made)
        return cls(store, file, made, tuple(f"{file}, byte {one.offset}: {one.why}" for one in damages))

    def __repr__(self) -> str:
        return f"Tar({self.store.place(self.file)!r}, samples={len(self)})"

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


def read_index(store: Store, tar: str) -> Index:
    """Return the index beside a tar. Raises OrqaError where it is not there, or damaged."""
    file = index_name(tar)

    def attempt() -> Index:
        return Index.from_bytes(store.read(file, index.LARGEST), f"{store.name}/{file}")

    return store.sound(file, 0, index.LARGEST, attempt)


def read_member(store: Store, file: str, member: Member, key: str) -> bytes:
    """Return the bytes of a member with one positioned read. Raises OrqaError where they are not those written.

    Members of a sample lie in a row: to read one after the other is quicker than all at once and then to part them,
    from memory (no second copy) and from a disk (the system reads ahead meanwhile).
    """
    offset, size, expected = member.offset, member.size, member.crc32

    def attempt() -> bytes:
        data = store.span(file, offset, size)
        if crc32(data) == expected:
            return data
        raise OrqaError(
            f"{store.name}/{file}: {key}.{member.name} is damaged: its CRC-32 is not the index's. "
            f"Find all: orqa-registry verify {store.name}"
        )

    return store.sound(file, offset, size, attempt)


@frozen(eq=False)
class TarMedia(Mapping[str, bytes]):
    """The media of one timepoint: none is read before somebody asks for it, or it travels to another process."""

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

    def __reduce__(self) -> tuple[type[dict[str, Medium]], tuple[dict[str, Medium]]]:
        """Travel as bytes: the split and its manifest would be larger. A medium that is damaged says so when read."""
        return dict, ({name: self._carried(name) for name in self.names},)

    def _carried(self, name: str) -> Medium:
        try:
            return self[name]
        except OrqaError as error:
            return partial(_refuse, str(error))


def _refuse(why: str) -> bytes:
    """Stand for a medium that cannot be read. Raises OrqaError."""
    raise OrqaError(why)


@define(slots=False, eq=False)
class Split(Sequence[Timepoint]):
    """One split: a sequence of timepoints in the order of takes and time, with their timelines.

    Nothing is read before somebody asks; what is kept is bounded, so a split may be larger than memory.
    """

    store: Store
    name: str
    entry: SplitEntry

    def __repr__(self) -> str:
        shards = len(self.entry.shards)
        return f"Split({self.where!r}, {self.name!r}, timepoints={len(self)}, shards={shards})"

    def __attrs_post_init__(self) -> None:
        self._take_ends = list(accumulate(one.timepoints for one in self.entry.takes))
        self._shard_ends = list(accumulate(one.timepoints for one in self.entry.shards))
        self._takes = Recent(self._read_take, KEPT_LABELS, lambda take: take.weight)
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
        place = self._take_numbers.get((unquote(dataset), take))
        if place is None:
            names = [f"{one.dataset}/{one.name}" for one in self.entry.takes]
            raise CallError(f"{self.where}: split {self.name} has no take of {key!r}: {nearest(key, names)}")
        frames = []
        for row, line in enumerate(self._takes(place).lines):
            with suppress(*labels.DAMAGED):  # what is damaged cannot be what is looked for
                frames.append(str(labels.parse(line)["frame"]))
                if frames[-1] == frame:
                    return self._take_ends[place] - self.entry.takes[place].timepoints + row
        raise CallError(f"{self.where}: take {take} has no frame {frame!r}: {nearest(frame, frames)}")

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

    @Once
    def shard_datasets(self) -> list[str]:
        """The dataset of each shard."""
        starts = [end - one.timepoints for end, one in zip(self._shard_ends, self.entry.shards, strict=True)]
        return [self.entry.takes[bisect_right(self._take_ends, start)].dataset for start in starts]

    @Once
    def _take_numbers(self) -> dict[tuple[str, str], int]:
        return {(one.dataset, one.name): number for number, one in enumerate(self.entry.takes)}

    def _timepoint(self, number: int, take: int) -> Timepoint:
        entry = self.entry.takes[take]
        place = number - self._take_ends[take] + entry.timepoints
        line = self._takes(take).lines[place]
        try:
            said = labels.parse(line)
            if (said["dataset"], said["split"], said["take"]) != (entry.dataset, self.name, entry.name):
                raise ValueError(f"is of {said['dataset']!r}, split {said['split']!r}, take {said['take']!r}")
            key = key_of(entry.dataset, entry.name, said["frame"])
            return labels.from_json(said, TarMedia(self, number, key, tuple(said["media"])))
        except labels.DAMAGED as error:
            raise OrqaError(
                f"{self.where}/{self.entry.labels.name}: timepoint {place} of take {entry.name}: "
                f"{type(error).__name__}: {error}. Find all: orqa-registry verify {self.where}"
            ) from error

    def _read_take(self, number: int) -> LabelledTake:
        file, entry = self.entry.labels.name, self.entry.takes[number]
        where = f"{self.where}/{file}, take {entry.name}"
        return LabelledTake(labels.read_take(self.store, file, entry, where), where)

    def _open_tar(self, number: int) -> tuple[File, Index]:
        shard = self.entry.shards[number]
        found = read_index(self.store, shard.name)
        if found.tar_bytes != shard.bytes or len(found) != shard.timepoints:
            raise OrqaError(f"{self.where}/{index_name(shard.name)}: of another {shard.name}{index.REPAIR}")
        return shard, found
