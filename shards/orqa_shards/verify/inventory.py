"""What lies in a shard folder: as its manifest says, or where that is lost, as its tars and label files say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import orjson
import zstandard
from attrs import evolve, frozen

from orqa_registry import OrqaError
from orqa_shards.format import label_file, label_line, manifest
from orqa_shards.format.manifest import REPAIR_REPORT, SHARD_NAME, FileEntry, Manifest, SplitEntry, TakeEntry
from orqa_shards.format.tar_index import index_name
from orqa_shards.format.tar_scanner import scan_tar
from orqa_shards.format.tar_writer import MEMBER_NAME, TarMember
from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.store import FILE_NAME, SCRATCH_PREFIX, UNFINISHED, Store
from orqa_shards.verify.checked_labels import CheckedLabels, check_line
from orqa_shards.verify.problems import REBUILT, ShardProblem

SHARD_TAR = re.compile(rf"{SHARD_NAME}\.tar")
MAX_LABELS_BYTES = 1 << 32


@frozen
class ListedShard:
    """A tar of the folder. entry: what the manifest says. start: the place of its first timepoint in the split."""

    name: str
    entry: FileEntry | None = None
    start: int | None = None


@frozen
class Inventory:
    """What a folder holds. splits: labels and shards of each. ours: shards, and not somebody else's tars.

    manifest: None where it cannot be read. problems: what is wrong with it.
    """

    manifest: Manifest | None
    splits: dict[str, tuple[CheckedLabels, tuple[ListedShard, ...]]]
    problems: tuple[ShardProblem, ...]
    ours: bool = True


def read_inventory(store: Store) -> Inventory:
    """Return what a folder holds. Raises OrqaError: nothing, an unfinished run, or shards of another schema."""
    try:
        record = Manifest.read(store)
    except OrqaError as error:
        return _take_stock_of_tars(store, error)
    if problems := tuple(ShardProblem(manifest.MANIFEST, None, why, REBUILT) for why in _find_contradictions(record)):
        reason = OrqaError(f"{store.place(manifest.MANIFEST)}: contradicts itself: {problems[0].why}")
        return evolve(_take_stock_of_tars(store, reason), problems=problems)
    splits = {}
    for name, entry in record.splits.items():
        start, shards = 0, []
        for file in entry.shards:
            shards.append(ListedShard(file.name, file, start))
            start += file.timepoints
        splits[name] = CheckedLabels(store, name, entry.labels.name, entry.takes), tuple(shards)
    return Inventory(record, splits, ())


def _find_contradictions(record: Manifest) -> Iterator[str]:
    """Yield what a manifest says that cannot be."""
    names = [file.name for entry in record.splits.values() for file in (entry.labels, *entry.shards)]
    for name, count in Counter(names).items():
        if count > 1 or name in (manifest.MANIFEST, REPAIR_REPORT):
            yield f"{name} is named for more than one thing"
    for name, entry in record.splits.items():
        yield from _find_split_contradictions(name, entry, set(record.datasets))


def _find_split_contradictions(name: str, entry: SplitEntry, datasets: set[str]) -> Iterator[str]:
    if entry.labels.name != f"labels-{name}.jsonl.zst":
        yield f"the label file of split {name} is called {entry.labels.name}"
    for shard in entry.shards:
        match = SHARD_TAR.fullmatch(shard.name)
        if match is None or match[1] != name:
            yield f"a shard of split {name} is called {shard.name}"
    end = 0
    for take in entry.takes:
        if take.offset != end:
            yield f"the labels of take {take.name} of split {name} begin at {take.offset}, not {end}"
        end = take.offset + take.bytes
        if take.dataset not in datasets:
            yield f"take {take.name} of split {name} is of a dataset that is not named: {take.dataset}"
    if end != entry.labels.bytes:
        yield f"the labels of split {name} end at {end}, not {entry.labels.bytes}"
    if len({(take.dataset, take.name) for take in entry.takes}) != len(entry.takes):
        yield f"a take of split {name} is there twice"


def _take_stock_of_tars(store: Store, error: OrqaError) -> Inventory:
    """Return what a folder holds whose manifest is not there or says nothing. Raises `error` where that is all."""
    if store.size(f"{UNFINISHED}/plan.json") is not None:
        raise OrqaError(
            f"{store.name}: the writing of these shards was interrupted: orqa-registry shard ... --resume goes on"
        ) from error
    if _read_schema(store) not in (None, manifest.SCHEMA):
        raise error
    tars = [name for name in store.names() if name.endswith(".tar") and FILE_NAME.fullmatch(name)]
    if not tars:
        raise error
    splits: dict[str, tuple[CheckedLabels, tuple[ListedShard, ...]]] = {}
    for name in tars:
        match = SHARD_TAR.fullmatch(name)
        if match is not None and _read_split(store, name) == (split := match[1]):
            split_labels, shards = splits.get(split) or (_rebuild_labels(store, split), ())
            splits[split] = split_labels, (*shards, ListedShard(name))
    if not splits:
        no_labels = CheckedLabels(store, "", "", ())
        return Inventory(None, {"": (no_labels, tuple(map(ListedShard, tars)))}, (), ours=False)
    why = "there is no such file" if store.size(manifest.MANIFEST) is None else str(error)
    return Inventory(None, splits, (ShardProblem(manifest.MANIFEST, None, why, REBUILT),))


def _read_schema(store: Store) -> int | None:
    """Return the schema that a manifest says, None where it says none."""
    with suppress(OrqaError, ValueError, AttributeError):
        schema = orjson.loads(store.read(manifest.MANIFEST, manifest.MAX_MANIFEST_BYTES)).get("schema")
        return schema if type(schema) is int else None
    return None


def _read_split(store: Store, tar: str) -> str | None:
    """Return the split that the first labels in a tar name, None where it is none of our shards."""
    for item in scan_tar(lambda offset, size: store.span(tar, offset, size), store.size(tar) or 0):
        if (
            isinstance(item, TarMember)
            and (match := MEMBER_NAME.fullmatch(item.name)) is not None
            and match[2] == "json"
        ):
            if item.size > label_line.MAX_LINE_BYTES:
                return None
            with suppress(*label_line.LINE_ERRORS):
                key, record = check_line(store.span(tar, item.offset, item.size))
                if key == match[1]:
                    return str(record["split"])
    return None


def _rebuild_labels(store: Store, split: str) -> CheckedLabels:
    """Return the label file of a split whose manifest is lost, as far as its frames can be found."""
    file = f"labels-{split}.jsonl.zst"
    takes: list[TakeEntry] = []
    with suppress(OrqaError, zstandard.ZstdError, *label_line.LINE_ERRORS):
        data = store.read(file, MAX_LABELS_BYTES)
        offset = 0
        while offset < len(data):
            end = _find_frame_end(data, offset)
            lines = label_file.unpack_take(data[offset:end], file)
            record = label_line.parse_line(lines[0])
            takes.append(TakeEntry(record["dataset"], record["take"], len(lines), offset, end - offset))
            offset = end
    return CheckedLabels(store, split, file, takes)


def _find_frame_end(data: bytes, offset: int) -> int:
    """Return where a zstd frame ends (RFC 8878, 3.1.1). Raises ZstdError."""
    header = data[offset : offset + 18]
    position, last = offset + zstandard.frame_header_size(header), 0
    while not last:
        block_header = int.from_bytes(data[position : position + 3], "little")
        last, block_type, size = block_header & 1, block_header >> 1 & 3, block_header >> 3
        position += 3 + (1 if block_type == 1 else size)
        if position > len(data):
            raise zstandard.ZstdError("a frame that is cut short")
    return position + 4 * zstandard.get_frame_parameters(header).has_checksum


def unknown_files(store: Store, there: Inventory) -> Iterator[str]:
    """Yield what lies in the folder and belongs to nothing: never read, never touched."""
    shards = [shard.name for _, split_shards in there.splits.values() for shard in split_shards]
    known = {
        manifest.MANIFEST,
        REPAIR_REPORT,
        *shards,
        *map(index_name, shards),
        *(split_labels.file for split_labels, _ in there.splits.values()),
    }
    with suppress(OrqaError):  # http cannot list
        yield from (_escape_name(name) for name in store.names() if name not in known)
        yield from map(_escape_name, store.names(unfinished=True))
    if isinstance(store, LocalStore):
        yield from sorted(path.name for path in store.folder.glob(f"{SCRATCH_PREFIX}*"))


def _escape_name(name: str) -> str:
    return name if name.isprintable() else repr(name)
