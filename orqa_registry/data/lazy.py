"""The labels of a timepoint, of which some are known only once a file has been opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

FacetLoader = Callable[[], Mapping[str, Any]]
"""Opens what has to be opened and returns the facets that are in it; a facet left out is absent."""

EMPTY: Mapping[str, Any] = MappingProxyType({})
"""An empty, unchangeable mapping."""


class LazyLabels(Mapping[str, Any]):
    """Facet -> value. A late facet costs nothing until somebody asks for it, or whether it is there.

    ready: values at hand. late: facet -> source, called at most once, on the first look at one of its facets; several
    facets may share a source, and one that its source does not return is absent.
    """

    __slots__ = ("_known", "_late")

    def __init__(self, ready: Mapping[str, Any] = EMPTY, late: Mapping[str, FacetLoader] = EMPTY) -> None:
        self._known = dict(ready)
        self._late = dict(late)

    @property
    def available_facets(self) -> frozenset[str]:
        """The facets that are there, or will be if their files can be read; nothing is opened to say so."""
        return frozenset(self._known) | frozenset(self._late)

    def __getitem__(self, facet: str) -> Any:
        self._resolve(facet)
        return self._known[facet]

    def __contains__(self, facet: object) -> bool:
        self._resolve(facet)
        return facet in self._known

    def __iter__(self) -> Iterator[str]:
        for facet in list(self._late):
            self._resolve(facet)
        return iter(self._known)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"LazyLabels({self._known!r}, late={sorted(self._late)})"

    def _resolve(self, facet: object) -> None:
        source = self._late.get(facet) if isinstance(facet, str) else None
        if source is not None:
            # Known first and late no more after: what raises, raises again, and another thread never sees neither.
            self._known.update(source())
            self._late = {name: other for name, other in self._late.items() if other is not source}


Medium = Path | bytes | Callable[[], bytes]
"""What a sensor gave: a file, its bytes, or a function that makes them, called when somebody reads."""


class LazyMedia(Mapping[str, Medium]):
    """The media of a timepoint, looked for when somebody first asks: who reads labels alone lists no folder."""

    __slots__ = ("_find", "_media")

    def __init__(self, find: Callable[[], Mapping[str, Medium]]) -> None:
        self._find = find
        self._media: Mapping[str, Medium] | None = None

    def _load(self) -> Mapping[str, Medium]:
        if self._media is None:
            self._media = self._find()
        return self._media

    def __getitem__(self, name: str) -> Medium:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return repr(dict(self._load()))

    def __reduce__(self) -> tuple[type[dict[str, Medium]], tuple[dict[str, Medium]]]:
        """Travel to another process as what was found, without the listings of the take."""
        return dict, (dict(self._load()),)
