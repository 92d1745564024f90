"""Reads the published question sets, `final_qa_pairs_SPLIT_SIZE.json` (protocol.md 5, 9.4; datasets.md 0.3, 6, 7)."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Any, TypeVar

from attrs import define, field

from orqa_registry import scenes
from orqa_registry.errors import DataWarning, OrqaError, match
from orqa_registry.exchange.entries import entries
from orqa_registry.exchange.orqa import scene_of
from orqa_registry.exchange.sets import CONCISELY
from orqa_registry.plugin import Dataset, Task
from orqa_registry.records import Timepoint, is_view
from orqa_registry.registry import Registry

WORST = 0.1
"""The share of damaged records from which on a file is refused: it is something else."""

ENOUGH = 1000
"""Records after which that can be told before the end."""

TRAIN = "_train"
"""What reports of the original append to the dataset of a question about a scene (defect D17)."""

_WORDS = ("dataset", "take_name", "question", "answer", "_question_type", "_question", "_answer")
_SAMPLE_ID = re.compile(r"(?P<take>.+_(?:4DOR|MMOR))_(?P<frame>[^_]+)")
_FILE = re.compile(r"final_qa_pairs_(?P<split>[a-z]+)_.*")

Thing = TypeVar("Thing")

Known = Mapping[tuple[str, str], Timepoint]
"""Take and frame -> timepoint, of one dataset."""


@define
class Tally:
    """What was in a file. records: by dataset as it is reported, and task. repaired: frames that held the take (D29).

    damaged: records left out. unknown: records left out because no plugin has their dataset or task, by its name.
    absent: records of timepoints that are not in the folder of their dataset, where one was given.
    """

    read: int = 0
    records: Counter[tuple[str, str]] = field(factory=Counter)
    repaired: int = 0
    damaged: int = 0
    unknown: Counter[str] = field(factory=Counter)
    absent: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        cells = [{"dataset": name, "task": task, "records": n} for (name, task), n in sorted(self.records.items())]
        counts = {"repaired": self.repaired, "damaged": self.damaged, "absent": self.absent}
        return {"read": self.read, "written": self.records.total(), **counts, "unknown": self.unknown, "cells": cells}


class UnknownError(OrqaError):
    """A record is of a dataset or task that no plugin has; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@define
class Published:
    """A published file. known: dataset -> its timepoints, of those datasets whose folder is at hand.

    read: is told how many bytes were read so far.
    """

    path: Path
    registry: Registry
    known: Mapping[str, Known] = field(factory=dict)
    read: Callable[[int], None] = lambda _: None
    tally: Tally = field(factory=Tally)
    _datasets: dict[str, Dataset] = field(factory=dict, init=False)
    _tasks: dict[str, Task] = field(factory=dict, init=False)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield a line of ours for each record, as `export --format jsonl` writes it; `tally` counts meanwhile.

        A damaged record is warned of, by its place in the file, and left out. Raises OrqaError where the file cannot
        be read, holds nothing, or mostly something else.
        """
        for place, record in entries(self.path, self.read):
            self.tally.read += 1
            try:
                line = self._line(record)
            except UnknownError as error:
                self.tally.unknown[error.what] += 1
                continue
            except (KeyError, TypeError, ValueError) as error:
                self._damaged(place, error)
                continue
            self.tally.records[line["report"], line["task"]] += 1
            yield line
        if self.tally.read == 0:
            raise OrqaError(f"{self.path}: holds no record")
        self._check(self.tally.read)

    def _damaged(self, place: int, error: Exception) -> None:
        self.tally.damaged += 1
        why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        warnings.warn(f"{self.path}: entry {place} was left out: {why}", DataWarning, stacklevel=3)
        self._check(ENOUGH)

    def _check(self, least: int) -> None:
        damaged, read = self.tally.damaged, self.tally.read
        if read >= least and damaged > WORST * read:
            raise OrqaError(
                f"{self.path}: {damaged} of {read} records are damaged: expected a list of objects with "
                f"{', '.join((*_WORDS, 'frame_id'))}, as in final_qa_pairs_val_1000.json"
            )

    def _line(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, dict):
            raise TypeError(f"an object was expected, not {type(record).__name__}")
        words = {name: _text(record[name], name) for name in _WORDS}
        dataset = self._dataset(words["dataset"].removesuffix(TRAIN))
        task = self._task(words["_question_type"])
        arguments, images = _arguments(task, words["_question"]), _images(record)
        take, frame = self._repaired(words["take_name"], _frame(record["frame_id"]))
        synthetic = "attributes" in task.needs or "new_image_paths" in record or words["dataset"].endswith(TRAIN)
        if synthetic:
            scene = scene_of(images)
            take, frame = take + scenes.SUFFIX, scene[1] if scene else frame
        point = self.known.get(dataset.name, {}).get((take, frame))
        self.tally.absent += point is None and dataset.name in self.known
        view = _view(point, images) if point is not None and not synthetic and images else None
        return {
            "dataset": dataset.name,
            "split": point.split if point else "train" if synthetic else self._split(dataset, take),
            "take": take,
            "frame": frame,
            "task": task.name,
            "arguments": arguments,
            "question": words["_question"],
            "answer": words["_answer"],
            "view": view,
            "weight": 1.0,
            "text": words["question"].removesuffix(CONCISELY),
            "said": words["answer"],
            "concise": words["question"].endswith(CONCISELY),
            "truths": [words["_answer"]],
            "images": _files(point, view) if point else images,
            "report": dataset.name + TRAIN * synthetic,
        }

    def _dataset(self, name: str) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = _meant("dataset", name, self.registry.datasets)
        return self._datasets[name]

    def _task(self, name: str) -> Task:
        if name not in self._tasks:
            self._tasks[name] = _meant("task", name, self.registry.tasks)
        return self._tasks[name]

    def _repaired(self, take: str, frame: str) -> tuple[str, str]:
        """Return take and frame where the frame holds both; the frames of EgoSurgery are meant to hold their take."""
        found = _SAMPLE_ID.fullmatch(frame)
        if found is None:
            return take, frame
        self.tally.repaired += 1
        return found["take"], found["frame"]

    def _split(self, dataset: Dataset, take: str) -> str | None:
        """Return the official split of a take, or what the file is called after."""
        found = next((split for split, takes in dataset.official.items() if take in takes), None)
        named = _FILE.fullmatch(self.path.name)
        return found or (match(named["split"], dataset.splits) if named else None)


def _meant(kind: str, name: str, known: Mapping[str, Thing]) -> Thing:
    found = match(name, known)
    if found is None:
        raise UnknownError(f"{kind} {name}")
    return known[found]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} has to be text, not {value!r}")
    return value


def _frame(value: Any) -> str:
    if type(value) is int:  # six digits, like every frame that is a number
        return f"{value:06d}"
    if not value:
        raise ValueError(f"frame_id has to name a frame, not {value!r}")
    return _text(value, "frame_id")


def _images(record: Mapping[str, Any]) -> list[str]:
    """Return the images that a record names; without any it is about all views of its timepoint."""
    several = record.get("new_image_paths")
    if several is None:
        one = record.get("image_path")
        return [] if one is None else [_text(one, "image_path")]
    if not isinstance(several, list):
        raise TypeError(f"new_image_paths has to be a list, not {several!r}")
    return [_text(one, "new_image_paths") for one in several]


def _files(point: Timepoint, view: str | None) -> list[str]:
    """Return the files of a view, or of all."""
    shown = ((name.rpartition(".")[0], medium) for name, medium in point.media.items() if is_view(name))
    return [str(medium) for name, medium in shown if view in (None, name) and isinstance(medium, Path)]


def _view(point: Timepoint, images: Sequence[str]) -> str | None:
    """Return the view whose file ends most like the image, None where none or several do."""
    wanted = PurePosixPath(images[0]).parts[::-1]
    alike: dict[int, list[str]] = {}
    for name, medium in point.media.items():
        if is_view(name) and isinstance(medium, Path):
            pairs = zip(wanted, medium.parts[::-1], strict=False)
            same = next((n for n, (one, other) in enumerate(pairs) if one != other), len(wanted))
            alike.setdefault(same, []).append(name.rpartition(".")[0])
    best = max(alike, default=0)
    return alike[best][0] if best and len(alike[best]) == 1 else None


def _arguments(task: Task, question: str) -> list[str]:
    """Return what a canonical question names. Raises ValueError where it does not read as the task asks."""
    found = _pattern(task.question).fullmatch(question)
    if found is None:
        raise ValueError(f"{question!r} does not read as {task.name} asks: {task.question!r}")
    return list(found.groups())


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    """Return what matches a canonical wording; an argument that occurs again has to be the same."""
    parts, seen = [], set()
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)
