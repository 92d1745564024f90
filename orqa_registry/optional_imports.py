"""Optional libraries: imported when something needs them, and named with what to install where they are not there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orqa_registry.errors import MissingLibraryError


@contextmanager
def requiring(purpose: str, requirement: str) -> Iterator[None]:
    """Say what to install where an import in here fails. Raises MissingLibraryError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingLibraryError(f"{purpose} needs {error.name}: pip install '{requirement}'") from error


def import_optional(module: str, purpose: str, requirement: str) -> Any:
    """Return an optional library. Raises MissingLibraryError that says what needs it and what to install."""
    with requiring(purpose, requirement):
        return importlib.import_module(module)
