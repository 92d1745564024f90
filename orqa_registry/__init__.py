"""orqa-registry: operating-room datasets and question types, as plugins of one registry.

    from orqa_registry import Registry, ask

    registry = Registry.load()
    dataset = registry.dataset("4D-OR")
    for take in dataset.takes(root, "validation"):
        timeline = take.timeline()
        for timepoint in take:
            for task, questions in ask(timepoint, timeline, registry.fitting_tasks(dataset)): ...

Plugins rely on the names below, and on the modules that the folders console, data, questions, readers and
readers.formats list in their `__all__`; everything else is private and may change. Importing it does nothing else.
"""

from orqa_registry.answerer import Answerer, AnswererSetting
from orqa_registry.data import scenegraph
from orqa_registry.data.card import Card, Check, Layout, Piece
from orqa_registry.data.dataset import Dataset
from orqa_registry.data.lazy import FacetLoader, LazyLabels, LazyMedia, Medium
from orqa_registry.data.records import Box, Take, Timepoint, Triplet, is_view
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import (
    CallError,
    DataWarning,
    MissingLibraryError,
    OrqaError,
    describe_error,
    fold_name,
    match_name,
    suggest_names,
)
from orqa_registry.hooks import hookimpl, hookspec
from orqa_registry.optional_imports import import_optional, requiring
from orqa_registry.progress import ProgressCallback, no_progress
from orqa_registry.questions import scoring
from orqa_registry.questions.ask import ask
from orqa_registry.questions.question import AskedQuestion, Moment, Question
from orqa_registry.questions.task import RARE_WEIGHT, Task
from orqa_registry.registry import Problem, Registry
from orqa_registry.rng import seeded_rng

__all__ = [
    "RARE_WEIGHT",
    "Answerer",
    "AnswererSetting",
    "AskedQuestion",
    "Box",
    "CallError",
    "Card",
    "Check",
    "DataWarning",
    "Dataset",
    "FacetLoader",
    "Layout",
    "LazyLabels",
    "LazyMedia",
    "Medium",
    "MissingLibraryError",
    "Moment",
    "OrqaError",
    "Piece",
    "Problem",
    "ProgressCallback",
    "Question",
    "Registry",
    "Take",
    "Task",
    "Timeline",
    "Timepoint",
    "Triplet",
    "ask",
    "describe_error",
    "fold_name",
    "hookimpl",
    "hookspec",
    "import_optional",
    "is_view",
    "match_name",
    "no_progress",
    "requiring",
    "scenegraph",
    "scoring",
    "seeded_rng",
    "suggest_names",
]
