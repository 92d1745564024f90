"""The nouns: what a dataset yields, what a task sees, what a question is. See docs/explanation/design.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from attrs import field, frozen

from orqa_registry.data.lazy import EMPTY, LazyLabels, Medium
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import suggest_names

CLOCK = "clock"
"""The facet of a timepoint that has `seconds`."""


class Triplet(NamedTuple):
    """One edge of a scene graph, by name; source files write two different orders, and none is seen after a reader.

    Names are those of `vocabulary`: lower case with underscores, predicates in the casing of the label files.
    """

    subject: str
    predicate: str
    object: str


class Box(NamedTuple):
    """Where something is in a view: inclusive extents in pixels of the original, which may lie outside the image."""

    entity: str
    x0: float
    y0: float
    x1: float
    y1: float


@frozen
class Timepoint:
    """One synchronised moment of a take.

    dataset, split, take, frame: names; frame is the id as the dataset writes it.
    index: the order inside the take, strictly increasing.
    seconds: time since the take began, or None where the dataset has no clock.
    media: what sensors gave, by name. The name is the suffix in a shard: `room1.jpg`, `points.npy`.
        A name `VIEW.jpg` or `VIEW.png` is a camera view; `room1.mask.png` is not.
    labels: what people annotated, facet -> value (see `facets`). Absent is not annotated; empty is nothing there.
        `LazyLabels` where a facet takes opening a file.
    sizes: view -> (width, height) of the original, by the name of its medium, where shards keep it smaller. Boxes and
        calibration count in pixels of the original.
    """

    dataset: str
    split: str
    take: str
    frame: str
    index: int
    seconds: float | None = None
    media: Mapping[str, Medium] = EMPTY
    labels: Mapping[str, Any] = EMPTY
    sizes: Mapping[str, tuple[int, int]] = field(factory=dict)

    def __repr__(self) -> str:
        return f"Timepoint({self.key!r}, media={list(self.media)}, labels={sorted(self.available_facets)})"

    @property
    def key(self) -> str:
        """The name in a shard, `dataset/take/frame`, each part free of dots and slashes."""
        return timepoint_key(self.dataset, self.take, self.frame)

    @property
    def available_facets(self) -> frozenset[str]:
        """The facets that can be asked about, `clock` among them where there is one; no file is opened to say so."""
        known = self.labels.available_facets if isinstance(self.labels, LazyLabels) else frozenset(self.labels)
        return known | {CLOCK} if self.seconds is not None else known

    def has(self, facet: str) -> bool:
        """Tell whether a facet is annotated here; for one that is late, its file is opened to say so."""
        return self.seconds is not None if facet == CLOCK else facet in self.labels

    @property
    def views(self) -> list[str]:
        """The camera views present, in the dataset's order, without their suffix."""
        return [name.rpartition(".")[0] for name in self.media if is_view(name)]

    def read(self, name: str) -> bytes:
        """Return the bytes of one medium.

        Raises KeyError with those there are where it is absent, OSError or OrqaError where it cannot be read.
        """
        if name not in self.media:
            raise KeyError(f"{self.key} has no medium {name!r}: {suggest_names(name, list(self.media))}")
        medium = self.media[name]
        if isinstance(medium, bytes):
            return medium
        return medium.read_bytes() if isinstance(medium, Path) else medium()


def timepoint_key(dataset: str, take: str, frame: str) -> str:
    """Return the key of a timepoint by its names."""
    return f"{quote_key_part(dataset)}/{quote_key_part(take)}/{quote_key_part(frame)}"


@lru_cache(maxsize=1 << 16)
def quote_key_part(name: str) -> str:
    """Return `name` as part of a key: what is not a letter, digit, `_` or `-` is percent-encoded, dots too."""
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")


def is_view(name: str) -> bool:
    """Tell whether a medium of this name is a camera view: `room1.jpg` is, `room1.mask.png` is not."""
    stem, _, suffix = name.rpartition(".")
    return suffix in {"jpg", "jpeg", "png"} and bool(stem) and "." not in stem


@frozen
class Take:
    """One recording. `read` is called anew for each pass, so a take costs nothing until somebody iterates."""

    dataset: str
    split: str
    name: str
    read: Callable[[], Iterator[Timepoint]] = field(repr=False)

    def __iter__(self) -> Iterator[Timepoint]:
        """Yield the timepoints in order."""
        return self.read()

    def timeline(self) -> Timeline:
        """Return the labels of the whole take, indexed once."""
        return Timeline((point.index, point.seconds, point.labels) for point in self)
