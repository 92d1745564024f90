"""Takes of any dataset -> tars that plain `webdataset` reads, their indexes, labels, manifest."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from orqa_registry import CallError, DataWarning, OrqaError, Registry
from orqa_registry.progress import Advance, silent
from orqa_registry.records import CLOCK
from orqa_shards import claim, engine, labels, plan
from orqa_shards.budget import Budget
from orqa_shards.claim import Begun
from orqa_shards.manifest import NAME, PLAN, File, Manifest, SplitEntry, TakeEntry, describe
from orqa_shards.noting import strict
from orqa_shards.plan import Job, Source, TakeAt
from orqa_shards.read import index_name
from orqa_shards.recode import Recoder
from orqa_shards.store import LocalStore, Store, open_store, put_bytes
from orqa_shards.work import LARGEST_RECORD, MEND, Record, Worker, record_name

CHANGES = 10
"""Differences between two calls that are named."""


@frozen
class Options:
    """How shards are written.

    shard_bytes: about how large a tar is. media: patterns of the media to keep. recoder: what is stored of each.
    engine: "local" or "ray"; workers: how many write at once. force: replace what lies there. resume: go on with it.
    bad_in_a_row, bad_per_cent: so many media that cannot be read stop the run, as `Budget` says: in a row within a
    shard or in shards that are bad throughout, and of all in the shards that are done. strict: the first stops it, and
    so does what readers warn of; by default where DataWarning is an error.
    """

    shard_bytes: int = 256_000_000
    media: Sequence[str] = ("*",)
    recoder: Recoder = field(factory=Recoder)
    engine: str = "local"
    workers: int = 1
    force: bool = False
    resume: bool = False
    bad_in_a_row: int = 100
    bad_per_cent: float = 1.0
    strict: bool = field(factory=strict)

    def budget(self) -> Budget:
        """Return the budget of a run. Raises CallError for limits that cannot be."""
        return Budget(self.bad_in_a_row, self.bad_per_cent, "media", MEND)


def pack(
    registry: Registry,
    sources: Sequence[Source],
    out: str | Path | Store,
    options: Options | None = None,
    advance: Advance = silent,
) -> Manifest:
    """Write shards of all sources to a folder or URL and return the manifest.

    A shard is there whole or not at all, and the manifest comes last: a run that was stopped leaves whole shards, and
    another with `resume` writes the rest, to the same bytes. So do any number of workers. With `resume` the same call
    may be made at any time: it begins where nothing is, and leaves what is finished as it is. With `force`, what lies
    there is deleted once it is known which shards replace it. Raises OrqaError, CallError where `resume` finds what
    another call has written or begun, and DataWarning for damage where it is strict.
    """
    options = options or Options()
    if options.resume and options.force:
        raise CallError("--resume goes on with a run, --force begins anew: give one of them")
    budget = options.budget()
    known_patterns(sources, options.media)
    store, sources = (
        _absolute(out if isinstance(out, Store) else open_store(out)),
        [source.absolute() for source in sources],
    )
    takes, warnings = plan.find_takes(sources, strict=options.strict)  # a wrong call costs nothing that is there
    claim.permit(store, resume=options.resume, force=options.force)
    about = _describe_call(registry, sources, options)
    with claim.held(store), claim.kept(store):
        begun = Begun.read(store) if options.resume else Begun()
        worker = Worker(
            sources, store, options.recoder, options.media, begun.run, options.bad_in_a_row, strict=options.strict
        )
        with engine.start(options.engine, worker, options.workers) as pool:
            asked = _count_takes(pool, takes, about, advance)
            if begun.jobs is None:
                begun = _begin_run(store, pool, takes, begun, asked, options)
            _check_unchanged(store, begun, asked)
            done = store.size(NAME) is not None  # then it is finished, or was stopped after its last file
            if not done:
                _write_missing(store, pool, begun, budget, advance, strict=options.strict)
        if not done:
            splits, skipped = _write_labels(store, begun)
            manifest = Manifest(splits=splits, skipped=tuple(dict.fromkeys([*warnings, *skipped])), **about)
            claim.still(store, begun.run)
            put_bytes(store, NAME, manifest.to_bytes())
        for name in (*claim.records(store), PLAN):
            store.delete(name)
        manifest = Manifest.read(store)
        if options.strict and manifest.skipped:  # by a run that was not
            raise DataWarning(manifest.skipped[0])
        return manifest


def known_patterns(sources: Sequence[Source], patterns: Sequence[str]) -> None:
    """Raise CallError for a pattern that no medium of any source matches: a typo would drop everything."""
    names = sorted({name for source in sources for name in source.dataset.media})
    for pattern in patterns if names else ():
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
            raise CallError(f"--media {pattern} matches no medium: there is {', '.join(names)}")


def _absolute(store: Store) -> Store:
    """Return a store that a process in another folder finds as well."""
    return LocalStore(store.folder.absolute(), store.name) if isinstance(store, LocalStore) else store


def _describe_call(registry: Registry, sources: Sequence[Source], options: Options) -> dict[str, Any]:
    """Return what the manifest says of the call."""
    return {
        "parameters": {
            "shard_bytes": options.shard_bytes,
            "media": list(options.media),
            **options.recoder.parameters(),
        },
        "versions": _versions(registry, sources),
        "datasets": {source.dataset.name: _card(source) for source in sources},
    }


def _count_takes(
    pool: engine.Engine, takes: list[TakeAt], about: Mapping[str, Any], advance: Advance
) -> dict[str, Any]:
    """Count the timepoints of all takes, in place, and return what decides the bytes, as JSON has it."""
    for done, (index, counted) in enumerate(pool.map("count", list(takes)), 1):
        takes[index] = counted
        advance("takes listed", done, len(takes))
    listed = [[take.split, take.dataset, take.name, take.timepoints] for take in takes]
    asked: dict[str, Any] = json.loads(json.dumps({**about, "takes": listed}))
    return asked


def _check_unchanged(store: Store, begun: Begun, asked: Mapping[str, Any]) -> None:
    """Raise CallError where shards were begun, or finished, by a call for something else."""
    if changed := list(claim.differences(begun.asked or {}, asked)):
        rest = [f"and {len(changed) - CHANGES} more"] if len(changed) > CHANGES else []
        raise CallError(
            f"--resume: {store.name} is of another call: {'; '.join([*changed[:CHANGES], *rest])}. "
            "Call it as it was called, name another folder, or begin anew with --force"
        )


def _begin_run(
    store: Store,
    pool: engine.Engine,
    takes: Sequence[TakeAt],
    previous: Begun,
    asked: Mapping[str, Any],
    options: Options,
) -> Begun:
    """Decide on the shards, clear away what they replace, and note both so that it can be gone on with."""

    def weigh(timepoints: Sequence[tuple[TakeAt, int]]) -> list[int]:
        return [size for _, size in pool.map("weigh", list(timepoints))]

    begun = Begun(previous.run, asked, tuple(plan.jobs(takes, options.shard_bytes, weigh)))
    claim.permit(store, resume=previous.asked is not None, force=options.force)  # it may have been a while
    if old_files := claim.left(store):
        put_bytes(store, PLAN, evolve(begun, jobs=None).to_bytes())
        for name in old_files:
            store.delete(name)
    put_bytes(store, PLAN, begun.to_bytes())
    return begun


def _write_missing(
    store: Store, pool: engine.Engine, begun: Begun, budget: Budget, advance: Advance, *, strict: bool
) -> None:
    """Write the shards that are not there yet. Raises as `_check_record` does."""
    missing: list[Job] = []
    done, total = 0, sum(job.timepoints for job in begun.jobs or ())

    def report(count: int) -> None:
        nonlocal done
        done += count
        advance("timepoints", done, total)

    for job in begun.jobs or ():
        record = _finished_record(store, job, begun.run)
        if record is None:
            missing.append(job)
        else:
            done += job.timepoints
            _check_record(record, budget, strict=strict)
    report(0)
    for _, record in pool.map("write", missing, report):
        _check_record(record, budget, strict=strict)


def _check_record(record: Record, budget: Budget, *, strict: bool) -> None:
    """Count what is wrong in a shard. Raises OrqaError where it is too much, DataWarning where it is strict."""
    if strict and record.skipped:
        raise DataWarning(record.skipped[0])
    budget.add(record.counts, record.bad)


def _finished_record(store: Store, job: Job, run: str) -> Record | None:
    """Return the record of a shard that this run has written and that is whole, or None."""
    if store.size(record_name(job.name)) is None:
        return None
    try:
        record = Record.from_bytes(store.read(record_name(job.name), LARGEST_RECORD))
    except (KeyError, TypeError, ValueError):
        return None
    file = record.file
    is_whole = store.size(file.name) == file.bytes and store.size(index_name(file.name)) is not None
    return record if is_whole and record.run == run else None


def _write_labels(store: Store, begun: Begun) -> tuple[dict[str, SplitEntry], list[str]]:
    """Write the labels of each split, and return what the manifest says of it, and what was skipped."""
    splits: dict[str, SplitEntry] = {}
    skipped: list[str] = []
    for split, split_jobs in groupby(begun.jobs or (), lambda job: job.name.rpartition("-")[0]):
        files: list[File] = []
        claim.still(store, begun.run)
        splits[split] = label(store, split, _collect_lines(store, begun.run, split_jobs, files, skipped), files)
    return splits, skipped


def _collect_lines(
    store: Store, run: str, jobs: Iterable[Job], files: list[File], skipped: list[str]
) -> Iterator[bytes]:
    """Yield the labels of shards one after another; what else their records say is added to the lists."""
    for job in jobs:
        record = _finished_record(store, job, run)
        if record is None:
            raise OrqaError(f"{store.name}/{job.name}.tar: it was written and is gone: --resume writes it again")
        files.append(record.file)
        skipped += record.skipped
        yield from record.lines


def label(store: Store, split: str, lines: Iterable[bytes], shards: Sequence[File]) -> SplitEntry:
    """Write the label file of a split; `shards` are complete once all lines were taken."""
    media: Counter[str] = Counter()
    facets: Counter[str] = Counter()
    takes: list[TakeEntry] = []
    name = f"labels-{split}.jsonl.zst"
    with store.scratch() as folder:
        local = folder / name
        with local.open("wb") as raw:
            parsed = ((labels.parse(line), line) for line in lines)
            for (dataset, take), group in groupby(parsed, lambda pair: (pair[0]["dataset"], pair[0]["take"])):
                take_lines = []
                for record, line in group:
                    take_lines.append(line)
                    media.update(record["media"])
                    facets.update(record["labels"].keys())
                    facets.update([CLOCK] if record["seconds"] is not None else [])
                frame = labels.pack_take(take_lines)
                takes.append(TakeEntry(dataset, take, len(take_lines), raw.tell(), len(frame)))
                raw.write(frame)
        file = describe(local, name, sum(take.timepoints for take in takes))
        store.put(local, name)
    return SplitEntry(tuple(takes), file, tuple(shards), dict(media), dict(facets))


def _card(source: Source) -> dict[str, str]:
    card = source.dataset.card
    return {"title": card.title, "licence": card.licence, "citation": card.citation}


def _versions(registry: Registry, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the versions of what decides the bytes: ours, and the plugins that the datasets came from."""
    names = {source.dataset.name for source in sources}
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "orqa-registry": metadata.version("orqa-registry"),
        **{
            f"plugin {plugin_name}": f"{plugin.distribution} {plugin.version}"
            for plugin_name, plugin in sorted(registry.plugins.items())
            if names & set(plugin.brings)
        },
    }
