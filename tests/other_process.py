"""What test_store.py and test_remote.py do in processes of their own; a spawned one imports it from here."""

import gc
import os
import random
from pathlib import Path

from orqa_shards.storage.block_cache import BlockCache
from orqa_shards.storage.remote import RemoteStore


def put_for_ever(store, file, size):
    """Write a file of one letter over and over, each time another."""
    number = 0
    while True:
        with store.scratch() as folder:
            made = folder / "made"
            made.write_bytes(bytes([number % 251]) * size)
            store.put(made, file)
        number += 1


def reads(store, file, expected, seed, times):
    """Read spans and hold them against the bytes that are expected."""
    draw = random.Random(seed)
    for _ in range(times):
        start, stop = sorted(draw.choices(range(len(expected) + 1), k=2))
        assert store.span(file, start, stop - start) == expected[start:stop], (start, stop)


def fetch_for_ever(url, cache, limit, block, file):
    """Read one block after another through a cache that holds few."""
    store = RemoteStore(url, {}, BlockCache(Path(cache), limit, block))
    size = store.size(file)
    while True:
        for offset in range(0, size, block):
            store.span(file, offset, 1)


def read_around_a_fork(store, file, expected):
    """Read before a fork, in the child, which drops what it does not need of its parent, and again in the parent."""
    assert store.span(file, 0, 10) == expected[:10]
    child = os.fork()
    if not child:
        right = store.span(file, 5_000, 10) == expected[5_000:5_010]
        gc.collect()
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.span(file, 9_000, 10) == expected[9_000:9_010]
