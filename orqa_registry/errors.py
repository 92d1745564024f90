"""What goes wrong, said so that a person can act on it."""

from __future__ import annotations

from collections.abc import Iterable


class OrqaError(Exception):
    """The work failed: data are missing, damaged or contradictory. The command line exits with 1."""


class CallError(OrqaError):
    """The call was wrong: an unknown name or an impossible combination. The command line exits with 2."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the known names most like `name`, or all of them where they are few."""
    import difflib  # only a wrong call needs it

    names = sorted(known)
    folded = {fold(one): one for one in names}
    close = difflib.get_close_matches(fold(name), list(folded), n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(folded[one]) for one in close) + "?"
    if not names:
        return "there is none"
    return "there is: " + ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def fold(name: str) -> str:
    """Return `name` as people may type it: without case and punctuation, so that `4dor` finds `4D-OR`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
