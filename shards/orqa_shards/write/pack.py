"""Takes of any dataset -> tars that plain `webdataset` reads, their indexes, labels, manifest."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from orqa_registry import CallError, DataWarning, OrqaError, Registry
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_shards.error_budget import ErrorBudget
from orqa_shards.format.label_file import write_label_file
from orqa_shards.format.manifest import MANIFEST, PLAN_FILE, FileEntry, Manifest, SplitEntry
from orqa_shards.format.tar_index import index_name
from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import Store, put_bytes
from orqa_shards.write import executors, run_lock, shard_plan
from orqa_shards.write.data_warnings import warnings_are_errors
from orqa_shards.write.run_lock import WriteRun
from orqa_shards.write.shard_plan import PlannedShard, PlannedTake, ShardSource
from orqa_shards.write.transcode import Transcoder
from orqa_shards.write.worker import MAX_RECORD_BYTES, WRITE_ADVICE, ShardRecord, Worker, record_name

MAX_DIFFERENCES = 10
"""Differences between two calls that are named."""


@frozen
class WriteOptions:
    """How shards are written.

    shard_bytes: about how large a tar is. media: patterns of the media to keep. transcoder: what is stored of each.
    engine: "local" or "ray"; workers: how many write at once. force: replace what lies there. resume: go on with it.
    bad_in_a_row, bad_per_cent: so many media that cannot be read stop the run, as `ErrorBudget` says: in a row within a
    shard or in shards that are bad throughout, and of all in the shards that are done. strict: the first stops it, and
    so does what readers warn of; by default where DataWarning is an error.
    """

    shard_bytes: int = 256_000_000
    media: Sequence[str] = ("*",)
    transcoder: Transcoder = field(factory=Transcoder)
    engine: str = "local"
    workers: int = 1
    force: bool = False
    resume: bool = False
    bad_in_a_row: int = 100
    bad_per_cent: float = 1.0
    strict: bool = field(factory=warnings_are_errors)

    def budget(self) -> ErrorBudget:
        """Return the budget of a run. Raises CallError for limits that cannot be."""
        return ErrorBudget(self.bad_in_a_row, self.bad_per_cent, "media", WRITE_ADVICE)


def pack(
    registry: Registry,
    sources: Sequence[ShardSource],
    out: str | Path | Store,
    options: WriteOptions | None = None,
    advance: ProgressCallback = no_progress,
) -> Manifest:
    """Write shards of all sources to a folder or URL and return the manifest.

    A shard is there whole or not at all, and the manifest comes last: a run that was stopped leaves whole shards, and
    another with `resume` writes the rest, to the same bytes. So do any number of workers. With `resume` the same call
    may be made at any time: it begins where nothing is, and leaves what is finished as it is. With `force`, what lies
    there is deleted once it is known which shards replace it. Raises OrqaError, CallError where `resume` finds what
    another call has written or begun, and DataWarning for damage where it is strict.
    """
    options = options or WriteOptions()
    if options.resume and options.force:
        raise CallError("--resume goes on with a run, --force begins anew: give one of them")
    budget = options.budget()
    check_media_patterns(sources, options.media)
    store, sources = (
        _absolute(out if isinstance(out, Store) else open_store(out)),
        [source.absolute() for source in sources],
    )
    takes, warnings = shard_plan.find_takes(sources, strict=options.strict)  # a wrong call costs nothing that is there
    run_lock.check_target(store, resume=options.resume, force=options.force)
    about = _describe_call(registry, sources, options)
    with run_lock.lock_folder(store), run_lock.explain_write_errors(store):
        begun = WriteRun.read(store) if options.resume else WriteRun()
        worker = Worker(
            sources, store, options.transcoder, options.media, begun.run, options.bad_in_a_row, strict=options.strict
        )
        with executors.start_executor(options.engine, worker, options.workers) as pool:
            asked = _count_takes(pool, takes, about, advance)
            if begun.jobs is None:
                begun = _begin_run(store, pool, takes, begun, asked, options)
            _check_unchanged(store, begun, asked)
            done = store.size(MANIFEST) is not None  # then it is finished, or was stopped after its last file
            if not done:
                _write_missing(store, pool, begun, budget, advance, strict=options.strict)
        if not done:
            splits, skipped = _write_labels(store, begun)
            manifest = Manifest(splits=splits, skipped=tuple(dict.fromkeys([*warnings, *skipped])), **about)
            run_lock.check_still_ours(store, begun.run)
            put_bytes(store, MANIFEST, manifest.to_bytes())
        for name in (*run_lock.record_files(store), PLAN_FILE):
            store.delete(name)
        manifest = Manifest.read(store)
        if options.strict and manifest.skipped:  # by a run that was not
            raise DataWarning(manifest.skipped[0])
        return manifest


def check_media_patterns(sources: Sequence[ShardSource], patterns: Sequence[str]) -> None:
    """Raise CallError for a pattern that no medium of any source matches: a typo would drop everything."""
    names = sorted({name for source in sources for name in source.dataset.media})
    for pattern in patterns if names else ():
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
            raise CallError(f"--media {pattern} matches no medium: there is {', '.join(names)}")


def _absolute(store: Store) -> Store:
    """Return a store that a process in another folder finds as well."""
    return LocalStore(store.folder.absolute(), store.name) if isinstance(store, LocalStore) else store


def _describe_call(registry: Registry, sources: Sequence[ShardSource], options: WriteOptions) -> dict[str, Any]:
    """Return what the manifest says of the call."""
    return {
        "parameters": {
            "shard_bytes": options.shard_bytes,
            "media": list(options.media),
            **options.transcoder.parameters(),
        },
        "versions": _versions(registry, sources),
        "datasets": {source.dataset.name: _card(source) for source in sources},
    }


def _count_takes(
    pool: executors.Executor, takes: list[PlannedTake], about: Mapping[str, Any], advance: ProgressCallback
) -> dict[str, Any]:
    """Count the timepoints of all takes, in place, and return what decides the bytes, as JSON has it."""
    for done, (index, counted) in enumerate(pool.map("count", list(takes)), 1):
        takes[index] = counted
        advance("takes listed", done, len(takes))
    listed = [[take.split, take.dataset, take.name, take.timepoints] for take in takes]
    asked: dict[str, Any] = json.loads(json.dumps({**about, "takes": listed}))
    return asked


def _check_unchanged(store: Store, begun: WriteRun, asked: Mapping[str, Any]) -> None:
    """Raise CallError where shards were begun, or finished, by a call for something else."""
    if changed := list(run_lock.call_differences(begun.asked or {}, asked)):
        rest = [f"and {len(changed) - MAX_DIFFERENCES} more"] if len(changed) > MAX_DIFFERENCES else []
        raise CallError(
            f"--resume: {store.name} is of another call: {'; '.join([*changed[:MAX_DIFFERENCES], *rest])}. "
            "Call it as it was called, name another folder, or begin anew with --force"
        )


def _begin_run(
    store: Store,
    pool: executors.Executor,
    takes: Sequence[PlannedTake],
    previous: WriteRun,
    asked: Mapping[str, Any],
    options: WriteOptions,
) -> WriteRun:
    """Decide on the shards, clear away what they replace, and note both so that it can be gone on with."""

    def weigh(timepoints: Sequence[tuple[PlannedTake, int]]) -> list[int]:
        return [size for _, size in pool.map("sample_bytes", list(timepoints))]

    begun = WriteRun(previous.run, asked, tuple(shard_plan.plan_shards(takes, options.shard_bytes, weigh)))
    run_lock.check_target(store, resume=previous.asked is not None, force=options.force)  # it may have been a while
    if old_files := run_lock.leftover_files(store):
        put_bytes(store, PLAN_FILE, evolve(begun, jobs=None).to_bytes())
        for name in old_files:
            store.delete(name)
    put_bytes(store, PLAN_FILE, begun.to_bytes())
    return begun


def _write_missing(
    store: Store,
    pool: executors.Executor,
    begun: WriteRun,
    budget: ErrorBudget,
    advance: ProgressCallback,
    *,
    strict: bool,
) -> None:
    """Write the shards that are not there yet. Raises as `_check_record` does."""
    missing: list[PlannedShard] = []
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


def _check_record(record: ShardRecord, budget: ErrorBudget, *, strict: bool) -> None:
    """Count what is wrong in a shard. Raises OrqaError where it is too much, DataWarning where it is strict."""
    if strict and record.skipped:
        raise DataWarning(record.skipped[0])
    budget.add(record.counts, record.bad)


def _finished_record(store: Store, job: PlannedShard, run: str) -> ShardRecord | None:
    """Return the record of a shard that this run has written and that is whole, or None."""
    if store.size(record_name(job.name)) is None:
        return None
    try:
        record = ShardRecord.from_bytes(store.read(record_name(job.name), MAX_RECORD_BYTES))
    except (KeyError, TypeError, ValueError):
        return None
    file = record.file
    is_whole = store.size(file.name) == file.bytes and store.size(index_name(file.name)) is not None
    return record if is_whole and record.run == run else None


def _write_labels(store: Store, begun: WriteRun) -> tuple[dict[str, SplitEntry], list[str]]:
    """Write the labels of each split, and return what the manifest says of it, and what was skipped."""
    splits: dict[str, SplitEntry] = {}
    skipped: list[str] = []
    for split, split_jobs in groupby(begun.jobs or (), lambda job: job.name.rpartition("-")[0]):
        files: list[FileEntry] = []
        run_lock.check_still_ours(store, begun.run)
        splits[split] = write_label_file(
            store, split, _collect_lines(store, begun.run, split_jobs, files, skipped), files
        )
    return splits, skipped


def _collect_lines(
    store: Store, run: str, jobs: Iterable[PlannedShard], files: list[FileEntry], skipped: list[str]
) -> Iterator[bytes]:
    """Yield the labels of shards one after another; what else their records say is added to the lists."""
    for job in jobs:
        record = _finished_record(store, job, run)
        if record is None:
            raise OrqaError(f"{store.name}/{job.name}.tar: it was written and is gone: --resume writes it again")
        files.append(record.file)
        skipped += record.skipped
        yield from record.lines


def _card(source: ShardSource) -> dict[str, str]:
    card = source.dataset.card
    return {"title": card.title, "licence": card.licence, "citation": card.citation}


def _versions(registry: Registry, sources: Sequence[ShardSource]) -> dict[str, Any]:
    """Return the versions of what decides the bytes: ours, and the plugins that the datasets came from."""
    names = {source.dataset.name for source in sources}
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "orqa-registry": metadata.version("orqa-registry"),
        **{f"plugin {name}": version for name, version in sorted(registry.versions_of(names).items())},
    }
