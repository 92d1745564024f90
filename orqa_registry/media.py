"""What the sensors of a timepoint gave, looked for when somebody first asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orqa_registry.records import Medium


class Media(Mapping[str, Medium]):
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
