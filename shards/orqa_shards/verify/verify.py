"""Is a shard folder whole? Everything in it is held against everything else, many files at once."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial

from attrs import field, frozen

from orqa_registry import OrqaError
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_shards.format import manifest, tar_index
from orqa_shards.format.tar_index import TarIndex, group_samples, index_name
from orqa_shards.storage.store import Store
from orqa_shards.verify.checked_labels import CheckedLabels
from orqa_shards.verify.inventory import Inventory, ListedShard, read_inventory, unknown_files
from orqa_shards.verify.problems import DROPPED, MISSING, REBUILT, UNREPAIRABLE, ShardProblem
from orqa_shards.verify.shard_check import check_shard, entry_difference, stored_sha256

MAX_PROBLEMS = 1000
"""Findings of one file that are named; the others are counted."""


@frozen
class VerifyReport:
    """What was looked at, and what is wrong. unknown_files: those that belong to nothing here; nobody touches them.

    files: tars and label files. indexes: those that lie beside tars. bytes: of tars and label files.
    """

    files: int
    indexes: int
    bytes: int
    timepoints: int
    problems: tuple[ShardProblem, ...]
    unknown_files: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def missing(self) -> tuple[ShardProblem, ...]:
        """What is not there, or empty."""
        return tuple(finding for finding in self.problems if finding.remedy == MISSING)

    def advice(self, folder: str) -> str:
        """Return what is to be done where something is missing."""
        count = sum(finding.timepoints for finding in self.missing)
        command = f"orqa-registry verify {shlex.quote(folder)} --repair --without-missing"
        return f"copy what is missing again, or leave its {count} timepoints out: {command}"


@frozen
class FileCheck:
    """What a file holds, and what is wrong with it. indexes: those beside it. keys: of its timepoints."""

    problems: list[ShardProblem]
    keys: list[str] = field(factory=list)
    indexes: int = 0


CheckFunction = Callable[[], FileCheck]
"""Looks at a file."""


def verify(
    store: Store,
    workers: int,
    *,
    decode: bool = False,
    advance: ProgressCallback = no_progress,
) -> VerifyReport:
    """Return what is wrong with a folder; nothing is written. decode: look into every picture.

    It is read past all caches: damage in one is not the folder's, and a folder is larger than a cache. Raises OrqaError
    where there are no shards, or the writing of them was interrupted.
    """
    store = store.uncached()
    inventory = read_inventory(store)
    tasks: list[tuple[str, CheckFunction]] = []
    check = _check_ours if inventory.ours else _check_foreign
    for name, (split_labels, shards) in inventory.splits.items():
        if inventory.ours:
            tasks.append((split_labels.file, partial(_check_labels, inventory, name, split_labels)))
        tasks += [(shard.name, partial(check, store, split_labels, shard, decode)) for shard in shards]
    sizes = {file: _size_or_zero(store, file) for file, _ in tasks}
    problems, timepoints, indexes, done = list(inventory.problems), 0, 0, 0
    total = max(1, sum(sizes.values()) // 1_000_000)
    tar_keys: set[str] = set()
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(_run_guarded, file, work): file for file, work in tasks}
        try:
            for future in as_completed(running):
                result = future.result()
                file_findings = result.problems
                timepoints += len(result.keys)
                indexes += result.indexes
                if inventory.manifest is None:
                    tar_keys.update(
                        result.keys,
                        (finding.key for finding in file_findings if finding.key and finding.remedy == DROPPED),
                    )
                problems += file_findings[:MAX_PROBLEMS]
                if len(file_findings) > MAX_PROBLEMS:
                    problems.append(
                        ShardProblem(
                            running[future],
                            None,
                            f"and {len(file_findings) - MAX_PROBLEMS} more",
                            file_findings[MAX_PROBLEMS].remedy,
                        )
                    )
                done += sizes[running[future]]
                advance("verified", min(total, done // 1_000_000), total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if inventory.manifest is None:
        problems += _find_untarred((split_labels for split_labels, _ in inventory.splits.values()), tar_keys)
    problems.sort(key=lambda finding: finding.file)
    return VerifyReport(
        len(tasks), indexes, sum(sizes.values()), timepoints, tuple(problems), tuple(unknown_files(store, inventory))
    )


def _find_untarred(label_files: Iterable[CheckedLabels], tar_keys: set[str]) -> list[ShardProblem]:
    """Return a finding for each label file that has timepoints of which no tar tells, where no manifest names tars."""
    problems = []
    for split_labels in label_files:
        if count := len(set(split_labels.keys()) - tar_keys):
            why = f"names {count} timepoints that are in no tar: one may be missing"
            problems.append(ShardProblem(split_labels.file, None, why, MISSING, count))
    return problems


def _size_or_zero(store: Store, file: str) -> int:
    try:
        return store.size(file) or 0
    except OrqaError:  # said by who looks at the file
        return 0


def _run_guarded(file: str, work: CheckFunction) -> FileCheck:
    try:
        return work()
    except OrqaError as error:
        return FileCheck([ShardProblem(file, None, str(error), UNREPAIRABLE)])


def _check_ours(store: Store, split_labels: CheckedLabels, shard: ListedShard, decode: bool) -> FileCheck:
    examined = check_shard(store, shard.name, shard.entry, split_labels, shard.start, decode=decode)
    has_index = store.size(index_name(shard.name)) is not None
    return FileCheck(examined.problems, [sample.key for sample in examined.samples], has_index)


def _check_foreign(store: Store, split_labels: CheckedLabels, shard: ListedShard, decode: bool) -> FileCheck:
    """Look through somebody else's tar."""
    size = store.size(shard.name) or 0
    samples, damages, broken = group_samples(lambda offset, length: store.span(shard.name, offset, length), size)
    problems = [
        ShardProblem(shard.name, None, f"byte {damage.offset}: {damage.why}", UNREPAIRABLE) for damage in damages
    ]
    problems += [ShardProblem(shard.name, key, "is not whole", UNREPAIRABLE) for key in sorted(broken)]
    index_file = index_name(shard.name)
    has_index = store.size(index_file) is not None
    if has_index:
        rows = ((key, list(members.values())) for key, members in samples.items() if key not in broken)
        if store.read(index_file, tar_index.MAX_INDEX_BYTES) != TarIndex.of(rows, size).to_bytes():
            problems.append(ShardProblem(index_file, None, "not the index of its tar as it is", REBUILT))
    return FileCheck(problems, [key for key in samples if key not in broken], has_index)


def _check_labels(inventory: Inventory, split: str, split_labels: CheckedLabels) -> FileCheck:
    """Look through a label file."""
    entry = inventory.manifest.splits[split] if inventory.manifest else None
    problems: list[ShardProblem] = []

    def add_finding(why: str, file: str = split_labels.file) -> None:
        problems.append(ShardProblem(file, None, why, REBUILT))

    size = split_labels.store.size(split_labels.file)
    if entry is not None and not size:
        add_finding("there is no such file" if size is None else "is empty")
        return FileCheck(problems)
    media: Counter[str] = Counter()
    facets: Counter[str] = Counter()
    for number in range(len(split_labels.takes)):
        take = split_labels.take(number)
        problems += take.problems
        media.update(take.media)
        facets.update(take.facets)
    if entry is None or size is None:
        return FileCheck(problems)
    if why := entry_difference(entry.labels, size, stored_sha256(split_labels.store, split_labels.file, size)):
        add_finding(why)
    elif not problems and (dict(media), dict(facets)) != (entry.media, entry.facets):
        add_finding(f"counts other media or facets of split {split} than the labels name", manifest.MANIFEST)
    return FileCheck(problems)
