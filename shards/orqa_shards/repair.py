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
from orqa_registry.labels import NOTHING
from orqa_registry.progress import Advance, silent
from orqa_shards import labels, manifest
from orqa_shards.examine import Examined, Sample, examine
from orqa_shards.finding import DROPPED, LEFT, MISSING
from orqa_shards.index import Index, index_of
from orqa_shards.inventory import Inventory, Shard, take_stock
from orqa_shards.labelled import Labels
from orqa_shards.manifest import REPORT, File, describe
from orqa_shards.read import index_name
from orqa_shards.restoring import forgotten, restored
from orqa_shards.scan import scan
from orqa_shards.store import Store, put_bytes
from orqa_shards.tar import KEY, Member, TarWriter
from orqa_shards.verify import Report
from orqa_shards.write import label


@frozen
class Repaired:
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
    report: Report,
    *,
    decode: bool = False,
    without_missing: bool = False,
    datasets: Mapping[str, Dataset] = NOTHING,
    advance: Advance = silent,
) -> Repaired:
    """Mend what a report names. decode: drop pictures that cannot be decoded. without_missing: drop missing tars.

    datasets: those that are known, by name: what a lost manifest said of them is theirs to say again.

    It is read past all caches, as by `verify`; who has it open opens it again afterwards. Raises OrqaError before
    anything is changed where a file cannot be read, where one is missing or empty that no other tells of (it may be
    on its way, or on a disk that is not mounted), and where nothing of a folder can be saved.
    """
    if unreadable := [one for one in report.findings if one.remedy == LEFT]:
        one = unreadable[0]
        raise OrqaError(
            f"{store.place(one.file)}: {one.why}: this is beyond a repair, and nothing was changed: copy it again"
        )
    if report.missing and not without_missing:
        one = report.missing[0]
        raise OrqaError(f"{store.place(one.file)}: {one.why}; nothing was changed: {report.advice(store.name)}")
    store = store.fresh()
    there = take_stock(store)
    wrong = {one.file for one in report.findings}
    if not there.ours:
        return Repaired(tuple(_index_anew(store, name) for name in sorted(wrong)), {})
    if not report.timepoints:
        raise OrqaError(
            f"{store.name}: no timepoint can be saved, and nothing was changed. "
            "Copy the shards again, or write them anew"
        )
    work = _Repair(store, there, wrong, decode, datasets, advance)
    forgotten = work.run()
    keys = [key for key in work.dropped if "/" in key]  # the others are files
    media = sum("." in key for key in keys)
    timepoints = len(keys) - media + work.nameless
    return Repaired(tuple(work.rebuilt), work.dropped, timepoints, media, forgotten, tuple(work.unproven))


def _index_anew(store: Store, name: str) -> str:
    """Write the index of somebody else's tar anew and return its name."""
    tar = name.removesuffix(".idx") + ".tar"
    made, _ = index_of(lambda offset, many: store.span(tar, offset, many), store.size(tar) or 0)
    put_bytes(store, name, made.to_bytes())
    return name


@define
class _Order:
    """Holds timepoints of a split to the order in which a reader looks for them."""

    dataset: str | None = None
    take: tuple[str, str] | None = None
    last: int = 0
    closed: set[tuple[str, str]] = field(factory=set)

    def refuse(self, line: bytes) -> str | None:
        """Return why a timepoint cannot come here, or None, and it has come."""
        said = labels.parse(line)
        take = said["dataset"], said["take"]
        if self.dataset is not None and take[0] != self.dataset:
            return f"lies in a shard of {self.dataset}"
        if take in self.closed or (take == self.take and said["index"] <= self.last):
            return "is out of order, or there twice"
        if self.take is not None and take != self.take:
            self.closed.add(self.take)
        self.dataset, self.take, self.last = take[0], take, said["index"]
        return None


@define
class _Repair:
    store: Store
    there: Inventory
    wrong: set[str]
    decode: bool
    datasets: Mapping[str, Dataset]
    advance: Advance
    rebuilt: list[str] = field(factory=list)
    dropped: dict[str, str] = field(factory=dict)
    kept: set[str] = field(factory=set)
    gone: list[str] = field(factory=list)
    unproven: list[str] = field(factory=list)
    nameless: int = 0

    def run(self) -> tuple[str, ...]:
        """Mend all splits, write the manifest, and return what of it nobody knows any more."""
        self.dropped |= _dropped_before(self.store)
        before = set(self.dropped)
        total = sum(len(shards) for _, shards in self.there.splits.values())
        done = 0
        splits = {}
        for name, (known, shards) in self.there.splits.items():
            files: list[File] = []
            lost = known.keys() if self.there.manifest is None else ()

            def lines(
                known: Labels = known, shards: Sequence[Shard] = shards, files: list[File] = files
            ) -> Iterator[bytes]:
                nonlocal done
                order = _Order()
                for shard in sorted(shards, key=lambda one: self._first(known, one)):
                    order.dataset = None
                    yield from self._shard(known, shard, order, files)
                    done += 1
                    self.advance("repaired", done, total)

            made = label(self.store, name, lines(), files)
            if self.there.manifest is None:
                why = f"is in {known.file} and in no tar"
                self.dropped |= {key: why for key in lost if key not in self.kept and key not in self.dropped}
            if made.timepoints:
                splits[name] = made
                self.rebuilt.append(made.labels.name)
            else:
                self.gone.append(made.labels.name)
        for key in self.kept - before:
            self.dropped.pop(key, None)
        if self.dropped or self.unproven:
            self._note()
        else:
            self.store.delete(REPORT)
        more = [f"{key}: {why}" for key, why in self.dropped.items()]
        more += [f"{name}: kept, and may be damaged: no checksum of its members was left" for name in self.unproven]
        made_anew = restored(self.store, splits, self.datasets, more)
        put_bytes(self.store, manifest.NAME, made_anew.to_bytes())
        self.rebuilt.append(manifest.NAME)
        for file in self.gone:
            self.store.delete(file)
        return tuple(forgotten(made_anew))

    def _first(self, known: Labels, shard: Shard) -> tuple[int, str]:
        """Return the place in the split of the first timepoint of a shard, for files that were exchanged."""
        if shard.start is not None and shard.name in self.wrong and (size := self.store.size(shard.name)) is not None:
            for found in scan(lambda offset, many: self.store.span(shard.name, offset, many), size):
                if isinstance(found, Member) and (parts := KEY.fullmatch(found.name)) is not None:
                    if (place := known.find(parts[1])) is not None:
                        return place[0], shard.name
                    break
        return shard.start or 0, shard.name

    def _shard(self, known: Labels, shard: Shard, order: _Order, files: list[File]) -> Iterator[bytes]:
        """Mend a shard and yield its lines; its entry is added to `files`."""
        touched = {shard.name, index_name(shard.name), known.file, manifest.NAME} & self.wrong
        if shard.entry is not None and shard.start is not None and not touched:
            lines = [line for _, line in known.between(shard.start, shard.start + shard.entry.timepoints)]
            whole = [line for line in lines if line is not None and order.refuse(line) is None]
            if len(whole) == shard.entry.timepoints:
                files.append(shard.entry)
                yield from whole
                return
        found = examine(self.store, shard.name, shard.entry, known, shard.start, decode=self.decode)
        samples = []
        for sample in found.samples:
            if (why := order.refuse(sample.line)) is None:
                samples.append(sample)
            else:
                self.dropped.setdefault(sample.key, f"{shard.name}: {why}")
        self.kept.update(sample.key for sample in samples)
        self.unproven += [shard.name] if found.unproven else []
        self._drop(shard, found)
        final = [_line(sample) for sample in samples]
        if not samples:
            self.gone += [shard.name, index_name(shard.name)]
        elif found.file is not None and _is_whole(found, samples):
            files.append(evolve(found.file, timepoints=len(samples)))
            if any(one.file == index_name(shard.name) for one in found.findings):
                self._index(shard.name)
        else:
            files.append(self._rewrite(shard.name, samples, final))
        yield from final

    def _drop(self, shard: Shard, found: Examined) -> None:
        """Note what is dropped of a shard, before it is."""
        known = len(self.dropped)
        before = any(why.startswith(f"{shard.name}: ") for why in self.dropped.values())
        for one in found.findings:
            # What has no name was named before, where an earlier repair was interrupted.
            if one.remedy in (DROPPED, MISSING) and not (one.key is None and before):
                nameless = one.timepoints - len(found.missing)
                if one.key is not None or nameless:
                    self.dropped.setdefault(one.key or one.file, f"{shard.name}: {one.why}")
                self.nameless += max(nameless, 0)
        for key in found.missing:
            self.dropped.setdefault(key, f"{shard.name}: {found.findings[0].why}")
        if len(self.dropped) > known:
            self._note()

    def _note(self) -> None:
        made = {"unproven": self.unproven, "dropped": [{"key": key, "why": why} for key, why in self.dropped.items()]}
        put_bytes(self.store, REPORT, (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode())

    def _rewrite(self, name: str, samples: Sequence[Sample], lines: Sequence[bytes]) -> File:
        """Put a new tar over the old one, then its index, and return its entry."""
        with self.store.scratch() as folder:
            local = folder / name
            with local.open("wb", buffering=1 << 20) as raw:
                tar = TarWriter(raw)
                for sample, line in zip(samples, lines, strict=True):
                    media = {
                        medium: self.store.span(name, one.offset, one.size) for medium, one in sample.media.items()
                    }
                    tar.write(sample.key, {"json": line, **media})
                tar.close()
            entry = describe(local, name, len(samples))
            self.store.put(local, name)
        put_bytes(self.store, index_name(name), Index.of(tar.rows, tar.length).to_bytes())
        self.rebuilt += [name, index_name(name)]
        return entry

    def _index(self, name: str) -> None:
        self.rebuilt.append(_index_anew(self.store, index_name(name)))


def _is_whole(found: Examined, samples: Sequence[Sample]) -> bool:
    """Tell whether a tar can stay as it is: nothing is wrong with it but its entry in the manifest, perhaps."""
    about = [one for one in found.findings if found.file is not None and one.file == found.file.name]
    return not about and len(samples) == len(found.samples)


def _line(sample: Sample) -> bytes:
    """Return the line of a timepoint without the media that are gone."""
    said = dict(labels.parse(sample.line))
    if list(said["media"]) == list(sample.media):
        return sample.line
    said["media"] = list(sample.media)
    said["sizes"] = {name: size for name, size in said["sizes"].items() if name in sample.media}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _dropped_before(store: Store) -> dict[str, str]:
    """Return what earlier repairs have dropped."""
    with suppress(OrqaError, ValueError, KeyError, TypeError, AttributeError):
        if store.size(REPORT) is not None:
            found = orjson.loads(store.read(REPORT, manifest.LARGEST))
            return {str(one["key"]): str(one["why"]) for one in found["dropped"]}
    return {}
