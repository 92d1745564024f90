"""EgoSurgery: which takes are there, and what is known about the dataset."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from orqa_plugin_egosurgery.image_files import find_images, has_images
from orqa_plugin_egosurgery.names import (
    BOX_FILES,
    DATASET,
    IMAGE_SIZE,
    MEDIUM,
    ORIGINS,
    SEGMENTS,
    VIEW,
    box_file,
    frame_take,
    phase_file,
)
from orqa_registry import CallError, Card, Check, Dataset, DataWarning, Layout, OrqaError, Piece, Take, suggest_names
from orqa_registry.readers.io import find_home

if TYPE_CHECKING:
    from orqa_plugin_egosurgery.coco_reader import FrameBoxes

ORIGIN_VARIABLE = "ORQA_EGOSURGERY_GAZE_ORIGIN"
ACCESS = "request form (Google form) linked from the homepage"
TERMS = "CC BY-NC-SA 4.0, academic use alone, no attempt to identify persons"
SMALL_COPY_TAKES = (("train", "01_1"), ("train", "02_1"), ("validation", "09_1"), ("test", "04_1"))
"""The takes of a small copy: each split, and one with two takes."""
FRAME_NUMBERS = (*range(124, 127), *range(129, 1600))
"""Frame numbers of a copy: they begin anywhere, and some are missing."""


class EgoSurgery(Dataset):
    """Open surgery seen by the surgeon: 22 segments of 15 videos, 15,437 frames, one every two seconds.

    gaze_origin: where y of the gaze files begins, `top` or `bottom`; else what ORQA_EGOSURGERY_GAZE_ORIGIN says, else
    `top`. The gaze facet has its origin at the top left in any case.
    """

    name = DATASET
    card = Card(
        title="EgoSurgery: phases, gaze, surgical tools and hands in egocentric videos of open surgery",
        licence=TERMS,
        access=f"{ACCESS}; unpack so that DIR holds images, annotations and gaze",
        homepage="https://github.com/Fujiry0/EgoSurgery",
        citation="Fujii et al., EgoSurgery-Phase, MICCAI 2024; Fujii et al., EgoSurgery-Tool, 2024",
        size="22 takes, 15,437 timepoints",
        notes=(
            "splits are those of the box files (EgoSurgery-Tool), as in ORQA; the phase paper splits otherwise",
            "a hand file leaves out frames without hands; a frame that no tool file lists is not annotated",
            f"gaze: y is taken to begin at the top; whether it does nobody wrote down, see {ORIGIN_VARIABLE}=bottom",
            "without box files: frames and phases of the official segments, also those that were never boxed",
            "boxes and entities need both box files of a split: absent where one of them is missing or damaged",
        ),
    )
    provides = frozenset({"clock", "actions", "tools", "entities", "boxes", "gaze"})
    media = {MEDIUM: "head-mounted camera of the surgeon, 1920x1080"}
    official = SEGMENTS
    pieces = (
        Piece("images", "images/VV/VV_S_NNNN.jpg", (MEDIUM,), (), ACCESS, TERMS),
        Piece(
            "tool boxes",
            "annotations/bbox/by_split/tools/{train,val,test}.json",
            (),
            ("tools", "entities", "boxes"),
            ACCESS,
            TERMS,
            "annotations/bbox/by_split/tools/*.json",
        ),
        Piece(
            "hand boxes",
            "annotations/bbox/by_split/hands/{train,val,test}.json",
            (),
            ("entities", "boxes"),
            ACCESS,
            TERMS,
            "annotations/bbox/by_split/hands/*.json",
        ),
        Piece("phases", "annotations/phase/VV_S.csv", (), ("actions",), ACCESS, TERMS),
        Piece("gaze", "gaze/VV_S.csv", (), ("gaze",), ACCESS, TERMS),
    )

    def __init__(self, gaze_origin: str | None = None) -> None:
        self._origin = None if gaze_origin is None else _check_origin(gaze_origin, "gaze_origin")

    @property
    def gaze_origin(self) -> str:
        """Where y of the gaze files begins. Raises CallError where the environment names another place."""
        return self._origin or _check_origin(os.environ.get(ORIGIN_VARIABLE) or ORIGINS[0], ORIGIN_VARIABLE)

    def home(self, root: Path) -> Path:
        """Return the folder with the files, `root` or one in it. Raises OrqaError where there is none."""
        home = find_home(Path(root), _is_home) if Path(root).is_dir() else None
        if home is None:
            raise OrqaError(
                f"{DATASET}: {root} holds nothing of it: looked for annotations/bbox/by_split/tools/train.json ..., "
                f"annotations/phase/01_1.csv ... and images/01 ..., here and one folder further in. {self.card.access}"
            )
        return home

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split. Box files are parsed to know them; a take's own files once it is iterated.

        Raises OrqaError where the root holds nothing, or nothing can be known because a box file is damaged.
        """
        from orqa_plugin_egosurgery.take_reader import TakeReader  # listing datasets needs no reader

        if split not in BOX_FILES:
            raise CallError(f"unknown split {split!r} of {DATASET}: {suggest_names(split, BOX_FILES)}")
        home, origin = self.home(root), self.gaze_origin
        boxes_by_kind, errors = _read_box_files(home, split)
        if boxes_by_kind:
            take_names = sorted({frame_take(frame) for frame in chain(*boxes_by_kind.values())})
        else:
            take_names = [take for take in SEGMENTS[split] if _has_take(home, take)]
        if errors and not take_names:
            raise errors[0]
        for error in errors:
            warnings.warn(str(error), DataWarning, stacklevel=2)
        takes_by_kind = {kind: _group_by_take(frames) for kind, frames in boxes_by_kind.items()}
        for name in take_names:
            take_boxes = {kind: takes.get(name, {}) for kind, takes in takes_by_kind.items()}
            reader = TakeReader(home, split, name, origin, take_boxes.get("tools"), take_boxes.get("hands"))
            yield Take(DATASET, split, name, reader)

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield the known numbers: images and boxes of each file, segments, images with a phase.

        A damaged file is found `damaged`. Raises OrqaError where the root holds nothing.
        """
        from orqa_plugin_egosurgery.checks import checks

        return checks(self.home(root))

    def layout(self) -> Layout:
        """Return how these files are written."""
        from orqa_plugin_egosurgery.writer import write_takes

        all_takes = [(split, take) for split, takes in SEGMENTS.items() for take in takes]
        other_takes = (take for take in all_takes if take not in SMALL_COPY_TAKES)
        return Layout(
            takes=(*SMALL_COPY_TAKES, *other_takes),
            write=partial(write_takes, gaze_origin=self.gaze_origin),
            sizes={VIEW: IMAGE_SIZE},
            frames={take: [f"{take}_{number:04d}" for number in FRAME_NUMBERS] for _, take in all_takes},
        )


def _check_origin(value: str, where: str) -> str:
    if value not in ORIGINS:
        raise CallError(f"{where} is {' or '.join(ORIGINS)}, not {value!r}")
    return value


def _is_home(folder: Path) -> bool:
    box_files = (box_file(folder, kind, split) for kind in ("tools", "hands") for split in BOX_FILES)
    takes = [take for segments in SEGMENTS.values() for take in segments]
    phase_files = (phase_file(folder, take) for take in takes)
    return any(map(Path.is_file, chain(box_files, phase_files))) or any(has_images(folder, take) for take in takes)


def _has_take(home: Path, take: str) -> bool:
    return phase_file(home, take).is_file() or bool(find_images(home, take))


def _read_box_files(home: Path, split: str) -> tuple[dict[str, dict[str, FrameBoxes]], list[OrqaError]]:
    """Return kind -> frame -> boxes of the box files that are there, and what is wrong with those that are damaged."""
    from orqa_plugin_egosurgery.coco_reader import read_boxes

    boxes_by_kind: dict[str, dict[str, FrameBoxes]] = {}
    errors: list[OrqaError] = []
    for kind in ("tools", "hands"):
        path = box_file(home, kind, split)
        try:
            if path.is_file():
                boxes_by_kind[kind] = read_boxes(path)
        except OrqaError as error:
            errors.append(error)
    return boxes_by_kind, errors


def _group_by_take(frames: Mapping[str, FrameBoxes]) -> dict[str, dict[str, FrameBoxes]]:
    takes: dict[str, dict[str, FrameBoxes]] = {}
    for frame, boxes in frames.items():
        takes.setdefault(frame_take(frame), {})[frame] = boxes
    return takes
