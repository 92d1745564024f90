"""The order of samples: a pure function of (seed, epoch, position), and which positions each rank takes.

There is no shuffle buffer, so the state of a run is one integer, whatever the number of ranks and workers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from orqa_registry import CallError

IndexArray = NDArray[np.int64]

CACHED_WINDOWS = 4
"""Epochs and windows that are kept: neighbours are asked for in turn, by several threads and at their borders."""


def permutation(length: int, *about: object) -> IndexArray:
    """Return 0 to `length` - 1 in the order of chance that belongs to `about`, for instance (seed, epoch, "shards").

    Philox's stream and a stable sort are the same in every version of NumPy; its shuffles are not.
    """
    name = "\x1f".join(map(str, about)).encode()
    key = np.frombuffer(blake2b(name, digest_size=16).digest(), dtype="<u8").astype(np.uint64)
    draws = np.random.Philox(key=key).random_raw(length)
    return np.argsort(draws, kind="stable").astype(np.int64, copy=False)


class _Epoch(NamedTuple):
    """The shards in the order of an epoch, the ends of their windows, and the position at which each begins."""

    shards: IndexArray
    cuts: IndexArray
    begins: memoryview


@frozen
class ShuffledOrder:
    """The order in which the samples of some shards come, anew in each epoch (streaming.md section 6.3).

    Shards are permuted, and the samples of each `window` of shards in that order are permuted together: reads stay
    within a window, and no more than a few windows are ever held. Shards that are too few for another window are
    spread over the others, so none mixes fewer. With one window it is a uniform permutation.

    counts: samples of each shard. starts: number of each shard's first sample, the sum of the counts before it where
    not given. shuffle: False for the order in which samples lie, as in evaluation. about: what is ordered; orders
    about different things are unrelated. Memory: 16 bytes a shard, and as much for each sample of a window.
    Raises CallError for a window or a count that cannot be.
    """

    counts: tuple[int, ...] = field(repr=lambda counts: f"<of {len(counts)} shards>")
    seed: int = 0
    window: int = 64
    shuffle: bool = True
    about: str = ""
    starts: tuple[int, ...] | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.window < 1:
            raise CallError(f"window is {self.window}, and at least 1 shard was expected")
        if self.counts and min(self.counts) < 0:
            raise CallError(f"a shard has {min(self.counts)} samples, and 0 or more were expected")
        if self.starts is not None and len(self.starts) != len(self.counts):
            raise CallError(f"{len(self.starts)} starts were given for {len(self.counts)} shards")

    def __len__(self) -> int:
        return self._length

    def place(self, epoch: int, position: int) -> int:
        """Return the number of the sample that is at `position` of an epoch. Raises IndexError beyond the end."""
        if not 0 <= position < self._length:
            raise IndexError(f"position {position} of an epoch of {self._length} samples")
        begins = self._epoch(epoch).begins
        window = bisect_right(begins, position) - 1
        return int(self._samples(epoch, window)[position - begins[window]])

    def places(self, epoch: int) -> Iterator[int]:
        """Return the numbers of all samples in the order of an epoch, one window at a time."""
        windows = range(len(self._epoch(epoch).begins))
        return chain.from_iterable(self._samples(epoch, window) for window in windows)

    @cached_property
    def _counts(self) -> IndexArray:
        return np.array(self.counts, dtype=np.int64)

    @cached_property
    def _starts(self) -> IndexArray:
        if self.starts is None:
            return np.cumsum(self._counts) - self._counts
        return np.array(self.starts, dtype=np.int64)

    @cached_property
    def _length(self) -> int:
        return sum(self.counts)

    @cached_property
    def _epoch(self) -> Callable[[int], _Epoch]:
        return lru_cache(maxsize=CACHED_WINDOWS)(self._order_shards)

    @cached_property
    def _samples(self) -> Callable[[int, int], memoryview]:
        return lru_cache(maxsize=CACHED_WINDOWS)(self._order_samples)

    def _order_shards(self, epoch: int) -> _Epoch:
        shards = np.arange(len(self.counts))
        if self.shuffle:
            shards = permutation(len(self.counts), self.seed, epoch, self.about, "shards")
        windows = max(1, len(shards) // self.window)
        cuts = np.arange(windows + 1) * len(shards) // windows
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self._counts[shards])])
        return _Epoch(shards, cuts, offsets[cuts[:-1]].data)

    def _order_samples(self, epoch: int, window: int) -> memoryview:
        """Return the samples of a window of shards; a memoryview gives plain integers, and quickly."""
        shards, cuts, _ = self._epoch(epoch)
        shards = shards[cuts[window] : cuts[window + 1]]
        counts = self._counts[shards]
        total = int(counts.sum())
        samples = np.repeat(self._starts[shards] - (np.cumsum(counts) - counts), counts) + np.arange(total)
        if self.shuffle:
            samples = samples[permutation(total, self.seed, epoch, self.about, "samples", window)]
        return samples.data


@frozen
class RankShare:
    """The positions of a run that one rank takes, in batches; `share[n]` is its batch at step n.

    A step takes the next `ranks` x `batch` positions, `batch` of them for each rank, so every rank has as many batches
    and the state is one integer: the position that `after` tells, from which any number of ranks may go on.

    total: positions of the whole run. start: the first position that has not been taken yet.
    tail: what becomes of the last positions, where they are too few for a step: "drop" leaves them out, "pad" fills up
    with None, so that evaluation counts each sample once.
    Raises CallError for a rank, batch or start that cannot be.
    """

    total: int
    batch: int
    rank: int = 0
    ranks: int = 1
    start: int = 0
    tail: Literal["drop", "pad"] = "drop"

    def __attrs_post_init__(self) -> None:
        if self.batch < 1:
            raise CallError(f"a batch is {self.batch} samples, and at least 1 was expected")
        if not 0 <= self.rank < self.ranks:
            raise CallError(f"rank is {self.rank} of {self.ranks}: ranks are counted from 0")
        if not 0 <= self.start <= self.total:
            raise CallError(f"the run has {self.total} samples, and cannot go on at position {self.start}")
        if self.tail not in {"drop", "pad"}:
            raise CallError(f"tail is {self.tail!r}, and 'drop' or 'pad' was expected")

    def __len__(self) -> int:
        rounding = 0 if self.tail == "drop" else self._step_size - 1
        return (self.total - self.start + rounding) // self._step_size

    def __getitem__(self, step: int) -> list[int | None]:
        """Return the positions of a batch, None where there is no sample left. Raises IndexError beyond the end."""
        if not 0 <= step < len(self):
            raise IndexError(f"step {step} of {len(self)}")
        first = self.start + step * self._step_size + self.rank * self.batch
        return [position if position < self.total else None for position in range(first, first + self.batch)]

    def __iter__(self) -> Iterator[list[int | None]]:
        return (self[step] for step in range(len(self)))

    def after(self, steps: int) -> int:
        """Return the position at which a run goes on after so many steps: the `start` of another share."""
        return min(self.start + steps * self._step_size, self.total)

    @property
    def _step_size(self) -> int:
        return self.ranks * self.batch
