"""Chance that depends on what it is about, and never on who asks, in which order, or on how many workers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import TypeVar

DRAWS_PER_CALL = 8
_EIGHT_INTEGERS = Struct(f">{DRAWS_PER_CALL}Q")
_STEPS = 1 << 53
"""As many numbers as are told apart from 0 up to 1."""

One = TypeVar("One")


def seeded_rng(*about: object) -> random.Random:
    """Return a generator for the matter named by `about`, for instance (seed, epoch, key, task)."""
    return random.Random(int.from_bytes(blake2b_digest(about, 8), "big"))


def uniform_draws(*about: object) -> list[float]:
    """Return eight numbers from 0 up to 1, 1 left out, for the matter named by `about`: quicker than a generator."""
    return [(integer >> 11) / _STEPS for integer in _EIGHT_INTEGERS.unpack(blake2b_digest(about, _EIGHT_INTEGERS.size))]


def choose(among: Sequence[One], luck: float) -> One:
    """Return one of several, each as likely as any other. Raises IndexError where there is none."""
    return among[int(luck * len(among))]


def blake2b_digest(about: Iterable[object], size: int) -> bytes:
    """Return `size` bytes of BLAKE2b over the matter named by `about`."""
    from hashlib import blake2b  # it loads OpenSSL, which a command that draws nothing need not wait for

    text = "\x1f".join(map(str, about))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
