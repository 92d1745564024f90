"""Names and numbers of the layout (datasets.md 2), shared by who reads and who writes."""

from __future__ import annotations

from pathlib import Path

DATASET = "4D-OR"
SPLITS = {"train": (1, 3, 5, 7, 9, 10), "validation": (4, 8), "test": (2, 6)}
TIMEPOINT_COUNTS = {1: 766, 2: 679, 3: 652, 4: 682, 5: 639, 6: 699, 7: 656, 8: 650, 9: 628, 10: 683}
"""Take -> how many timepoints the download has."""

CAMERAS = (2, 1, 3, 5, 4, 6)
"""In the order in which ORQA shows them; it leaves out the last two."""
MASK_CAMERAS = (1, 2, 5)
INDEX_FILE = "timestamp_to_pcd_and_frames_list.json"
KEYPOINTS_FILE = "2D_keypoint_annotations.json"
LOW_RES_FOLDER = "take_segmasks_per_timepoint"
JOINTS_FOLDER = "human_name_to_3D_joints"
CLOUD_FOLDERS = ("pcds_sparse", "pcds")
"""Folders of clouds, the better one to read first: ORQA uses the sparse ones."""

NANOSECONDS_PER_SECOND = 1_000_000_000
UNIT_MM = 2.0
"""Millimetres of a unit of clouds and poses."""

POSE_SCALE, POSE_LIFT = 25.0, 1000.0
"""From the annotation tool's numbers to units of the clouds: factor, and what its z is raised by (datasets.md 2.4)."""


def take_name(number: int) -> str:
    """Return the name of a take: 1 -> 001_4DOR."""
    return f"{number:03d}_4DOR"


def take_folder(home: Path, number: int) -> Path:
    """Return the folder of a take."""
    return home / f"export_holistic_take{number}_processed"


def image_name(camera: int, number: object) -> str:
    """Return the file name of a colour image; `number` is as the frame index writes it."""
    return f"camera0{camera}_colorimage-{number}.jpg"


def mask_name(camera: int, number: object) -> str:
    """Return the file name of an annotated mask."""
    return f"camera0{camera}_colorimage-{number}.png"
