"""MVOR as a dataset: its card, the pieces of its download, its takes. Light: nothing is read before it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from orqa_plugin_mvor import names
from orqa_plugin_mvor.download_parts import ACCESS, ADDITIONS, LICENCE, PIECES
from orqa_registry import Card, Check, Dataset, Layout, OrqaError, Take
from orqa_registry.readers.io import find_home


class MVOR(Dataset):
    """MVOR: 732 moments of interventions in a hybrid room, three calibrated RGB-D cameras, four days."""

    name = names.DATASET
    card = Card(
        title="MVOR: a multi-view RGB-D operating room dataset for 2D and 3D human pose estimation",
        licence=f"{LICENCE}; faces are blurred",
        access=f"{ACCESS}; clips, labels, splits and 3D poses: {ADDITIONS}",
        homepage="https://github.com/CAMMA-public/MVOR",
        citation="Srivastav et al., MVOR: A Multi-view RGB-D Operating Room Dataset for 2D and 3D Human Pose "
        "Estimation, MICCAI-LABELS 2018",
        size="4 days, 732 multi-view frames, 4,392 images; 729 frames in 26 takes",
        notes=(
            "frames are about 75 s apart (median) and have no clock: nothing is asked about time",
            "takes are the rows of clips.csv; frames 2_000000, 2_000233 and 2_000234 are in none and are left out",
            "human k is the k-th pose of a frame: people are not followed from frame to frame",
            "a human may be the patient, who then counts twice (2 frames); no file of poses means nobody was seen",
            "the patient has one pose, moved to where the patient lies; boxes reach out of the image",
            "the translations of object poses are multiplied by 4000; object scans are not in the first additions, "
            "and without them objects have neither boxes nor positions",
            "room frame: camera 1 turned so that x is right, y up and z toward the viewer; distances are mm, not "
            "doubled as they were published",
        ),
    )
    provides = frozenset({"actions", "roles", "entities", "boxes", "positions"})
    splits = tuple(names.SPLIT_BY_CLIP_LABEL.values())
    official: ClassVar[Mapping[str, tuple[str, ...]]] = names.OFFICIAL_TAKES
    media: ClassVar[Mapping[str, str]] = {
        **{f"room{camera}.png": f"colour of camera {camera}, 640 x 480" for camera in names.DISPLAY_ORDER},
        **{
            f"room{camera}.depth.png": f"depth of camera {camera} in mm, 16 bits, 640 x 480" for camera in names.CAMERAS
        },
        **{f"room{camera}.keypoints.json": f"people annotated in room{camera}.png" for camera in names.CAMERAS},
        "calibration.json": "view -> size, intrinsics, world_to_camera in mm; distortion, which no formula here uses",
        "poses.json": "3D joints of people and of the patient, mm",
        "objects.json": "object -> scan, and pose that takes its points to the room, mm",
        "points.npy": "float32 N x 6: x, y, z in mm, red, green, blue 0..255",
    }
    pieces = PIECES

    def home(self, root: Path) -> Path:
        """Return `root`, or the one folder in it that holds MVOR. Raises OrqaError where none does."""
        home = (find_home(root, _has_clips) or find_home(root, _has_data)) if root.is_dir() else None
        if home is None:
            raise OrqaError(
                f"{names.DATASET}: {root} holds nothing of it: looked for {names.CLIPS_FILE}, "
                f"{' or '.join(names.ANNOTATION_PATHS)}, day1/cam1, here and one folder further in. {self.card.access}"
            )
        return home

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split that have a frame. Raises OrqaError where clips.csv is missing or damaged."""
        from orqa_plugin_mvor.reader.root import Root  # listing datasets needs no reader

        home = self.home(root)
        if not (home / names.CLIPS_FILE).is_file():
            raise OrqaError(
                f"{home / names.CLIPS_FILE}: not there, and it alone says what a take is. It is one of the additions "
                f"of the ORQA authors, {ADDITIONS}: unpack them into {home}, beside day1"
            )
        reader = Root(home)
        for clip in reader.clips:
            if clip.split == split and reader.frames[clip.take]:
                yield Take(self.name, split, clip.take, partial(reader.timepoints, clip))

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield the known numbers of MVOR (datasets.md 9.6). Opens label files alone."""
        from orqa_plugin_mvor.checks import checks
        from orqa_plugin_mvor.reader.root import Root

        yield from checks(Root(self.home(root)))

    def layout(self) -> Layout:
        """Return how MVOR is written."""
        from orqa_plugin_mvor.writer.takes import write_takes
        from orqa_registry.readers.geometry import invert

        # Every day and every split among the first four.
        first = ("000", "001", "016", "023")
        takes = (*first, *(take for take in names.FIRST_FRAMES if take not in first))
        return Layout(
            takes=tuple((names.FIRST_FRAMES[take][0], take) for take in takes),
            write=write_takes,
            sizes={f"room{camera}": names.IMAGE_SIZE for camera in names.CAMERAS},
            frames={take: names.take_frames(take) for take in takes},
            poses={"room1": invert(names.ALIGNMENT).tolist()},
            joints=names.POSE_JOINTS,
        )


def _has_clips(folder: Path) -> bool:
    return (folder / names.CLIPS_FILE).is_file()


def _has_data(folder: Path) -> bool:
    cameras = (folder / f"day{day}" / f"cam{camera}" for day in names.DAYS for camera in names.CAMERAS)
    return any((folder / path).is_file() for path in names.ANNOTATION_PATHS) or any(map(Path.is_dir, cameras))
