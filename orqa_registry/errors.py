"""What goes wrong, said so that a person can act on it."""

from __future__ import annotations

from collections.abc import Iterable

MAX_SUGGESTIONS = 30
"""Names that are offered all."""


class OrqaError(Exception):
    """The work failed: data are missing, damaged or contradictory. The command line exits with 1."""


class CallError(OrqaError):
    """The call was wrong: an unknown name or an impossible combination. The command line exits with 2."""


class MissingLibraryError(OrqaError):
    """A library that an optional part needs is not installed."""


class DataWarning(UserWarning):
    """A file is damaged and was left out: it costs its own modality or timepoint. `--strict` makes it an error."""


def suggest_names(name: str, known: Iterable[str]) -> str:
    """Return a sentence that offers the known names most like `name`, or all of them where they are few.

    A list or tuple is offered in its own order, as tables show it.
    """
    import difflib  # only a wrong call needs it

    names = list(known) if isinstance(known, list | tuple) else sorted(known)
    folded = {fold_name(candidate): candidate for candidate in names}
    keys = difflib.get_close_matches(fold_name(name), list(folded), n=3, cutoff=0.5)
    if keys:
        return "did you mean " + " or ".join(repr(folded[key]) for key in keys) + "?"
    if not names:
        return "there is none"
    return "there is: " + ", ".join(names[:MAX_SUGGESTIONS]) + (", ..." if len(names) > MAX_SUGGESTIONS else "")


def match_name(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that is meant by `name`: however it is typed, and `val` for `validation`."""
    folded = {fold_name(candidate): candidate for candidate in known}
    return folded.get(fold_name(name)) or (folded.get("validation") if fold_name(name) == "val" else None)


def describe_error(error: BaseException) -> str:
    """Return what an error says: its own words where it is ours, with the kind of error before them where not."""
    text = str(error).strip()
    return text if isinstance(error, OrqaError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def fold_name(name: str) -> str:
    """Return `name` as people may type it: without case and punctuation, so that `4dor` finds `4D-OR`."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
