"""What was made last, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """What was made last, about so much of it at most; what was made first goes first.

    Threads may share it, and it does not travel to other processes. It takes no lock, which a fork could leave locked
    for ever: each operation on the dictionary is atomic, and two threads at once may make the same. What is there is
    weighed as it comes; where threads that come at once have lost a sum, it is weighed anew when it seems too much.
    """

    def __init__(self, make: Callable[[Key], Value], most: int, weigh: Callable[[Value], int] = lambda _: 1) -> None:
        self._make, self._limit, self._weigh = make, most, weigh
        self._kept: dict[Key, Value] = {}
        self._weight = 0

    def __call__(self, name: Key) -> Value:
        """Return what `make` makes of a name."""
        with suppress(KeyError):
            return self._kept[name]
        value = self._make(name)
        self._kept[name] = value
        self._weight += self._weigh(value)
        if self._weight > self._limit:
            self._make_room()
        return value

    def _make_room(self) -> None:
        """Drop what was made first, an eighth more than must be, so that all is not weighed for each that comes."""
        weights = {name: self._weigh(value) for name, value in self._kept.copy().items()}
        weight = sum(weights.values())
        for name in list(weights)[:-1]:
            if weight <= self._limit - self._limit // 8:
                break
            self._kept.pop(name, None)
            weight -= weights[name]
        self._weight = weight
