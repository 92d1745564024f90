"""Where shard folders lie: a local folder here, any fsspec URL in `remote`, one interface for reader and writer."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from orqa_registry import CallError, OrqaError

UNFINISHED = ".unfinished"
"""The one folder inside a store: what a writer notes until it is done."""

FILE_NAME = re.compile(rf"(?:{re.escape(UNFINISHED)}/)?(?!\.{{1,2}}$)[\w.+=,@~ -]{{1,250}}")
"""Names that mean one file of the folder wherever it lies: no way out of it, no pattern, no part of a URL."""

MAX_OPEN_FILES = 64
"""Files that a local store holds open; opening one anew costs some microseconds."""

SCRATCH_PREFIX = ".scratch-"
"""How the folders begin in which files are made."""

NEW_PREFIX = ".new-"
"""How they begin for a moment, until they are locked."""

Result = TypeVar("Result")


class Store(ABC):
    """A folder of files. It travels to other processes, spawned or forked, and many threads may read at once.

    A file is named plainly, or `.unfinished/NAME`; any other name raises CallError. All methods raise OrqaError that
    names the store and the file.
    """

    name: str
    """As the user wrote it, without a password: for messages."""

    @abstractmethod
    def read(self, file: str, limit: int) -> bytes:
        """Return a whole file as it is now. Raises OrqaError: not there, more than `limit` bytes, or unreadable."""

    @abstractmethod
    def span(self, file: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`. Raises OrqaError where the file is not there, or has fewer."""

    @abstractmethod
    def size(self, file: str) -> int | None:
        """Return the bytes of a file, None where it is not there."""

    @abstractmethod
    def names(self, *, unfinished: bool = False) -> list[str]:
        """Return the plain files of the folder, or of its `.unfinished/`, sorted; none where there is no folder.

        Raises OrqaError where the protocol cannot list, as http.
        """

    @abstractmethod
    def put(self, local: Path, file: str) -> None:
        """Give a finished file, made in `scratch`, its place: it is there whole or not at all, and `local` is gone."""

    @abstractmethod
    def delete(self, file: str) -> None:
        """Delete a file, if it is there."""

    @abstractmethod
    def scratch(self) -> AbstractContextManager[Path]:
        """Give a local folder in which to make files for `put`; it is gone afterwards, with what is left in it."""

    @abstractmethod
    def forget(self, file: str, offset: int, size: int) -> bool:
        """Drop what is cached of a span, and return whether reading it again may give other bytes."""

    @abstractmethod
    def uncached(self) -> Store:
        """Return a store of the same folder, opened anew, that reads every byte from where it lies, past all caches."""

    def read_checked(self, file: str, offset: int, size: int, attempt: Callable[[], Result]) -> Result:
        """Return what an attempt to use a span gives; where it raises OrqaError, once more past what is cached of it.

        What lies in a cache may have been damaged there.
        """
        try:
            return attempt()
        except OrqaError:
            if not self.forget(file, offset, size):
                raise
        return attempt()

    def place(self, file: str) -> str:
        """Return the full name of a file, for messages."""
        return f"{self.name.rstrip('/')}/{file}"


def check_file_name(file: str) -> str:
    """Return a file name that stays in the folder. Raises CallError for any other."""
    if not FILE_NAME.fullmatch(file):
        raise CallError(f"{file!r} cannot be a file of a shard folder: expected a plain name as train-000000.tar")
    return file


def put_bytes(store: Store, file: str, data: bytes) -> None:
    """Give a file its place, whole or not at all. Raises OrqaError and OSError."""
    with store.scratch() as folder:
        local = folder / file.rpartition("/")[2]
        local.write_bytes(data)
        store.put(local, file)


def short_read_error(store: Store, file: str, offset: int, size: int, there: int) -> OrqaError:
    """Return the error of a span that does not lie in its file."""
    return OrqaError(
        f"{store.place(file)}: bytes {offset} to {offset + size} were expected, and it has {there}: it is cut short, "
        "or what was read of it belongs to another. Copy it again"
    )
