"""Arrays from bytes that claim to be one: nothing is allocated before the claim has been held against the bytes."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from orqa_registry.readers.formats.bounded_file import DamageError

Array = npt.NDArray[Any]

_PLAIN_TYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16|[SU][1-9]\d{0,5})", re.ASCII)
_CODE_LIMITS = {"b": (np.uint8, 1), "U": (np.uint32, 0x10FFFF)}  # kinds of which some bytes are no value
_MAX_DIMENSIONS = 32
_MAX_VALUES = 1 << 40  # where there are no bytes to hold a shape against, because another dimension is 0


def plain_dtype(text: str) -> np.dtype[Any]:
    """Return the dtype of `text`, such as `<f4`: booleans, numbers, strings. Raises DamageError for any other."""
    if not _PLAIN_TYPE.fullmatch(text):
        raise DamageError(f"values of type {text[:40]!r}, not booleans, numbers or strings")
    return np.dtype(text)


def array_from_buffer(data: bytes | memoryview, dtype: np.dtype[Any], shape: Any, fortran: bool) -> Array:
    """Return an array of its own memory, in native byte order and C order.

    Raises DamageError where `shape` is not one, or `data` is not exactly what it takes.
    """
    is_shape = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not is_shape or len(shape) > _MAX_DIMENSIONS or math.prod(max(size, 1) for size in shape) > _MAX_VALUES:
        raise DamageError("a shape that no array has")
    if (needed := math.prod(shape) * dtype.itemsize) != len(data):
        raise DamageError(f"{len(data)} bytes for shape {shape} of {dtype}, which takes {needed}")
    values: Array = np.ndarray(shape, dtype, buffer=data, order="F" if fortran else "C")
    native = np.array(values, dtype=dtype.newbyteorder("="), order="C")
    if dtype.kind in _CODE_LIMITS and native.size:
        code_type, largest = _CODE_LIMITS[dtype.kind]
        if native.reshape(-1).view(code_type).max() > largest:
            raise DamageError(f"bytes that are no value of {dtype}")
    return native
