"""The index beside a tar, `SPLIT-000000.idx`: where each member lies, how large it is and its checksum.

    "ORQAIDX1", then little-endian u32 samples, members, bytes of names; u64 bytes of the tar
    u32 x (samples + 1)                            first member of each sample, and the end
    (u16 suffix, u64 offset, u64 size, u32 crc32)  x members
    names                                          suffixes, an empty line, keys; UTF-8, a line each
    u32 crc32                                      of all before

One read opens it, and one positioned read fetches a member; those of a sample lie in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from struct import Struct, error

import numpy as np
from attrs import define
from isal.isal_zlib import crc32

from orqa_registry import OrqaError
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.format import tar_index
from orqa_shards.format.tar_scanner import ReadSpan, TarDamage, scan_tar
from orqa_shards.format.tar_writer import MAX_MEMBER_BYTES, MEMBER_NAME, TarMember, unsafe_name
from orqa_shards.storage.store import Store, put_bytes

INDEX_MAGIC = b"ORQAIDX1"
MAX_INDEX_BYTES = 1 << 30
"""Bytes of an index; 40 million members."""
MAX_SAMPLE_BYTES = 1 << 32
MAX_SUFFIXES = (1 << 16) - 1

MEMBER_ROW = np.dtype([("suffix", "<u2"), ("offset", "<u8"), ("size", "<u8"), ("crc32", "<u4")])
_HEADER = Struct("<8sIIIQ")
_CHECKSUM = Struct("<I")


@define(slots=False, eq=False)
class TarIndex:
    """The samples of a tar, in order. firsts: (samples + 1,) uint32. rows: (members,) of `MEMBER_ROW`."""

    tar_bytes: int
    keys: list[str]
    suffixes: tuple[str, ...]
    firsts: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    @ForkSafeProperty
    def place(self) -> dict[str, int]:
        """Key -> number of the sample."""
        return {key: number for number, key in enumerate(self.keys)}

    def members(self, sample: int) -> list[TarMember]:
        """Return the members of a sample; the name of each is its suffix."""
        first, last = self.firsts[sample : sample + 2].tolist()
        return [TarMember(self.suffixes[suffix], *rest) for suffix, *rest in self.rows[first:last].tolist()]

    @classmethod
    def of(cls, samples: Iterable[tuple[str, Sequence[TarMember]]], tar_bytes: int) -> TarIndex:
        """Return the index of samples in the order in which they lie in the tar."""
        keys: list[str] = []
        suffixes: dict[str, int] = {}
        firsts, rows = [0], []
        for key, members in samples:
            keys.append(key)
            rows += [
                (suffixes.setdefault(member.name, len(suffixes)), member.offset, member.size, member.crc32)
                for member in members
            ]
            firsts.append(len(rows))
        return cls(tar_bytes, keys, tuple(suffixes), np.array(firsts, "<u4"), np.array(rows, MEMBER_ROW))

    def to_bytes(self) -> bytes:
        """Return the file."""
        names = "\n".join([*self.suffixes, "", *self.keys] if self.keys else []).encode()
        head = _HEADER.pack(INDEX_MAGIC, len(self), len(self.rows), len(names), self.tar_bytes)
        body = b"".join((head, self.firsts.tobytes(), self.rows.tobytes(), names))
        return body + _CHECKSUM.pack(crc32(body))

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> TarIndex:
        """Return the index in a file. Raises OrqaError where a byte of it is damaged, or points out of the tar."""
        try:
            magic, sample_count, member_count, names_size, tar_bytes = _HEADER.unpack_from(data)
            (checksum,) = _CHECKSUM.unpack_from(data, len(data) - _CHECKSUM.size)
        except error as reason:
            raise OrqaError(f"{where}: not an index: {len(data)} bytes{REPAIR_HINT}") from reason
        expected = (
            _HEADER.size + 4 * (sample_count + 1) + MEMBER_ROW.itemsize * member_count + names_size + _CHECKSUM.size
        )
        if magic != INDEX_MAGIC or len(data) != expected or crc32(memoryview(data)[: -_CHECKSUM.size]) != checksum:
            raise OrqaError(f"{where}: not a whole index{REPAIR_HINT}")
        firsts = np.frombuffer(data, "<u4", sample_count + 1, _HEADER.size)
        rows = np.frombuffer(data, MEMBER_ROW, member_count, _HEADER.size + firsts.nbytes)
        names = data[len(data) - _CHECKSUM.size - names_size : len(data) - _CHECKSUM.size].decode("utf-8", "replace")
        # Counted first: a list of a billion empty names would need 8 GB.
        if names.count("\n") > sample_count + MAX_SUFFIXES or not names.replace("\n", "").isprintable():
            raise OrqaError(f"{where}: names that are none{REPAIR_HINT}")
        suffix_lines, _, key_lines = ("\n" + names).partition("\n\n")
        suffixes = tuple(suffix_lines.split("\n")[1:]) if names else ()
        index = cls(tar_bytes, key_lines.split("\n") if sample_count else [], suffixes, firsts, rows)
        if why := index._find_contradiction(sample_count):
            raise OrqaError(f"{where}: {why}{REPAIR_HINT}")
        return index

    def _find_contradiction(self, sample_count: int) -> str | None:
        """Return what contradicts itself, or None."""
        if len(self.keys) != sample_count or len({*self.keys, ""}) != sample_count + 1:
            return f"other than {sample_count} keys"
        firsts, rows = self.firsts.astype(np.int64), self.rows
        if firsts[0] != 0 or firsts[-1] != len(rows) or (np.diff(firsts) < 1).any():
            return "samples without members"
        if not len(rows):
            return None
        if rows["suffix"].max() >= len(self.suffixes) or rows["size"].max() > MAX_MEMBER_BYTES:
            return "members of no suffix or size"
        offsets, ends = rows["offset"], rows["offset"] + rows["size"]
        # Sizes are bounded, so a sum that wrapped around is smaller than what was added to.
        if (ends < offsets).any() or ends.max() > self.tar_bytes or (offsets[1:] < ends[:-1]).any():
            return "members that lie outside the tar, or in one another"
        if (ends[firsts[1:] - 1] - offsets[firsts[:-1]]).max() > MAX_SAMPLE_BYTES:
            return f"a sample of more than {MAX_SAMPLE_BYTES} bytes"
        return None


REPAIR_HINT = ". Make it anew: orqa-registry verify DIR --repair"


SampleMembers = dict[str, dict[str, TarMember]]
"""Key -> suffix -> member, named by its suffix, in the order of the tar."""


def index_tar(read: ReadSpan, size: int) -> tuple[TarIndex, list[TarDamage]]:
    """Return the index of a tar of `size` bytes that anybody wrote, and what in it cannot be used.

    A sample of which a member is damaged, or may be missing behind damage, is left out: none comes out incomplete.
    """
    samples, damages, broken = group_samples(read, size)
    return TarIndex.of(
        ((key, list(members.values())) for key, members in samples.items() if key not in broken), size
    ), damages


def group_samples(read: ReadSpan, size: int) -> tuple[SampleMembers, list[TarDamage], set[str]]:
    """Return the samples of a tar, what in it cannot be used, and the keys of samples that damage has hit.

    A sample is a run of members with one key, as WebDataset has it; a key that comes again is damage.
    """
    samples: SampleMembers = {}
    damages: list[TarDamage] = []
    broken: set[str] = set()
    pending: list[TarDamage] = []
    suspects: list[tuple[str | None, str | None]] = []
    suffixes: set[str] = set()
    last: str | None = None

    def settle(after: str | None) -> None:
        """Find whose members the damage has hit that lies between the samples `last` and `after`."""
        for damage in pending:
            key = _split_name(damage.name)[0] if damage.name is not None else None
            if key is not None and key in (last, after):
                broken.add(key)
            elif not damage.whole:
                suspects.append((last, after))
        pending.clear()

    for item in scan_tar(read, size):
        if isinstance(item, TarDamage):
            damages.append(item)
            pending.append(item)
            continue
        key, suffix = _split_name(item.name)
        if key is None:
            damages.append(TarDamage(item.offset, f"{item.name!r} has no suffix"))
            continue
        settle(key)
        members = samples.get(key, {})
        why = None
        if (members and key != last) or suffix in members:
            why = "comes again"
        elif len(suffixes) == MAX_SUFFIXES and suffix not in suffixes:
            why = f"has another suffix than {MAX_SUFFIXES} before it"
        elif members and item.offset + item.size - next(iter(members.values())).offset > MAX_SAMPLE_BYTES:
            why = f"belongs to a sample of more than {MAX_SAMPLE_BYTES} bytes"
            broken.add(key)
        if why:
            damages.append(TarDamage(item.offset, f"{item.name!r} {why}", item.name, whole=True))
            continue
        suffixes.add(suffix)
        samples.setdefault(key, {})[suffix] = item._replace(name=suffix)
        last = key
    settle(None)
    return samples, damages, broken | _find_incomplete(samples, suspects)


def _split_name(name: str) -> tuple[str | None, str]:
    """Return key and suffix of a member, None and nothing where it has none."""
    match = MEMBER_NAME.fullmatch(name)
    return (None, "") if match is None or unsafe_name(match[1]) else (match[1], match[2].lower())


def _find_incomplete(samples: SampleMembers, suspects: Sequence[tuple[str | None, str | None]]) -> set[str]:
    """Return the keys around damage, whose name cannot be read, that lack a suffix which those around them have."""
    keys = list(samples) if suspects else []
    positions = {key: position for position, key in enumerate(keys)}
    incomplete = set()
    for before, after in suspects:
        if before is not None and before == after:
            incomplete.add(before)
            continue
        first = positions[before] if before is not None else -1
        neighbours = keys[max(0, first - 1) : first + 3]
        expected = {suffix for key in neighbours for suffix in samples[key]}
        incomplete |= {key for key in (before, after) if key is not None and expected - samples.get(key, {}).keys()}
    return incomplete


def save_index(store: Store, file: str, made: TarIndex) -> None:
    """Put an index beside its tar where one can write; where not, it is made anew each time."""
    with suppress(OrqaError, OSError):
        put_bytes(store, file, made.to_bytes())


def index_name(tar: str) -> str:
    """Return the name of the index beside a tar."""
    return tar.removesuffix(".tar") + ".idx"


def read_index(store: Store, tar: str) -> TarIndex:
    """Return the index beside a tar. Raises OrqaError where it is not there, or damaged."""
    file = index_name(tar)

    def attempt() -> TarIndex:
        return TarIndex.from_bytes(store.read(file, tar_index.MAX_INDEX_BYTES), f"{store.name}/{file}")

    return store.read_checked(file, 0, tar_index.MAX_INDEX_BYTES, attempt)
