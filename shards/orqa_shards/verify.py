"""Is a shard folder whole? Everything in it is held against everything else, many files at once."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from attrs import field, frozen

from orqa_registry import OrqaError
from orqa_registry.progress import Advance, silent
from orqa_shards import index, manifest
from orqa_shards.examine import difference, examine, hash_of
from orqa_shards.finding import DROPPED, LEFT, MISSING, REBUILT, Finding
from orqa_shards.index import Index, gather
from orqa_shards.inventory import Inventory, Shard, strays, take_stock
from orqa_shards.labelled import Labels
from orqa_shards.read import index_name
from orqa_shards.store import Store

MOST = 1000
"""Findings of one file that are named; the others are counted."""


@frozen
class Report:
    """What was looked at, and what is wrong. strays: files that belong to nothing here; nobody touches them.

    files: tars and label files. indexes: those that lie beside tars. bytes: of tars and label files.
    """

    files: int
    indexes: int
    bytes: int
    timepoints: int
    findings: tuple[Finding, ...]
    strays: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What is not there, or empty."""
        return tuple(one for one in self.findings if one.remedy == MISSING)

    def advice(self, folder: str) -> str:
        """Return what is to be done where something is missing."""
        many = sum(one.timepoints for one in self.missing)
        how = f"orqa-registry verify {shlex.quote(folder)} --repair --without-missing"
        return f"copy what is missing again, or leave its {many} timepoints out: {how}"


@frozen
class Looked:
    """What a file holds, and what is wrong with it. indexes: those beside it. keys: of its timepoints."""

    findings: list[Finding]
    keys: list[str] = field(factory=list)
    indexes: int = 0


Work = Callable[[], Looked]
"""Looks at a file."""


def verify(
    store: Store,
    workers: int,
    *,
    decode: bool = False,
    advance: Advance = silent,
) -> Report:
    """Return what is wrong with a folder; nothing is written. decode: look into every picture.

    It is read past all caches: damage in one is not the folder's, and a folder is larger than a cache. Raises OrqaError
    where there are no shards, or the writing of them was interrupted.
    """
    store = store.fresh()
    there = take_stock(store)
    tasks: list[tuple[str, Work]] = []
    look = _ours if there.ours else _foreign
    for name, (known, shards) in there.splits.items():
        if there.ours:
            tasks.append((known.file, partial(_labels, there, name, known)))
        tasks += [(shard.name, partial(look, store, known, shard, decode)) for shard in shards]
    sizes = {file: _size(store, file) for file, _ in tasks}
    findings, timepoints, indexes, done = list(there.findings), 0, 0, 0
    whole = max(1, sum(sizes.values()) // 1_000_000)
    told: set[str] = set()
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(_guarded, file, work): file for file, work in tasks}
        try:
            for future in as_completed(running):
                looked = future.result()
                found = looked.findings
                timepoints += len(looked.keys)
                indexes += looked.indexes
                if there.manifest is None:
                    told.update(looked.keys, (one.key for one in found if one.key and one.remedy == DROPPED))
                findings += found[:MOST]
                if len(found) > MOST:
                    findings.append(Finding(running[future], None, f"and {len(found) - MOST} more", found[MOST].remedy))
                done += sizes[running[future]]
                advance("verified", min(whole, done // 1_000_000), whole)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if there.manifest is None:
        findings += _in_no_tar((known for known, _ in there.splits.values()), told)
    findings.sort(key=lambda one: one.file)
    return Report(len(tasks), indexes, sum(sizes.values()), timepoints, tuple(findings), tuple(strays(store, there)))


def _in_no_tar(several: Iterable[Labels], told: set[str]) -> list[Finding]:
    """Return a finding for each label file that has timepoints of which no tar tells, where no manifest names tars."""
    findings = []
    for known in several:
        if many := len(set(known.keys()) - told):
            why = f"names {many} timepoints that are in no tar: one may be missing"
            findings.append(Finding(known.file, None, why, MISSING, many))
    return findings


def _size(store: Store, file: str) -> int:
    try:
        return store.size(file) or 0
    except OrqaError:  # said by who looks at the file
        return 0


def _guarded(file: str, work: Work) -> Looked:
    try:
        return work()
    except OrqaError as error:
        return Looked([Finding(file, None, str(error), LEFT)])


def _ours(store: Store, known: Labels, shard: Shard, decode: bool) -> Looked:
    found = examine(store, shard.name, shard.entry, known, shard.start, decode=decode)
    indexed = store.size(index_name(shard.name)) is not None
    return Looked(found.findings, [sample.key for sample in found.samples], indexed)


def _foreign(store: Store, known: Labels, shard: Shard, decode: bool) -> Looked:
    """Look through somebody else's tar."""
    size = store.size(shard.name) or 0
    samples, damages, broken = gather(lambda offset, many: store.span(shard.name, offset, many), size)
    findings = [Finding(shard.name, None, f"byte {one.offset}: {one.why}", LEFT) for one in damages]
    findings += [Finding(shard.name, key, "is not whole", LEFT) for key in sorted(broken)]
    beside = index_name(shard.name)
    indexed = store.size(beside) is not None
    if indexed:
        kept = ((key, list(own.values())) for key, own in samples.items() if key not in broken)
        if store.read(beside, index.LARGEST) != Index.of(kept, size).to_bytes():
            findings.append(Finding(beside, None, "not the index of its tar as it is", REBUILT))
    return Looked(findings, [key for key in samples if key not in broken], indexed)


def _labels(there: Inventory, split: str, known: Labels) -> Looked:
    """Look through a label file."""
    entry = there.manifest.splits[split] if there.manifest else None
    findings: list[Finding] = []

    def wrong(why: str, file: str = known.file) -> None:
        findings.append(Finding(file, None, why, REBUILT))

    size = known.store.size(known.file)
    if entry is not None and not size:
        wrong("there is no such file" if size is None else "is empty")
        return Looked(findings)
    media: Counter[str] = Counter()
    facets: Counter[str] = Counter()
    for number in range(len(known.takes)):
        take = known.take(number)
        findings += take.findings
        media.update(take.media)
        facets.update(take.facets)
    if entry is None or size is None:
        return Looked(findings)
    if why := difference(entry.labels, size, hash_of(known.store, known.file, size)):
        wrong(why)
    elif not findings and (dict(media), dict(facets)) != (entry.media, entry.facets):
        wrong(f"counts other media or facets of split {split} than the labels name", manifest.NAME)
    return Looked(findings)
