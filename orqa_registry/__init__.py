"""orqa-registry: operating-room datasets and question types, as plugins of one registry.

    from orqa_registry import Registry

    registry = Registry.load()
    dataset = registry.dataset("4D-OR")
    for take in dataset.takes(root, "validation"):
        timeline = take.timeline()
        for timepoint in take:
            for task, questions in ask(timepoint, timeline, registry.fitting_tasks(dataset)): ...

Plugins may rely on what is here, and on the modules asking, draws, exchange, facets, formats, image, media, memory,
prompts, reading, records, room, sampling, scenegraph, scenes, scoring, segmentation, timeline, vocabulary, writing,
cli.late, cli.roots and cli.show. Importing it does nothing else.
"""

from orqa_registry.answerer import Answerer, AnswererSetting
from orqa_registry.data import scenegraph
from orqa_registry.data.card import Card, Check, Layout, Piece
from orqa_registry.data.dataset import Dataset
from orqa_registry.data.lazy import LazyLabels
from orqa_registry.data.records import Box, Take, Timepoint, Triplet
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import CallError, DataWarning, MissingLibraryError, OrqaError
from orqa_registry.hooks import hookimpl, hookspec
from orqa_registry.questions import scoring
from orqa_registry.questions.ask import ask
from orqa_registry.questions.question import AskedQuestion, Moment, Question
from orqa_registry.questions.task import RARE_WEIGHT, Task
from orqa_registry.registry import Problem, Registry

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
    "Layout",
    "LazyLabels",
    "MissingLibraryError",
    "Moment",
    "OrqaError",
    "Piece",
    "Problem",
    "Question",
    "Registry",
    "Take",
    "Task",
    "Timeline",
    "Timepoint",
    "Triplet",
    "ask",
    "hookimpl",
    "hookspec",
    "scenegraph",
    "scoring",
]
