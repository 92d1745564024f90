"""Question sets in the schema of the published `final_qa_pairs_SPLIT_SIZE.json` (protocol.md 5, 7.5; datasets.md 7)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from orqa_registry.data.records import Timepoint
from orqa_registry.exchange.export_set import ExportSet, write_list
from orqa_registry.prompts.policy import CONCISE_SUFFIX
from orqa_registry.questions.question_set import SampledQuestion
from orqa_registry.readers import synthetic_scenes

PUBLISHED_SPLITS = {"validation": "val"}
"""Split -> what it is called in file names of the original, where that is something else."""

_SCENE = re.compile(r"(?P<stem>.+)_cidx\d{1,2}\.jpg", re.ASCII)


def published_name(split: str, size: int) -> str:
    """Return the name of a set, as the original would give it."""
    return f"final_qa_pairs_{PUBLISHED_SPLITS.get(split, split)}_{size}"


def write_orqa_json(questions: ExportSet) -> list[Path]:
    """Write NAME.json, a list of records."""
    path = questions.file(".json")
    write_list(path, _build_records(questions))
    return [path]


def _build_records(questions: ExportSet) -> Iterator[dict[str, Any]]:
    for item in questions.drawn.items:
        point, view = item.timepoint, item.question.view
        files = list(questions.pictures.files(point, view))
        scene = scene_of(files) if view is None else None
        record = {**_build_timepoint_fields(point, scene), **_build_question_fields(item)}
        if scene is not None or view is not None:
            images = [_make_relative(questions, point, image) for image in questions.images(item)]
            if scene is not None:
                record["new_image_paths"] = images
            elif images:
                record["image_path"] = images[0]
        yield record


def _build_timepoint_fields(point: Timepoint, scene: tuple[Path, str] | None) -> dict[str, Any]:
    """Return dataset, take and frame: of a scene, those that it imitates."""
    imitated = _read_scenes(scene[0]).get(scene[1]) if scene else None
    if imitated is not None:
        return {"dataset": imitated.dataset, "take_name": imitated.take, "frame_id": imitated.frame}
    take = point.take.removesuffix(synthetic_scenes.SCENE_TAKE_SUFFIX)
    return {"dataset": point.dataset, "take_name": take, "frame_id": point.frame}


def _build_question_fields(item: SampledQuestion) -> dict[str, str]:
    return {
        "question": item.text + CONCISE_SUFFIX * item.concise,
        "answer": item.said[:1].upper() + item.said[1:],
        "_question_type": item.question.task,
        "_question": item.question.text,
        "_answer": item.answer,
    }


def scene_of(files: Sequence[Path | str]) -> tuple[Path, str] | None:
    """Return folder and stem of the scene that images are of, STEM_cidxCAMERA.jpg; None where they are of none."""
    paths = [Path(file) for file in files]
    matches = [_SCENE.fullmatch(path.name) for path in paths]
    stems = {match["stem"] for match in matches if match}
    return (paths[0].parent, stems.pop()) if all(matches) and len(stems) == 1 else None


@lru_cache(maxsize=4)
def _read_scenes(folder: Path) -> dict[str, synthetic_scenes.Scene]:
    return {scene.stem: scene for scene in synthetic_scenes.read_scenes(folder)}


def _make_relative(questions: ExportSet, point: Timepoint, image: str) -> str:
    """Return an image as seen from the folder of its dataset, where that is known."""
    home, path = questions.homes.get(point.dataset), Path(image)
    if home is not None and path.is_relative_to(os.path.abspath(home)):
        return path.relative_to(os.path.abspath(home)).as_posix()
    return image
