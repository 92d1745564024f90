"""One shard, its labels, its index and its entry in the manifest, held against each other.

Says what is wrong, and what can still be had. The tar is judged by its SHA-256, by what a scan finds in it, and where
these disagree by the checksums of its index; labels are there twice, in the label file and as `KEY.json`, and either
mends the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress

from attrs import define, field, frozen
from isal.isal_zlib import crc32

from orqa_registry import OrqaError
from orqa_shards.format import label_line, tar_index
from orqa_shards.format.manifest import FileEntry
from orqa_shards.format.tar_index import SampleMembers, TarIndex, group_samples, index_name
from orqa_shards.format.tar_writer import TarMember
from orqa_shards.read.image_decoder import decode_image as decoded
from orqa_shards.storage.store import Store
from orqa_shards.verify.checked_labels import CheckedLabels, check_line
from orqa_shards.verify.problems import DROPPED, MISSING, REBUILT, ShardProblem

IMAGE_SUFFIXES = ("jpg", "jpeg", "png")
HASH_BYTES = 1 << 22
"""Bytes that are hashed at once."""


@frozen
class RecoveredSample:
    """What can be had of a timepoint. line: its labels, as they are. media: those that are whole, by suffix."""

    key: str
    line: bytes
    media: Mapping[str, TarMember]


@frozen
class ShardCheck:
    """What is wrong with a shard, and what can be had of it. file: as it is now, None where there is none.

    unproven: damage inside its members would not show, since neither manifest nor index vouches for them.
    missing: keys of the timepoints of a tar that is not there, or empty.
    """

    file: FileEntry | None
    samples: list[RecoveredSample]
    problems: list[ShardProblem]
    unproven: bool = False
    missing: tuple[str, ...] = ()


def check_shard(
    store: Store, name: str, entry: FileEntry | None, known: CheckedLabels, start: int | None, *, decode: bool = False
) -> ShardCheck:
    """Hold a tar against its manifest's entry, its index and its labels. Raises OrqaError where it cannot be read.

    start: the place of its first timepoint in the split, None where no manifest tells. decode: look into pictures.
    """
    examination = _Examination(store, name, entry, known, decode)
    if entry is not None and start is not None:
        examination.expect(known.between(start, start + entry.timepoints))
    size = store.size(name)
    if not size:
        return examination.absent("there is no such file" if size is None else "is empty")
    sha256 = stored_sha256(store, name, size)
    members = examination.members(size, sha256)
    samples = [
        sample
        for key, sample_members in members.items()
        if (sample := examination.sample(key, sample_members)) is not None
    ]
    examination.missing(members)
    return ShardCheck(
        FileEntry(name, size, sha256, len(samples)),
        examination.ordered(samples),
        examination.problems,
        examination.unproven,
    )


@define
class _Examination:
    """One examination. lines: key -> line that the label file has for this shard. lost: why members are gone."""

    store: Store
    name: str
    entry: FileEntry | None
    known: CheckedLabels
    decode: bool
    problems: list[ShardProblem] = field(factory=list)
    lines: dict[str, bytes] = field(factory=dict)
    lost: dict[str, str] = field(factory=dict)
    indexed: list[str] = field(factory=list)
    unproven: bool = False

    def wrong(
        self, key: str | None, why: str, remedy: str = REBUILT, file: str | None = None, timepoints: int = 0
    ) -> None:
        """Note a finding."""
        self.problems.append(ShardProblem(file or self.name, key, why, remedy, timepoints))

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes of the tar."""
        return self.store.span(self.name, offset, size)

    def expect(self, lines: Iterable[tuple[str | None, bytes | None]]) -> None:
        """Note what the label file has for this shard."""
        self.lines = {key: line for key, line in lines if key is not None and line is not None}

    def members(self, size: int, sha256: str) -> SampleMembers:
        """Return the members that are whole, as far as anybody can tell."""
        differs = None if self.entry is None else entry_difference(self.entry, size, sha256)
        intact = self.entry is not None and differs is None
        if differs is not None:
            self.wrong(None, differs)
        scanned, damages, _ = group_samples(self.read, size)
        for damage in damages:
            self.wrong(None, f"byte {damage.offset}: {damage.why}")
        index_file = index_name(self.name)
        expected = TarIndex.of(
            ((key, list(sample_members.values())) for key, sample_members in scanned.items()), size
        ).to_bytes()
        try:
            stored = self.store.read(index_file, tar_index.MAX_INDEX_BYTES)
            if stored == expected:
                return scanned
            stored_index = TarIndex.from_bytes(stored, index_file)
        except OrqaError as error:
            self.wrong(None, str(error), file=index_file)
        else:
            self.wrong(None, "not the index of its tar as it is", file=index_file)
            if not intact and (matched := self._match_index(size, scanned, stored_index)):
                return matched
        if not intact:
            self.unproven = True
            self.wrong(None, "damage inside its members cannot be told: nothing vouches for them", file=index_file)
        return scanned

    def _match_index(self, size: int, scanned: SampleMembers, stored_index: TarIndex) -> SampleMembers:
        """Return the members that are those which the index knows, wherever they lie now; the others are lost.

        None at all: it is the index of another tar.
        """
        matched: SampleMembers = {}
        lost: dict[str, str] = {}
        for number, key in enumerate(stored_index.keys):
            sample_members: dict[str, TarMember] = {}
            for member in stored_index.members(number):
                scanned_member = scanned.get(key, {}).get(member.name)
                if scanned_member is not None and (scanned_member.size, scanned_member.crc32) == (
                    member.size,
                    member.crc32,
                ):
                    sample_members[member.name] = scanned_member
                elif member.offset + member.size <= size and self._checksum(member) == member.crc32:
                    sample_members[member.name] = member
                else:
                    lost[f"{key}.{member.name}"] = "is damaged: its CRC-32 is not the index's"
            if sample_members:
                matched[key] = sample_members
        if matched:
            self.lost, self.indexed = lost, stored_index.keys
        return matched

    def _checksum(self, member: TarMember) -> int:
        return crc32(self.read(member.offset, member.size))

    def sample(self, key: str, members: Mapping[str, TarMember]) -> RecoveredSample | None:
        """Return what can be had of a timepoint, None where nobody has its labels."""
        label_member, line = members.get("json"), self.lines.get(key)
        if line is None and (line := self._find_line(key, label_member)) is None:
            self.wrong(key, f"its labels are damaged, here and in {self.known.file}", DROPPED)
            return None
        if label_member is None or (label_member.size, label_member.crc32) != (
            len(line),
            crc32(line),
        ):  # as they were scanned: no need to read
            self.wrong(f"{key}.json", self.lost.get(f"{key}.json", f"is not the line of {self.known.file}"))
        media = label_line.parse_line(line)["media"]
        damages = {medium: self._find_damage(key, medium, members.get(medium)) for medium in media}
        for medium, why in damages.items():
            if why is not None:
                self.wrong(f"{key}.{medium}", why, DROPPED)
        for suffix in members.keys() - {"json", *media}:
            self.wrong(f"{key}.{suffix}", "is in the tar and not in the labels", DROPPED)
        if set(members) == {"json", *media} and list(members) != ["json", *media]:
            self.wrong(key, "has its members in another order than its labels")
        return RecoveredSample(key, line, {medium: members[medium] for medium in media if damages[medium] is None})

    def _find_line(self, key: str, member: TarMember | None) -> bytes | None:
        """Return the line of a timepoint that the label file has elsewhere, or that its tar has."""
        line = match[1] if (match := self.known.find(key)) is not None else None
        if line is None and member is not None and member.size <= label_line.MAX_LINE_BYTES:
            content = self.read(member.offset, member.size)
            with suppress(*label_line.LINE_ERRORS):
                line_key, record = check_line(content)
                whole = content.endswith(b"\n") and content.count(b"\n") == 1
                line = content if whole and line_key == key and record["split"] == self.known.split else None
        if line is not None and self.entry is not None and len(self.lines) == self.entry.timepoints:
            self.wrong(key, f"is not in {self.known.file}, or elsewhere in it")
        return line

    def _find_damage(self, key: str, medium: str, member: TarMember | None) -> str | None:
        """Return why a medium cannot be used, or None."""
        if member is None:
            return self.lost.get(f"{key}.{medium}", "is in the labels and not in the tar")
        if (self.decode or self.unproven) and medium.endswith(IMAGE_SUFFIXES):
            try:
                decoded(self.read(member.offset, member.size), strict=True)
            except OrqaError as error:
                return f"cannot be decoded: {error}"
        return None

    def absent(self, why: str) -> ShardCheck:
        """Return what is to be said of a tar that is not there, or empty: one finding, however many timepoints."""
        timepoints = self.entry.timepoints if self.entry is not None else len(self.lines)
        self.wrong(None, f"{why}: {timepoints} timepoints", MISSING, timepoints=timepoints)
        return ShardCheck(None, [], self.problems, missing=tuple(self.lines))

    def missing(self, members: SampleMembers) -> None:
        """Note the timepoints that should be here and are not."""
        gone = dict.fromkeys(key for key in (*self.lines, *self.indexed) if key not in members)
        for key in gone:
            self.wrong(key, "is in the labels or the index, and not in the tar", DROPPED)
        if self.entry is not None and (unknown_count := self.entry.timepoints - len(members) - len(gone)) > 0:
            why = f"{unknown_count} timepoints are gone of which nothing is known any more"
            self.wrong(None, why, DROPPED, timepoints=unknown_count)

    def ordered(self, samples: list[RecoveredSample]) -> list[RecoveredSample]:
        """Return samples in the order of the label file."""
        position_of = {key: position for position, key in enumerate(self.lines)}
        positions = [position_of[sample.key] for sample in samples if sample.key in position_of]
        if positions == sorted(positions):
            return samples
        self.wrong(None, f"its timepoints are in another order than in {self.known.file}")
        return sorted(samples, key=lambda sample: position_of.get(sample.key, len(position_of)))


def entry_difference(entry: FileEntry, size: int, sha256: str) -> str | None:
    """Return in what a file is not as the manifest says, or None."""
    if size != entry.bytes:
        return f"{size} bytes, and the manifest says {entry.bytes}"
    return None if sha256 == entry.sha256 else f"{size} bytes as the manifest says, and another SHA-256"


def stored_sha256(store: Store, file: str, size: int) -> str:
    """Return the SHA-256 of a file, in hex. Raises OrqaError."""
    hasher = hashlib.sha256()
    for offset in range(0, size, HASH_BYTES):
        hasher.update(store.span(file, offset, min(HASH_BYTES, size - offset)))
    return hasher.hexdigest()
