"""What readers warn of, noted instead of shown: a worker has nobody to show it to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orqa_registry.errors import DataWarning


def warnings_are_errors() -> bool:
    """Tell whether a damaged file is an error to who calls, as `--strict` has it."""
    with warnings.catch_warnings(record=True):
        try:
            warnings.warn("", DataWarning, stacklevel=1)
        except DataWarning:
            return True
    return False


@contextmanager
def collect_data_warnings(*, strict: bool) -> Iterator[list[str]]:
    """Give a list to which each DataWarning in here is added, and nothing is shown. `strict` raises the first."""
    messages: list[str] = []

    def note(message: Warning | str, category: type[Warning], *rest: Any, **keywords: Any) -> None:
        if issubclass(category, DataWarning):
            messages.append(str(message))
        else:
            show_others(message, category, *rest, **keywords)

    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "always", DataWarning)
        show_others, warnings.showwarning = warnings.showwarning, note
        yield messages
