"""Takes of any dataset -> tars that plain `webdataset` reads, their indexes, labels, manifest."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
from attrs import field, frozen

from orqa_registry import CallError, OrqaError, Registry
from orqa_registry.records import CLOCK
from orqa_shards import engine, labels, plan
from orqa_shards.manifest import NAME, PLAN, File, Manifest, SplitEntry, TakeEntry, describe
from orqa_shards.plan import Job, Source, TakeAt
from orqa_shards.recode import Recoder
from orqa_shards.store import Store, open_store
from orqa_shards.work import LARGEST_RECORD, Record, Worker, record_name

OURS = re.compile(r".+-\d{6}\.(tar|idx)|labels-.+\.jsonl\.zst|manifest\.json")
"""Names of files that a run writes."""

Advance = Callable[[str, int, int], None]
"""Told (what, done, total) as work goes on."""


@frozen
class Options:
    """How shards are written.

    shard_bytes: about how large a tar is. media: patterns of the media to keep. recoder: what is stored of each.
    engine: "local" or "ray"; workers: how many write at once. force: replace what lies there. resume: go on with it.
    """

    shard_bytes: int = 256_000_000
    media: Sequence[str] = ("*",)
    recoder: Recoder = field(factory=Recoder)
    engine: str = "local"
    workers: int = 1
    force: bool = False
    resume: bool = False


def pack(
    registry: Registry,
    sources: Sequence[Source],
    out: str | Path | Store,
    options: Options | None = None,
    advance: Advance = lambda what, done, total: None,
) -> Manifest:
    """Write shards of all sources to a folder or URL and return the manifest.

    A shard is there whole or not at all, and the manifest comes last: a run that was stopped leaves whole shards, and
    another with `resume` writes the rest, to the same bytes. So do any number of workers. Raises OrqaError.
    """
    options = options or Options()
    known_patterns(sources, options.media)
    store = out if isinstance(out, Store) else open_store(out)
    about: dict[str, Any] = {
        "parameters": {
            "shard_bytes": options.shard_bytes,
            "media": list(options.media),
            **options.recoder.parameters(),
        },
        "versions": _versions(registry, sources),
        "datasets": {one.dataset.name: _card(one) for one in sources},
    }
    if options.resume and store.size(NAME) is not None and store.size(PLAN) is not None:
        return _finish(store)  # it was stopped after its last file
    takes = plan.find_takes(sources)  # a wrong call costs nothing that is there
    _prepare(store, options)
    worker = Worker(sources, store, options.recoder, options.media)
    with engine.start(options.engine, worker, options.workers) as at_work:
        jobs = _plan(store, at_work, takes, about, options, advance)
        _write(store, at_work, jobs, advance)
    splits, skipped = _gather(store, jobs)
    manifest = Manifest(splits=splits, skipped=tuple(skipped), **about)
    put_bytes(store, NAME, manifest.to_bytes())
    return _finish(store)


def _finish(store: Store) -> Manifest:
    """Delete what was noted of a run that is done, its plan last, and return the manifest."""
    for name in sorted(store.names(unfinished=True), key=PLAN.__eq__):
        store.delete(name)
    return Manifest.read(store)


def known_patterns(sources: Sequence[Source], patterns: Sequence[str]) -> None:
    """Raise CallError for a pattern that no medium of any source matches: a typo would drop everything."""
    names = sorted({name for source in sources for name in source.dataset.media})
    for pattern in patterns if names else ():
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
            raise CallError(f"--media {pattern} matches no medium: there is {', '.join(names)}")


def _prepare(store: Store, options: Options) -> None:
    """Clear away what is to be replaced; what is not ours is not touched. Raises OrqaError, CallError."""
    names = store.names()
    begun = store.size(PLAN) is not None
    if NAME in names and not options.force:
        raise OrqaError(f"{store.name} holds finished shards already: --force writes them anew, or name another folder")
    if begun and not options.resume and not options.force:
        raise OrqaError(f"{store.name} holds an unfinished run: --resume goes on with it, --force begins anew")
    if options.resume and not begun:
        raise CallError(f"--resume: there is no unfinished run in {store.name}")
    if names and not begun and NAME not in names:
        raise OrqaError(f"{store.name} holds files that are no shards of ours: name an empty folder")
    if options.force:
        for name in (NAME, PLAN):  # first, so that nobody takes the rest for whole
            store.delete(name)
        for name in filter(OURS.fullmatch, names):
            store.delete(name)


def _plan(
    store: Store,
    at_work: engine.Engine,
    takes: list[TakeAt],
    about: dict[str, Any],
    options: Options,
    advance: Advance,
) -> list[Job]:
    """Return the shards to write: decided now, or by the run that is gone on with if nothing has changed."""
    for done, (place, counted) in enumerate(at_work.map("count", list(takes)), 1):
        takes[place] = counted
        advance("takes listed", done, len(takes))
    asked = json.loads(
        json.dumps({**about, "takes": [[one.split, one.dataset, one.name, one.timepoints] for one in takes]})
    )
    if options.resume:
        try:
            begun = orjson.loads(store.read(PLAN, LARGEST_RECORD))
            if changed := [key for key, value in asked.items() if begun["asked"][key] != value]:
                raise CallError(
                    f"--resume: the run in {store.name} began with other {', '.join(changed)}: "
                    "call it as it was called, or begin anew with --force"
                )
            return plan.from_json(begun["jobs"])
        except (KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"{store.name}/{PLAN}: damaged: {error}. Begin anew: --force") from error

    def weigh(places: Sequence[tuple[TakeAt, int]]) -> list[int]:
        return [size for _, size in at_work.map("weigh", list(places))]

    jobs = plan.jobs(takes, options.shard_bytes, weigh)
    put_bytes(store, PLAN, json.dumps({"asked": asked, "jobs": plan.to_json(jobs)}).encode())
    return jobs


def _write(store: Store, at_work: engine.Engine, jobs: Sequence[Job], advance: Advance) -> None:
    """Write the shards that are not there yet."""
    lacking = [job for job in jobs if _finished(store, job) is None]
    whole = sum(job.timepoints for job in jobs)
    done = whole - sum(job.timepoints for job in lacking)

    def told(more: int) -> None:
        nonlocal done
        done += more
        advance("timepoints", done, whole)

    told(0)
    for _ in at_work.map("write", lacking, told):
        pass


def _finished(store: Store, job: Job) -> Record | None:
    """Return the record of a shard that is whole, or None."""
    if store.size(record_name(job.name)) is None:
        return None
    try:
        record = Record.from_bytes(store.read(record_name(job.name), LARGEST_RECORD))
    except (KeyError, TypeError, ValueError):
        return None
    return record if store.size(record.file.name) == record.file.bytes else None


def _gather(store: Store, jobs: Sequence[Job]) -> tuple[dict[str, SplitEntry], list[str]]:
    """Write the labels of each split, and return what the manifest says of it, and what was skipped."""
    splits: dict[str, SplitEntry] = {}
    skipped: list[str] = []
    for split, of_split in groupby(jobs, lambda job: job.name.rpartition("-")[0]):
        files: list[File] = []
        splits[split] = label(store, split, _lines(store, of_split, files, skipped), files)
    return splits, skipped


def _lines(store: Store, jobs: Iterable[Job], files: list[File], skipped: list[str]) -> Iterator[bytes]:
    """Yield the labels of shards one after another; what else their records say is added to the lists."""
    for job in jobs:
        record = _finished(store, job)
        if record is None:
            raise OrqaError(f"{store.name}/{job.name}.tar: it was written and is gone: --resume writes it again")
        files.append(record.file)
        skipped += record.skipped
        yield from record.lines


def label(store: Store, split: str, lines: Iterable[bytes], shards: Sequence[File]) -> SplitEntry:
    """Write the label file of a split; `shards` are complete once all lines were taken."""
    media: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    takes: list[TakeEntry] = []
    name = f"labels-{split}.jsonl.zst"
    with store.scratch() as folder:
        local = folder / name
        with local.open("wb") as raw:
            parsed = ((labels.parse(line), line) for line in lines)
            for (dataset, take), several in groupby(parsed, lambda one: (one[0]["dataset"], one[0]["take"])):
                own = []
                for said, line in several:
                    own.append(line)
                    media.update(said["media"])
                    seen.update(said["labels"].keys())
                    seen.update([CLOCK] if said["seconds"] is not None else [])
                frame = labels.pack_take(own)
                takes.append(TakeEntry(dataset, take, len(own), raw.tell(), len(frame)))
                raw.write(frame)
        described = describe(local, name, sum(take.timepoints for take in takes))
        store.put(local, name)
    return SplitEntry(tuple(takes), described, tuple(shards), dict(media), dict(seen))


def put_bytes(store: Store, name: str, data: bytes) -> None:
    """Put a file, whole or not at all. Raises OrqaError."""
    with store.scratch() as folder:
        local = folder / name.rpartition("/")[2]
        local.write_bytes(data)
        store.put(local, name)


def _card(source: Source) -> dict[str, str]:
    card = source.dataset.card
    return {"title": card.title, "licence": card.licence, "citation": card.citation}


def _versions(registry: Registry, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the versions of what decides the bytes: ours, and the plugins that the datasets came from."""
    names = {one.dataset.name for one in sources}
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "orqa-registry": metadata.version("orqa-registry"),
        **{
            f"plugin {name}": f"{one.distribution} {one.version}"
            for name, one in sorted(registry.plugins.items())
            if names & set(one.brings)
        },
    }
