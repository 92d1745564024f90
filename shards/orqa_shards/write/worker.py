"""What a worker process does: counts takes, tries out timepoints, writes shards."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import zstandard
from attrs import asdict, define, evolve, field, frozen

from orqa_registry import DataWarning, MissingLibraryError, OrqaError, Take, Timepoint
from orqa_registry.data.records import quote_key_part
from orqa_shards.error_budget import BadSample, ErrorBudget
from orqa_shards.format import label_line
from orqa_shards.format.manifest import FileEntry, describe_file
from orqa_shards.format.tar_index import TarIndex, index_name
from orqa_shards.format.tar_writer import MEDIUM_NAME, TarWriter
from orqa_shards.storage.bounded_cache import BoundedCache
from orqa_shards.storage.store import UNFINISHED, Store
from orqa_shards.write import run_lock
from orqa_shards.write.data_warnings import collect_data_warnings
from orqa_shards.write.shard_plan import PlannedShard, PlannedTake, ShardSource
from orqa_shards.write.transcode import StoredMedium, Transcoder

WRITE_ADVICE = (
    "Is the disk still there, and was everything copied? What was finished is kept: --resume goes on, "
    "and bears more with --bad-per-cent M --bad-in-a-row N"
)

MAX_RECORD_BYTES = 1 << 30


@frozen
class ShardRecord:
    """A shard that is whole: its file, what was left out of it, and the labels of its timepoints.

    run: id of the run that wrote it. counts: media seen and bad, as `ErrorBudget.state` has them. bad: the bad ones.
    warned: what readers warned of, each once.
    """

    file: FileEntry
    run: str
    counts: Mapping[str, int]
    bad: tuple[BadSample, ...]
    warned: tuple[str, ...]
    lines: tuple[bytes, ...] = field(repr=False)

    @property
    def skipped(self) -> tuple[str, ...]:
        """What the manifest names."""
        return *self.warned, *map(str, self.bad)

    def to_bytes(self) -> bytes:
        """Return the file."""
        head = json.dumps(asdict(evolve(self, lines=()))).encode() + b"\n"
        return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(head + b"".join(self.lines))

    @classmethod
    def from_bytes(cls, data: bytes) -> ShardRecord:
        """Return the record in a file. Raises ValueError, KeyError or TypeError where it is none."""
        try:
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_RECORD_BYTES)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
        head, *lines = plain.splitlines(keepends=True)
        raw = json.loads(head)
        return cls(
            FileEntry(**raw["file"]),
            raw["run"],
            raw["counts"],
            tuple(BadSample(**entry) for entry in raw["bad"]),
            tuple(raw["warned"]),
            tuple(lines),
        )


def record_name(job: str) -> str:
    """Return where the record of a shard lies."""
    return f"{UNFINISHED}/{job}.jsonl.zst"


@define(slots=False)
class Worker:
    """One of several that write to a folder; it travels to where it works.

    media: patterns of the media to keep. run: id of the run. in_a_row: so many bad media with no good one between stop
    it. strict: the first medium that cannot be read stops it, and so does the first warning of a reader. on_timepoint:
    called after each timepoint.
    """

    sources: Sequence[ShardSource]
    out: Store
    transcoder: Transcoder
    media: Sequence[str]
    run: str
    in_a_row: int
    strict: bool
    on_timepoint: Callable[[], None] = lambda: None

    def __attrs_post_init__(self) -> None:
        self._reset_caches()

    def _reset_caches(self) -> None:
        self._cached_takes = BoundedCache(self._list_takes, 16)
        self._cached_timepoints = BoundedCache(self._list_timepoints, 2)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without what is kept in memory, and without the ear of who listens."""
        return Worker, (self.sources, self.out, self.transcoder, self.media, self.run, self.in_a_row, self.strict)

    def count(self, take: PlannedTake) -> PlannedTake:
        """Return a take with how many timepoints it has.

        Raises OrqaError where they are not in order, or a frame has no name.
        """
        with collect_data_warnings(strict=self.strict):
            points, frames = self._cached_timepoints((take.source, take.split, take.place)), set()
        for previous, point in zip([None, *points], points, strict=False):
            if not point.frame:
                raise OrqaError(
                    f"{take.dataset}: take {take.name} of split {take.split}: the frame of index {point.index} has an "
                    f"empty name, with which it cannot be found again. The plugin of {take.dataset} must name it"
                )
            if point.frame in frames:
                raise OrqaError(f"{point.key} occurs twice in split {take.split} of {take.dataset}")
            if previous is not None and point.index <= previous.index:
                raise OrqaError(f"{point.key}: out of order: index {point.index} follows {previous.index}")
            frames.add(point.frame)
        if not points:
            raise OrqaError(f"{take.dataset}: take {take.name} of split {take.split} has no timepoint")
        return evolve(take, timepoints=len(points))

    def sample_bytes(self, place: tuple[PlannedTake, int]) -> int:
        """Return the bytes that a timepoint takes in a shard."""
        take, number = place
        with collect_data_warnings(strict=self.strict):
            point = self._cached_timepoints((take.source, take.split, take.place))[number]
            _, members = self._encode_sample(point, ErrorBudget(sys.maxsize, 100.0), [])
        return sum(map(len, members.values())) + 1024 * len(members)

    def write(self, job: PlannedShard) -> ShardRecord:
        """Write a shard with its index and its record, in this order; return the record without lines.

        Raises OrqaError and OSError, and where it is strict DataWarning.
        """
        self._reset_caches()  # so that readers warn of the same whatever this process has read before
        lines: list[bytes] = []
        bad: list[BadSample] = []
        warned: dict[str, None] = {}
        budget = ErrorBudget(self.in_a_row, 100.0, "media", WRITE_ADVICE)
        with self.out.scratch() as folder:
            local = folder / f"{job.name}.tar"
            with local.open("wb", buffering=1 << 20) as raw:
                tar = TarWriter(raw)
                for part in job.parts:
                    take = part.take
                    with collect_data_warnings(strict=self.strict) as messages:
                        for point in self._cached_timepoints((take.source, take.split, take.place))[
                            part.start : part.stop
                        ]:
                            line, members = self._encode_sample(point, budget, bad)
                            tar.write(point.key, members)
                            lines.append(line)
                            self.on_timepoint()
                    warned |= dict.fromkeys(self._name_warning(take, message) for message in messages)
                tar.close()
            file = describe_file(local, local.name, len(lines))
            record = ShardRecord(file, self.run, budget.state(), tuple(bad), tuple(warned), tuple(lines))
            index_file, record_file = folder / "index", folder / "record"
            index_file.write_bytes(TarIndex.of(tar.rows, tar.length).to_bytes())
            record_file.write_bytes(record.to_bytes())
            for path, name in (
                (local, file.name),
                (index_file, index_name(file.name)),
                (record_file, record_name(job.name)),
            ):
                run_lock.check_still_ours(self.out, self.run)
                self.out.put(path, name)
        return evolve(record, lines=())

    def _name_warning(self, take: PlannedTake, warning: str) -> str:
        """Return a warning with its take before it."""
        name = f"{quote_key_part(take.dataset)}/{quote_key_part(take.name)}"
        return f"{name}: {self.sources[take.source].strip_root(warning)}"

    def _list_takes(self, key: tuple[int, str]) -> list[Take]:
        source = self.sources[key[0]]
        with collect_data_warnings(strict=self.strict):  # whoever planned has heard it
            return list(source.dataset.takes(source.root, key[1]))

    def _list_timepoints(self, key: tuple[int, str, int]) -> list[Timepoint]:
        source, split, index = key
        return list(self._cached_takes((source, split))[index])

    def _encode_sample(
        self, point: Timepoint, budget: ErrorBudget, bad: list[BadSample]
    ) -> tuple[bytes, dict[str, bytes]]:
        """Return the line of a timepoint and the members of its sample, the line among them."""
        payload: dict[str, bytes] = {}
        sizes: dict[str, tuple[int, int]] = {}
        for name, data, size in self._store_media(point, budget, bad):
            payload[name] = data
            if size is not None:
                sizes[name] = size
        try:
            line = label_line.encode_line(evolve(point, media=payload, sizes=sizes))
            label_line.validate_line(line)
        except label_line.LINE_ERRORS as error:
            raise OrqaError(
                f"{point.key}: {error}. The plugin of {point.dataset} yields labels of another shape"
            ) from error
        return line, {"json": line, **payload}

    def _store_media(
        self, point: Timepoint, budget: ErrorBudget, bad: list[BadSample]
    ) -> Iterator[tuple[str, bytes, tuple[int, int] | None]]:
        """Yield the media of a timepoint as they are stored; one that cannot be read is absent, counted and named."""
        for name in point.media:
            if not MEDIUM_NAME.fullmatch(name):
                raise OrqaError(
                    f"{point.key}: {name!r} cannot be a medium: expected name.suffix in lower case, as room1.jpg"
                )
            if not any(fnmatchcase(name, pattern) for pattern in self.media):
                continue
            try:
                data = point.read(name)
                stored = self.transcoder(name, data)
            except MissingLibraryError:
                raise
            except (OSError, OrqaError) as error:
                message = str(error.strerror or error) if isinstance(error, OSError) else str(error)
                reason = message.removeprefix(f"{name}: ")
                bad.append(BadSample(f"{point.key}.{name}", reason))
                if self.strict:
                    raise DataWarning(str(bad[-1])) from error
                budget.bad(bad[-1])
                continue
            except (AttributeError, TypeError) as error:
                raise OrqaError(f"{point.key}: medium {name} is no Path, bytes or function: {error}") from error
            budget.good()
            if stored.name != name and stored.name in point.media:  # a FLAC lies beside the WAV: both are kept
                stored = StoredMedium(name, data)
            yield stored.name, stored.data, stored.size
