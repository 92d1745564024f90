"""Checks the attributes of what plugins yield, before any of it is let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orqa_registry.answerer import Answerer
from orqa_registry.data import facets
from orqa_registry.data.card import Card, Piece
from orqa_registry.data.dataset import Dataset
from orqa_registry.errors import OrqaError
from orqa_registry.questions.task import Task


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)


def _is_sentences(value: Any) -> bool:
    return all(map(_is_names, value.values())) if isinstance(value, Mapping) else _is_names(value)


ATTRIBUTE_CHECKS: Mapping[type, Mapping[str, tuple[str, Callable[[Any], bool]]]] = {
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


def check_attributes(thing: Dataset | Task | Answerer) -> None:
    """Raise OrqaError where an attribute is missing or of another shape, CallError where a facet is unknown."""
    for kind, attributes in ATTRIBUTE_CHECKS.items():
        for attribute, (shape, fits) in attributes.items() if isinstance(thing, kind) else ():
            value = getattr(thing, attribute, None)
            if not fits(value):
                raise OrqaError(f"{thing.name}.{attribute} must be {shape}, not {value!r}")
            for facet in value or () if attribute in {"provides", "needs"} else ():
                facets.check_facet_name(facet)
