"""Chance that depends on what it is about, and never on who asks, in which order, or on how many workers."""

from __future__ import annotations

import random


def seeded(*about: object) -> random.Random:
    """Return a generator for the matter named by `about`, for instance (seed, epoch, key, task)."""
    import hashlib  # it loads OpenSSL, which a command that draws nothing need not wait for

    text = "\x1f".join(map(str, about))
    return random.Random(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))
