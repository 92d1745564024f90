"""A shard folder, opened: labels at once, media by their place in the tar."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from attrs import define, evolve, field, frozen

from orqa_registry import CallError, OrqaError, Timeline, Timepoint
from orqa_registry.errors import match, nearest
from orqa_shards import labels
from orqa_shards.manifest import Manifest, SplitEntry, digest

LARGEST_MEDIUM = 1 << 30
"""Bytes of one medium; larger ones are refused unread."""


@frozen
class Shards:
    """A finished shard folder."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """Return the shards in a folder. Raises OrqaError where they are absent, unfinished or too new."""
        if not folder.is_dir():
            raise OrqaError(f"there is no folder {folder}. Make one: orqa-registry shard DATASET --out {folder}")
        return cls(folder, Manifest.read(folder))

    def split(self, name: str) -> Split:
        """Return a split; `val` finds `validation`. Raises CallError with the splits there are."""
        there = match(name, self.manifest.splits)
        if there is None:
            raise CallError(f"{self.folder} has no split {name!r}: {nearest(name, self.manifest.splits)}")
        return Split(self.folder, there, self.manifest.splits[there])


@frozen
class Place:
    """Where a medium lies: tar, offset and size in bytes."""

    tar: Path
    offset: int
    size: int


@frozen(eq=False)
class TarMedia(Mapping[str, bytes]):
    """The media of one timepoint: a medium that nobody asks for is never read."""

    split: Split = field(repr=False)
    key: str
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of a medium. Raises KeyError where there is none of this name."""
        if name not in self.names:
            raise KeyError(name)
        return self.split.read(f"{self.key}.{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@define(slots=False, eq=False)
class Split:
    """One split: timepoints in the order of takes and time, their timelines, and their media on request."""

    folder: Path
    name: str
    entry: SplitEntry
    _timelines: dict[tuple[str, str], Timeline] = field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.timepoints)

    @cached_property
    def timepoints(self) -> list[Timepoint]:
        """Every timepoint with its labels; media are read when asked for. Raises OrqaError."""
        path = self.folder / self.entry.labels.name
        try:
            if digest(path) != self.entry.labels.sha256:
                raise OrqaError(f"{path}: its SHA-256 is not the manifest's: damaged, or of another run. Write it anew")
        except OSError as error:
            raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
        return [evolve(point, media=TarMedia(self, point.key, tuple(point.media))) for point in labels.read(path)]

    def timeline(self, point: Timepoint) -> Timeline:
        """Return the timeline of the take that a timepoint belongs to."""
        if not self._timelines:
            takes: dict[tuple[str, str], list[Timepoint]] = {}
            for one in self.timepoints:
                takes.setdefault((one.dataset, one.take), []).append(one)
            for name, points in takes.items():
                self._timelines[name] = Timeline((one.index, one.seconds, one.labels) for one in points)
        return self._timelines[point.dataset, point.take]

    def read(self, member: str) -> bytes:
        """Return the bytes of a member, `KEY.NAME`. Raises OrqaError that names tar and member."""
        place = self._places.get(member)
        if place is None:
            raise OrqaError(f"{self.folder}: {member} is in the labels of split {self.name} and in no tar")
        with place.tar.open("rb") as tar:
            tar.seek(place.offset)
            content = tar.read(place.size)
        if len(content) != place.size:
            raise OrqaError(f"{place.tar}: {member} is cut short: {len(content)} of {place.size} bytes")
        return content

    @cached_property
    def _places(self) -> Mapping[str, Place]:
        """Every member of every tar by name, from the headers alone."""
        places: dict[str, Place] = {}
        for shard in self.entry.shards:
            path = self.folder / shard.name
            try:
                if path.stat().st_size != shard.bytes:
                    raise OrqaError(f"{path}: {path.stat().st_size} bytes, and the manifest says {shard.bytes}")
                with tarfile.open(path, "r:") as tar:
                    for member in tar:
                        if not member.isreg() or member.size > LARGEST_MEDIUM:
                            raise OrqaError(f"{path}: {member.name!r} is no plain file of a sensible size")
                        places[member.name] = Place(path, member.offset_data, member.size)
            except (OSError, tarfile.TarError) as error:
                raise OrqaError(f"{path}: cannot be read: {error}") from error
        return places
