"""Mends a shard folder from what is whole in it, and drops the rest into a report.

What is dropped is noted in `repair.json` before anything is changed, then come the tar, its index, the labels, and the
manifest last. A repair that was interrupted is called again: an index of before still tells which members are whole,
wherever they lie now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import orjson
from attrs import define, evolve, field, frozen

from orqa_registry import Dataset, OrqaError
from orqa_registry.data.lazy import EMPTY
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_shards.format import label_line, manifest
from orqa_shards.format.label_file import write_label_file
from orqa_shards.format.manifest import REPAIR_REPORT, FileEntry, describe_file
from orqa_shards.format.tar_index import TarIndex, index_name, index_tar
from orqa_shards.format.tar_scanner import scan_tar
from orqa_shards.format.tar_writer import MEMBER_NAME, TarMember, TarWriter
from orqa_shards.storage.store import Store, put_bytes
from orqa_shards.verify.checked_labels import CheckedLabels
from orqa_shards.verify.inventory import Inventory, ListedShard, read_inventory
from orqa_shards.verify.manifest_recovery import lost_facts, rebuild_manifest
from orqa_shards.verify.problems import DROPPED, MISSING, UNREPAIRABLE
from orqa_shards.verify.shard_check import RecoveredSample, ShardCheck, check_shard
from orqa_shards.verify.verify import VerifyReport


@frozen
class RepairResult:
    """What a repair did. rebuilt: files made anew. dropped: key of a timepoint or medium -> why it is gone.

    timepoints, media: how many are dropped, by earlier repairs too. forgotten: what the manifest said and nobody knows.
    unproven: tars in which members may be damaged all the same, since no checksum of them was left.
    """

    rebuilt: tuple[str, ...]
    dropped: Mapping[str, str]
    timepoints: int = 0
    media: int = 0
    forgotten: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()


def repair(
    store: Store,
    report: VerifyReport,
    *,
    decode: bool = False,
    without_missing: bool = False,
    datasets: Mapping[str, Dataset] = EMPTY,
    advance: ProgressCallback = no_progress,
) -> RepairResult:
    """Mend what a report names. decode: drop pictures that cannot be decoded. without_missing: drop missing tars.

    datasets: those that are known, by name: what a lost manifest said of them is theirs to say again.

    It is read past all caches, as by `verify`; who has it open opens it again afterwards. Raises OrqaError before
    anything is changed where a file cannot be read, where one is missing or empty that no other tells of (it may be
    on its way, or on a disk that is not mounted), and where nothing of a folder can be saved.
    """
    if unreadable := [finding for finding in report.problems if finding.remedy == UNREPAIRABLE]:
        finding = unreadable[0]
        raise OrqaError(
            f"{store.place(finding.file)}: {finding.why}: this is beyond a repair, and nothing was changed: "
            "copy it again"
        )
    if report.missing and not without_missing:
        finding = report.missing[0]
        raise OrqaError(f"{store.place(finding.file)}: {finding.why}; nothing was changed: {report.advice(store.name)}")
    store = store.uncached()
    inventory = read_inventory(store)
    damaged_files = {finding.file for finding in report.problems}
    if not inventory.ours:
        return RepairResult(tuple(_rebuild_index(store, name) for name in sorted(damaged_files)), {})
    if not report.timepoints:
        raise OrqaError(
            f"{store.name}: no timepoint can be saved, and nothing was changed. "
            "Copy the shards again, or write them anew"
        )
    mender = _Mender(store, inventory, damaged_files, decode, datasets, advance)
    lost_entries = mender.run()
    keys = [key for key in mender.dropped if "/" in key]  # the others are files
    media = sum("." in key for key in keys)
    timepoints = len(keys) - media + mender.nameless
    return RepairResult(tuple(mender.rebuilt), mender.dropped, timepoints, media, lost_entries, tuple(mender.unproven))


def _rebuild_index(store: Store, name: str) -> str:
    """Write the index of somebody else's tar anew and return its name."""
    tar = name.removesuffix(".idx") + ".tar"
    tar_index, _ = index_tar(lambda offset, length: store.span(tar, offset, length), store.size(tar) or 0)
    put_bytes(store, name, tar_index.to_bytes())
    return name


@define
class _OrderCheck:
    """Holds timepoints of a split to the order in which a reader looks for them."""

    dataset: str | None = None
    take: tuple[str, str] | None = None
    last: int = 0
    closed: set[tuple[str, str]] = field(factory=set)

    def refuse(self, line: bytes) -> str | None:
        """Return why a timepoint cannot come here, or None, and it has come."""
        fields = label_line.parse_line(line)
        take = fields["dataset"], fields["take"]
        if self.dataset is not None and take[0] != self.dataset:
            return f"lies in a shard of {self.dataset}"
        if take in self.closed or (take == self.take and fields["index"] <= self.last):
            return "is out of order, or there twice"
        if self.take is not None and take != self.take:
            self.closed.add(self.take)
        self.dataset, self.take, self.last = take[0], take, fields["index"]
        return None


@define
class _Mender:
    store: Store
    there: Inventory
    wrong: set[str]
    decode: bool
    datasets: Mapping[str, Dataset]
    advance: ProgressCallback
    rebuilt: list[str] = field(factory=list)
    dropped: dict[str, str] = field(factory=dict)
    kept: set[str] = field(factory=set)
    gone: list[str] = field(factory=list)
    unproven: list[str] = field(factory=list)
    nameless: int = 0

    def run(self) -> tuple[str, ...]:
        """Mend all splits, write the manifest, and return what of it nobody knows any more."""
        self.dropped |= _read_dropped(self.store)
        dropped_before = set(self.dropped)
        total = sum(len(shards) for _, shards in self.there.splits.values())
        done = 0
        splits = {}
        for name, (split_labels, shards) in self.there.splits.items():
            files: list[FileEntry] = []
            lost_keys = split_labels.keys() if self.there.manifest is None else ()

            def lines(
                split_labels: CheckedLabels = split_labels,
                shards: Sequence[ListedShard] = shards,
                files: list[FileEntry] = files,
            ) -> Iterator[bytes]:
                nonlocal done
                order = _OrderCheck()
                for shard in sorted(shards, key=lambda shard: self._first_position(split_labels, shard)):
                    order.dataset = None
                    yield from self._mend_shard(split_labels, shard, order, files)
                    done += 1
                    self.advance("repaired", done, total)

            entry = write_label_file(self.store, name, lines(), files)
            if self.there.manifest is None:
                why = f"is in {split_labels.file} and in no tar"
                self.dropped |= {key: why for key in lost_keys if key not in self.kept and key not in self.dropped}
            if entry.timepoints:
                splits[name] = entry
                self.rebuilt.append(entry.labels.name)
            else:
                self.gone.append(entry.labels.name)
        for key in self.kept - dropped_before:
            self.dropped.pop(key, None)
        if self.dropped or self.unproven:
            self._write_report()
        else:
            self.store.delete(REPAIR_REPORT)
        notes = [f"{key}: {why}" for key, why in self.dropped.items()]
        notes += [f"{name}: kept, and may be damaged: no checksum of its members was left" for name in self.unproven]
        new_manifest = rebuild_manifest(self.store, splits, self.datasets, notes)
        put_bytes(self.store, manifest.MANIFEST, new_manifest.to_bytes())
        self.rebuilt.append(manifest.MANIFEST)
        for file in self.gone:
            self.store.delete(file)
        return tuple(lost_facts(new_manifest))

    def _first_position(self, split_labels: CheckedLabels, shard: ListedShard) -> tuple[int, str]:
        """Return the place in the split of the first timepoint of a shard, for files that were exchanged."""
        if shard.start is not None and shard.name in self.wrong and (size := self.store.size(shard.name)) is not None:
            for member in scan_tar(lambda offset, length: self.store.span(shard.name, offset, length), size):
                if isinstance(member, TarMember) and (match := MEMBER_NAME.fullmatch(member.name)) is not None:
                    if (location := split_labels.find(match[1])) is not None:
                        return location[0], shard.name
                    break
        return shard.start or 0, shard.name

    def _mend_shard(
        self, split_labels: CheckedLabels, shard: ListedShard, order: _OrderCheck, files: list[FileEntry]
    ) -> Iterator[bytes]:
        """Mend a shard and yield its lines; its entry is added to `files`."""
        damaged_files = {shard.name, index_name(shard.name), split_labels.file, manifest.MANIFEST} & self.wrong
        if shard.entry is not None and shard.start is not None and not damaged_files:
            lines = [line for _, line in split_labels.between(shard.start, shard.start + shard.entry.timepoints)]
            accepted = [line for line in lines if line is not None and order.refuse(line) is None]
            if len(accepted) == shard.entry.timepoints:
                files.append(shard.entry)
                yield from accepted
                return
        examined = check_shard(self.store, shard.name, shard.entry, split_labels, shard.start, decode=self.decode)
        samples = []
        for sample in examined.samples:
            if (why := order.refuse(sample.line)) is None:
                samples.append(sample)
            else:
                self.dropped.setdefault(sample.key, f"{shard.name}: {why}")
        self.kept.update(sample.key for sample in samples)
        self.unproven += [shard.name] if examined.unproven else []
        self._note_dropped(shard, examined)
        final_lines = [_final_line(sample) for sample in samples]
        if not samples:
            self.gone += [shard.name, index_name(shard.name)]
        elif examined.file is not None and _is_whole(examined, samples):
            files.append(evolve(examined.file, timepoints=len(samples)))
            if any(finding.file == index_name(shard.name) for finding in examined.problems):
                self._reindex(shard.name)
        else:
            files.append(self._rewrite_tar(shard.name, samples, final_lines))
        yield from final_lines

    def _note_dropped(self, shard: ListedShard, examined: ShardCheck) -> None:
        """Note what is dropped of a shard, before it is."""
        count_before = len(self.dropped)
        named_before = any(why.startswith(f"{shard.name}: ") for why in self.dropped.values())
        for finding in examined.problems:
            # What has no name was named before, where an earlier repair was interrupted.
            if finding.remedy in (DROPPED, MISSING) and not (finding.key is None and named_before):
                nameless = finding.timepoints - len(examined.missing)
                if finding.key is not None or nameless:
                    self.dropped.setdefault(finding.key or finding.file, f"{shard.name}: {finding.why}")
                self.nameless += max(nameless, 0)
        for key in examined.missing:
            self.dropped.setdefault(key, f"{shard.name}: {examined.problems[0].why}")
        if len(self.dropped) > count_before:
            self._write_report()

    def _write_report(self) -> None:
        report = {"unproven": self.unproven, "dropped": [{"key": key, "why": why} for key, why in self.dropped.items()]}
        put_bytes(self.store, REPAIR_REPORT, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode())

    def _rewrite_tar(self, name: str, samples: Sequence[RecoveredSample], lines: Sequence[bytes]) -> FileEntry:
        """Put a new tar over the old one, then its index, and return its entry."""
        with self.store.scratch() as folder:
            local = folder / name
            with local.open("wb", buffering=1 << 20) as raw:
                tar = TarWriter(raw)
                for sample, line in zip(samples, lines, strict=True):
                    media = {
                        medium: self.store.span(name, member.offset, member.size)
                        for medium, member in sample.media.items()
                    }
                    tar.write(sample.key, {"json": line, **media})
                tar.close()
            entry = describe_file(local, name, len(samples))
            self.store.put(local, name)
        put_bytes(self.store, index_name(name), TarIndex.of(tar.rows, tar.length).to_bytes())
        self.rebuilt += [name, index_name(name)]
        return entry

    def _reindex(self, name: str) -> None:
        self.rebuilt.append(_rebuild_index(self.store, index_name(name)))


def _is_whole(examined: ShardCheck, samples: Sequence[RecoveredSample]) -> bool:
    """Tell whether a tar can stay as it is: nothing is wrong with it but its entry in the manifest, perhaps."""
    problems = [
        finding for finding in examined.problems if examined.file is not None and finding.file == examined.file.name
    ]
    return not problems and len(samples) == len(examined.samples)


def _final_line(sample: RecoveredSample) -> bytes:
    """Return the line of a timepoint without the media that are gone."""
    fields = dict(label_line.parse_line(sample.line))
    if list(fields["media"]) == list(sample.media):
        return sample.line
    fields["media"] = list(sample.media)
    fields["sizes"] = {name: size for name, size in fields["sizes"].items() if name in sample.media}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_dropped(store: Store) -> dict[str, str]:
    """Return what earlier repairs have dropped."""
    with suppress(OrqaError, ValueError, KeyError, TypeError, AttributeError):
        if store.size(REPAIR_REPORT) is not None:
            report = orjson.loads(store.read(REPAIR_REPORT, manifest.MAX_MANIFEST_BYTES))
            return {str(entry["key"]): str(entry["why"]) for entry in report["dropped"]}
    return {}
