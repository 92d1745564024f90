"""What is to be known about a dataset before its files are opened: its card, its pieces, how it is laid out on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import field, frozen

from orqa_registry.data.records import Take


@frozen
class Card:
    """What one has to know before using a dataset."""

    title: str
    licence: str
    access: str
    homepage: str = ""
    citation: str = ""
    size: str = ""
    notes: tuple[str, ...] = ()


@frozen
class Piece:
    """A part of a download that may be there or not: an archive of its own, or something the user makes.

    files: where it lies, as a person reads it, `colorimage/camera0C_colorimage-INDEX.jpg`.
    media, facets: what it gives; media may be patterns, `room*.jpg`.
    glob: matches its files, relative to the home folder, `object_scans/*/*.ply`. It says whether the piece is there
    where timepoints cannot: it has no media, and no facet that no other piece gives.
    access, terms: where to get it and under which terms, where they differ from the card's.
    """

    name: str
    files: str
    media: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    access: str = ""
    terms: str = ""
    glob: str = ""

    def gives(self, medium: str) -> bool:
        """Tell whether a medium of this name comes from this piece."""
        return any(fnmatchcase(medium, pattern) for pattern in self.media)


@frozen
class Check:
    """A count of what is on disk beside the number that is known. Reported, never fatal: downloads differ."""

    what: str
    found: int | str
    expected: int | str
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether both agree."""
        return self.found == self.expected


@frozen
class Layout:
    """How a dataset's files are written: the inverse of its reader.

    takes: (split, take) in the order in which a small copy should have them. write: lays takes out under a folder;
    what the layout cannot carry is left out. What is optional binds whoever makes up timepoints for it:
    sizes: view -> (width, height) where the layout is bound to one.
    frames: take -> ids that its frames can have, in order, where they are not 000000, 000001, ...
    poses: view -> world_to_camera, 4 x 4 rows in mm, where the layout binds the room frame to a camera.
    joints: names that a pose has, in order, where it has fewer than the fourteen of 4D-OR.
    """

    takes: tuple[tuple[str, str], ...]
    write: Callable[[Path, Sequence[Take]], None]
    sizes: Mapping[str, tuple[int, int]] = field(factory=dict)
    frames: Mapping[str, Sequence[str]] = field(factory=dict)
    poses: Mapping[str, Sequence[Sequence[float]]] = field(factory=dict)
    joints: Sequence[str] = ()
