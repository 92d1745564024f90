"""What worker processes hand over: the arrays of a batch in one block of shared memory, the rest as torch sends it.

Through a pipe, as arrays travel otherwise, a megabyte costs as much as decoding it did.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
from attrs import frozen

MIN_SHARED_BYTES = 1 << 14
"""Bytes of an array that is worth it."""
ARRAY_ALIGNMENT = 64
"""Arrays begin at multiples of so many bytes, whatever they hold."""


@frozen
class ArraySlot:
    """Where an array lies in the block: from a byte on."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def of(self, block: np.ndarray) -> np.ndarray:
        """Return the array, in the memory of the block."""
        size = prod(self.shape) * self.dtype.itemsize
        return block[self.start : self.start + size].view(self.dtype).reshape(self.shape)


@frozen
class SharedBatch:
    """A value with places instead of its arrays, and the block, uint8, that they lie in."""

    value: Any
    block: torch.Tensor

    def restore(self) -> Any:
        """Return the value, whose arrays can be written to and keep the block alive."""
        block = self.block.numpy()
        return _map_leaves(self.value, lambda item: item.of(block) if isinstance(item, ArraySlot) else item)


def to_shared_memory(value: Any) -> Any:
    """Return a value as a parcel, or as it is where no array in its lists, tuples and dictionaries is worth it."""
    large: list[tuple[ArraySlot, np.ndarray]] = []
    end = 0

    def placed(item: Any) -> Any:
        nonlocal end
        if not isinstance(item, np.ndarray) or item.nbytes < MIN_SHARED_BYTES or item.dtype.hasobject:
            return item
        large.append((ArraySlot(end, item.shape, item.dtype), item))
        end += -(-item.nbytes // ARRAY_ALIGNMENT) * ARRAY_ALIGNMENT
        return large[-1][0]

    skeleton = _map_leaves(value, placed)
    if not large:
        return value
    block: Any = torch.empty(end, dtype=torch.uint8)
    target = block.share_memory_().numpy()
    for place, array in large:
        np.copyto(place.of(target), array)
    return SharedBatch(skeleton, block)


def from_shared_memory(value: Any) -> Any:
    """Return what was packed."""
    return value.restore() if isinstance(value, SharedBatch) else value


def _map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with everything in its lists, tuples and dictionaries changed; subclasses of these are left."""
    if type(value) is list:
        return [_map_leaves(item, change) for item in value]
    if type(value) is tuple:
        return tuple(_map_leaves(item, change) for item in value)
    if type(value) is dict:
        return {key: _map_leaves(item, change) for key, item in value.items()}
    return change(value)
