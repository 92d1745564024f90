"""Tars that somebody else wrote, as one run: read by position, in the order of an epoch, and gone on with exactly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

from attrs import define

from orqa_registry import OrqaError
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.read.tar_reader import Tar
from orqa_shards.sampling.resumable import ResumableDataset
from orqa_shards.sampling.shuffle import ShuffledOrder
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import Store


@define(slots=False, eq=False, repr=False)
class TarStream(ResumableDataset[dict[str, Any]]):
    """Samples of some tars: `stream[i]` is sample i of the run, suffix -> bytes, with its key as `__key__`.

    Each comes once an epoch. seed, window, shuffle: see `ShuffledOrder`. Indexes stay in memory: 22 bytes a
    member, and about 80 a sample.
    """

    tars: Sequence[Tar]
    epochs: int = 1
    seed: int = 0
    window: int = 64
    shuffle: bool = True

    @classmethod
    def open(cls, where: str | Path | Store, names: Sequence[str] = (), **options: Any) -> TarStream:
        """Return tars of a folder or URL by name, all that lie there without; those without an index are indexed now.

        Raises OrqaError where one cannot be read, or holds nothing that can be.
        """
        store = where if isinstance(where, Store) else open_store(where)
        tar_names = names or sorted(name for name in store.names() if name.endswith(".tar"))
        if not tar_names:
            raise OrqaError(f"{store.name}: there is no tar")
        return cls([Tar.open(store, name) for name in tar_names], **options)

    @ForkSafeProperty
    def order(self) -> ShuffledOrder:
        """Which sample is at each position."""
        return ShuffledOrder(tuple(map(len, self.tars)), self.seed, self.window, self.shuffle)

    @property
    def length(self) -> int:
        """Samples of an epoch: all there are."""
        return len(self.order)

    @property
    def about(self) -> dict[str, Any]:
        """What is read, and in which order."""
        return {"data": self._digest, "seed": self.seed, "window": self.window, "shuffle": self.shuffle}

    def sample(self, place: int) -> dict[str, Any]:
        """Return a sample, 0 to len - 1. Raises OrqaError where it is damaged."""
        number = self.order.place(*divmod(place, self.length))
        tar_index = bisect_right(self._ends, number)
        row = number - self._ends[tar_index] + len(self.tars[tar_index])
        return {**self.tars[tar_index][row], "__key__": self.tars[tar_index].index.keys[row]}

    def key(self, sample: dict[str, Any]) -> str:
        """Return the key that a sample has in its tar."""
        return str(sample["__key__"])

    @ForkSafeProperty
    def _ends(self) -> list[int]:
        return list(accumulate(map(len, self.tars)))

    @ForkSafeProperty
    def _digest(self) -> str:
        """SHA-256 of what lies where in the tars, their members' checksums among it, in hex."""
        return sha256(b"".join(tar.index.to_bytes() for tar in self.tars)).hexdigest()
