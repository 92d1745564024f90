"""Is a shard folder whole? Everything in it is held against everything else, many files at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from attrs import frozen

from orqa_registry import OrqaError
from orqa_registry.progress import Advance, silent
from orqa_shards import index, manifest
from orqa_shards.examine import examine, hash_of
from orqa_shards.finding import LEFT, REBUILT, Finding
from orqa_shards.index import Index, gather
from orqa_shards.inventory import Inventory, Shard, strays, take_stock
from orqa_shards.labelled import Labels
from orqa_shards.read import index_name
from orqa_shards.store import Store

MOST = 1000
"""Findings of one file that are named; the others are counted."""


@frozen
class Report:
    """What was looked at, and what is wrong. strays: files that belong to nothing here; nobody touches them."""

    files: int
    bytes: int
    timepoints: int
    findings: tuple[Finding, ...]
    strays: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


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
    findings, timepoints, done, whole = list(there.findings), 0, 0, max(1, sum(sizes.values()) // 1_000_000)
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(_guarded, file, work): file for file, work in tasks}
        try:
            for future in as_completed(running):
                held, found = future.result()
                timepoints += held
                findings += found[:MOST]
                if len(found) > MOST:
                    findings.append(Finding(running[future], None, f"and {len(found) - MOST} more", found[MOST].remedy))
                done += sizes[running[future]]
                advance("verified", min(whole, done // 1_000_000), whole)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    findings.sort(key=lambda one: one.file)
    return Report(len(tasks), sum(sizes.values()), timepoints, tuple(findings), tuple(strays(store, there)))


def _size(store: Store, file: str) -> int:
    try:
        return store.size(file) or 0
    except OrqaError:  # said by who looks at the file
        return 0


Work = Callable[[], tuple[int, list[Finding]]]
"""Returns how many timepoints a file holds, and what is wrong with it."""


def _guarded(file: str, work: Work) -> tuple[int, list[Finding]]:
    try:
        return work()
    except OrqaError as error:
        return 0, [Finding(file, None, str(error), LEFT)]


def _ours(store: Store, known: Labels, shard: Shard, decode: bool) -> tuple[int, list[Finding]]:
    found = examine(store, shard.name, shard.entry, known, shard.start, decode=decode)
    return len(found.samples), found.findings


def _foreign(store: Store, known: Labels, shard: Shard, decode: bool) -> tuple[int, list[Finding]]:
    """Look through somebody else's tar."""
    size = store.size(shard.name) or 0
    samples, damages, broken = gather(lambda offset, many: store.span(shard.name, offset, many), size)
    findings = [Finding(shard.name, None, f"byte {one.offset}: {one.why}", LEFT) for one in damages]
    findings += [Finding(shard.name, key, "is not whole", LEFT) for key in sorted(broken)]
    beside = index_name(shard.name)
    if store.size(beside) is not None:
        kept = ((key, list(own.values())) for key, own in samples.items() if key not in broken)
        if store.read(beside, index.LARGEST) != Index.of(kept, size).to_bytes():
            findings.append(Finding(beside, None, "not the index of its tar as it is", REBUILT))
    return len(samples) - len(broken), findings


def _labels(there: Inventory, split: str, known: Labels) -> tuple[int, list[Finding]]:
    """Look through a label file."""
    entry = there.manifest.splits[split] if there.manifest else None
    findings: list[Finding] = []

    def wrong(why: str, file: str = known.file) -> None:
        findings.append(Finding(file, None, why, REBUILT))

    media: Counter[str] = Counter()
    facets: Counter[str] = Counter()
    for number in range(len(known.takes)):
        take = known.take(number)
        findings += take.findings
        media.update(take.media)
        facets.update(take.facets)
    if entry is None:
        return 0, findings
    size = known.store.size(known.file)
    if size is None:
        wrong("there is no such file")
    elif size != entry.labels.bytes or hash_of(known.store, known.file, size) != entry.labels.sha256:
        wrong(f"{size} bytes, and the manifest says {entry.labels.bytes}, or another SHA-256")
    elif not findings and (dict(media), dict(facets)) != (entry.media, entry.facets):
        wrong(f"counts other media or facets of split {split} than the labels name", manifest.NAME)
    return 0, findings
