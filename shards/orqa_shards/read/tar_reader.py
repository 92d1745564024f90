"""A tar with its index: any sample by number or key, each member with one positioned read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from attrs import define
from isal.isal_zlib import crc32

from orqa_registry import CallError, OrqaError
from orqa_shards.format import tar_index
from orqa_shards.format.tar_index import TarIndex, index_name, read_index
from orqa_shards.format.tar_writer import TarMember
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import Store


@define(slots=False, eq=False)
class Tar:
    """A tar with its index; samples are dictionaries of suffix -> bytes. Anybody's tar will do.

    damages: what its scan found, where there was no index beside it.
    """

    store: Store
    file: str
    index: TarIndex
    damages: Sequence[str] = ()

    @classmethod
    def open(cls, where: str | Path | Store, file: str | None = None) -> Tar:
        """Return a tar, by its path or URL, or as a file of a folder.

        A tar without an index is indexed now, and the index kept where one can write. Raises OrqaError where it cannot
        be read.
        """
        if file is None:
            if isinstance(where, Store):
                raise CallError(f"{where.name}: which tar of it? Say its name")
            folder, slash, file = str(where).rpartition("/")
            where = (folder if folder and not folder.endswith("/") else folder + slash) or "."
        store = where if isinstance(where, Store) else open_store(where)
        index_file = index_name(file)
        size = store.size(file)
        if size is None:
            raise OrqaError(f"{store.place(file)}: there is no such file")
        has_index = store.size(index_file) is not None
        if has_index:
            stored_index = read_index(store, file)
            if stored_index.tar_bytes == size:
                return cls(store, file, stored_index)
        new_index, damages = tar_index.index_tar(partial(store.uncached().span, file), size)
        if damages and not len(new_index):
            raise OrqaError(f"{store.place(file)}: {damages[0].why}")
        if not has_index:  # an index of the tar as it was tells a repair what has been damaged since
            tar_index.save_index(store, index_file, new_index)
        return cls(store, file, new_index, tuple(f"{file}, byte {damage.offset}: {damage.why}" for damage in damages))

    def __repr__(self) -> str:
        return f"Tar({self.store.place(self.file)!r}, samples={len(self)})"

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, sample: int | str) -> dict[str, bytes]:
        """Return a sample by number or key. Raises IndexError, KeyError, and OrqaError where its bytes are damaged."""
        number = self.index.place[sample] if isinstance(sample, str) else sample
        if not 0 <= number < len(self):
            raise IndexError(sample)
        key = self.index.keys[number]
        return {member.name: read_member(self.store, self.file, member, key) for member in self.index.members(number)}


def read_member(store: Store, file: str, member: TarMember, key: str) -> bytes:
    """Return the bytes of a member with one positioned read. Raises OrqaError where they are not those written.

    Members of a sample lie in a row: to read one after the other is quicker than all at once and then to part them,
    from memory (no second copy) and from a disk (the system reads ahead meanwhile).
    """
    offset, size, expected = member.offset, member.size, member.crc32

    def attempt() -> bytes:
        data = store.span(file, offset, size)
        if crc32(data) == expected:
            return data
        raise OrqaError(
            f"{store.name}/{file}: {key}.{member.name} is damaged: its CRC-32 is not the index's. "
            f"Find all: orqa-registry verify {store.name}"
        )

    return store.read_checked(file, offset, size, attempt)
