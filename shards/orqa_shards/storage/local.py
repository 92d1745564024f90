"""A shard folder on a disk of this machine."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import field, frozen

from orqa_registry import CallError, OrqaError
from orqa_shards.storage.store import (
    MAX_OPEN_FILES,
    NEW_PREFIX,
    SCRATCH_PREFIX,
    UNFINISHED,
    Store,
    check_file_name,
    short_read_error,
)


class _Handle:
    """An open file. It is closed when nobody holds it any more, so never under a thread that reads."""

    __slots__ = ("fd", "size")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = _plain_size(os.fstat(fd))

    def __del__(self) -> None:
        os.close(self.fd)

    def span(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, which lie in the file; fewer where it was cut since. Raises OSError."""
        content = os.pread(self.fd, size, offset)
        while 0 < len(content) < size:  # one call returns 2 GB at most
            chunk = os.pread(self.fd, size - len(content), offset + len(content))
            if not chunk:
                break
            content += chunk
        return content


@frozen(eq=False)
class LocalStore(Store):
    """A folder of this machine.

    Reads are positioned, on files held open, and take no lock, which a fork could leave locked for ever: descriptors
    have no position to share, and each operation on the table of open files is atomic; what was opened first is closed
    first. What is renamed into place while its old self is open is seen by stores opened later, by `read` and `size` at
    once.
    """

    folder: Path
    name: str
    _open_files: dict[str, _Handle] = field(factory=dict, init=False, repr=False)

    def __reduce__(self) -> tuple[type[LocalStore], tuple[Path, str]]:
        """Travel without open files."""
        return LocalStore, (self.folder, self.name)

    def read(self, file: str, limit: int) -> bytes:
        """Return a whole file as it is now. Raises OrqaError: not there, more than `limit` bytes, or unreadable."""
        handle = self._open(file)
        if handle.size > limit:
            raise OrqaError(f"{self.place(file)}: {handle.size} bytes, more than the {limit} that it may have")
        return self._span(handle, file, 0, handle.size)

    def span(self, file: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`. Raises OrqaError where the file is not there, or has fewer."""
        handle = self._open_files.get(file)
        if handle is None:
            handle = self._open_files[file] = self._open(file)
            while len(self._open_files) > MAX_OPEN_FILES:
                with suppress(RuntimeError):  # another thread has changed the table meanwhile: look again
                    self._open_files.pop(next(iter(self._open_files)), None)
        return self._span(handle, file, offset, size)

    def _span(self, handle: _Handle, file: str, offset: int, size: int) -> bytes:
        content = None
        if 0 <= offset <= offset + size <= handle.size:  # before a hostile size asks for memory
            try:
                content = handle.span(offset, size)
            except OSError as error:
                raise OrqaError(f"{self.place(file)}: cannot be read: {error.strerror or error}") from error
        if content is None or len(content) != size:
            raise short_read_error(self, file, offset, size, handle.size)
        return content

    def _open(self, file: str) -> _Handle:
        path = self.folder / check_file_name(file)
        try:
            return _Handle(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # a pipe without a writer would wait for ever
        except FileNotFoundError as error:
            raise OrqaError(f"{self.place(file)}: there is no such file") from error
        except OSError as error:
            raise self._folder_error(error) or OrqaError(
                f"{self.place(file)}: cannot be read: {error.strerror or error}"
            ) from error

    def size(self, file: str) -> int | None:
        """Return the bytes of a file, None where it is not there."""
        with self._wrap_errors(file), suppress(FileNotFoundError):
            return _plain_size((self.folder / check_file_name(file)).stat())
        return None

    def names(self, *, unfinished: bool = False) -> list[str]:
        """Return the plain files of the folder, or of its `.unfinished/`, sorted; none where there is no folder."""
        prefix = f"{UNFINISHED}/" if unfinished else ""
        with self._wrap_errors(prefix), suppress(FileNotFoundError), os.scandir(self.folder / prefix) as entries:
            return sorted(prefix + entry.name for entry in entries if entry.is_file())
        return []

    def put(self, local: Path, file: str) -> None:
        """Give a finished file, made in `scratch`, its place: it is there whole or not at all, and `local` is gone."""
        path = self.folder / check_file_name(file)
        with self._wrap_errors(file):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync(local)
            local.replace(path)
            _sync(path.parent)
        self._open_files.pop(file, None)

    def delete(self, file: str) -> None:
        """Delete a file, if it is there; the folder `.unfinished` goes with its last."""
        path = self.folder / check_file_name(file)
        with self._wrap_errors(file):
            path.unlink(missing_ok=True)
        self._open_files.pop(file, None)
        if path.parent != self.folder:
            with suppress(OSError):
                path.parent.rmdir()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a hidden folder inside the store's own; those of processes that were killed are cleared away."""
        from filelock import FileLock  # who only reads makes no file

        with self._wrap_errors(""):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._clear_scratch()
            # Nobody may take it for abandoned before it is locked: only then does it get a name that `_clear_scratch`
            # looks at.
            unlocked = Path(tempfile.mkdtemp(prefix=NEW_PREFIX, dir=self.folder))
            lock = FileLock(unlocked / "lock")
            lock.acquire()
            folder = unlocked.rename(unlocked.with_name(SCRATCH_PREFIX + unlocked.name.removeprefix(NEW_PREFIX)))
        try:
            yield folder
        finally:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    def _clear_scratch(self) -> None:
        """Delete scratch folders that no process holds: the lock of one that was killed is gone with it."""
        from filelock import FileLock, Timeout

        for folder in self.folder.glob(f"{SCRATCH_PREFIX}*"):
            if folder.is_symlink():  # not ours: it may lead anywhere
                continue
            with suppress(Timeout, OSError), FileLock(folder / "lock", timeout=0):
                shutil.rmtree(folder, ignore_errors=True)

    def forget(self, file: str, offset: int, size: int) -> bool:
        """Return False: nothing is cached."""
        return False

    def uncached(self) -> LocalStore:
        """Return a store of the same folder, opened anew."""
        return LocalStore(self.folder, self.name)

    @contextmanager
    def _wrap_errors(self, file: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._folder_error(error) or OrqaError(f"{self.place(file)}: {error.strerror or error}") from error

    def _folder_error(self, error: OSError) -> CallError | None:
        """Return what is to be said where the folder is a file, or would lie in one."""
        if not isinstance(error, NotADirectoryError | FileExistsError):
            return None
        for path in (self.folder, *self.folder.parents):
            if path.exists() and not path.is_dir():
                hint = f". Look into it: orqa-registry inspect {path}" if path.suffix == ".tar" else ""
                prefix = "" if path == self.folder else f"{self.name}: "
                return CallError(f"{prefix}{path} is a file, and a folder was expected{hint}")
        return None


def _plain_size(status: os.stat_result) -> int:
    """Return the bytes of a plain file. Raises OSError for a folder, a pipe or a device."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file")
    return status.st_size


def _sync(path: Path) -> None:
    """Return when a file or a folder survives a power cut. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
