"""The label file of a split as it is, whole or damaged: what can be used of each take, and what is wrong with it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

from attrs import define, field

from orqa_registry import OrqaError
from orqa_registry.data.records import CLOCK, timepoint_key
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.format import label_file, label_line
from orqa_shards.format.manifest import TakeEntry
from orqa_shards.format.tar_writer import MEDIUM_NAME
from orqa_shards.storage.bounded_cache import BoundedCache
from orqa_shards.storage.store import Store
from orqa_shards.verify.problems import REBUILT, ShardProblem


def check_line(line: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the key of a line and what it says. Raises one of `LINE_ERRORS` where a reader could not use it."""
    record = label_line.validate_line(line)
    media = record["media"]
    if not all(map(MEDIUM_NAME.fullmatch, media)):
        raise ValueError(f"media are names as room1.jpg, not {media!r}")
    if set(record["sizes"]) - set(media):
        raise ValueError("sizes of media that are not there")
    return timepoint_key(record["dataset"], record["take"], record["frame"]), record


@define
class CheckedTake:
    """What can be used of the lines of a take: key -> line. places: the key of each line, None where it is damaged."""

    places: list[str | None]
    lines: dict[str, bytes] = field(factory=dict)
    problems: list[ShardProblem] = field(factory=list)
    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)

    @property
    def weight(self) -> int:
        """Bytes that it needs in memory, about."""
        return sum(map(len, self.lines.values())) + label_file.LINE_OVERHEAD * len(self.places)


@define(slots=False)
class CheckedLabels:
    """The label file of a split as it is: each take is read and checked when somebody asks."""

    store: Store
    split: str
    file: str
    takes: Sequence[TakeEntry]

    def __attrs_post_init__(self) -> None:
        self.take = BoundedCache(self._read_take, label_file.MAX_CACHED_LABELS, lambda take: take.weight)
        self._take_ends = list(accumulate(entry.timepoints for entry in self.takes))
        self._take_numbers = {(entry.dataset, entry.name): number for number, entry in enumerate(self.takes)}

    @ForkSafeProperty
    def size(self) -> int:
        """The bytes of the file, 0 where there is none."""
        return self.store.size(self.file) or 0

    def between(self, start: int, stop: int) -> list[tuple[str | None, bytes | None]]:
        """Return key and line of timepoints by their place in the split, None for what is damaged."""
        pairs: list[tuple[str | None, bytes | None]] = []
        for number in range(bisect_right(self._take_ends, start), len(self.takes)):
            take_start = self._take_ends[number] - self.takes[number].timepoints
            if take_start >= stop:
                break
            take = self.take(number)
            pairs += [
                (key, take.lines.get(key or "")) for key in take.places[max(start - take_start, 0) : stop - take_start]
            ]
        return pairs

    def find(self, key: str) -> tuple[int, bytes] | None:
        """Return place and line of a timepoint by its key, None where they are not there."""
        dataset, _, rest = key.partition("/")
        number = self._take_numbers.get((unquote(dataset), unquote(rest.partition("/")[0])))
        if number is None or (line := self.take(number).lines.get(key)) is None:
            return None
        return self._take_ends[number] - self.takes[number].timepoints + self.take(number).places.index(key), line

    def keys(self) -> list[str]:
        """Return the keys of all timepoints whose lines are whole."""
        return [key for number in range(len(self.takes)) for key in self.take(number).lines]

    def _read_take(self, number: int) -> CheckedTake:
        entry = self.takes[number]
        take = CheckedTake([])

        def add_finding(key: str, why: str) -> None:
            take.problems.append(ShardProblem(self.file, key, why, REBUILT))

        name = f"take {entry.name}"
        if entry.offset + entry.bytes > self.size:
            add_finding(name, "its labels lie behind the end of the file")
            return take
        if entry.bytes > label_file.MAX_TAKE_BYTES:
            add_finding(name, f"{entry.bytes} bytes of labels, and at most {label_file.MAX_TAKE_BYTES} are read")
            return take
        frame = self.store.span(self.file, entry.offset, entry.bytes)
        try:
            lines = label_file.unpack_take(frame, name)
        except OrqaError as error:
            add_finding(name, str(error))
            return take
        if len(lines) != entry.timepoints:
            add_finding(name, f"{len(lines)} lines, and the manifest says {entry.timepoints}")
        last_index = None
        take.places += [None] * len(lines)
        for position, line in enumerate(lines):
            try:
                key, record = check_line(line)
            except label_line.LINE_ERRORS as error:
                add_finding(f"{name}, line {position + 1}", f"no timepoint: {type(error).__name__}: {error}")
                continue
            if (record["dataset"], record["split"], record["take"]) != (entry.dataset, self.split, entry.name):
                add_finding(key, f"belongs to {record['dataset']}, split {record['split']}, take {record['take']}")
            elif key in take.lines or (last_index is not None and record["index"] <= last_index):
                add_finding(key, "is out of order, or there twice")
            else:
                last_index = record["index"]
                take.places[position], take.lines[key] = key, line + b"\n"
                take.media.update(record["media"])
                take.facets.update([*record["labels"], *([CLOCK] if record["seconds"] is not None else [])])
        return take
