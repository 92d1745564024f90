"""EgoSurgery: which takes are there, and what is known about the dataset."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from orqa_plugin_egosurgery.boxes import Image, read_boxes
from orqa_plugin_egosurgery.images import find_images, has_images
from orqa_plugin_egosurgery.names import (
    BOX_FILES,
    DATASET,
    MEDIUM,
    ORIGINS,
    SEGMENTS,
    SIZE,
    VIEW,
    box_file,
    phase_file,
    take_of,
)
from orqa_plugin_egosurgery.timepoints import Reader
from orqa_registry import CallError, Card, Check, Dataset, DataWarning, Layout, OrqaError, Piece, Take
from orqa_registry.errors import nearest
from orqa_registry.reading import settle

VARIABLE = "ORQA_EGOSURGERY_GAZE_ORIGIN"
ACCESS = "request form (Google form) linked from the homepage"
TERMS = "CC BY-NC-SA 4.0, academic use alone, no attempt to identify persons"
SMALL = (("train", "01_1"), ("train", "02_1"), ("validation", "09_1"), ("test", "04_1"))
"""The takes of a small copy: each split, and one with two takes."""
NUMBERS = (*range(124, 127), *range(129, 1600))
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
            f"gaze: y is taken to begin at the top; whether it does nobody wrote down, see {VARIABLE}=bottom",
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
        self._origin = None if gaze_origin is None else _origin(gaze_origin, "gaze_origin")

    @property
    def gaze_origin(self) -> str:
        """Where y of the gaze files begins. Raises CallError where the environment names another place."""
        return self._origin or _origin(os.environ.get(VARIABLE) or ORIGINS[0], VARIABLE)

    def home(self, root: Path) -> Path:
        """Return the folder with the files, `root` or one in it. Raises OrqaError where there is none."""
        found = settle(Path(root), _is_home) if Path(root).is_dir() else None
        if found is None:
            raise OrqaError(
                f"{DATASET}: {root} holds nothing of it: looked for annotations/bbox/by_split/tools/train.json ..., "
                f"annotations/phase/01_1.csv ... and images/01 ..., here and one folder further in. {self.card.access}"
            )
        return found

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split. Box files are parsed to know them; a take's own files once it is iterated.

        Raises OrqaError where the root holds nothing, or nothing can be known because a box file is damaged.
        """
        if split not in BOX_FILES:
            raise CallError(f"unknown split {split!r} of {DATASET}: {nearest(split, BOX_FILES)}")
        home, origin = self.home(root), self.gaze_origin
        found, damaged = _box_files(home, split)
        if found:
            names = sorted({take_of(frame) for frame in chain(*found.values())})
        else:
            names = [take for take in SEGMENTS[split] if _is_there(home, take)]
        if damaged and not names:
            raise damaged[0]
        for error in damaged:
            warnings.warn(str(error), DataWarning, stacklevel=2)
        kinds = {kind: _by_take(frames) for kind, frames in found.items()}
        for name in names:
            boxes = {kind: takes.get(name, {}) for kind, takes in kinds.items()}
            reader = Reader(home, split, name, origin, boxes.get("tools"), boxes.get("hands"))
            yield Take(DATASET, split, name, reader)

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield the known numbers: images and boxes of each file, segments, images with a phase.

        A damaged file is found `damaged`. Raises OrqaError where the root holds nothing.
        """
        from orqa_plugin_egosurgery.checks import checks

        return checks(self.home(root))

    def layout(self) -> Layout:
        """Return how these files are written."""
        from orqa_plugin_egosurgery.writer import write

        everything = [(split, take) for split, takes in SEGMENTS.items() for take in takes]
        others = (one for one in everything if one not in SMALL)
        return Layout(
            takes=(*SMALL, *others),
            write=partial(write, gaze_origin=self.gaze_origin),
            sizes={VIEW: SIZE},
            frames={take: [f"{take}_{number:04d}" for number in NUMBERS] for _, take in everything},
        )


def _origin(value: str, where: str) -> str:
    if value not in ORIGINS:
        raise CallError(f"{where} is {' or '.join(ORIGINS)}, not {value!r}")
    return value


def _is_home(folder: Path) -> bool:
    boxes = (box_file(folder, kind, split) for kind in ("tools", "hands") for split in BOX_FILES)
    takes = [take for segments in SEGMENTS.values() for take in segments]
    phases = (phase_file(folder, take) for take in takes)
    return any(map(Path.is_file, chain(boxes, phases))) or any(has_images(folder, take) for take in takes)


def _is_there(home: Path, take: str) -> bool:
    return phase_file(home, take).is_file() or bool(find_images(home, take))


def _box_files(home: Path, split: str) -> tuple[dict[str, dict[str, Image]], list[OrqaError]]:
    """Return kind -> frame -> boxes of the box files that are there, and what is wrong with those that are damaged."""
    found: dict[str, dict[str, Image]] = {}
    damaged: list[OrqaError] = []
    for kind in ("tools", "hands"):
        path = box_file(home, kind, split)
        try:
            if path.is_file():
                found[kind] = read_boxes(path)
        except OrqaError as error:
            damaged.append(error)
    return found, damaged


def _by_take(frames: Mapping[str, Image]) -> dict[str, dict[str, Image]]:
    takes: dict[str, dict[str, Image]] = {}
    for frame, image in frames.items():
        takes.setdefault(take_of(frame), {})[frame] = image
    return takes
