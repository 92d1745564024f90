"""What the author of a dataset plugin writes: a Dataset with its attributes filled in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from orqa_registry.data.card import Card, Check, Layout, Piece
from orqa_registry.data.records import Take


class Dataset(ABC):
    """A source of timepoints. Opening it is lazy: nothing is read before somebody iterates a take.

    name: as the literature writes it, `4D-OR`. splits: the official ones, in order.
    provides: facets that its labels can have. media: what its sensors give, by medium name.
    official: split -> names of its takes, where they are known beforehand. pieces: what a download consists of.
    """

    name: ClassVar[str]
    card: ClassVar[Card]
    provides: ClassVar[frozenset[str] | set[str]]
    splits: ClassVar[Sequence[str]] = ("train", "validation", "test")
    media: ClassVar[Mapping[str, str]] = {}
    official: ClassVar[Mapping[str, Sequence[str]]] = {}
    pieces: ClassVar[Sequence[Piece]] = ()

    @abstractmethod
    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split that are on disk. Raises OrqaError that says what was looked for and where."""

    def home(self, root: Path) -> Path:
        """Return the folder that holds the files: `root`, or one in it. Raises OrqaError where none does."""
        return root

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield counts of what is on disk beside known numbers. Opens label files at most."""
        yield from ()

    def layout(self) -> Layout | None:
        """Return how this dataset's files are written, or None where nobody wrote that down."""
        return None
