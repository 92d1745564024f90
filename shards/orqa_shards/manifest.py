"""`manifest.json`: what a shard folder holds, written last, so that a folder without it is not finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from orqa_registry import OrqaError
from orqa_registry.reading import read_json
from orqa_registry.writing import whole_file

SCHEMA = 1
NAME = "manifest.json"


@frozen
class File:
    """A file of the folder: its name, size in bytes, SHA-256 in hex, and how many timepoints it holds."""

    name: str
    bytes: int
    sha256: str
    timepoints: int


@frozen
class TakeEntry:
    """A take that is in the shards, whole."""

    dataset: str
    name: str
    timepoints: int


@frozen
class SplitEntry:
    """One split: its takes, its label file, its tars, and how many timepoints have each medium and facet."""

    takes: tuple[TakeEntry, ...]
    labels: File
    shards: tuple[File, ...]
    media: Mapping[str, int]
    facets: Mapping[str, int]

    @property
    def timepoints(self) -> int:
        """How many timepoints the split has."""
        return self.labels.timepoints


@frozen
class Manifest:
    """What a shard folder holds and how it was made. `skipped` names each medium that could not be read, and why."""

    datasets: Mapping[str, Mapping[str, str]]
    splits: Mapping[str, SplitEntry]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]
    skipped: tuple[str, ...] = ()
    schema: int = field(default=SCHEMA)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Return the manifest of a folder. Raises OrqaError: not there, damaged, or of a newer schema."""
        path = folder / NAME
        if not path.is_file():
            hint = "the writing was interrupted" if any(folder.glob("*.tar*")) else "no shard folder"
            raise OrqaError(
                f"{folder}: there is no {NAME} ({hint}). Make one: orqa-registry shard DATASET --out {folder}"
            )
        raw = read_json(path)
        schema = raw.get("schema") if isinstance(raw, dict) else None
        if not isinstance(schema, int) or isinstance(schema, bool):
            raise OrqaError(f"{path}: not a manifest: its schema is {schema!r}, and a whole number was expected")
        if schema > SCHEMA:
            raise OrqaError(
                f"{path}: written with schema {schema}, and this orqa-registry reads up to {SCHEMA}: "
                "update it with pip install -U orqa-registry"
            )
        try:
            return cls(
                datasets=raw["datasets"],
                splits={name: _split(entry) for name, entry in raw["splits"].items()},
                parameters=raw["parameters"],
                versions=raw["versions"],
                skipped=tuple(raw["skipped"]),
                schema=raw["schema"],
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise OrqaError(f"{path}: not a manifest of schema {SCHEMA}: {type(error).__name__}: {error}") from error

    def write(self, folder: Path) -> None:
        """Write the manifest in one step: it is there whole, or not at all."""
        with whole_file(folder / NAME) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _split(entry: Any) -> SplitEntry:
    return SplitEntry(
        takes=tuple(TakeEntry(**take) for take in entry["takes"]),
        labels=_file(entry["labels"]),
        shards=tuple(_file(shard) for shard in entry["shards"]),
        media=entry["media"],
        facets=entry["facets"],
    )


def _file(entry: Any) -> File:
    file = File(**entry)
    if Path(file.name).name != file.name or file.name in {"", ".", ".."}:
        raise OrqaError(f"{NAME} names a file outside its folder: {file.name!r}")
    return file


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def describe(path: Path, timepoints: int) -> File:
    """Return the entry of a file that is on disk."""
    return File(path.name, path.stat().st_size, digest(path), timepoints)
