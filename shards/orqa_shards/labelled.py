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
from orqa_registry.once import Once
from orqa_registry.records import CLOCK, key_of
from orqa_shards import labels
from orqa_shards.finding import REBUILT, Finding
from orqa_shards.manifest import TakeEntry
from orqa_shards.recent import Recent
from orqa_shards.store import Store
from orqa_shards.tar import MEDIUM


def judge(line: bytes) -> tuple[str, Mapping[str, Any]]:
    """Return the key of a line and what it says. Raises one of `labels.DAMAGED` where a reader could not use it."""
    said = labels.check(line)
    media = said["media"]
    if not all(map(MEDIUM.fullmatch, media)):
        raise ValueError(f"media are names as room1.jpg, not {media!r}")
    if set(said["sizes"]) - set(media):
        raise ValueError("sizes of media that are not there")
    return key_of(said["dataset"], said["take"], said["frame"]), said


@define
class LabelledTake:
    """What can be used of the lines of a take: key -> line. places: the key of each line, None where it is damaged."""

    places: list[str | None]
    lines: dict[str, bytes] = field(factory=dict)
    findings: list[Finding] = field(factory=list)
    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)

    @property
    def weight(self) -> int:
        """Bytes that it needs in memory, about."""
        return sum(map(len, self.lines.values())) + labels.BESIDE_LINE * len(self.places)


@define(slots=False)
class Labels:
    """The label file of a split as it is: each take is read and checked when somebody asks."""

    store: Store
    split: str
    file: str
    takes: Sequence[TakeEntry]

    def __attrs_post_init__(self) -> None:
        self.take = Recent(self._take, labels.KEPT_LABELS, lambda take: take.weight)
        self._ends = list(accumulate(one.timepoints for one in self.takes))
        self._numbers = {(one.dataset, one.name): number for number, one in enumerate(self.takes)}

    @Once
    def size(self) -> int:
        """The bytes of the file, 0 where there is none."""
        return self.store.size(self.file) or 0

    def between(self, start: int, stop: int) -> list[tuple[str | None, bytes | None]]:
        """Return key and line of timepoints by their place in the split, None for what is damaged."""
        found: list[tuple[str | None, bytes | None]] = []
        for number in range(bisect_right(self._ends, start), len(self.takes)):
            begin = self._ends[number] - self.takes[number].timepoints
            if begin >= stop:
                break
            take = self.take(number)
            found += [(key, take.lines.get(key or "")) for key in take.places[max(start - begin, 0) : stop - begin]]
        return found

    def find(self, key: str) -> tuple[int, bytes] | None:
        """Return place and line of a timepoint by its key, None where they are not there."""
        dataset, _, rest = key.partition("/")
        number = self._numbers.get((unquote(dataset), unquote(rest.partition("/")[0])))
        if number is None or (line := self.take(number).lines.get(key)) is None:
            return None
        return self._ends[number] - self.takes[number].timepoints + self.take(number).places.index(key), line

    def keys(self) -> list[str]:
        """Return the keys of all timepoints whose lines are whole."""
        return [key for number in range(len(self.takes)) for key in self.take(number).lines]

    def _take(self, number: int) -> LabelledTake:
        entry = self.takes[number]
        found = LabelledTake([])

        def wrong(key: str, why: str) -> None:
            found.findings.append(Finding(self.file, key, why, REBUILT))

        name = f"take {entry.name}"
        if entry.offset + entry.bytes > self.size:
            wrong(name, "its labels lie behind the end of the file")
            return found
        if entry.bytes > labels.LARGEST_TAKE:
            wrong(name, f"{entry.bytes} bytes of labels, and at most {labels.LARGEST_TAKE} are read")
            return found
        frame = self.store.span(self.file, entry.offset, entry.bytes)
        try:
            lines = labels.unpack_take(frame, name)
        except OrqaError as error:
            wrong(name, str(error))
            return found
        if len(lines) != entry.timepoints:
            wrong(name, f"{len(lines)} lines, and the manifest says {entry.timepoints}")
        last = None
        found.places += [None] * len(lines)
        for place, line in enumerate(lines):
            try:
                key, said = judge(line)
            except labels.DAMAGED as error:
                wrong(f"{name}, line {place + 1}", f"no timepoint: {type(error).__name__}: {error}")
                continue
            if (said["dataset"], said["split"], said["take"]) != (entry.dataset, self.split, entry.name):
                wrong(key, f"belongs to {said['dataset']}, split {said['split']}, take {said['take']}")
            elif key in found.lines or (last is not None and said["index"] <= last):
                wrong(key, "is out of order, or there twice")
            else:
                last = said["index"]
                found.places[place], found.lines[key] = key, line + b"\n"
                found.media.update(said["media"])
                found.facets.update([*said["labels"], *([CLOCK] if said["seconds"] is not None else [])])
        return found
