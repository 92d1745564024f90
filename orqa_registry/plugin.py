"""What a plugin author writes: a Dataset, a Task or an Answerer, with its attributes filled in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from attrs import frozen

from orqa_registry import facets, scoring
from orqa_registry.cards import Card, Check, Layout, Piece
from orqa_registry.errors import OrqaError
from orqa_registry.records import Asked, Moment, Question, Take

RARE = 0.1
"""The chance that a question with an empty answer is drawn, `nothing` for instance (protocol R8)."""


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


class Task(ABC):
    """One type of question.

    needs: facets without which it cannot be asked. question: the canonical wording, with {fields} for its arguments.
    paraphrases: other wordings of the same meaning. answer_format: what an answer looks like, in words.
    example: an answer, to show the format to a model that never saw one. choices: every answer there is, where they are
    known. sentences: ways to say an {answer} in full; where they depend
    on it, a dictionary from answer to ways, `*` for all others.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str] | set[str]]
    question: ClassVar[str]
    paraphrases: ClassVar[Sequence[str]] = ()
    answer_format: ClassVar[str] = "a word or a phrase"
    example: ClassVar[str] = ""
    choices: ClassVar[Sequence[str]] = ()
    sentences: ClassVar[Sequence[str] | Mapping[str, Sequence[str]]] = ()

    @abstractmethod
    def ask(self, moment: Moment) -> Iterator[Question]:
        """Yield every question that the moment supports; none where it supports none."""

    @abstractmethod
    def score(self, truth: str, answer: str) -> float:
        """Return how right an answer is, 0 to 1. Never raises: what cannot be parsed scores 0."""

    def pose(self, *answers: str, view: str | None = None, weight: float = 1.0, **arguments: str) -> Question:
        """Return a question of this task with its right answers, the canonical wording to be filled with `arguments`.

        Raises ValueError without an answer, TypeError for one that is no word, KeyError where an argument is missing.
        """
        if not answers:
            raise ValueError("a question needs at least one right answer; ask nothing instead")
        for answer in answers:
            if not isinstance(answer, str):
                raise TypeError(f"answers are words, not {answer!r}")
        _check_arguments(self.question, tuple(arguments))
        return Question(self.name, self.question, answers, arguments, view, weight)

    def score_fairly(self, truth: str, answer: str) -> float:
        """Return what `score` gives where it is neither too kind nor too hard (defects D24 and D25).

        `score` is what the benchmark publishes; this stands beside it. Here case, space around and a full stop at the
        end make no difference; a task whose published score has another defect mends that too.
        """
        return self.score(scoring.tidy(truth), scoring.tidy(answer))

    def alike(self, answer: str) -> str:
        """Return what answers have in common that count as one when rare ones are sampled more often (protocol 6)."""
        return answer

    def say(self, question: Question, answer: str) -> list[str]:
        """Return an answer in full sentences, none where the task has no words for it."""
        templates = self.sentences
        if isinstance(templates, Mapping):
            templates = templates.get(answer, templates.get("*", ()))
        return [template.format(**{**question.arguments, "answer": answer}) for template in templates]

    def wordings(self, question: Question) -> list[str]:
        """Return the question in every wording there is, the canonical one first."""
        return [question.text, *(wording.format(**question.arguments) for wording in self.paraphrases)]


@lru_cache
def _check_arguments(wording: str, arguments: tuple[str, ...]) -> None:
    """Raise KeyError where a wording wants another argument."""
    wording.format(**dict.fromkeys(arguments, ""))


@frozen
class Setting:
    """What an answerer may use when it is opened.

    argument: what follows the colon in `--answerer NAME:ARGUMENT`, a model folder for instance.
    history: questions with answers of the split to learn from.
    models: folders of the models that the same evaluation names.
    """

    argument: str | None
    history: Callable[[], Iterable[Asked]]
    models: tuple[str, ...] = ()


class Answerer(ABC):
    """Somebody who answers questions: a baseline, a model, a service. Opened late, so that listing it costs nothing."""

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def open(self, setting: Setting) -> Callable[[Sequence[Asked]], Sequence[str]]:
        """Return a function from a batch of questions to as many answers; those of one timepoint come together.

        Raises OrqaError where it cannot.
        """


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)


def _is_sentences(value: Any) -> bool:
    return all(map(_is_names, value.values())) if isinstance(value, Mapping) else _is_names(value)


SHAPES: Mapping[type, Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
    Dataset: {
        "card": ("a Card", lambda value: isinstance(value, Card)),
        "provides": ("a set of facet names", lambda value: isinstance(value, set | frozenset)),
        "splits": ("a list of names", lambda value: _is_names(value) and bool(value)),
        "media": ("a dictionary of medium names", lambda value: isinstance(value, Mapping)),
        "official": ("a dictionary of split -> take names", lambda value: isinstance(value, Mapping)),
        "pieces": ("a list of Piece", lambda value: all(isinstance(piece, Piece) for piece in value)),
    },
    Task: {
        "needs": ("a set of facet names", lambda value: isinstance(value, set | frozenset)),
        "question": ("a sentence", lambda value: isinstance(value, str) and bool(value)),
        "paraphrases": ("a list of sentences", _is_names),
        "answer_format": ("a phrase", lambda value: isinstance(value, str)),
        "example": ("an answer", lambda value: isinstance(value, str)),
        "choices": ("a list of answers", _is_names),
        "sentences": ("a list of sentences, or a dictionary of such", lambda value: _is_sentences(value)),
    },
    Answerer: {"summary": ("a sentence", lambda value: isinstance(value, str))},
}
"""What a plugin author fills in: attribute -> what it must be, in words and as a check."""


def check(thing: Dataset | Task | Answerer) -> None:
    """Raise OrqaError where an attribute is missing or of another shape, CallError where a facet is unknown."""
    for kind, attributes in SHAPES.items():
        for attribute, (shape, fits) in attributes.items() if isinstance(thing, kind) else ():
            value = getattr(thing, attribute, None)
            if not fits(value):
                raise OrqaError(f"{thing.name}.{attribute} must be {shape}, not {value!r}")
            for facet in value or () if attribute in {"provides", "needs"} else ():
                facets.check(facet)
