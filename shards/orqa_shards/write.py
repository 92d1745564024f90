"""Takes of any dataset -> tars that plain `webdataset` reads, labels, manifest."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path
from typing import Any

import webdataset as wds
from attrs import define, evolve, field, frozen

from orqa_registry import CallError, Dataset, MissingLibraryError, OrqaError, Registry, Take, Timepoint
from orqa_registry.records import is_view
from orqa_registry.writing import whole_file
from orqa_shards import labels
from orqa_shards.manifest import NAME, File, Manifest, SplitEntry, TakeEntry, describe

UNFINISHED = ".unfinished"
"""Marks a folder that is being written: what lies there may be cleared away by the next run."""

OURS = re.compile(r"\.?(.+-\d{6}\.tar|labels-.+\.jsonl\.zst|manifest\.json)(\.partial)?")
"""Names of files that a run writes."""

MEDIUM = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+")
"""Names that survive a tar: WebDataset folds case, and drops what begins with an underscore."""

LOST_IN_A_ROW = 100
"""Media that cannot be read, one after another, before a run stops: the disk is gone, not a file."""

EPOCH_START = 0.0
"""The time of every tar member: the same input gives the same bytes."""


@frozen
class Source:
    """A dataset, where its raw files are, and which of its splits to write."""

    dataset: Dataset
    root: Path
    splits: tuple[str, ...]


@define
class _Tally:
    """What is counted while a split is written."""

    media: Counter[str] = field(factory=Counter)
    facets: Counter[str] = field(factory=Counter)
    skipped: list[str] = field(factory=list)
    lost_in_a_row: int = 0


def pack(
    registry: Registry,
    sources: Sequence[Source],
    out: Path,
    *,
    shard_bytes: int = 256_000_000,
    media: Sequence[str] = ("*",),
    force: bool = False,
    advance: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Manifest:
    """Write shards of all sources to `out` and return the manifest.

    shard_bytes: a tar is closed once it holds so many bytes of media; a timepoint is never divided.
    media: patterns of the media to keep. advance(what, takes done, takes in all) is called after each take.
    A folder that holds finished shards is refused unless `force`. Raises OrqaError.
    """
    _known_patterns(sources, media)
    plan = _plan(sources)
    _prepare(out, force=force)
    splits: dict[str, SplitEntry] = {}
    skipped: list[str] = []
    for split, takes in plan.items():
        splits[split], missed = _write_split(out, split, takes, shard_bytes, media, advance)
        skipped += missed
    manifest = Manifest(
        datasets={one.dataset.name: _card(one.dataset) for one in sources},
        splits=splits,
        parameters={"shard_bytes": shard_bytes, "media": list(media)},
        versions=_versions(registry),
        skipped=tuple(skipped),
    )
    manifest.write(out)
    (out / UNFINISHED).unlink()
    return manifest


def _known_patterns(sources: Sequence[Source], patterns: Sequence[str]) -> None:
    """Raise CallError for a pattern that no medium of any source matches: a typo would drop everything."""
    names = sorted({name for source in sources for name in source.dataset.media})
    for pattern in patterns if names else ():
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
            raise CallError(f"--media {pattern} matches no medium: there is {', '.join(names)}")


def _plan(sources: Sequence[Source]) -> dict[str, list[Take]]:
    """Return the takes of each split that has any, before anything is written. Raises OrqaError where there is none."""
    plan: dict[str, list[Take]] = {}
    for split in dict.fromkeys(split for source in sources for split in source.splits):
        takes = [take for one in sources if split in one.splits for take in one.dataset.takes(one.root, split)]
        if takes:
            plan[split] = takes
    if not plan:
        wanted = (f"no take of {one.dataset.name} in {one.root} is of {', '.join(one.splits)}" for one in sources)
        raise OrqaError("nothing to write: " + "; ".join(wanted))
    return plan


def _prepare(out: Path, *, force: bool) -> None:
    """Clear away shards of ours that are to be replaced or were never finished; what is not ours is not touched."""
    if out.exists() and not out.is_dir():
        raise OrqaError(f"{out} is a file; shards go to a folder")
    out.mkdir(parents=True, exist_ok=True)
    finished, unfinished = (out / NAME).exists(), (out / UNFINISHED).exists()
    if finished and not force:
        raise OrqaError(f"{out} holds finished shards already: --force writes them anew, or name another folder")
    if not finished and not unfinished and any(out.iterdir()):
        raise OrqaError(f"{out} holds files that are no shards of ours: name an empty folder")
    (out / UNFINISHED).touch()
    (out / NAME).unlink(missing_ok=True)
    for path in out.iterdir():
        if OURS.fullmatch(path.name):
            path.unlink()


def _write_split(
    out: Path,
    split: str,
    takes: Sequence[Take],
    shard_bytes: int,
    media: Sequence[str],
    advance: Callable[[str, int, int], None],
) -> tuple[SplitEntry, list[str]]:
    tally = _Tally()
    lines: list[bytes] = []
    entries: list[TakeEntry] = []
    keys: set[str] = set()

    def timepoints() -> Iterator[tuple[Timepoint, bytes, dict[str, bytes]]]:
        for done, take in enumerate(takes, 1):
            before, index = len(lines), None
            for point in take:
                if point.key in keys:
                    raise OrqaError(f"{point.key} occurs twice in split {split} of {point.dataset}")
                if index is not None and point.index <= index:
                    raise OrqaError(f"{point.key}: out of order: index {point.index} follows {index}")
                keys.add(point.key)
                index = point.index
                payload = _payload(point, media, tally)
                tally.facets.update(facet for facet in point.claimed if point.has(facet))
                line = _line(point, payload)
                lines.append(line)
                yield point, line, payload
            if len(lines) == before:
                raise OrqaError(f"{take.dataset}: take {take.name} of split {split} has no timepoint")
            entries.append(TakeEntry(take.dataset, take.name, len(lines) - before))
            advance(split, done, len(takes))

    shards = _write_tars(out, split, timepoints(), shard_bytes)
    file = out / f"labels-{split}.jsonl.zst"
    with whole_file(file) as partial:
        labels.write(partial, lines)
    described = describe(file, len(lines))
    return SplitEntry(tuple(entries), described, tuple(shards), dict(tally.media), dict(tally.facets)), tally.skipped


def _write_tars(
    out: Path, split: str, points: Iterator[tuple[Timepoint, bytes, dict[str, bytes]]], shard_bytes: int
) -> list[File]:
    """Write one tar after another until there is nothing left."""
    files: list[File] = []
    waiting = next(points, None)
    while waiting is not None:
        path = out / f"{split}-{len(files):06d}.tar"
        written = size = 0
        with (
            whole_file(path) as partial,
            partial.open("wb") as raw,
            wds.TarWriter(raw, encoder=False, mtime=EPOCH_START) as tar,
        ):
            while waiting is not None and size < shard_bytes:
                point, line, payload = waiting
                size += tar.write({"__key__": point.key, "json": line, **payload})
                written += 1
                waiting = next(points, None)
        files.append(describe(path, written))
    return files


def _line(point: Timepoint, payload: dict[str, bytes]) -> bytes:
    """Return the line of a timepoint, surely one that can be read back."""
    try:
        line = labels.encode(evolve(point, media=payload))
        labels.from_json(json.loads(line))
    except labels.DAMAGED as error:
        raise OrqaError(
            f"{point.key}: {error}. The plugin of {point.dataset} yields labels of another shape"
        ) from error
    return line


def _payload(point: Timepoint, patterns: Sequence[str], tally: _Tally) -> dict[str, bytes]:
    """Return the media of a timepoint as bytes; one that cannot be read is absent, counted and named."""
    payload: dict[str, bytes] = {}
    for name in point.media:
        if not MEDIUM.fullmatch(name):
            raise OrqaError(
                f"{point.key}: {name!r} cannot be a medium: expected name.suffix in lower case, as room1.jpg"
            )
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            try:
                payload[name] = _whole(point.read(name), name)
            except MissingLibraryError:
                raise
            except (OSError, OrqaError) as error:
                why = error.strerror or error if isinstance(error, OSError) else error
                tally.skipped.append(f"{point.key}.{name}: {why}")
                tally.lost_in_a_row += 1
                if tally.lost_in_a_row >= LOST_IN_A_ROW:
                    raise OrqaError(
                        f"{LOST_IN_A_ROW} media in a row cannot be read, last {tally.skipped[-1]}"
                    ) from error
                continue
            except (AttributeError, TypeError) as error:
                raise OrqaError(f"{point.key}: medium {name} is no Path, bytes or function: {error}") from error
            tally.lost_in_a_row = 0
            tally.media[name] += 1
    return payload


ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}
"""How a JPEG or PNG begins -> what stands near its end."""

TAIL = 64
"""Bytes at the end in which that is looked for: some cameras write a few more."""


def _whole(data: bytes, name: str) -> bytes:
    """Return a medium. Raises OrqaError for an empty one, and for a picture that breaks off."""
    if not data:
        raise OrqaError("the file is empty")
    for begin, end in ENDS.items():
        if is_view(name) and data.startswith(begin) and end not in data[-TAIL:]:
            raise OrqaError("the picture breaks off: copy it again")
    return data


def _card(dataset: Dataset) -> dict[str, str]:
    return {"title": dataset.card.title, "licence": dataset.card.licence, "citation": dataset.card.citation}


def _versions(registry: Registry) -> dict[str, Any]:
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "webdataset": metadata.version("webdataset"),
        **{f"plugin {name}": f"{one.distribution} {one.version}" for name, one in sorted(registry.plugins.items())},
    }
