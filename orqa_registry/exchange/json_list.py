"""Reads a long JSON list entry by entry: a million records take no more memory than one."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orqa_registry.errors import OrqaError

READ_BYTES = 1 << 20
"""Bytes that are read at a time."""

MAX_ENTRY_LETTERS = 1 << 24
"""Characters of an entry; what is longer is no list of records."""

_WHITESPACE = " \t\r\n"
_TERMINATORS = frozenset(",]" + _WHITESPACE)


def iterate_json_list(
    path: Path, read: Callable[[int], None] = lambda _: None, piece: int = READ_BYTES
) -> Iterator[tuple[int, Any]]:
    """Yield place and value of each entry of a JSON list. `read` is told of the bytes read so far.

    Raises OrqaError that names the file and the entry where it cannot be read, is not UTF-8, or is not a JSON list.
    """
    text = _Text(path, read, piece)
    if text.next() != "[":
        raise OrqaError(f"{path}: a JSON list was expected, not {text.start(20)!r}")
    text.skip()
    index = 0
    if text.next() != "]":
        yield index, text.value(index)
        while (mark := text.next()) == ",":
            text.skip()
            index += 1
            yield index, text.value(index)
        if mark != "]":
            raise OrqaError(
                f"{path}: entry {index}: a comma or the end of the list was expected after it: {_describe_end(mark)}"
            )
    text.skip()
    if text.next():
        raise OrqaError(f"{path}: something follows the list: {text.start(20)!r}")


def _describe_end(mark: str) -> str:
    return f"found {mark!r}" if mark else "the file ends here, is it whole?"


class _Text:
    """The part of a file that is being parsed, and where in it."""

    def __init__(self, path: Path, read: Callable[[int], None], piece: int) -> None:
        self.path, self.at, self.buffer = path, 0, ""
        self.pieces = self._read_pieces(read, piece)
        self.decoder = json.JSONDecoder()

    def _read_pieces(self, read: Callable[[int], None], piece: int) -> Iterator[str]:
        decoder, byte_count = codecs.getincrementaldecoder("utf-8-sig")(), 0
        try:
            with self.path.open("rb") as file:
                while content := file.read(piece):
                    byte_count += len(content)
                    read(byte_count)
                    yield decoder.decode(content)
                yield decoder.decode(b"", final=True)
        except OSError as error:
            raise OrqaError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise OrqaError(f"{self.path}: not UTF-8 text, about byte {byte_count}: {error.reason}") from error

    def more(self) -> bool:
        """Read on; tell whether there was more."""
        for content in self.pieces:
            self.buffer, self.at = self.buffer[self.at :] + content, 0
            return True
        return False

    def next(self) -> str:
        """Return the next character that is no space, without going past it; nothing at the end."""
        while True:
            while self.at < len(self.buffer):
                if self.buffer[self.at] not in _WHITESPACE:
                    return self.buffer[self.at]
                self.at += 1
            if not self.more():
                return ""

    def skip(self) -> None:
        """Go past a character."""
        self.at += 1

    def start(self, count: int) -> str:
        """Return so many characters from here, for a message."""
        return self.buffer[self.at : self.at + count]

    def _at_end(self) -> bool:
        """Read on; tell whether there was nothing more, or so much already that this is no entry."""
        return len(self.buffer) - self.at > MAX_ENTRY_LETTERS or not self.more()

    def value(self, index: int) -> Any:
        """Return the value that begins here, and go past it."""
        self.next()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
                if self.buffer[end : end + 1] in _TERMINATORS or self._at_end():  # a number may go on
                    self.at = end
                    return value
            except (ValueError, RecursionError) as error:
                if self._at_end():
                    raise OrqaError(f"{self.path}: entry {index}: not JSON: {getattr(error, 'msg', error)}") from error
