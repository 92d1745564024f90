"""Files of a known size, and errors that name them: what the readers of binary formats have in common."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from orqa_registry.errors import OrqaError, describe_error

MAX_FILE_BYTES = 1 << 28
"""Bytes that a file, or what it unpacks to, may have; the largest known is 0.02 of this."""


class DamageError(Exception):
    """What is wrong with a file, before it has been said which file that is (see `DamageGuard`)."""


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class DamageGuard:
    """Turns whatever a damaged file makes a library raise into an OrqaError: `with DamageGuard(path, "a PNG"): ...`.

    where: the file, or what else an error names. expected: what it should have been.
    """

    def __init__(self, where: object, expected: str) -> None:
        self.where = where
        self.expected = expected

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise OrqaError for any error; one that is an OrqaError already stays as it is."""
        if error is None or isinstance(error, OrqaError) or not isinstance(error, Exception):
            return
        message = str(error) if isinstance(error, DamageError) else " ".join(describe_error(error).split())[:300]
        text = _ADDRESS.sub("", message)  # the same damage is told in the same words each time
        raise OrqaError(f"{self.where}: {text}; expected {self.expected}") from error


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file of at most MAX_FILE_BYTES bytes. Raises OrqaError for any other."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # asked before opening: a pipe would wait for its writer
            raise OrqaError(f"{path}: not a regular file; expected one with data in it")
        if status.st_size > MAX_FILE_BYTES:
            raise OrqaError(f"{path}: {status.st_size} bytes; expected at most {MAX_FILE_BYTES}")
        with path.open("rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise OrqaError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name that no file can have
        raise OrqaError(f"{str(path)!r}: cannot be read: {error}") from error
