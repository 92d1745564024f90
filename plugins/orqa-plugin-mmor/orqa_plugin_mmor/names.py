"""Names and numbers of the layout (datasets.md 3), shared by who reads and who writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

DATASET = "MM-OR"
TAKE_SUFFIX = "_MMOR"
"""What ORQA adds to the name of a take."""

GRAPH_COUNTS = {
    "train": {
        "001_PKA": 1799,
        "003_TKA": 994,
        "005_TKA": 892,
        "006_PKA": 981,
        "008_PKA": 2679,
        "010_PKA": 1543,
        "012_1_PKA": 358,
        "012_2_PKA": 110,
        "035_PKA": 1107,
        "037_TKA": 1128,
    },
    "validation": {"002_PKA": 867, "007_TKA": 1156, "009_TKA": 547},
    "test": {"004_PKA": 825, "011_TKA": 507, "036_PKA": 990, "038_TKA": 638},
}
"""Split -> take -> how many timepoints have a scene graph."""

SHORT_CLIPS = (
    *(f"{number:03d}_PKA" for number in range(13, 18)),
    *("018_1_PKA", "018_2_PKA"),
    *(f"{number:03d}_PKA" for number in range(19, 34)),
)
SPLITS = {**{split: tuple(takes) for split, takes in GRAPH_COUNTS.items()}, "short_clips": SHORT_CLIPS}
TAKES = tuple(take for takes in SPLITS.values() for take in takes)

_SHARED_FOLDERS = {
    "012_PKA": ("012_1_PKA", "012_2_PKA"),
    "015-018_PKA": ("015_PKA", "016_PKA", "017_PKA", "018_1_PKA", "018_2_PKA"),
    "019-022_PKA": tuple(f"{number:03d}_PKA" for number in range(19, 23)),
    "023-032_PKA": tuple(f"{number:03d}_PKA" for number in range(23, 33)),
}
TAKE_FOLDERS = {take: take for take in TAKES} | {
    take: folder for folder, takes in _SHARED_FOLDERS.items() for take in takes
}
"""Take -> its folder."""

NO_ROOM_IMAGES = frozenset({"005_TKA", "009_TKA"})
"""Takes whose room cameras failed."""
NO_TRACKER = frozenset({"005_TKA"})
"""A take whose tracker file is missing."""
NO_PHASES = frozenset({"004_PKA"})
"""Takes whose robot was prepared beforehand: what their files call phases is none (datasets.md 3.9)."""
SAMPLING_STEPS = {"007_TKA": 3}
"""Takes of whose labels one in so many counts."""

ROOM_CAMERAS = (1, 4, 5, 2, 3)
"""In the order in which ORQA shows them."""
MASK_CAMERAS = (1, 4, 5)
DETAIL_CAMERAS = (2, 0, 3)
DETAIL_MASK_CAMERAS = (0, 2, 3)

TIMESTAMP, ROOM, DETAIL, TRACKER = "timestamp", "azure", "simstation", "trackercam"
"""What numbers files: the second, or the image of a stream, as the frame index writes them (datasets.md 3.3)."""


@frozen
class FileLocation:
    """Where the files of a medium lie. numbering: what numbers them. folder and file have {folder}, {take}, {}."""

    medium: str
    numbering: str
    folder: str
    file: str

    def take_folder(self, home: Path, take: str) -> Path:
        """Return the folder of the files of a take."""
        return home / self.folder.format(folder=TAKE_FOLDERS[take], take=take)


ROOM_IMAGES = tuple(
    FileLocation(f"room{camera}.jpg", ROOM, "{folder}/colorimage", f"camera0{camera}_colorimage-{{}}.jpg")
    for camera in ROOM_CAMERAS
)
ROOM_MASKS = {
    f"room{camera}": FileLocation(
        f"room{camera}.mask.png",
        ROOM,
        f"{{folder}}/segmentation_export_{camera}",
        f"camera0{camera}_colorimage-{{}}.png",
    )
    for camera in MASK_CAMERAS
}
DETAIL_MASKS = {
    f"detail{camera}": FileLocation(
        f"detail{camera}.mask.png",
        DETAIL,
        f"{{folder}}/simstation_segmentation_export_{camera}",
        f"camera0{camera}_{{}}.png",
    )
    for camera in DETAIL_MASK_CAMERAS
}
COPIED_FILES = (
    *ROOM_IMAGES,
    *(
        FileLocation(f"detail{camera}.jpg", DETAIL, "{folder}/simstation", f"camera0{camera}_{{}}.jpg")
        for camera in DETAIL_CAMERAS
    ),
    FileLocation("screen.jpg", DETAIL, "{folder}/simstation", "camera01_{}.jpg"),
    FileLocation("trackercam.jpg", TRACKER, "{folder}/trackercam", "{}.jpg"),
    *ROOM_MASKS.values(),
    *DETAIL_MASKS.values(),
    FileLocation("audio.mp3", TIMESTAMP, "take_audio_per_timepoint/{take}", "{}.mp3"),
    FileLocation("robot.json", DETAIL, "screen_summaries/{take}", "{}.json"),
)
"""Media that are files of the download; the others are converted."""

CLOUDS = FileLocation("points.npy", TIMESTAMP, "take_point_clouds_sparse/{take}", "{}.pcd")
LABELLED_CLOUDS = FileLocation("segments.npy", TIMESTAMP, "take_point_clouds_seg_lowres/{take}", "{}_seg.pcd")
EMBEDDINGS = FileLocation("clap.npy", TIMESTAMP, "take_audio_embeddings_per_timepoint/{take}", "{}.pt")
TRANSCRIPTS = FileLocation("speech.txt", TIMESTAMP, "take_transcripts_per_timepoint/{take}", "{}.json")
SCREEN_TEXTS = FileLocation("screen_text", DETAIL, "screen_summaries_text/{take}", "{}.txt")

LOW_RES_FOLDER = "take_segmasks_per_timepoint"
TRACKS_FOLDER = "take_tracks"
SUBTITLES_FOLDER = "take_transcripts"
TAKE_JSONS_FOLDER = "take_jsons"
BREACHES_FOLDER = "take_timestamp_to_sterility_breach"
PHASES_FOLDER = "take_timestamp_to_robot_phase"
NEXT_ACTIONS_FOLDER = "take_timestamp_to_next_action"

EMBEDDING_SIZE = 512
"""Numbers of an audio embedding."""
UNIT_MM = 2.0
"""Millimetres of a unit of clouds."""
REACH = 3000.0
"""Half a side of what counts as the room, mm."""


def download_name(take: str) -> str:
    """Return the name of a take as the download writes it: 002_PKA_MMOR -> 002_PKA."""
    return take.removesuffix(TAKE_SUFFIX)


def take_split(take: str) -> str:
    """Return the split of a take."""
    return next(split for split, takes in SPLITS.items() if take in takes)


def shares_folder(take: str) -> bool:
    """Tell whether a take has its folder together with others; files that are its own then carry its name."""
    return TAKE_FOLDERS[take] != take


def index_files(home: Path, take: str) -> Iterator[Path]:
    """Yield where the frame index of a take may lie, the better place first.

    A file without a take's name in a folder of several takes is nobody's.
    """
    folder = home / TAKE_FOLDERS[take]
    yield folder / f"timestamp_to_pcd_and_frames_list_{take}.json"
    if not shares_folder(take):
        yield folder / "timestamp_to_pcd_and_frames_list.json"


def raw_label_folders(home: Path, take: str) -> Iterator[Path]:
    """Yield the folders in which raw scene graphs of a take may lie, the better one first."""
    folder = home / TAKE_FOLDERS[take]
    yield folder / f"relation_labels_{take}"
    if not shares_folder(take):
        yield folder / "relation_labels"


def relationship_files(home: Path, split: str) -> Iterator[Path]:
    """Yield where the scene graphs of a split may lie."""
    yield home / "data" / f"relationships_{split}.json"
    yield home / f"relationships_{split}.json"


def is_sampled(take: str, frame: int) -> bool:
    """Tell whether labels of a frame count: of a take that is sampled, only some do."""
    return frame % SAMPLING_STEPS.get(take, 1) == 0
