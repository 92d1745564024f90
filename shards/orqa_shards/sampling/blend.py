"""Datasets mixed by weight, within the same arithmetic: position of the run -> sample, so a blend resumes as exactly.

An epoch has an exact number of samples of each dataset, its quota, in an order of chance. Each dataset goes through its
own samples in passes of its own: all once, then all again in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from attrs import frozen

from orqa_registry import CallError
from orqa_registry.errors import suggest_names
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.shuffle import CACHED_WINDOWS, ShuffledOrder, permutation

BLEND_BLOCK = 1 << 16
"""Positions that are mixed together: datasets keep their proportions in each block, and no more is held."""


class BlendSlot(NamedTuple):
    """What is at a position: a sample of the split, by number, in which pass through which part of the blend."""

    part: int
    epoch: int
    sample: int


def apportion(weights: Sequence[int | Fraction], seats: int) -> list[int]:
    """Return how many of `seats` each weight gets: its share rounded down, and the rest by largest remainder."""
    total = sum(weights)
    shares = [divmod(weight * seats, total) for weight in weights]
    counts = [int(share) for share, _ in shares]
    ranked = sorted(range(len(weights)), key=lambda part: -shares[part][1])
    for part in ranked[: seats - sum(counts)]:
        counts[part] += 1
    return counts


@frozen
class Blend:
    """Which sample is at each position of a run that has no end; `len` positions are one epoch.

    parts: the order of each part. quotas: how many samples of each an epoch has.
    """

    parts: tuple[ShuffledOrder, ...]
    quotas: tuple[int, ...]
    seed: int = 0

    @classmethod
    def of(cls, mixture: Mixture, datasets: Sequence[str], counts: Sequence[int], shuffle: bool = True) -> Blend:
        """Return the blend of a split, of which each shard has so many samples of one dataset.

        Without weights there is one part, everything; with them, a dataset that has none is left out. `shuffle=False`
        leaves the samples of each part in the order in which they lie.
        Raises CallError: a dataset that is not in the split or comes out with no sample, a split without samples.
        """
        if not mixture.datasets:
            parts, weights = {"": ShuffledOrder(tuple(counts), mixture.seed, mixture.window, shuffle)}, [Fraction(1)]
        else:
            weight_by_name = {name: Fraction(str(weight)) for name, weight in mixture.datasets if weight}
            parts = _order_parts(mixture, datasets, counts, shuffle)
            for name, _ in mixture.datasets:
                if name not in parts:
                    raise CallError(f"[datasets] {name}: it is not among the shards: {suggest_names(name, parts)}")
            parts, weights = {name: parts[name] for name in weight_by_name}, list(weight_by_name.values())
        for name, order in parts.items():
            if not len(order):
                raise CallError(f"{f'dataset {name}' if name else 'the split'} has no timepoints to train on")
        length = mixture.length or sum(map(len, parts.values()))
        quotas = apportion(weights, length)
        for name, quota in zip(parts, quotas, strict=True):
            if not quota:
                raise CallError(
                    f"[datasets] {name}: its weight is too small for an epoch of {length} samples, which would have "
                    f"none of it. Raise the weight or `length`, or take it out with 0"
                )
        return cls(tuple(parts.values()), tuple(quotas), mixture.seed)

    def __len__(self) -> int:
        return self._length

    def place(self, position: int) -> BlendSlot:
        """Return what is at a position of the run, 0 or more, in any epoch."""
        if len(self.parts) == 1:
            part, part_position = 0, position
        else:
            epoch, epoch_position = divmod(position, self._length)
            block, block_position = divmod(epoch_position, BLEND_BLOCK)
            parts, part_positions = self._cached_block(epoch, block)
            part, part_position = parts[block_position], part_positions[block_position]
        order = self.parts[part]
        part_epoch, order_position = divmod(part_position, len(order))
        return BlendSlot(part, part_epoch, order.place(part_epoch, order_position))

    @cached_property
    def _length(self) -> int:
        return sum(self.quotas)

    @cached_property
    def _part_counts(self) -> list[list[int]]:
        """How many of each part come before each block of an epoch: in proportion to what is left, so all add up."""
        counts_before, remaining = [[0] * len(self.quotas)], list(self.quotas)
        for start in range(0, self._length, BLEND_BLOCK):
            counts = apportion(remaining, min(BLEND_BLOCK, self._length - start))
            remaining = [unplaced - count for unplaced, count in zip(remaining, counts, strict=True)]
            counts_before.append([quota - unplaced for quota, unplaced in zip(self.quotas, remaining, strict=True)])
        return counts_before

    @cached_property
    def _cached_block(self) -> Callable[[int, int], tuple[memoryview, memoryview]]:
        return lru_cache(maxsize=CACHED_WINDOWS)(self._mix_block)

    def _mix_block(self, epoch: int, block: int) -> tuple[memoryview, memoryview]:
        """Return the part at each position of a block, and how many of that part came before it in the run."""
        before, after = np.array(self._part_counts[block]), np.array(self._part_counts[block + 1])
        counts = after - before
        starts = np.array(self.quotas) * epoch + before
        # The positions that a part gets, ascending, hold its next samples one after the other.
        order = permutation(int(counts.sum()), self.seed, epoch, "blend", block)
        parts = np.repeat(np.arange(len(counts)), counts)[order]
        part_positions = np.empty_like(parts)
        part_positions[np.argsort(parts, kind="stable")] = np.concatenate(
            [np.arange(start, start + count) for start, count in zip(starts, counts, strict=True)]
        )
        return parts.data, part_positions.data


def _order_parts(
    mixture: Mixture, datasets: Sequence[str], counts: Sequence[int], shuffle: bool
) -> dict[str, ShuffledOrder]:
    """Return the order of each dataset's samples, by the numbers that they have in the split."""
    shards: dict[str, tuple[list[int], list[int]]] = {}
    start = 0
    for name, count in zip(datasets, counts, strict=True):
        sizes, starts = shards.setdefault(name, ([], []))
        sizes.append(count)
        starts.append(start)
        start += count
    return {
        name: ShuffledOrder(tuple(sizes), mixture.seed, mixture.window, shuffle, name, tuple(starts))
        for name, (sizes, starts) in shards.items()
    }
