"""Reads what `orqa-registry synth` wrote, and the scenes that were published. Light: nothing but json and paths."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from orqa_plugin_hybridor.files.names import CAMERA_VIEWS, FILES_SCHEMA, INDEX_FILE, SPLITS, TIMEPOINTS_FILE
from orqa_registry import Card, Check, Dataset, Layout, OrqaError, Piece, Take, Timepoint
from orqa_registry.data import facets
from orqa_registry.readers import synthetic_scenes
from orqa_registry.readers.io import find_home, read_json

MEDIA_FILES: Mapping[str, tuple[str, str]] = {
    **{f"{view}.jpg": (view, "jpg") for view in (*CAMERA_VIEWS, "screen")},
    **{f"{view}.{kind}.png": (f"{view}.{kind}", "png") for kind in ("mask", "depth") for view in CAMERA_VIEWS},
    "points.npy": ("points", "npy"),
    "audio.flac": ("audio", "flac"),
}
"""Medium -> folder inside a take, and suffix of its files."""

SYNTH_ADVICE = "make it with: orqa-registry synth --out DIR"


PROVIDED_FACETS = frozenset(facets.FACETS) - {"gaze", "predicted"}


class HybridOR(Dataset):
    """Synthetic operating rooms: the procedural one, whose labels agree with its pixels, or the published scenes."""

    name = "HybridOR"
    card = Card(
        title="HybridOR: a procedural robotic operating room, or the published scenes of other looks",
        licence="Apache-2.0 (generated; shows nobody); published scenes: not stated",
        access=f"{SYNTH_ADVICE}; published scenes: {synthetic_scenes.SCENE_PIECE.access}",
        homepage="https://pypi.org/project/orqa-plugin-hybridor",
        citation="orqa-plugin-hybridor 0.1.0, synthetic takes of robotic knee procedures",
        size="about 18 MB a take of 40 timepoints at 336 px",
        notes=(
            "Simulated: for tests, tutorials and pre-training; says nothing about accuracy in a real operating room.",
            "Gown colours tell the roles, and tools are larger than life: made to be learnt by small models.",
            "A root holds one of two: what synth wrote, or the scenes that ORQA published, which imitate training "
            "timepoints of 4D-OR and MM-OR and have views and attributes alone.",
        ),
    )
    provides = PROVIDED_FACETS
    splits = SPLITS
    media: ClassVar[Mapping[str, str]] = {
        **{f"{view}.jpg": f"colour of a room camera ({view})" for view in CAMERA_VIEWS[:3]},
        **{f"room{camera}.jpg": f"colour of room camera {camera}, in published scenes alone" for camera in (4, 5, 6)},
        "detail.jpg": "colour of the camera over the operating field",
        "screen.jpg": "the robot's screen",
        **{f"{view}.mask.png": f"ids of vocabulary.MASK_LABELS, {view}" for view in CAMERA_VIEWS},
        **{f"{view}.depth.png": f"depth along the axis in mm, 16 bits, {view}" for view in CAMERA_VIEWS},
        "points.npy": "float32 N x 6: x, y, z in mm, red, green, blue 0..255",
        "audio.flac": "one second, mono, 16 kHz",
        "speech.txt": "what was just said; absent where nobody spoke",
        "robot.json": "the robot's log: id -> type, template_name",
        "tracker.json": "unique_id_dicts: unique_id, button_state, Translation in mm, euler_rot in degrees",
    }
    pieces = (
        Piece(
            "simulated takes",
            f"{INDEX_FILE}, TAKE/{TIMEPOINTS_FILE}, TAKE/VIEW/FRAME.jpg ...",
            media=("detail.*", "screen.jpg", "*.mask.png", "*.depth.png", "points.npy", "audio.flac", "*.json"),
            facets=tuple(sorted(PROVIDED_FACETS)),
            access=SYNTH_ADVICE,
            terms="Apache-2.0",
        ),
        Piece(
            "published scenes",
            "STEM.json, STEM_cidxCAMERA.jpg",
            media=("room4.jpg", "room5.jpg", "room6.jpg"),
            facets=("attributes",),
            access=synthetic_scenes.SCENE_PIECE.access,
            terms=synthetic_scenes.SCENE_PIECE.terms,
        ),
    )

    def home(self, root: Path) -> Path:
        """Return the folder with the index of synth, or else that of the published scenes. Raises OrqaError."""
        root = Path(root)
        if root.is_dir() and find_home(root, _has_index) is None:
            around = find_home(root, lambda folder: synthetic_scenes.find_scenes(folder) is not None)
            folder = synthetic_scenes.find_scenes(around) if around is not None else None
            if folder is not None:
                return folder
        return find_index(root).parent

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split; published scenes are grouped by the take they imitate, all of them in train.

        Raises OrqaError where the index is missing, damaged, newer or dishonest.
        """
        folder = self.home(root)
        if _has_index(folder):
            for name, take_split in read_dataset_index(folder / INDEX_FILE)["takes"].items():
                if take_split == split:
                    yield Take(self.name, split, name, _TakeReader(folder / name, split, name))
        elif split == "train":
            published = sorted(
                synthetic_scenes.read_scenes(folder), key=lambda scene: (scene.take, scene.frame, scene.stem)
            )
            for name, group in groupby(published, key=lambda scene: scene.take):
                yield Take(self.name, split, name, partial(_iterate_scenes, tuple(group), self.name, split, name))

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield how many of the takes that the index of synth names are there."""
        folder = self.home(root)
        if _has_index(folder):
            named = read_dataset_index(folder / INDEX_FILE)["takes"]
            yield Check(
                "takes of the index", sum((folder / name / TIMEPOINTS_FILE).is_file() for name in named), len(named)
            )

    def layout(self) -> Layout:
        """Return how the published scenes are written; `synth` without a layout writes simulated takes."""
        from orqa_plugin_hybridor.files.published_scenes import IMITATED_TAKES, scene_stems, write_scenes

        return Layout(IMITATED_TAKES, write_scenes, frames={take: scene_stems(take) for _, take in IMITATED_TAKES})


def _has_index(folder: Path) -> bool:
    return (folder / INDEX_FILE).is_file()


def _iterate_scenes(
    members: Sequence[synthetic_scenes.Scene], dataset: str, split: str, take: str
) -> Iterator[Timepoint]:
    for index, scene in enumerate(members):
        yield synthetic_scenes.scene_timepoint(scene, dataset, split, take, index)


class _TakeReader:
    """Iterates one take anew at each call; picklable, so that worker processes can be given a Take."""

    def __init__(self, folder: Path, split: str, name: str) -> None:
        self.folder, self.split, self.name = folder, split, name

    def __call__(self) -> Iterator[Timepoint]:
        path = self.folder / TIMEPOINTS_FILE
        present = {
            medium: (self.folder / subfolder, suffix)
            for medium, (subfolder, suffix) in MEDIA_FILES.items()
            if (self.folder / subfolder).is_dir()
        }
        try:
            with path.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield self._timepoint(line, number, present)
        except OSError as error:
            reason = error.strerror or error
            raise OrqaError(f"HybridOR: take {self.name}: {path} cannot be read: {reason}; {SYNTH_ADVICE}") from error
        except UnicodeDecodeError as error:
            raise OrqaError(f"HybridOR: take {self.name}: {path} is not UTF-8 text: {error}; {SYNTH_ADVICE}") from error

    def _timepoint(self, line: str, number: int, present: Mapping[str, tuple[Path, str]]) -> Timepoint:
        try:
            row = json.loads(line)
            frame, labels = row["frame"], facets.load_labels(row["labels"])
            if not isinstance(frame, str) or not frame.isalnum():
                raise ValueError(f"frame: letters and digits were expected, not {frame!r}")
            media: dict[str, Path | bytes] = {}
            for medium, (folder, suffix) in present.items():
                path = folder / f"{frame}.{suffix}"
                if path.is_file():
                    media[medium] = path
            if row.get("speech"):
                media["speech.txt"] = row["speech"].encode()
            for medium in ("robot", "tracker"):
                if medium in row:
                    media[f"{medium}.json"] = json.dumps(row[medium]).encode()
            return Timepoint("HybridOR", self.split, self.name, frame, number - 1, float(row["seconds"]), media, labels)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise OrqaError(
                f"HybridOR: {self.folder / TIMEPOINTS_FILE}, line {number}: {reason}; expected one JSON object with "
                f"frame, seconds and labels. Make the take anew: delete {self.folder} and run orqa-registry synth again"
            ) from error


def find_index(root: Path) -> Path:
    """Return the index in `root`, or in the only folder of it that has one. Raises OrqaError."""
    if not root.is_dir():
        raise OrqaError(f"HybridOR: there is no folder {root}; {SYNTH_ADVICE}")
    folder = find_home(root, _has_index)
    if folder is None:
        state = "is empty" if not any(root.iterdir()) else "was not written to its end or is another dataset"
        advice = SYNTH_ADVICE.replace("DIR", str(root))
        raise OrqaError(
            f"HybridOR: no {INDEX_FILE} in {root}, which {state}, nor in just one folder of it, "
            f"nor published scenes (STEM.json beside STEM_cidx2.jpg); {advice}"
        )
    return folder / INDEX_FILE


def read_dataset_index(path: Path) -> dict[str, Any]:
    """Return the parsed index. Raises OrqaError where it is damaged, newer than this plugin or leaves its folder."""
    index = read_json(path)
    try:
        schema, takes = index["schema"], index["takes"]
        if not isinstance(schema, int) or not isinstance(takes, dict):
            raise TypeError("schema must be a number and takes a dictionary")
    except (KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        advice = SYNTH_ADVICE.replace("DIR", str(path.parent))
        raise OrqaError(f"HybridOR: {path} is damaged ({reason}); {advice} --force") from error
    if schema > FILES_SCHEMA:
        raise OrqaError(
            f"HybridOR: {path} has schema {schema}, this plugin reads up to schema {FILES_SCHEMA}: "
            "pip install -U orqa-plugin-hybridor"
        )
    for name, split in takes.items():
        if not name or name in {".", ".."} or "/" in name or "\\" in name or Path(name).is_absolute():
            raise OrqaError(f"HybridOR: {path} names a take {name!r}: not a folder beside it; do not trust this data")
        if split not in SPLITS:
            expected = ", ".join(SPLITS)
            raise OrqaError(f"HybridOR: {path}: take {name!r} has split {split!r}; expected one of {expected}")
    return dict(index)
