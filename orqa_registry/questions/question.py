"""A question, as a task asks it and as it is drawn, and the moment that a task sees."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from attrs import field, frozen

from orqa_registry.data.lazy import EMPTY
from orqa_registry.data.records import Timepoint
from orqa_registry.data.timeline import Timeline
from orqa_registry.rng import seeded_rng

Made = TypeVar("Made")


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

    def cached(self, make: Callable[[Moment], Made]) -> Made:
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
        return seeded_rng(*self.seed)

    @property
    def labels(self) -> Mapping[str, Any]:
        """The labels of the timepoint."""
        return self.timepoint.labels

    @property
    def index(self) -> int:
        """The order of the timepoint inside its take."""
        return self.timepoint.index

    def mask_facet(self, facet: str) -> Any:
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
    arguments: Mapping[str, str] = EMPTY
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
class AskedQuestion:
    """A question put at a timepoint: `text` is the wording drawn, `answer` the right answer drawn to learn from."""

    timepoint: Timepoint
    question: Question
    text: str
    answer: str
