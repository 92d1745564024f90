"""Opens the store of a shard folder: local, or at any URL that fsspec knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.store import Store

DEFAULT_CACHE_BYTES = 32_000_000_000
"""Bytes of remote files that are kept on local disk, by all processes together."""


def open_store(
    where: str | Path,
    *,
    cache: Path | None = None,
    cache_bytes: int = DEFAULT_CACHE_BYTES,
    options: Mapping[str, Any] | None = None,
) -> Store:
    """Return the store in a local folder or at an fsspec URL; nothing is read, and it need not be there yet.

    cache: where blocks of remote files are kept, of at most `cache_bytes` together. Default: $ORQA_CACHE, or
    orqa-registry/blocks in the user's cache folder.
    options: what the file system of a URL is made with, beside what its environment and fsspec's configuration say.
    Raises CallError for a protocol that fsspec does not know, MissingLibraryError where its package is not installed.
    """
    protocol, separator, path = str(where).partition("://")
    if isinstance(where, Path) or not separator:
        return LocalStore(Path(where), str(where))
    if protocol in {"file", "local"}:
        return LocalStore(Path(path), str(where))
    from orqa_shards.storage.remote import open_remote  # local folders need neither fsspec nor a cache

    return open_remote(str(where), options or {}, cache, cache_bytes)
