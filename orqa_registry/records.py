"""The nouns: what a dataset yields, what a task sees, what a question is. See docs/explanation/design.md."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from attrs import field, frozen

from orqa_registry.draws import seeded
from orqa_registry.errors import nearest
from orqa_registry.labels import NOTHING, Labels
from orqa_registry.timeline import Timeline

CLOCK = "clock"
"""The facet of a timepoint that has `seconds`."""

Made = TypeVar("Made")

Medium = Path | bytes | Callable[[], bytes]
"""What a sensor gave: a file, its bytes, or a function that makes them, called when somebody reads."""


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
        `Labels` where a facet takes opening a file.
    sizes: view -> (width, height) of the original, by the name of its medium, where shards keep it smaller. Boxes and
        calibration count in pixels of the original.
    """

    dataset: str
    split: str
    take: str
    frame: str
    index: int
    seconds: float | None = None
    media: Mapping[str, Medium] = NOTHING
    labels: Mapping[str, Any] = NOTHING
    sizes: Mapping[str, tuple[int, int]] = field(factory=dict)

    def __repr__(self) -> str:
        return f"Timepoint({self.key!r}, media={list(self.media)}, labels={sorted(self.claimed)})"

    @property
    def key(self) -> str:
        """The name in a shard, `dataset/take/frame`, each part free of dots and slashes."""
        return key_of(self.dataset, self.take, self.frame)

    @property
    def claimed(self) -> frozenset[str]:
        """The facets that can be asked about, `clock` among them where there is one; no file is opened to say so."""
        known = self.labels.claimed if isinstance(self.labels, Labels) else frozenset(self.labels)
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
            raise KeyError(f"{self.key} has no medium {name!r}: {nearest(name, list(self.media))}")
        medium = self.media[name]
        if isinstance(medium, bytes):
            return medium
        return medium.read_bytes() if isinstance(medium, Path) else medium()


def key_of(dataset: str, take: str, frame: str) -> str:
    """Return the key of a timepoint by its names."""
    return f"{key_part(dataset)}/{key_part(take)}/{key_part(frame)}"


@lru_cache(maxsize=1 << 16)
def key_part(name: str) -> str:
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


@frozen
class Moment:
    """What a task sees: a timepoint, the timeline of its take, and chance that depends on what it is about alone.

    compat: ask as the original does where published checkpoints or numbers rely on a defect of it (protocol 13).
    """

    timepoint: Timepoint
    timeline: Timeline
    seed: tuple[object, ...] = ()
    compat: bool = False
    _shared: dict[Callable[[Moment], Any], Any] = field(factory=dict, repr=False)

    def once(self, make: Callable[[Moment], Made]) -> Made:
        """Return what `make` gives for this moment, made once for all tasks that are asked at the timepoint together.

        `make` is a function of the moment's labels, timeline and `compat`, never of its chance; nobody changes what it
        gives.
        """
        if make not in self._shared:
            self._shared[make] = make(self)
        value: Made = self._shared[make]
        return value

    @cached_property
    def rng(self) -> random.Random:
        """Chance, the same for the same moment and task whoever asks; made when a task wants some."""
        return seeded(*self.seed)

    @property
    def labels(self) -> Mapping[str, Any]:
        """The labels of the timepoint."""
        return self.timepoint.labels

    @property
    def index(self) -> int:
        """The order of the timepoint inside its take."""
        return self.timepoint.index

    def seen(self, facet: str) -> Any:
        """Return a facet that masks give; with `compat` as a model's masks show it, where there are both (D5)."""
        original = f"orqa-v1:{facet}"
        return self.labels[original if self.compat and original in self.labels else facet]


class Question(NamedTuple):
    """One question with everything that is a right answer to it; `Task.pose` makes one.

    task: name of the task that asks. wording: the canonical question, with {fields} for its arguments.
    answers: every right answer, in the bare form (`head surgeon, nurse`), at least one.
    arguments: what the question names, in display form, in the order of the text.
    view: the one view it is about, if any. weight: the chance that a draw keeps it (protocol rule R8).

    Hundreds are made at a timepoint and a dozen drawn, so that the text is put together when somebody wants it.
    """

    task: str
    wording: str
    answers: tuple[str, ...]
    arguments: Mapping[str, str] = NOTHING
    view: str | None = None
    weight: float = 1.0

    @property
    def text(self) -> str:
        """The canonical question, arguments filled in."""
        return self.wording.format(**self.arguments)

    @property
    def answer(self) -> str:
        """The first of the right answers."""
        return self.answers[0]


@frozen
class Asked:
    """A question put at a timepoint: `text` is the wording drawn, `answer` the right answer drawn to learn from."""

    timepoint: Timepoint
    question: Question
    text: str
    answer: str
