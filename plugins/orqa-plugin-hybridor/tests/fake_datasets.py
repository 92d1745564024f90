"""Datasets that are not there, what the simulator makes of them, and ways to open it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from orqa_plugin_hybridor.copies.copied_take import CopyOptions, copy_takes
from orqa_registry import Card, Dataset, Layout, Take, Timepoint
from orqa_registry.data import facets

SIZE = 96

ROOMS = [f"room{number}" for number in range(1, 7)]
CLOSE = ["detail0", "detail2", "detail3"]
NEVER = ["smell.txt", "room9.heat.png"]
"""What no sensor of ours gives."""


class Somewhere(Dataset):
    """Everything that a sensor can give, in one room."""

    name = "Some-Where"
    card = Card("t", "l", "a")
    provides = frozenset(facets.FACETS) - {"gaze"}
    splits = ("train", "test")
    media: Mapping[str, str] = {
        **{f"{view}.jpg": "" for view in (*ROOMS, *CLOSE, "trackercam", "screen")},
        **{f"{view}.mask.png": "" for view in ("detail0", "room1", "room4", "room5")},
        **{f"{view}.depth.png": "" for view in ("room1", "room2")},
        **{f"lowres{index}.mask.png": "" for index in range(3)},
        **{f"{view}.keypoints.json": "" for view in ("room1", "room3")},
        **dict.fromkeys(("points.npy", "segments.npy", "audio.mp3", "audio.flac", "clap.npy", "speech.txt"), ""),
        **dict.fromkeys(("robot.json", "tracker.json", "calibration.json", "poses.json"), ""),
        **dict.fromkeys(NEVER, ""),
    }

    def __init__(self, layout: Layout | None = None) -> None:
        self.given: list[Take] = []
        self._layout = layout or Layout((("train", "a"), ("test", "b"), ("train", "c")), self.write)

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        yield from ()

    def layout(self) -> Layout | None:
        return self._layout

    def write(self, root: Path, takes: Sequence[Take]) -> None:
        self.given = list(takes)
        for take in takes:
            for point in take:
                folder = root / take.split / take.name / point.frame
                folder.mkdir(parents=True)
                (folder / "labels.txt").write_text(repr(sorted(dict(point.labels).items())))
                for medium in point.media:
                    (folder / medium).write_bytes(point.read(medium))


class OnHead(Somewhere):
    """A camera on somebody's head, and nothing else."""

    name = "On-Head"
    provides = frozenset({"actions", "tools", "entities", "boxes", "gaze", "clock"})
    media = {"ego.jpg": ""}


class Hybrid(Somewhere):
    """A room with scanned objects, whose frame is that of a camera."""

    name = "Hybrid-Room"
    provides = frozenset({"actions", "roles", "entities", "positions"})
    media = {
        **{f"room{camera}.{kind}": "" for camera in (1, 2, 3) for kind in ("png", "depth.png", "keypoints.json")},
        **dict.fromkeys(("calibration.json", "poses.json", "objects.json", "points.npy"), ""),
    }


class Unwritten(Somewhere):
    """A dataset whose layout nobody wrote down."""

    name = "Un-Written"

    def layout(self) -> Layout | None:
        return None


def copied_timepoints(dataset: Dataset, layout: Layout, takes: int = 1, count: int = 12) -> list[list[Timepoint]]:
    options = CopyOptions(takes, count, SIZE, 3)
    return [list(take) for take in copy_takes(dataset, layout, options, lambda take, place: None)]


def picture(point: Timepoint, medium: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(point.read(medium))))


def array(point: Timepoint, medium: str) -> np.ndarray:
    return np.load(io.BytesIO(point.read(medium)), allow_pickle=False)


def parsed(point: Timepoint, medium: str) -> Any:
    return json.loads(point.read(medium))


def project_points(camera: dict[str, Any], points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Return column, row and depth of points of the world."""
    pose = np.array(camera["world_to_camera"])
    moved = np.asarray(points, dtype=float) @ pose[:3, :3].T + pose[:3, 3]
    flat = moved @ np.array(camera["intrinsics"]).T
    return np.column_stack([flat[:, :2] / flat[:, 2:], moved[:, 2]])
