"""Names and places in EgoSurgery's layout (datasets.md 5), for the reader and the writer alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

DATASET = "EgoSurgery"
VIEW = "ego"
MEDIUM = "ego.jpg"
IMAGE_SIZE = (1920, 1080)
"""Width and height of every frame in pixels."""

FRAME_SECONDS = 2.0
"""From one frame number to the next: frames are sampled at 0.5 a second."""

BOX_FILES: Mapping[str, str] = {"train": "train.json", "validation": "val.json", "test": "test.json"}

SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "train": (
        *("01_1", "02_1", "03_2", "06_1", "06_2", "08_1", "08_2"),
        *("11_1", "12_1", "13_1", "14_1", "14_2", "15_1"),
    ),
    "validation": ("09_1", "10_1", "10_2"),
    "test": ("04_1", "04_2", "05_1", "05_2", "07_1", "07_2"),
}
"""Split -> takes, a segment of a video each (datasets.md 5.4)."""

TOOL_CLASSES: tuple[str, ...] = (
    "Bipolar Forceps",
    "Electric Cautery",
    "Forceps",
    "Gauze",
    "Hook",
    "Mouth Gag",
    "Needle Holders",
    "Raspatory",
    "Retractor",
    "Scalpel",
    "Scissors",
    "Skewer",
    "Suction Cannula",
    "Syringe",
    "Tweezers",
)
"""Categories of the tool files, ids from 0. The reader takes names and ids from the files."""

HANDS: tuple[str, ...] = ("Own hands left", "Own hands right", "Other hands left", "Other hands right")
"""Categories of the hand files, ids from 1."""

PHASES: tuple[str, ...] = (
    "disinfection",
    "design",
    "anesthesia",
    "incision",
    "dissection",
    "hemostasis",
    "irrigation",
    "closure",
    "dressing",
)
"""What is done, in the order of a procedure. The reader takes whatever word the phase files have."""

PHASE_COLUMNS = ("Frame", "Phase")
GAZE_COLUMNS = ("Frame", "norm_pos_x", "norm_pos_y")

ORIGINS = ("top", "bottom")
"""Where y of the gaze file begins. Which of them it is nobody wrote down (datasets.md 5.3)."""

TAKE_NAME = re.compile(r"[0-9]{2}_[0-9]{1,3}", re.ASCII)
FRAME_NAME = re.compile(rf"({TAKE_NAME.pattern})_([0-9]{{4}}|[1-9][0-9]{{4,6}})", re.ASCII)
"""VV_S_NNNN. A number has one spelling, so that the order inside a take is never a tie."""


def parse_frame(name: object) -> str | None:
    """Return the frame that a file name or a cell means, `08_1_0160`, or None; folders before it do not matter."""
    if not isinstance(name, str):
        return None
    file_name = name.strip().replace("\\", "/").rpartition("/")[2]
    stem = file_name.rpartition(".")[0] or file_name
    return stem if FRAME_NAME.fullmatch(stem) else None


def frame_take(frame: str) -> str:
    """Return the take of a frame: what stands before the last underscore."""
    return frame.rpartition("_")[0]


def frame_number(frame: str) -> int:
    """Return the number of a frame in its take, what stands after the last underscore."""
    return int(frame.rpartition("_")[2])


def display_name(category: str) -> str:
    """Return a category as answers write it: `Needle_Holders` -> `needle holders`."""
    return category.strip().lower().replace("_", " ")


def box_file(home: Path, kind: str, split: str) -> Path:
    """Return where the boxes of a split lie; kind: tools or hands."""
    return home / "annotations" / "bbox" / "by_split" / kind / BOX_FILES[split]


def phase_file(home: Path, take: str) -> Path:
    """Return where the phases of a take lie."""
    return home / "annotations" / "phase" / f"{take}.csv"


def gaze_file(home: Path, take: str) -> Path:
    """Return where the gaze of a take lies."""
    return home / "gaze" / f"{take}.csv"


def image_folder(home: Path, take: str) -> Path:
    """Return the folder of a take's video, which holds the frames of all its segments."""
    return home / "images" / take.partition("_")[0]
