"""What the author of an answerer plugin writes: who answers questions, opened when an evaluation names it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from attrs import frozen

from orqa_registry.questions.question import AskedQuestion


@frozen
class AnswererSetting:
    """What an answerer may use when it is opened.

    argument: what follows the colon in `--answerer NAME:ARGUMENT`, a model folder for instance.
    history: questions with answers of the split to learn from.
    models: folders of the models that the same evaluation names.
    """

    argument: str | None
    history: Callable[[], Iterable[AskedQuestion]]
    models: tuple[str, ...] = ()


class Answerer(ABC):
    """Somebody who answers questions: a baseline, a model, a service. Opened late, so that listing it costs nothing."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def open(self, setting: AnswererSetting) -> Callable[[Sequence[AskedQuestion]], Sequence[str]]:
        """Return a function from a batch of questions to as many answers; those of one timepoint come together.

        Raises OrqaError where it cannot.
        """
