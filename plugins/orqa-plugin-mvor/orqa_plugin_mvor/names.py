"""What the reader and the writer of MVOR both know: names of files, cameras, joints, takes, and the room frame."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from orqa_registry.data import vocabulary

DATASET = "MVOR"
ARCHIVE_FOLDER = "camma_mvor_dataset"
"""The folder that the download wraps around its days."""

DAYS = (1, 2, 3, 4)
CAMERAS = (1, 2, 3)
DISPLAY_ORDER = (3, 1, 2)
"""Cameras in the order in which ORQA shows them."""
IMAGE_SIZE = (640, 480)
"""Width and height in pixels of every colour and depth image."""

IMAGE_KINDS = ("color", "depth")
ANNOTATION_FILE = "camma_mvor_2018.json"
ANNOTATION_PATHS = (ANNOTATION_FILE, f"annotations/{ANNOTATION_FILE}")
"""Where ORQA wants the annotation file, and where the download has it."""

CLIPS_FILE = "clips.csv"
CLIP_COLUMNS = ("Clip start", "Clip end", "Clip type", "Clip label")
FRAME_LABELS_FILE = "frame_labels.csv"
FRAME_LABEL_COLUMNS = ("Frame number", "Label")
SPLITS_FILE = "splits.json"
HUMAN_POSES_FOLDER = "human_poses_3D"
PATIENT_CENTRES_FILE = "patient_centers_GT.npz"
DUMMY_POSE_FILE = "dummy_patient_pose.json"
OBJECT_POSES_FOLDER = "object_poses_3D"
OBJECT_SCANS_FOLDER = "object_scans"
POINT_CLOUDS_FOLDER = "point_clouds"

SPLIT_BY_CLIP_LABEL: Mapping[str, str] = {"0": "train", "1": "validation", "2": "test"}
SPLIT_KEYS: Mapping[str, str] = {"train": "train", "validation": "val", "test": "test"}
"""Split -> its key in `splits.json`."""

UNLABELLED_ACTION = "out"
"""What frame_labels.csv says, in lower case, of a frame that shows no procedure."""

POSE_JOINTS = vocabulary.JOINTS[:10]
HIP_JOINTS = (4, 5)
"""The joints whose middle is the patient centre."""

PATIENT = "patient"
PERSON_FIELDS = ("bbox", "keypoints", "person_role", "person_id", "only_bbox", "face_blurred")
"""What is kept of a person annotated in an image."""

TRANSLATION_SCALE = 4000.0
"""What the translations of object poses are multiplied by to be mm (datasets.md 4.3)."""

SCAN_POINTS = 1000
"""Points of an object scan that are used, at most."""

CLOUD_POINTS = 5000
"""Points of a cloud made from depth images."""

REACH = 3500.0
"""Half a side of what counts as the room, mm (protocol R5)."""

FRAME_ID = re.compile(r"[0-9]{6}")
FRAME_NAME = re.compile(r"([0-9])_([0-9]{6})")
"""A frame as clips.csv, frame_labels.csv and splits.json write it: day and number."""

SCAN_PATH = re.compile(rf"{OBJECT_SCANS_FOLDER}/([A-Za-z0-9][A-Za-z0-9_-]*)/[A-Za-z0-9][A-Za-z0-9_-]*\.ply")

_SINE, _COSINE = math.sin(math.radians(35)), math.cos(math.radians(35))

ALIGNMENT: tuple[tuple[float, float, float, float], ...] = (
    (0.0, _SINE, -_COSINE, 2050.0),
    (0.0, -_COSINE, -_SINE, 2493.0),
    (-1.0, 0.0, 0.0, 217.0),
    (0.0, 0.0, 0.0, 1.0),
)
"""Camera 1 to room, mm: x right, y up, z toward the viewer (datasets.md 4.4). The room frame of every MVOR medium."""

FIRST_FRAMES: Mapping[str, tuple[str, int, int]] = {
    "000": ("test", 1, 0),
    "001": ("train", 2, 1),
    "002": ("train", 2, 118),
    "003": ("train", 2, 235),
    "004": ("train", 2, 245),
    "005": ("train", 2, 258),
    "006": ("train", 2, 271),
    "007": ("train", 2, 279),
    "008": ("train", 2, 294),
    "009": ("train", 2, 321),
    "010": ("train", 2, 325),
    "011": ("train", 3, 0),
    "012": ("test", 3, 7),
    "013": ("train", 3, 28),
    "014": ("train", 3, 58),
    "015": ("train", 3, 84),
    "016": ("validation", 3, 121),
    "017": ("train", 3, 139),
    "018": ("train", 3, 161),
    "019": ("train", 3, 172),
    "020": ("validation", 3, 197),
    "021": ("validation", 3, 200),
    "022": ("validation", 3, 203),
    "023": ("validation", 4, 0),
    "024": ("train", 4, 71),
    "025": ("train", 4, 117),
}
"""Take -> split, day, number of its first frame (datasets.md 4.3)."""

OFFICIAL_TAKES: Mapping[str, tuple[str, ...]] = {
    split: tuple(take for take, (take_split, _, _) in FIRST_FRAMES.items() if take_split == split)
    for split in SPLIT_BY_CLIP_LABEL.values()
}


FRAME_COUNTS: Mapping[int, int] = {1: 57, 2: 330, 3: 223, 4: 122}
"""Day -> how many frames it has."""


def take_frames(take: str) -> list[str]:
    """Return the ids of the frames that a take can have: up to the next take of its day, or the end of the day."""
    _, day, first = FIRST_FRAMES[take]
    later = [start for _, start_day, start in FIRST_FRAMES.values() if start_day == day and start > first]
    return [f"{number:06d}" for number in range(first, min((*later, FRAME_COUNTS[day])))]


def frame_name(day: int, frame: str) -> str:
    """Return a frame as the label files write it, `2_000017`."""
    return f"{day}_{frame}"


def image_id(day: int, camera: int, frame: str) -> int:
    """Return the id of an image in the annotation file (datasets.md 4.2)."""
    return day * 10**10 + camera * 10**7 + int(frame)


def human_poses_file(day: int, frame: str) -> str:
    """Return the name of the file that holds the 3D poses of a frame's people."""
    return f"pred_day_{day}_frame_{frame}.npy"


def object_poses_file(day: int, frame: str) -> str:
    """Return the name of the file that holds the poses of a frame's objects."""
    return f"day_{day}_frame_{frame}.npz"


def point_cloud_file(day: int, frame: str) -> str:
    """Return the name of the file that holds the fused cloud of a frame."""
    return f"day{day}_frame_{frame}.ply"


def patient_centre_key(day: int, frame: str) -> str:
    """Return the key of a frame in the file of patient centres."""
    return f"day{day}_{frame}"
