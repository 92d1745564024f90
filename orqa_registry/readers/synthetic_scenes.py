"""Scenes of the HybridOR release: views of a real timepoint with things of other looks put in (datasets.md 6).

Each scene imitates a timepoint of 4D-OR or MM-OR, so three datasets read them: HybridOR as they are, and the other two
as takes of their own, beside what their sensors gave at that timepoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from orqa_registry.data.card import Piece
from orqa_registry.data.records import Take, Timepoint
from orqa_registry.errors import OrqaError, fold_name
from orqa_registry.readers.io import list_files, read_json, read_or_warn

SCENE_FOLDER = "synthetic_mv_hybridor"
SCENE_PLACES = (SCENE_FOLDER, f"synthetic_dataset_generation/{SCENE_FOLDER}", "")
"""Where the scenes lie: in a folder of their own, where ORQA wants it, or bare."""

SCENE_ATTRIBUTES = ("color", "shape", "size", "texture")
SCENE_TAKE_SUFFIX = "_HybridOR"
"""What the name of a take gets that was made of scenes."""

SCENE_PIECE = Piece(
    "synthetic scenes",
    f"{SCENE_FOLDER}/STEM.json and STEM_cidxCAMERA.jpg",
    facets=("attributes",),
    access="synthetic_mv_hybridor.zip at huggingface.co/datasets/egeozsoy/ORQA, unpacked into the folder",
    terms="not stated",
)
"""What 4D-OR and MM-OR say about scenes that lie beside their takes."""

_VIEW = re.compile(r"(?P<stem>.+)_cidx(?P<camera>\d{1,2})\.jpg", re.ASCII)


@frozen
class Scene:
    """One scene. stem: its name in the folder. dataset, take, frame: what it imitates. views: `room2.jpg` -> file."""

    stem: str
    dataset: str
    take: str
    frame: str
    attributes: Mapping[str, Mapping[str, str]]
    views: Mapping[str, Path]


def find_scenes(home: Path) -> Path | None:
    """Return the folder of scenes, one of SCENE_PLACES in `home`; None where there is none."""
    for folder in map(home.joinpath, SCENE_PLACES):
        if folder.is_dir() and any(_VIEW.fullmatch(path.name) for path in folder.glob("*_cidx*.jpg")):
            return folder
    return None


def scene_root(home: Path, root: Path) -> Path:
    """Return where a dataset's scenes lie: in its home, or in the folder that was given, around it."""
    return root if find_scenes(home) is None and find_scenes(root) is not None else home


def read_scenes(folder: Path) -> list[Scene]:
    """Return the scenes of a folder by take and frame. One without any view is none; a damaged one is warned of."""
    files = list_files(folder)
    views: dict[str, dict[int, Path]] = {}
    for name, path in files.items():
        if match := _VIEW.fullmatch(name):
            views.setdefault(match["stem"], {})[int(match["camera"])] = path
    scenes = []
    for stem in sorted(views):
        if f"{stem}.json" in files:
            scene_views = {f"room{camera}.jpg": path for camera, path in sorted(views[stem].items())}
            scene = read_or_warn(_read, files[f"{stem}.json"], stem, scene_views)
            if scene is not None:
                scenes.append(scene)
    return sorted(scenes, key=lambda scene: (scene.dataset, scene.take, scene.frame, scene.stem))


def _read(path: Path, stem: str, views: Mapping[str, Path]) -> Scene:
    raw = read_json(path)
    try:
        dataset, take = _check_name(raw["dataset_type"]), _check_name(raw["take_name"])
        frame = raw["frame_id"]
        frame = f"{frame:06d}" if type(frame) is int else _check_name(frame)
        if "_" in frame:  # some descriptors hold the whole sample id (defect D29)
            take, frame = map(_check_name, frame.rsplit("_", 1))
        return Scene(stem, dataset, take, frame, _merge_attributes(raw["descriptors"].values()), views)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OrqaError(
            f"{path}: expected take_name, frame_id, dataset_type and descriptors: {type(error).__name__}: {error}"
        ) from error


def _check_name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"a name was expected, not {value!r}")
    return value


def _merge_attributes(descriptors: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return thing -> attribute -> value; where two things of one type differ, the question has no one answer."""
    by_thing: dict[str, dict[str, set[str]]] = {}
    for descriptor in descriptors:
        merged = by_thing.setdefault(_check_name(descriptor["object_type"]), {})
        for attribute in SCENE_ATTRIBUTES:
            if isinstance(descriptor.get(attribute), str):
                merged.setdefault(attribute, set()).add(descriptor[attribute])
    return {
        thing: {attribute: next(iter(values)) for attribute, values in attributes.items() if len(values) == 1}
        for thing, attributes in by_thing.items()
    }


def scene_takes(home: Path, dataset: str, split: str, real: Iterable[Take]) -> Iterator[Take]:
    """Yield the takes that scenes in `home` add to a dataset: named TAKE_HybridOR, one for each of its `real` takes.

    A timepoint has the views of the scene, the other sensors of the real timepoint, and the facet `attributes` alone.
    """
    folder = find_scenes(home)
    scenes = (
        [scene for scene in read_scenes(folder) if fold_name(scene.dataset) == fold_name(dataset)] if folder else []
    )
    for take in real:
        take_scenes = [scene for scene in scenes if scene.take == take.name]
        if take_scenes:
            yield Take(dataset, split, take.name + SCENE_TAKE_SUFFIX, partial(_read_beside, take_scenes, take))


def _read_beside(scenes: Iterable[Scene], take: Take) -> Iterator[Timepoint]:
    frames = {scene.frame for scene in scenes}
    real_points = {point.frame: point for point in take if point.frame in frames}
    for index, scene in enumerate(scenes):
        sensors = real_points[scene.frame].media if scene.frame in real_points else {}
        others = {name: medium for name, medium in sensors.items() if not name.endswith((".jpg", ".png"))}
        point = scene_timepoint(scene, take.dataset, take.split, take.name + SCENE_TAKE_SUFFIX, index)
        yield evolve(point, media={**point.media, **others})


def scene_timepoint(scene: Scene, dataset: str, split: str, take: str, index: int) -> Timepoint:
    """Return a scene as a timepoint without a clock; its frame is its stem, for a frame can have several scenes."""
    return Timepoint(dataset, split, take, scene.stem, index, None, scene.views, {"attributes": scene.attributes})
