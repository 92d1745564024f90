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

from orqa_registry.data.dataset import Dataset
from orqa_registry.data.records import Timepoint, is_view
from orqa_registry.errors import DataWarning, OrqaError, match_name
from orqa_registry.exchange.json_list import iterate_json_list
from orqa_registry.exchange.orqa_json import scene_of
from orqa_registry.prompts.policy import CONCISE_SUFFIX
from orqa_registry.questions.task import Task
from orqa_registry.readers import synthetic_scenes
from orqa_registry.registry import Registry

MAX_DAMAGED_SHARE = 0.1
"""The share of damaged records from which on a file is refused: it is something else."""

MIN_RECORDS = 1000
"""Records after which that can be told before the end."""

SCENE_SUFFIX = "_train"
"""What reports of the original append to the dataset of a question about a scene (defect D17)."""

_TEXT_FIELDS = ("dataset", "take_name", "question", "answer", "_question_type", "_question", "_answer")
_SAMPLE_ID = re.compile(r"(?P<take>.+_(?:4DOR|MMOR))_(?P<frame>[^_]+)")
_FILE_NAME = re.compile(r"final_qa_pairs_(?P<split>[a-z]+)_.*")

Named = TypeVar("Named")

KnownTimepoints = Mapping[tuple[str, str], Timepoint]
"""Take and frame -> timepoint, of one dataset."""


@define
class ImportCounts:
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
        cells = [
            {"dataset": name, "task": task, "records": count} for (name, task), count in sorted(self.records.items())
        ]
        counts = {"repaired": self.repaired, "damaged": self.damaged, "absent": self.absent}
        return {"read": self.read, "written": self.records.total(), **counts, "unknown": self.unknown, "cells": cells}


class UnknownError(OrqaError):
    """A record is of a dataset or task that no plugin has; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@define
class PublishedSet:
    """A published file. known: dataset -> its timepoints, of those datasets whose folder is at hand.

    read: is told how many bytes were read so far.
    """

    path: Path
    registry: Registry
    known: Mapping[str, KnownTimepoints] = field(factory=dict)
    read: Callable[[int], None] = lambda _: None
    tally: ImportCounts = field(factory=ImportCounts)
    _datasets: dict[str, Dataset] = field(factory=dict, init=False)
    _tasks: dict[str, Task] = field(factory=dict, init=False)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield a line of ours for each record, as `export --format jsonl` writes it; `tally` counts meanwhile.

        A damaged record is warned of, by its place in the file, and left out. Raises OrqaError where the file cannot
        be read, holds nothing, or mostly something else.
        """
        for index, record in iterate_json_list(self.path, self.read):
            self.tally.read += 1
            try:
                line = self._build_line(record)
            except UnknownError as error:
                self.tally.unknown[error.what] += 1
                continue
            except (KeyError, TypeError, ValueError) as error:
                self._count_damaged(index, error)
                continue
            self.tally.records[line["report"], line["task"]] += 1
            yield line
        if self.tally.read == 0:
            raise OrqaError(f"{self.path}: holds no record")
        self._check_damage(self.tally.read)

    def _count_damaged(self, index: int, error: Exception) -> None:
        self.tally.damaged += 1
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        warnings.warn(f"{self.path}: entry {index} was left out: {reason}", DataWarning, stacklevel=3)
        self._check_damage(MIN_RECORDS)

    def _check_damage(self, least: int) -> None:
        damaged, read = self.tally.damaged, self.tally.read
        if read >= least and damaged > MAX_DAMAGED_SHARE * read:
            raise OrqaError(
                f"{self.path}: {damaged} of {read} records are damaged: expected a list of objects with "
                f"{', '.join((*_TEXT_FIELDS, 'frame_id'))}, as in final_qa_pairs_val_1000.json"
            )

    def _build_line(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, dict):
            raise TypeError(f"an object was expected, not {type(record).__name__}")
        words = {name: _check_text(record[name], name) for name in _TEXT_FIELDS}
        dataset = self._find_dataset(words["dataset"].removesuffix(SCENE_SUFFIX))
        task = self._find_task(words["_question_type"])
        arguments, images = _parse_arguments(task, words["_question"]), _list_images(record)
        take, frame = self._repair_frame(words["take_name"], _parse_frame(record["frame_id"]))
        synthetic = "attributes" in task.needs or "new_image_paths" in record or words["dataset"].endswith(SCENE_SUFFIX)
        if synthetic:
            scene = scene_of(images)
            take, frame = take + synthetic_scenes.SCENE_TAKE_SUFFIX, scene[1] if scene else frame
        point = self.known.get(dataset.name, {}).get((take, frame))
        self.tally.absent += point is None and dataset.name in self.known
        view = _find_view(point, images) if point is not None and not synthetic and images else None
        return {
            "dataset": dataset.name,
            "split": point.split if point else "train" if synthetic else self._find_split(dataset, take),
            "take": take,
            "frame": frame,
            "task": task.name,
            "arguments": arguments,
            "question": words["_question"],
            "answer": words["_answer"],
            "view": view,
            "weight": 1.0,
            "text": words["question"].removesuffix(CONCISE_SUFFIX),
            "said": words["answer"],
            "concise": words["question"].endswith(CONCISE_SUFFIX),
            "truths": [words["_answer"]],
            "images": _list_files(point, view) if point else images,
            "report": dataset.name + SCENE_SUFFIX * synthetic,
        }

    def _find_dataset(self, name: str) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = _look_up("dataset", name, self.registry.datasets)
        return self._datasets[name]

    def _find_task(self, name: str) -> Task:
        if name not in self._tasks:
            self._tasks[name] = _look_up("task", name, self.registry.tasks)
        return self._tasks[name]

    def _repair_frame(self, take: str, frame: str) -> tuple[str, str]:
        """Return take and frame where the frame holds both; the frames of EgoSurgery are meant to hold their take."""
        sample_id = _SAMPLE_ID.fullmatch(frame)
        if sample_id is None:
            return take, frame
        self.tally.repaired += 1
        return sample_id["take"], sample_id["frame"]

    def _find_split(self, dataset: Dataset, take: str) -> str | None:
        """Return the official split of a take, or what the file is called after."""
        official_split = next((split for split, takes in dataset.official.items() if take in takes), None)
        file_name = _FILE_NAME.fullmatch(self.path.name)
        return official_split or (match_name(file_name["split"], dataset.splits) if file_name else None)


def _look_up(kind: str, name: str, known: Mapping[str, Named]) -> Named:
    known_name = match_name(name, known)
    if known_name is None:
        raise UnknownError(f"{kind} {name}")
    return known[known_name]


def _check_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} has to be text, not {value!r}")
    return value


def _parse_frame(value: Any) -> str:
    if type(value) is int:  # six digits, like every frame that is a number
        return f"{value:06d}"
    if not value:
        raise ValueError(f"frame_id has to name a frame, not {value!r}")
    return _check_text(value, "frame_id")


def _list_images(record: Mapping[str, Any]) -> list[str]:
    """Return the images that a record names; without any it is about all views of its timepoint."""
    paths = record.get("new_image_paths")
    if paths is None:
        path = record.get("image_path")
        return [] if path is None else [_check_text(path, "image_path")]
    if not isinstance(paths, list):
        raise TypeError(f"new_image_paths has to be a list, not {paths!r}")
    return [_check_text(path, "new_image_paths") for path in paths]


def _list_files(point: Timepoint, view: str | None) -> list[str]:
    """Return the files of a view, or of all."""
    views = ((name.rpartition(".")[0], medium) for name, medium in point.media.items() if is_view(name))
    return [str(medium) for name, medium in views if view in (None, name) and isinstance(medium, Path)]


def _find_view(point: Timepoint, images: Sequence[str]) -> str | None:
    """Return the view whose file ends most like the image, None where none or several do."""
    parts = PurePosixPath(images[0]).parts[::-1]
    views_by_length: dict[int, list[str]] = {}
    for name, medium in point.media.items():
        if is_view(name) and isinstance(medium, Path):
            pairs = zip(parts, medium.parts[::-1], strict=False)
            length = next((index for index, (part, other) in enumerate(pairs) if part != other), len(parts))
            views_by_length.setdefault(length, []).append(name.rpartition(".")[0])
    longest = max(views_by_length, default=0)
    return views_by_length[longest][0] if longest and len(views_by_length[longest]) == 1 else None


def _parse_arguments(task: Task, question: str) -> list[str]:
    """Return what a canonical question names. Raises ValueError where it does not read as the task asks."""
    wording = _compile_pattern(task.question).fullmatch(question)
    if wording is None:
        raise ValueError(f"{question!r} does not read as {task.name} asks: {task.question!r}")
    return list(wording.groups())


@lru_cache(maxsize=256)
def _compile_pattern(template: str) -> re.Pattern[str]:
    """Return what matches a canonical wording; an argument that occurs again has to be the same."""
    parts, names = [], set()
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P={name})" if name in names else f"(?P<{name}>.+?)")
            names.add(name)
    return re.compile("".join(parts), re.DOTALL)
