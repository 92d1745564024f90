"""orqa-registry: operating-room datasets and question types, as plugins of one registry.

    from orqa_registry import Registry

    registry = Registry.load()
    dataset = registry.dataset("4D-OR")
    for take in dataset.takes(root, "validation"):
        timeline = take.timeline()
        for timepoint in take:
            for task, questions in ask(timepoint, timeline, registry.fitting(dataset)): ...

Plugins may rely on what is here, and on the modules asking, draws, exchange, facets, formats, image, media, memory,
prompts, reading, records, room, sampling, scenegraph, scenes, scoring, segmentation, timeline, vocabulary, writing,
cli.late, cli.roots and cli.show. Importing it does nothing else.
"""

from orqa_registry import scenegraph, scoring
from orqa_registry.asking import ask
from orqa_registry.cards import Card, Check, Layout, Piece
from orqa_registry.errors import CallError, DataWarning, MissingLibraryError, OrqaError
from orqa_registry.hooks import hookimpl, hookspec
from orqa_registry.labels import Labels
from orqa_registry.plugin import RARE, Answerer, Dataset, Setting, Task
from orqa_registry.records import Asked, Box, Moment, Question, Take, Timepoint, Triplet
from orqa_registry.registry import Problem, Registry
from orqa_registry.timeline import Timeline

__all__ = [
    "RARE",
    "Answerer",
    "Asked",
    "Box",
    "CallError",
    "Card",
    "Check",
    "DataWarning",
    "Dataset",
    "Labels",
    "Layout",
    "MissingLibraryError",
    "Moment",
    "OrqaError",
    "Piece",
    "Problem",
    "Question",
    "Registry",
    "Setting",
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
