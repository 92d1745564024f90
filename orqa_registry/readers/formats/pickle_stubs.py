"""What the pickles of numpy and of torch may ask for: our stand-ins for the few names in them (see `pickles`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import define, field, frozen

from orqa_registry.readers.formats.array_buffers import Array, array_from_buffer, plain_dtype
from orqa_registry.readers.formats.bounded_file import DamageError
from orqa_registry.readers.formats.pickles import Global, PickleStub, load_pickle, rebuild_containers


@define
class _Dtype(PickleStub):
    """Stands for numpy.dtype: `code`, such as `f8` or `O8`, whose byte order is in the state."""

    code: str
    plain: np.dtype[Any] | None = None

    @property
    def of_objects(self) -> bool:
        return self.code in ("O", "O4", "O8")

    def build(self, state: Any) -> None:
        """Take (version, byte order, subarray, names, fields, ...); the rest follows from the code, so it is not."""
        if type(state) is not tuple or not 8 <= len(state) <= 9 or state[1] not in ("<", ">", "|", "="):
            raise DamageError("a state that no dtype has")
        if state[2:5] != (None, None, None):
            raise DamageError("a dtype with fields, not booleans, numbers or strings")
        self.plain = None if self.of_objects else plain_dtype(state[1] + self.code)


@define(eq=False)
class _Array(PickleStub):
    """Stands for numpy.ndarray until its state is there; then `held` is the one object of a 0-d object array."""

    held: list[Any] | None = None
    parts: tuple[bytes, np.dtype[Any], Any, bool] | None = None

    def build(self, state: Any) -> None:
        """Take (version, shape, dtype, Fortran order, values as bytes, or a list of objects)."""
        if type(state) is not tuple or len(state) != 5 or not isinstance(state[2], _Dtype):
            raise DamageError("a state that no array has")
        _, shape, dtype, fortran, values = state
        if dtype.of_objects and shape == () and type(values) is list and len(values) == 1:
            self.held = values
        elif dtype.plain is not None and type(values) is bytes:
            self.parts = values, dtype.plain, shape, fortran is True
        else:
            raise DamageError("an array of objects, or one without its type or its values")


@define
class _Numpy:
    """What numpy's pickles may ask for. `left`: bytes of arrays still allowed, for a pickle can repeat its own."""

    left: int
    made: dict[int, Array] = field(factory=dict)

    def calls(self) -> Mapping[str, Callable[..., Any] | None]:
        """Return name -> our stand-in."""
        return {
            "_codecs.encode": self.encode,
            "numpy.dtype": self.dtype,
            "numpy.ndarray": None,
            "numpy.core.multiarray._reconstruct": self.reconstruct,
            "numpy.core.multiarray.scalar": self.scalar,
            "numpy._core.multiarray._reconstruct": self.reconstruct,  # numpy 2 renamed the module
            "numpy._core.multiarray.scalar": self.scalar,
        }

    def spend(self, size: int) -> None:
        """Count bytes that are about to be made."""
        self.left -= size
        if self.left < 0:
            raise DamageError("a pickle that repeats its arrays without end")

    def leaf(self, value: Any) -> Any:
        """Return a value that is no container; an array that occurs twice is made once."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if not isinstance(value, _Array) or value.parts is None:
            raise DamageError(f"a {type(value).__name__.strip('_')} where an array, a string or a number belongs")
        if id(value) not in self.made:
            self.spend(len(value.parts[0]))
            self.made[id(value)] = array_from_buffer(*value.parts)
        return self.made[id(value)]

    @staticmethod
    def dtype(code: Any, align: Any = False, copy: Any = True) -> _Dtype:
        """Stand for numpy.dtype."""
        if type(code) is not str:
            raise DamageError("a dtype without a code")
        return _Dtype(code)

    @staticmethod
    def reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
        """Stand for numpy's _reconstruct, which makes an empty array whose state follows."""
        if kind != Global("numpy.ndarray"):
            raise DamageError("a kind of array that is not numpy.ndarray")
        return _Array()

    def scalar(self, dtype: Any, data: Any) -> Any:
        """Stand for numpy's scalar: return Python's."""
        if not isinstance(dtype, _Dtype) or dtype.plain is None or type(data) is not bytes:
            raise DamageError("a number or string without its type or its value")
        self.spend(len(data))
        return array_from_buffer(data, dtype.plain, (), False).item()

    def encode(self, text: Any, encoding: Any) -> bytes:
        """Stand for _codecs.encode, with which the pickles of protocol 2 write bytes."""
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise DamageError("bytes that are not written as latin-1")
        self.spend(len(text))
        return text.encode("latin-1")


def numpy_object(data: bytes) -> Any:
    """Return what a pickled 0-d object array of numpy holds. Raises DamageError, or what pickletools raises."""
    stand_in = _Numpy(2 * len(data) + 4096)
    root = load_pickle(data, stand_in.calls())
    if not isinstance(root, _Array) or root.held is None:
        raise DamageError("a pickle of something else than one object in an array")
    return rebuild_containers(root.held[0], stand_in.leaf)


_STORAGES: Mapping[str, str] = {
    "torch.BoolStorage": "b1",
    "torch.ByteStorage": "u1",
    "torch.CharStorage": "i1",
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.IntStorage": "i4",
    "torch.LongStorage": "i8",
    "torch.ShortStorage": "i2",
}


@frozen
class StorageStub:
    """The values of a tensor: their code, the name of the member that has them, their number."""

    code: str
    key: str
    count: int


@frozen(eq=False)
class TensorStub:
    """A tensor in a storage: offset in values; the strides are those of its shape."""

    storage: StorageStub
    offset: int
    shape: tuple[int, ...]

    def values(self, content: bytes, order: str) -> Array:
        """Return the array, whose storage has the bytes `content` in a byte order."""
        dtype = plain_dtype(order + self.storage.code)
        if len(content) != self.storage.count * dtype.itemsize:
            raise DamageError(f"{len(content)} bytes for {self.storage.count} values of {dtype}")
        size = math.prod(self.shape) * dtype.itemsize
        start = self.offset * dtype.itemsize
        return array_from_buffer(memoryview(content)[start : start + size], dtype, self.shape, False)


def torch_tensor(data: bytes) -> TensorStub:
    """Return the one tensor that a pickle of torch.save holds. Raises DamageError, or what pickletools raises."""
    tensors: dict[int, TensorStub] = {}

    def keep(value: Any) -> None:
        if isinstance(value, TensorStub):
            tensors[id(value)] = value

    calls: dict[str, Callable[..., Any] | None] = {
        "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
        "collections.OrderedDict": _make_ordered_dict,
    }
    rebuild_containers(load_pickle(data, calls | dict.fromkeys(_STORAGES), _resolve_storage), keep)
    if len(tensors) != 1:
        raise DamageError(f"{len(tensors)} tensors, not one")
    return next(iter(tensors.values()))


def _make_ordered_dict() -> dict[Any, Any]:
    """Stand for collections.OrderedDict; its items follow, as a dict's do."""
    return {}


def _resolve_storage(reference: Any) -> StorageStub:
    """Return what ('storage', kind, key, device, count) names; the device does not matter here."""
    if type(reference) is not tuple or len(reference) != 5 or not isinstance(reference[1], Global):
        raise DamageError("a reference to something else than a storage")
    _, kind, key, _, count = reference
    if kind.name not in _STORAGES or type(key) is not str or type(count) is not int:
        raise DamageError("a storage without its type, name or size")
    return StorageStub(_STORAGES[kind.name], key, count)


def _rebuild_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, metadata: Any = None
) -> TensorStub:
    """Stand for torch's _rebuild_tensor_v2."""
    is_valid = isinstance(storage, StorageStub) and type(shape) is tuple and type(strides) is tuple and not metadata
    if (
        not is_valid
        or len(shape) != len(strides)
        or any(type(number) is not int or number < 0 for number in (offset, *shape))
    ):
        raise DamageError("a tensor without its storage, shape or strides, or a view that is computed")
    dense_stride = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size > 1 and stride != dense_stride:
            raise DamageError("a tensor that is not contiguous: save it with .contiguous()")
        dense_stride *= max(size, 1)
    return TensorStub(storage, offset, shape)
