"""Blocks of remote files on local disk: bounded, and shared by the processes of a machine.

A block is fetched once, whoever asks: one waits while another fetches. It is written under a temporary name and then
renamed, so none is ever torn; one that is evicted while it is read stays readable to who has it open. Behind its bytes
lie the checksums of its pieces: one that is damaged is fetched anew. It serves nothing but speed: the folder may be
deleted at any time.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen
from filelock import FileLock, Timeout
from isal.isal_zlib import crc32

from orqa_registry import OrqaError

BLOCK_BYTES = 8 << 20
"""Bytes that are fetched at once: some tens of milliseconds at 100 MB/s, as long as the answer takes to begin."""

CHECKSUM_SPAN = 1 << 16
"""Bytes of a block that have a checksum of their own, so that a small span is known to be whole without the rest."""
CHECKSUM_BYTES = 4
"""Bytes of a checksum."""

BLOCK_NAME = re.compile(r"[0-9a-f]{32}-\d+")
"""Names of blocks: nothing else in the folder is ever deleted."""

PARTIAL_NAME = re.compile(r"[0-9a-f]{32}-\d+\.partial")

LOCK_FILES = 64
"""Lock files of all blocks together: two blocks that share one are fetched one after the other."""

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process, which may be stopped: then a block is fetched twice, or not kept."""

TOUCH_SECONDS = 60.0
"""Seconds between two notes that a block was used."""

EVICT_TO = 0.9
"""Of the bound, what eviction leaves, so that the folder is not listed for each new block."""


@frozen
class BlockCache:
    """Blocks of `block` bytes in a folder that holds `limit` bytes of them at most."""

    folder: Path
    limit: int
    block: int = BLOCK_BYTES

    def span(self, key: str, length: int, offset: int, size: int, fetch: Callable[[int, int], bytes]) -> bytes:
        """Return `size` bytes from `offset` of a file of `length` bytes; the span lies in the file.

        key: 32 hexadecimal digits that name the file and its version. fetch(start, stop) returns bytes of the file, or
        raises; it is called for the blocks that are not here.
        """
        pieces = []
        for number in self._block_numbers(offset, size):
            start = number * self.block
            stop = min(start + self.block, length)
            begin, end = max(offset, start) - start, min(offset + size, stop) - start
            name = f"{key}-{number}"
            piece = self._read_block(name, stop - start, begin, end)
            if piece is None:
                piece = self._fetch_block(name, start, stop, fetch, begin, end)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def forget(self, key: str, offset: int, size: int) -> None:
        """Delete the blocks in which a span lies."""
        for number in self._block_numbers(offset, size):
            with suppress(OSError):
                (self.folder / f"{key}-{number}").unlink()

    def _block_numbers(self, offset: int, size: int) -> range:
        return range(offset // self.block, (offset + size - 1) // self.block + 1 if size else 0)

    def _read_block(self, name: str, length: int, begin: int, end: int) -> bytes | None:
        """Return bytes of a block of `length`; None where it is not here, or damaged there."""
        try:
            fd = os.open(f"{self.folder}/{name}", os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._describe_failure(error) from error
        try:
            status = os.fstat(fd)
            if abs(time.time() - status.st_mtime) > TOUCH_SECONDS:
                with suppress(OSError):  # somebody else's file: who may read it may not be allowed to mark it
                    os.utime(fd)
            first, stop = begin // CHECKSUM_SPAN, -(-end // CHECKSUM_SPAN)
            content = os.pread(fd, min(stop * CHECKSUM_SPAN, length) - first * CHECKSUM_SPAN, first * CHECKSUM_SPAN)
            sums = os.pread(fd, CHECKSUM_BYTES * (stop - first), length + CHECKSUM_BYTES * first)
        except OSError:  # the disk: the source still has it
            return None
        finally:
            os.close(fd)
        intact = status.st_size == length + CHECKSUM_BYTES * -(-length // CHECKSUM_SPAN) and sums == block_checksums(
            content
        )
        return content[begin - first * CHECKSUM_SPAN : end - first * CHECKSUM_SPAN] if intact else None

    def _fetch_block(
        self, name: str, start: int, stop: int, fetch: Callable[[int, int], bytes], begin: int, end: int
    ) -> bytes:
        """Return bytes of a block that was not here, unless another process brings it meanwhile."""
        with self._lock(f"block-{crc32(name.encode()) % LOCK_FILES:02d}.lock"):
            piece = self._read_block(name, stop - start, begin, end)
            if piece is None:
                content = fetch(start, stop)
                self._write_block(name, content)
                piece = content[begin:end]
        return piece

    def _write_block(self, name: str, content: bytes) -> None:
        """Write a block, after others made room; where the disk does not take it, say so and go on without."""
        data = content + block_checksums(content)
        if len(data) > self.limit:
            return
        with self._lock("total.lock") as locked:
            if not locked:
                return
            partial = self.folder / f"{name}.partial"
            try:
                # Counted before it is there: whoever is killed in between leaves a total that is too high, not too low.
                total = self._make_room(len(data)) + len(data)
                (self.folder / "total").write_text(str(total))
                partial.write_bytes(data)
                partial.replace(self.folder / name)
            except OSError as error:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                warnings.warn(f"{self._describe_failure(error)}. Going on without", RuntimeWarning, stacklevel=2)

    def _make_room(self, size: int) -> int:
        """Return the bytes that are kept, once `size` more fit; blocks used longest ago go first. Call it locked."""
        with suppress(FileNotFoundError, ValueError):
            total = int((self.folder / "total").read_text())
            if 0 <= total <= self.limit - size:
                return total
        blocks = sorted(self._list_blocks())
        total = sum(length for _, length, _ in blocks)
        if total <= self.limit - size:
            return total
        for _, length, path in blocks:
            if total <= min(self.limit - size, int(self.limit * EVICT_TO)):
                break
            Path(path).unlink(missing_ok=True)
            total -= length
        return total

    def _list_blocks(self) -> Iterator[tuple[int, int, str]]:
        """Yield when each block was last used, its bytes, its path; delete what a killed process left half written."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # forgotten by another process
                    if PARTIAL_NAME.fullmatch(entry.name):  # who holds the lock is the only one that writes
                        os.unlink(entry.path)
                    elif BLOCK_NAME.fullmatch(entry.name):
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_mtime_ns, status.st_size, entry.path

    @contextmanager
    def _lock(self, name: str) -> Iterator[bool]:
        """Hold a lock between processes and threads; the system lets it go with a process that is killed.

        Gives False where another holds it for longer than LOCK_TIMEOUT. Raises OrqaError where the folder cannot be
        used.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pictures of patients: the user's own
            lock = FileLock(self.folder / name)
            with suppress(Timeout):
                lock.acquire(timeout=LOCK_TIMEOUT, poll_interval=0.005)
        except OSError as error:
            raise self._describe_failure(error) from error
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def _describe_failure(self, error: OSError) -> OrqaError:
        return OrqaError(
            f"the cache {self.folder} cannot be used: {error.strerror or error}. "
            "Name another folder in ORQA_CACHE, or make room"
        )


def block_checksums(content: bytes) -> bytes:
    """Return the checksums of the pieces of a block, or of some pieces in a row."""
    view = memoryview(content)
    return b"".join(
        crc32(view[start : start + CHECKSUM_SPAN]).to_bytes(CHECKSUM_BYTES, "little")
        for start in range(0, len(content), CHECKSUM_SPAN)
    )


@frozen
class NoCache:
    """What keeps nothing, for who reads everything once and has to see it as it is."""

    block: int = 0

    def span(self, key: str, length: int, offset: int, size: int, fetch: Callable[[int, int], bytes]) -> bytes:
        """Return `size` bytes from `offset`, fetched now."""
        return fetch(offset, offset + size) if size else b""

    def forget(self, key: str, offset: int, size: int) -> None:
        """Do nothing: there is nothing to forget."""


def default_cache_folder() -> Path:
    """Return $ORQA_CACHE, or the folder for it among the user's caches."""
    folder = os.environ.get("ORQA_CACHE")
    if folder:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orqa-registry" / "blocks"
