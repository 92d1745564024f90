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

from orqa_registry import CallError, OrqaError, Timeline, Timepoint
from orqa_registry.data.lazy import Medium
from orqa_registry.data.records import timepoint_key
from orqa_registry.errors import match_name, suggest_names
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.format import label_file, label_line, tar_index
from orqa_shards.format.label_file import MAX_CACHED_LABELS, TakeLabels
from orqa_shards.format.manifest import FileEntry, Manifest, SplitEntry
from orqa_shards.format.tar_index import TarIndex, index_name, read_index
from orqa_shards.format.tar_writer import TarMember
from orqa_shards.read.tar_reader import read_member
from orqa_shards.storage.bounded_cache import BoundedCache
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import Store

MAX_CACHED_INDEXES = 256


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
        split_name = match_name(name, self.manifest.splits)
        if split_name is None:
            raise CallError(
                f"{self.store.name} has no split {name!r}: {suggest_names(name, list(self.manifest.splits))}"
            )
        return Split(self.store, split_name, self.manifest.splits[split_name])


@frozen(eq=False)
class TimepointMedia(Mapping[str, bytes]):
    """The media of one timepoint: none is read before somebody asks for it, or it travels to another process."""

    split: Split = field(repr=False)
    number: int
    key: str
    names: tuple[str, ...]
    _location: list[tuple[str, dict[str, TarMember]]] = field(factory=list, init=False, repr=False)

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of a medium. Raises KeyError where there is none of this name, OrqaError for damage."""
        if name not in self.names:
            raise KeyError(name)
        if not self._location:
            self._location.append(self.split.members(self.number, self.key))
        file, members = self._location[0]
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
        return dict, ({name: self._load_medium(name) for name in self.names},)

    def _load_medium(self, name: str) -> Medium:
        try:
            return self[name]
        except OrqaError as error:
            return partial(_raise_error, str(error))


def _raise_error(message: str) -> bytes:
    """Stand for a medium that cannot be read. Raises OrqaError."""
    raise OrqaError(message)


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
        self._take_ends = list(accumulate(take.timepoints for take in self.entry.takes))
        self._shard_ends = list(accumulate(shard.timepoints for shard in self.entry.shards))
        self._takes = BoundedCache(self._read_take, MAX_CACHED_LABELS, lambda take: take.weight)
        self._tars = BoundedCache(self._open_tar, MAX_CACHED_INDEXES)

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
            return [self[i] for i in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        take_index = bisect_right(self._take_ends, number)
        return self._timepoint(number, take_index)

    def __iter__(self) -> Iterator[Timepoint]:
        return (self[number] for number in range(len(self)))

    def find(self, key: str) -> int:
        """Return the number of a timepoint by its key, `dataset/take/frame`. Raises CallError with the nearest keys."""
        dataset, _, rest = key.partition("/")
        take, _, frame = (unquote(part) for part in rest.partition("/"))
        take_index = self._take_numbers.get((unquote(dataset), take))
        if take_index is None:
            names = [f"{entry.dataset}/{entry.name}" for entry in self.entry.takes]
            raise CallError(f"{self.where}: split {self.name} has no take of {key!r}: {suggest_names(key, names)}")
        frames = []
        for row, line in enumerate(self._takes(take_index).lines):
            with suppress(*label_line.LINE_ERRORS):  # what is damaged cannot be what is looked for
                frames.append(str(label_line.parse_line(line)["frame"]))
                if frames[-1] == frame:
                    return self._take_ends[take_index] - self.entry.takes[take_index].timepoints + row
        raise CallError(f"{self.where}: take {take} has no frame {frame!r}: {suggest_names(frame, frames)}")

    def timeline(self, point: Timepoint) -> Timeline:
        """Return the timeline of the take that a timepoint belongs to."""
        return self._takes(self._take_numbers[point.dataset, point.take]).timeline

    def locate(self, number: int) -> tuple[FileEntry, str, list[TarMember]]:
        """Return the tar that a sample is in, its key there and its members; no medium is read. Raises OrqaError."""
        shard_index = bisect_right(self._shard_ends, number)
        shard, loaded_index = self._tars(shard_index)
        row = number - self._shard_ends[shard_index] + shard.timepoints
        return shard, loaded_index.keys[row], loaded_index.members(row)

    def members(self, number: int, key: str) -> tuple[str, dict[str, TarMember]]:
        """Return the tar that a sample is in and its members by suffix. Raises OrqaError where it is another sample."""
        shard, tar_key, members = self.locate(number)
        if tar_key != key:
            raise OrqaError(
                f"{self.where}: {key} in the labels is {tar_key} in its tar: of two different runs. Write them anew"
            )
        return shard.name, {member.name: member for member in members}

    @ForkSafeProperty
    def shard_datasets(self) -> list[str]:
        """The dataset of each shard."""
        starts = [end - shard.timepoints for end, shard in zip(self._shard_ends, self.entry.shards, strict=True)]
        return [self.entry.takes[bisect_right(self._take_ends, start)].dataset for start in starts]

    @ForkSafeProperty
    def _take_numbers(self) -> dict[tuple[str, str], int]:
        return {(take.dataset, take.name): number for number, take in enumerate(self.entry.takes)}

    def _timepoint(self, number: int, take_index: int) -> Timepoint:
        entry = self.entry.takes[take_index]
        row = number - self._take_ends[take_index] + entry.timepoints
        line = self._takes(take_index).lines[row]
        try:
            fields = label_line.parse_line(line)
            if (fields["dataset"], fields["split"], fields["take"]) != (entry.dataset, self.name, entry.name):
                raise ValueError(f"is of {fields['dataset']!r}, split {fields['split']!r}, take {fields['take']!r}")
            key = timepoint_key(entry.dataset, entry.name, fields["frame"])
            return label_line.timepoint_from_json(fields, TimepointMedia(self, number, key, tuple(fields["media"])))
        except label_line.LINE_ERRORS as error:
            raise OrqaError(
                f"{self.where}/{self.entry.labels.name}: timepoint {row} of take {entry.name}: "
                f"{type(error).__name__}: {error}. Find all: orqa-registry verify {self.where}"
            ) from error

    def _read_take(self, number: int) -> TakeLabels:
        file, entry = self.entry.labels.name, self.entry.takes[number]
        where = f"{self.where}/{file}, take {entry.name}"
        return TakeLabels(label_file.read_take(self.store, file, entry, where), where)

    def _open_tar(self, number: int) -> tuple[FileEntry, TarIndex]:
        shard = self.entry.shards[number]
        loaded_index = read_index(self.store, shard.name)
        if loaded_index.tar_bytes != shard.bytes or len(loaded_index) != shard.timepoints:
            raise OrqaError(f"{self.where}/{index_name(shard.name)}: of another {shard.name}{tar_index.REPAIR_HINT}")
        return shard, loaded_index
