"""Names of a package that are imported when somebody asks for one, so that importing the package costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package (PEP 562): name -> module of the package that defines it.

    The package names each in `__all__` and imports it for type checkers; `tests/test_rooms.py` holds all three equal.
    Raises AttributeError for any other name, as modules do.
    """

    def load(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return load
