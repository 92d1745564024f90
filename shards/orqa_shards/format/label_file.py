"""`labels-SPLIT.jsonl.zst`: one line a timepoint, one zstd frame a take, so that timelines and questions need no media.

Any zstd tool reads the whole file; the manifest says where the frame of a take lies, so that a take is read alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

import zstandard

from orqa_registry import OrqaError, Timeline
from orqa_registry.data.records import CLOCK
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.format import label_file, label_line
from orqa_shards.format.label_line import LINE_ERRORS, UnparsedLabels, index_and_seconds, parse_line
from orqa_shards.format.manifest import FileEntry, SplitEntry, TakeEntry, describe_file
from orqa_shards.storage.store import Store

MAX_TAKE_BYTES = 1 << 28
"""Bytes of the lines of one take: half a million timepoints of 500, five hours at 30 a second."""


MAX_CACHED_LABELS = 512_000_000
"""Bytes of labels that a process keeps in memory, whole takes: 600,000 timepoints of 500.

A window of 64 tars of 1,000 timepoints reaches into 128 takes of 1,000, and needs 95 MB where lines have 390 bytes;
twice as much where one window ends and the next begins.
"""


LINE_OVERHEAD = 350
"""Bytes that a line needs beside its own: as an object, and in the timeline of its take with two tracks or three."""


MIN_LINE_BYTES = 64
"""Bytes of a line; a timepoint has more."""


def pack_take(lines: Sequence[bytes]) -> bytes:
    """Return the frame of a take; the same lines give the same bytes. Raises OrqaError where nobody would read it."""
    if (size := sum(map(len, lines))) > MAX_TAKE_BYTES:
        take = parse_line(lines[0])["take"]
        raise OrqaError(f"take {take}: {size} bytes of labels, and at most {MAX_TAKE_BYTES} are read. Divide it")
    return zstandard.ZstdCompressor(level=9, write_checksum=True).compress(b"".join(lines))


def unpack_take(frame: bytes, where: str) -> list[bytes]:
    """Return the lines of a take. Raises OrqaError that names `where`."""
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= MAX_TAKE_BYTES:
            raise OrqaError(f"{where}: a take of {size} bytes, and at most {MAX_TAKE_BYTES} are read")
        text = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise OrqaError(f"{where}: damaged: {error}. Make it anew: orqa-registry verify DIR --repair") from error
    if text.count(b"\n") * MIN_LINE_BYTES > len(text):  # a billion empty lines would need 8 GB
        raise OrqaError(f"{where}: lines that are no timepoints")
    return text.splitlines()


def read_take(store: Store, file: str, entry: TakeEntry, where: str) -> list[bytes]:
    """Return the lines of a take, as many as the manifest says. Raises OrqaError that names `where`."""
    if entry.bytes > MAX_TAKE_BYTES:
        raise OrqaError(f"{where}: {entry.bytes} bytes of labels, and at most {MAX_TAKE_BYTES} are read")

    def attempt() -> list[bytes]:
        return unpack_take(store.span(file, entry.offset, entry.bytes), where)

    lines = store.read_checked(file, entry.offset, entry.bytes, attempt)
    if len(lines) != entry.timepoints:
        raise OrqaError(f"{where}: {len(lines)} lines, and the manifest says {entry.timepoints}")
    return lines


class TakeLabels:
    """The labels of one take in memory: a line a timepoint, and the timeline of them all.

    Lines are kept as they are and parsed when somebody asks: an eighth of the memory, for microseconds.
    """

    def __init__(self, lines: Sequence[bytes], where: str) -> None:
        self.lines, self._where = lines, where
        self.weight = sum(map(len, lines)) + LINE_OVERHEAD * len(lines)

    @ForkSafeProperty
    def timeline(self) -> Timeline:
        """The labels of the take, indexed once."""
        try:
            return Timeline((*index_and_seconds(parse_line(line)), UnparsedLabels(line)) for line in self.lines)
        except LINE_ERRORS as error:
            raise OrqaError(f"{self._where}: not timepoints: {type(error).__name__}: {error}") from error


def write_label_file(store: Store, split: str, lines: Iterable[bytes], shards: Sequence[FileEntry]) -> SplitEntry:
    """Write the label file of a split; `shards` are complete once all lines were taken."""
    media: Counter[str] = Counter()
    facets: Counter[str] = Counter()
    takes: list[TakeEntry] = []
    name = f"labels-{split}.jsonl.zst"
    with store.scratch() as folder:
        local = folder / name
        with local.open("wb") as raw:
            parsed = ((label_line.parse_line(line), line) for line in lines)
            for (dataset, take), group in groupby(parsed, lambda pair: (pair[0]["dataset"], pair[0]["take"])):
                take_lines = []
                for record, line in group:
                    take_lines.append(line)
                    media.update(record["media"])
                    facets.update(record["labels"].keys())
                    facets.update([CLOCK] if record["seconds"] is not None else [])
                frame = label_file.pack_take(take_lines)
                takes.append(TakeEntry(dataset, take, len(take_lines), raw.tell(), len(frame)))
                raw.write(frame)
        file = describe_file(local, name, sum(take.timepoints for take in takes))
        store.put(local, name)
    return SplitEntry(tuple(takes), file, tuple(shards), dict(media), dict(facets))
