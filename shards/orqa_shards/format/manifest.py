"""`manifest.json`: what a shard folder holds, written last, so that a folder without it is not finished."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, field, frozen
from attrs.validators import and_, deep_iterable, deep_mapping, ge, instance_of

from orqa_registry import CallError, OrqaError
from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.store import FILE_NAME as NAME_OF_FILE
from orqa_shards.storage.store import UNFINISHED, Store

SCHEMA = 2
MANIFEST = "manifest.json"
PLAN_FILE = f"{UNFINISHED}/plan.json"
"""What a run that goes on was asked for, and which shards it writes."""
REPAIR_REPORT = "repair.json"
"""What a repair has dropped."""
LABELS_NAME = re.compile(r"labels-.+\.jsonl\.zst")
SHARD_NAME = r"(.+)-\d{6,}"
"""What a shard of a split is called, without suffix."""
MAX_MANIFEST_BYTES = 1 << 30
"""Bytes of a manifest; it names five million shards."""

_COUNT: Any = and_(instance_of(int), ge(0))
_TEXT: Any = instance_of(str)
_CARDS: Any = deep_mapping(_TEXT, instance_of(dict), instance_of(dict))
_COUNTS: Any = deep_mapping(_TEXT, _COUNT, instance_of(dict))


def _check_name(record: object, attribute: object, name: Any) -> None:
    if not isinstance(name, str) or not NAME_OF_FILE.fullmatch(name):
        raise ValueError(f"it names a file outside its folder: {name!r}")


@frozen
class FileEntry:
    """A file of the folder: its name, size in bytes, SHA-256 in hex, and how many timepoints it holds."""

    name: str = field(validator=_check_name)
    bytes: int = field(validator=_COUNT)
    sha256: str = field(validator=_TEXT)
    timepoints: int = field(validator=_COUNT)


@frozen
class TakeEntry:
    """A take that is in the shards, whole. offset, bytes: where its labels lie in the label file."""

    dataset: str = field(validator=_TEXT)
    name: str = field(validator=_TEXT)
    timepoints: int = field(validator=_COUNT)
    offset: int = field(validator=_COUNT)
    bytes: int = field(validator=_COUNT)


@frozen
class SplitEntry:
    """One split: its takes, its label file, its tars, and how many timepoints have each medium and facet.

    Takes and tars hold the timepoints in the same order; a tar holds timepoints of one dataset.
    """

    takes: tuple[TakeEntry, ...]
    labels: FileEntry
    shards: tuple[FileEntry, ...]
    media: Mapping[str, int] = field(validator=_COUNTS)
    facets: Mapping[str, int] = field(validator=_COUNTS)

    def __attrs_post_init__(self) -> None:
        if 0 in {take.timepoints for take in self.takes} | {shard.timepoints for shard in self.shards}:
            raise ValueError("a take or a shard holds no timepoint")
        count = self.timepoints
        if count != sum(take.timepoints for take in self.takes) or count != sum(
            shard.timepoints for shard in self.shards
        ):
            raise ValueError("its takes and its shards hold other numbers of timepoints than its labels")

    @property
    def timepoints(self) -> int:
        """How many timepoints the split has."""
        return self.labels.timepoints

    @property
    def digest(self) -> str:
        """SHA-256 of what the split holds, media and labels, in hex."""
        sums = (file.sha256 for file in (self.labels, *self.shards))
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()


@frozen
class Manifest:
    """What a shard folder holds and how it was made. `skipped` names each medium that could not be read, and why."""

    datasets: Mapping[str, Mapping[str, str]] = field(validator=_CARDS)
    splits: Mapping[str, SplitEntry]
    parameters: Mapping[str, Any] = field(validator=instance_of(dict))
    versions: Mapping[str, Any] = field(validator=instance_of(dict))
    skipped: tuple[str, ...] = field(default=(), validator=deep_iterable(_TEXT))
    schema: int = SCHEMA

    @classmethod
    def read(cls, store: Store) -> Manifest:
        """Return the manifest of a folder.

        Raises OrqaError: lost, damaged, or of another schema, CallError where it is no folder of shards.
        """
        if store.size(MANIFEST) is None:
            raise _explain_absence(store)
        where = f"{store.name}/{MANIFEST}"
        try:
            raw = orjson.loads(store.read(MANIFEST, MAX_MANIFEST_BYTES))
        except ValueError as error:
            raise OrqaError(f"{where}: not JSON: {error}") from error
        schema = raw.get("schema") if isinstance(raw, dict) else None
        if not isinstance(schema, int) or isinstance(schema, bool):
            raise OrqaError(f"{where}: not a manifest: its schema is {schema!r}, and a whole number was expected")
        if schema != SCHEMA:
            advice = "update it with pip install -U orqa-registry" if schema > SCHEMA else "write the shards anew"
            raise OrqaError(f"{where}: written with schema {schema}, and this orqa-registry reads {SCHEMA}: {advice}")
        try:
            splits = {name: _parse_split(entry) for name, entry in raw["splits"].items()}
            return cls(**{**raw, "splits": splits, "skipped": tuple(raw["skipped"])})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"{where}: not a manifest of schema {SCHEMA}: {type(error).__name__}: {error}") from error

    def to_bytes(self) -> bytes:
        """Return the file."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


def _explain_absence(store: Store) -> OrqaError:
    """Return what is to be said where there is no manifest."""
    shard_command = f"orqa-registry shard DATASET --out {store.name}"
    problem = f"{store.name}: there is no {MANIFEST}"
    if isinstance(store, LocalStore) and not store.folder.is_dir():
        return CallError(f"there is no folder {store.name}. Make one: {shard_command}")
    if store.size(PLAN_FILE) is not None:
        return OrqaError(f"{problem}: the writing was interrupted. Go on with it: {shard_command} --resume")
    try:
        names = store.names()
    except OrqaError:  # http cannot list
        return CallError(f"{problem}: it is no folder of shards")
    tars = [name for name in names if name.endswith(".tar")]
    if tars and any(LABELS_NAME.fullmatch(name) for name in names):
        return OrqaError(f"{problem} beside its shards. Make it anew: orqa-registry verify {store.name} --repair")
    if tars:
        inspect_command = f"orqa-registry inspect {store.place(tars[0])}"
        return CallError(f"{problem}: these are tars of somebody else. Look into one: {inspect_command}")
    if names or (isinstance(store, LocalStore) and any(store.folder.iterdir())):
        return CallError(f"{problem}: it holds other files, and no shards")
    state = "the folder is empty" if isinstance(store, LocalStore) else "nothing is there"
    return CallError(f"{problem}: {state}. Make shards: {shard_command}")


def _parse_split(entry: Any) -> SplitEntry:
    return SplitEntry(
        takes=tuple(TakeEntry(**take) for take in entry["takes"]),
        labels=FileEntry(**entry["labels"]),
        shards=tuple(FileEntry(**shard) for shard in entry["shards"]),
        media=entry["media"],
        facets=entry["facets"],
    )


def local_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_file(path: Path, name: str, timepoints: int) -> FileEntry:
    """Return the entry of a file that is on disk and will be called `name`."""
    return FileEntry(name, path.stat().st_size, local_sha256(path), timepoints)
