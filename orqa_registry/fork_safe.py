"""Properties that are computed once, in processes that fork while threads work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class ForkSafeProperty(Generic[Value]):
    """A property that is computed when somebody first looks at it, and kept.

    Unlike `functools.cached_property` of Python 3.11 it takes no lock: all instances share that one, and a fork in the
    midst of a computation leaves it locked in the child for ever. Two threads at once may both compute.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        """Return the value of an instance, which shadows this property from then on."""
        if instance is None:
            return self
        value: Value = self._compute(instance)
        vars(instance)[self._name] = value
        return value
