"""What a worker process does: counts takes, tries out timepoints, writes shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import zstandard
from attrs import asdict, define, evolve, field, frozen

from orqa_registry import MissingLibraryError, OrqaError, Take, Timepoint
from orqa_shards import labels
from orqa_shards.budget import Bad, Budget
from orqa_shards.index import Index
from orqa_shards.manifest import File, describe
from orqa_shards.plan import Job, Source, TakeAt
from orqa_shards.read import Recent, index_name
from orqa_shards.recode import Recoder
from orqa_shards.store import UNFINISHED, Store
from orqa_shards.tar import MEDIUM, TarWriter

MEND = "Is the disk still there? What was finished is kept: --resume goes on"

LARGEST_RECORD = 1 << 30


@frozen
class Record:
    """A shard that is whole: its file, the media that were skipped and why, and the labels of its timepoints."""

    file: File
    skipped: tuple[str, ...]
    lines: tuple[bytes, ...] = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the file."""
        head = json.dumps({"file": asdict(self.file), "skipped": self.skipped}).encode() + b"\n"
        return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(head + b"".join(self.lines))

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Return the record in a file. Raises ValueError, KeyError or TypeError where it is none."""
        try:
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=LARGEST_RECORD)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
        head, *lines = plain.splitlines(keepends=True)
        raw = json.loads(head)
        return cls(File(**raw["file"]), tuple(raw["skipped"]), tuple(lines))


def record_name(job: str) -> str:
    """Return where the record of a shard lies."""
    return f"{UNFINISHED}/{job}.jsonl.zst"


@define(slots=False)
class Worker:
    """One of several that write to a folder; it travels to where it works.

    media: patterns of the media to keep. tick: called after each timepoint.
    """

    sources: Sequence[Source]
    out: Store
    recoder: Recoder
    media: Sequence[str]
    tick: Callable[[], None] = lambda: None

    def __attrs_post_init__(self) -> None:
        self._listed = Recent(self._list, 16)
        self._read = Recent(self._points, 2)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what is kept in memory, and without the ear of who listens."""
        return Worker, (self.sources, self.out, self.recoder, self.media)

    def count(self, take: TakeAt) -> TakeAt:
        """Return a take with how many timepoints it has. Raises OrqaError where they are not in order."""
        points, frames = self._read((take.source, take.split, take.place)), set()
        for before, point in zip([None, *points], points, strict=False):
            if point.frame in frames:
                raise OrqaError(f"{point.key} occurs twice in split {take.split} of {take.dataset}")
            if before is not None and point.index <= before.index:
                raise OrqaError(f"{point.key}: out of order: index {point.index} follows {before.index}")
            frames.add(point.frame)
        if not points:
            raise OrqaError(f"{take.dataset}: take {take.name} of split {take.split} has no timepoint")
        return evolve(take, timepoints=len(points))

    def weigh(self, place: tuple[TakeAt, int]) -> int:
        """Return the bytes that a timepoint takes in a shard."""
        take, number = place
        point = self._read((take.source, take.split, take.place))[number]
        _, members = self._sample(point, Budget(per_cent=100.0, things="media", advice=MEND), [])
        return sum(map(len, members.values())) + 1024 * len(members)

    def write(self, job: Job) -> None:
        """Write a shard with its index and its record, in this order. Raises OrqaError and OSError."""
        lines: list[bytes] = []
        skipped: list[str] = []
        budget = Budget(per_cent=100.0, things="media", advice=MEND)
        with self.out.scratch() as folder:
            local = folder / f"{job.name}.tar"
            with local.open("wb", buffering=1 << 20) as raw:
                tar = TarWriter(raw)
                for part in job.parts:
                    take = part.take
                    for point in self._read((take.source, take.split, take.place))[part.start : part.stop]:
                        line, members = self._sample(point, budget, skipped)
                        tar.write(point.key, members)
                        lines.append(line)
                        self.tick()
                tar.close()
            record = Record(describe(local, local.name, len(lines)), tuple(skipped), tuple(lines))
            self.out.put(local, local.name)
            for name, data in (
                (index_name(local.name), Index.of(tar.rows, tar.length).to_bytes()),
                (record_name(job.name), record.to_bytes()),
            ):
                beside = folder / name.rpartition("/")[2]
                beside.write_bytes(data)
                self.out.put(beside, name)

    def _list(self, where: tuple[int, str]) -> list[Take]:
        source = self.sources[where[0]]
        return list(source.dataset.takes(source.root, where[1]))

    def _points(self, where: tuple[int, str, int]) -> list[Timepoint]:
        source, split, place = where
        return list(self._listed((source, split))[place])

    def _sample(self, point: Timepoint, budget: Budget, skipped: list[str]) -> tuple[bytes, dict[str, bytes]]:
        """Return the line of a timepoint and the members of its sample, the line among them."""
        payload: dict[str, bytes] = {}
        sizes: dict[str, tuple[int, int]] = {}
        for name, data, size in self._media(point, budget, skipped):
            payload[name] = data
            if size is not None:
                sizes[name] = size
        try:
            line = labels.encode(evolve(point, media=payload, sizes=sizes))
            labels.check(line)
        except labels.DAMAGED as error:
            raise OrqaError(
                f"{point.key}: {error}. The plugin of {point.dataset} yields labels of another shape"
            ) from error
        return line, {"json": line, **payload}

    def _media(
        self, point: Timepoint, budget: Budget, skipped: list[str]
    ) -> Iterator[tuple[str, bytes, tuple[int, int] | None]]:
        """Yield the media of a timepoint as they are stored; one that cannot be read is absent, counted and named."""
        for name in point.media:
            if not MEDIUM.fullmatch(name):
                raise OrqaError(
                    f"{point.key}: {name!r} cannot be a medium: expected name.suffix in lower case, as room1.jpg"
                )
            if not any(fnmatchcase(name, pattern) for pattern in self.media):
                continue
            try:
                stored = self.recoder(name, point.read(name))
            except MissingLibraryError:
                raise
            except (OSError, OrqaError) as error:
                said = str(error.strerror or error) if isinstance(error, OSError) else str(error)
                why = said.removeprefix(f"{name}: ")
                skipped.append(f"{point.key}.{name}: {why}")
                budget.bad(Bad(f"{point.key}.{name}", why))
                continue
            except (AttributeError, TypeError) as error:
                raise OrqaError(f"{point.key}: medium {name} is no Path, bytes or function: {error}") from error
            budget.good()
            yield stored.name, stored.data, stored.size
