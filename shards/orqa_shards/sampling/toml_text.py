"""Values as TOML that `tomllib` reads back: equal values are equal texts, on one line, that a terminal may show."""

from __future__ import annotations

import json
import re


def toml_value(value: bool | float | str | tuple[str, ...]) -> str:
    """Return a value: a truth, a number, a text, or a list of texts."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return _quote(value) if isinstance(value, str) else repr(value)


def toml_key(name: str) -> str:
    """Return a name as a key, in quotes where it has to be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quote(name)


def _quote(text: str) -> str:
    """Return a text in quotes: JSON's string, but that nothing in it is left unprintable."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
