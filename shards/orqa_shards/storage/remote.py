"""Shard folders at any fsspec URL: s3, gs, hf, http, ..., read through a cache of blocks on local disk."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import Factory, define, field, frozen

from orqa_registry import CallError, MissingLibraryError, OrqaError
from orqa_registry.errors import describe_error
from orqa_registry.optional_imports import import_optional
from orqa_shards.storage.block_cache import BlockCache, NoCache, default_cache_folder
from orqa_shards.storage.store import UNFINISHED, Store, check_file_name, short_read_error

PACKAGE_OF_PROTOCOL = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hf": "huggingface_hub",
    "http": "aiohttp requests",
    "https": "aiohttp requests",
    "s3": "s3fs",
    "s3a": "s3fs",
    "sftp": "paramiko",
}
"""Protocol -> what to install for it."""

OBJECT_STORES = frozenset({"abfs", "az", "gcs", "gs", "hf", "oci", "oss", "s3", "s3a"})
"""Protocols by which a file appears whole or not at all; by others it is written under another name and moved."""

READ_ONLY = frozenset({"http", "https"})

VERSION_KEYS = (
    *("ETag", "etag", "checksum", "Content-MD5", "content_md5", "md5Hash", "Digest", "generation", "blob_id"),
    *("LastModified", "Last-Modified", "last_modified", "mtime", "modified", "updated", "created"),
)
"""What file systems call that which changes with the bytes of a file."""

_FILE_SYSTEMS: dict[int, Any] = {}
"""Every file system made, also by a parent process. One that is deleted closes its connections, and in a forked child
those are its parent's, which would wait for ever."""


@frozen
class FileVersion:
    """What a file was when it was looked at: its bytes, and a key that another content would not have."""

    size: int
    key: str


def open_remote(url: str, options: Mapping[str, Any], cache: Path | None, cache_bytes: int) -> Store:
    """Return the store at a URL. Raises CallError and MissingLibraryError as `open_store` says."""
    store = RemoteStore(url, dict(options), BlockCache(cache or default_cache_folder(), cache_bytes))
    store.connect()
    return store


@define(eq=False)
class RemoteStore(Store):
    """A folder at an fsspec URL. Each process makes its own connections.

    A file is looked at once, so that all its blocks are of one version; `read`, `size`, `put` and `forget` look again.
    """

    url: str
    options: Mapping[str, Any] = field(repr=False)
    cache: BlockCache | NoCache
    name: str = field(init=False, default=Factory(lambda self: _hide_password(self.url), takes_self=True))
    _versions: dict[str, FileVersion] = field(factory=dict, repr=False)
    _connection: tuple[int, Any, str] | None = field(default=None, init=False, repr=False)

    def __reduce__(self) -> tuple[type[RemoteStore], tuple[Any, ...]]:
        """Travel without connections; the versions go along, so that all processes read the same."""
        return RemoteStore, (self.url, self.options, self.cache, self._versions)

    @property
    def protocol(self) -> str:
        """The protocol of the URL."""
        return self.url.partition("://")[0]

    def connect(self) -> tuple[Any, str]:
        """Return the file system of this process and the path of the folder in it; nothing is sent."""
        if self._connection is None or self._connection[0] != os.getpid():
            core = import_optional("fsspec.core", self.name, "fsspec")
            try:
                system, root = core.url_to_fs(self.url, **self.options)
            except ImportError as error:
                packages = PACKAGE_OF_PROTOCOL.get(self.protocol)
                raise MissingLibraryError(
                    f"{self.name} needs {f'pip install {packages}' if packages else error}"
                ) from error
            except ValueError as error:
                raise CallError(f"{self.name}: {error}. A local folder has no '://'") from error
            except Exception as error:  # each file system has errors of its own
                raise OrqaError(f"{self.name}: cannot be opened: {describe_error(error)}") from error
            _FILE_SYSTEMS[id(system)] = system
            self._connection = os.getpid(), system, str(root).rstrip("/")
        return self._connection[1:]

    def read(self, file: str, limit: int) -> bytes:
        """Return a whole file as it is now. Raises OrqaError: not there, more than `limit` bytes, or unreadable."""
        size = self._look_up(file).size
        if size > limit:
            raise OrqaError(f"{self.place(file)}: {size} bytes, more than the {limit} that it may have")
        return self.span(file, 0, size)

    def span(self, file: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`. Raises OrqaError where the file is not there, or has fewer."""
        version = self._versions.get(file) or self._look_up(file)
        if not 0 <= offset <= offset + size <= version.size:
            raise short_read_error(self, file, offset, size, version.size)

        def fetch(start: int, stop: int) -> bytes:
            return self._fetch(file, start, stop, version.size)

        return self.cache.span(version.key, version.size, offset, size, fetch)

    def _fetch(self, file: str, start: int, stop: int, size: int) -> bytes:
        system, path = self._resolve(file)
        with self._wrap_errors(file):
            content = bytes(system.cat_file(path, start=start, end=stop))
        if len(content) == stop - start:
            return content
        if len(content) == size:
            raise OrqaError(
                f"{self.place(file)}: the server sends whole files where parts are asked for. "
                "Serve the folder by one that knows Range requests, or copy it"
            )
        raise OrqaError(
            f"{self.place(file)}: {len(content)} bytes came where {stop - start} were asked for: "
            "it was rewritten meanwhile, or the connection broke off. Start again"
        )

    def size(self, file: str) -> int | None:
        """Return the bytes of a file, None where it is not there."""
        info = self._fetch_info(file)
        return None if isinstance(info, Exception) else self._note_version(file, info).size

    def _look_up(self, file: str) -> FileVersion:
        info = self._fetch_info(file)
        if isinstance(info, Exception):
            raise OrqaError(f"{self.place(file)}: there is no such file ({describe_error(info)})") from info
        return self._note_version(file, info)

    def _fetch_info(self, file: str) -> Mapping[str, Any] | Exception:
        """Return what the file system says about a file now, or the error that says that it is not there."""
        system, path = self._resolve(file)
        self._versions.pop(file, None)
        with self._wrap_errors(file):
            system.invalidate_cache(path)  # listings of before
            try:
                info: Mapping[str, Any] = system.info(path)
            except FileNotFoundError as error:
                cause = error.__cause__
                if self.protocol in READ_ONLY and cause and getattr(cause, "status", None) not in {404, 410}:
                    raise OSError(describe_error(cause)) from error  # http calls every failure a missing file
                return error
        if info.get("type") != "file" or info.get("size") is None:
            raise OrqaError(f"{self.place(file)}: no file, or one whose size the server does not tell")
        return info

    def _note_version(self, file: str, info: Mapping[str, Any]) -> FileVersion:
        fingerprint = [str(info[name]) for name in VERSION_KEYS if info.get(name)]
        # Where nothing tells a rewritten file from its old self, blocks serve this store alone.
        key = repr((self.url, file, info["size"], self.cache.block, fingerprint or uuid4().hex))
        version = FileVersion(int(info["size"]), hashlib.sha256(key.encode()).hexdigest()[:32])
        self._versions[file] = version
        return version

    def names(self, *, unfinished: bool = False) -> list[str]:
        """Return the plain files of the folder, or of its `.unfinished/`, sorted; none where there is no folder."""
        if self.protocol in READ_ONLY:
            raise OrqaError(f"{self.name}: the files of a folder cannot be listed by {self.protocol}")
        prefix = f"{UNFINISHED}/" if unfinished else ""
        system, root = self.connect()
        folder = f"{root}/{prefix}".rstrip("/")
        with self._wrap_errors(prefix), suppress(FileNotFoundError):
            system.invalidate_cache(folder)
            entries = system.ls(folder, detail=True)
            files = (entry["name"].rpartition("/")[2] for entry in entries if entry["type"] == "file")
            return sorted(prefix + name for name in files if name)
        return []

    def put(self, local: Path, file: str) -> None:
        """Give a finished file, made in `scratch`, its place: it is there whole or not at all, and `local` is gone."""
        system, path = self._resolve(file)
        self._check_writable(file)
        size = local.stat().st_size
        with self._wrap_errors(file):
            if self.protocol in OBJECT_STORES:
                system.put_file(str(local), path)
            else:
                folder, _, name = path.rpartition("/")
                system.makedirs(folder, exist_ok=True)
                partial = f"{folder}/.{name}.{uuid4().hex}.partial"
                system.put_file(str(local), partial)
                system.mv(partial, path)
        if self.size(file) != size:
            raise OrqaError(f"{self.place(file)}: was written with {size} bytes and has others: write it again")
        local.unlink()

    def delete(self, file: str) -> None:
        """Delete a file, if it is there."""
        system, path = self._resolve(file)
        self._check_writable(file)
        self._versions.pop(file, None)
        with self._wrap_errors(file), suppress(FileNotFoundError):
            system.rm_file(path)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder among the temporary ones of this machine: $TMPDIR says where they are."""
        with tempfile.TemporaryDirectory(prefix="orqa-") as folder:
            yield Path(folder)

    def forget(self, file: str, offset: int, size: int) -> bool:
        """Drop what is cached of a span, and return True: reading it again gives what the source has."""
        version = self._versions.pop(file, None)
        if version is not None:
            self.cache.forget(version.key, offset, size)
        return True

    def uncached(self) -> RemoteStore:
        """Return a store of the same folder, opened anew, that reads every byte from where it lies, past all caches."""
        return RemoteStore(self.url, self.options, NoCache())

    def _resolve(self, file: str) -> tuple[Any, str]:
        system, root = self.connect()
        return system, f"{root}/{check_file_name(file)}"

    def _check_writable(self, file: str) -> None:
        if self.protocol in READ_ONLY:
            raise OrqaError(
                f"{self.place(file)}: {self.protocol} can only be read. Write to a local folder, or by another protocol"
            )

    @contextmanager
    def _wrap_errors(self, file: str) -> Iterator[None]:
        """Say where, and what to do about it; each file system has errors of its own."""
        try:
            yield
        except OrqaError:
            raise
        except FileNotFoundError as error:
            raise OrqaError(
                f"{self.place(file)}: {describe_error(error)}. "
                "Check the address: a bucket must be there before it is written to"
            ) from error
        except Exception as error:
            raise OrqaError(
                f"{self.place(file)}: {describe_error(error)}. "
                "Check the address, the network, and the credentials of this machine"
            ) from error


def _hide_password(url: str) -> str:
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", url)
