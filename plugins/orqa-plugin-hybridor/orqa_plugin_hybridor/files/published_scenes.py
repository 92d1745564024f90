"""Writes takes as scenes of the HybridOR release: a descriptor and a few views each, all in one folder (datasets.md 6).

What the reader has to see through is always there: MM-OR's descriptors have the whole sample id where a frame should
be, and there is a descriptor without any view, which is no scene. What a scene cannot carry is left out: other sensors
and labels than views and attributes, and cameras that the imitated dataset does not show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_registry import CallError, Take, Timepoint


@frozen
class ImitatedDataset:
    """Which dataset a take imitates, by the end of its name. cameras: those that its scenes show, in their order."""

    dataset: str
    suffix: str
    cameras: tuple[int, ...]
    frame_has_take: bool


IMITATED_DATASETS = (
    ImitatedDataset("4D-OR", "_4DOR", (2, 1, 3, 5), frame_has_take=False),
    ImitatedDataset("MM-OR", "_MMOR", (1, 4, 5, 2, 3), frame_has_take=True),
)

FOURDOR_TAKES = ("001", "003", "005", "007", "009", "010")
MMOR_TAKES = ("001_PKA", "003_TKA", "005_TKA", "006_PKA", "008_PKA", "010_PKA")
IMITATED_TAKES: tuple[tuple[str, str], ...] = tuple(
    ("train", f"{name}{kind.suffix}")
    for pair in zip(FOURDOR_TAKES, MMOR_TAKES, strict=True)
    for kind, name in zip(IMITATED_DATASETS, pair, strict=True)
)
"""Scenes always imitate timepoints of training takes."""

SCENES_PER_FRAME, FRAME_COUNT = 2, 300
_STEM_PATTERN = re.compile(r"(?P<frame>\d{1,6})(_\d+)?", re.ASCII)


def scene_stems(take: str) -> list[str]:
    """Return names that the scenes of a take can have: two of each of the first frames."""
    return [f"{take}_{frame:06d}_{scene}" for frame in range(FRAME_COUNT) for scene in range(SCENES_PER_FRAME)]


def write_scenes(root: Path, takes: Sequence[Take]) -> None:
    """Write takes. Raises CallError where one imitates no dataset or is not of training, or a frame has another form.

    A timepoint's frame is the name of its scene, TAKE_000012 or TAKE_000012_1; a bare 000012 gets the take before it.
    """
    root.mkdir(parents=True, exist_ok=True)
    for take in takes:
        kind = next((kind for kind in IMITATED_DATASETS if take.name.endswith(kind.suffix)), None)
        if kind is None or take.split != "train":
            raise CallError(
                f"take {take.name!r} of {take.split}: scenes imitate training takes, 001_4DOR or 001_PKA_MMOR"
            )
        for point in take:
            if "attributes" in point.labels:
                _write_scene(root, kind, point)
    if takes:
        _write_descriptor(root, IMITATED_DATASETS[0], f"{takes[0].name}_999999", takes[0].name, "999999", {"drill": {}})


def _write_scene(root: Path, kind: ImitatedDataset, point: Timepoint) -> None:
    numbered = point.frame.removeprefix(f"{point.take}_")
    match = _STEM_PATTERN.fullmatch(numbered)
    if match is None:
        raise CallError(f"{point.key}: a scene is named {point.take}_000012 or {point.take}_000012_1")
    stem = f"{point.take}_{numbered}"
    _write_descriptor(root, kind, stem, point.take, match["frame"].zfill(6), point.labels["attributes"])
    for camera in kind.cameras:
        if f"room{camera}.jpg" in point.media:
            (root / f"{stem}_cidx{camera}.jpg").write_bytes(point.read(f"room{camera}.jpg"))


def _write_descriptor(
    root: Path, kind: ImitatedDataset, stem: str, take: str, frame: str, attributes: Mapping[str, Mapping[str, str]]
) -> None:
    objects = [{"object_type": item, **look} for item, look in attributes.items()]
    content: dict[str, Any] = {
        "take_name": take,
        "frame_id": f"{take}_{frame}" if kind.frame_has_take else frame,
        "dataset_type": kind.dataset,
        "descriptors": {f"object_{index}": item for index, item in enumerate(objects)},
    }
    (root / f"{stem}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
