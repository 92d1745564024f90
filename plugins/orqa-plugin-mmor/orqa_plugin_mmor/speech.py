"""What was said: transcripts of timepoints, or made from the subtitles of the take (datasets.md 3.6)."""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from attrs import frozen

from orqa_registry import OrqaError
from orqa_registry.readers.formats.bounded_file import read_bytes
from orqa_registry.readers.io import read_json

SUBTITLE_COUNT = 4
"""Subtitles that a transcript goes back."""
MAX_CHARACTERS = 200
"""Characters of a transcript; what is older is cut off."""

_TIME_RANGE = re.compile(r"[\d:,.]+\s*-->\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?\b.*")


def read_text(path: Path) -> str:
    """Return a text file. Raises OrqaError where it cannot be read, is huge, or is not UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OrqaError(f"{path}: not UTF-8 text: {error}") from error


def read_transcript(path: Path) -> str:
    """Return the text of a transcript of one timepoint. Raises OrqaError."""
    raw = read_json(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("text"), str):
        raise OrqaError(f'{path}: expected {{"text": ...}}')
    return str(raw["text"])


@frozen
class Subtitles:
    """The subtitles of a take in the order in which they end. ends: seconds since the take began."""

    ends: tuple[float, ...]
    texts: tuple[str, ...]

    def transcript_at(self, second: float) -> str:
        """Return what was last said at a second: the subtitles that have ended by then."""
        end_index = bisect_right(self.ends, second)
        return " ".join(self.texts[max(0, end_index - SUBTITLE_COUNT) : end_index])[-MAX_CHARACTERS:]


def read_subtitles(path: Path) -> Subtitles:
    """Return the subtitles of an SRT file. Raises OrqaError where a text has none."""
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    subtitles: list[tuple[float, str]] = []
    for block in re.split(r"\n[ \t]*\n", text.strip()):
        lines = [line.strip() for line in block.split("\n")]
        for index, line in enumerate(lines[:2]):  # most blocks begin with a number
            if match := _TIME_RANGE.fullmatch(line):
                hours, minutes, seconds, fraction = (group or "0" for group in match.groups())
                # int, then one division: 1.1 is the nearest number to 1.1, and not 1 + 0.1.
                thousandths = int(fraction.ljust(3, "0")) + 1000 * (
                    60 * (60 * int(hours) + int(minutes)) + int(seconds)
                )
                subtitles.append((thousandths / 1000, " ".join(filter(None, lines[index + 1 :]))))
                break
    if text.strip() and not subtitles:
        raise OrqaError(f"{path}: no subtitle in it; expected blocks of number, FROM --> TO, text")
    subtitles.sort(key=lambda subtitle: subtitle[0])
    return Subtitles(tuple(end for end, _ in subtitles), tuple(text for _, text in subtitles))
