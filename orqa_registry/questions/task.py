"""A task: what a plugin author writes to ask a question type, and what it sees of a timepoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from orqa_registry.questions import scoring
from orqa_registry.questions.question import Moment, Question

RARE_WEIGHT = 0.1
"""The chance that a question with an empty answer is drawn, `nothing` for instance (protocol R8)."""


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

    def sampling_class(self, answer: str) -> str:
        """Return what answers have in common that count as one when rare ones are sampled more often (protocol 6)."""
        return answer

    def answer_sentences(self, question: Question, answer: str) -> list[str]:
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
