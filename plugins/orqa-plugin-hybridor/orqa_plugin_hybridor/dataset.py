"""Reads what `orqa-registry synth` wrote. Light: nothing but json and paths, and no file before somebody iterates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from orqa_plugin_hybridor.layout import CAMERAS, INDEX, LINES, SCHEMA, SPLITS
from orqa_registry import Card, Dataset, OrqaError, Take, Timepoint, facets
from orqa_registry.reading import read_json, settle

FILES: Mapping[str, tuple[str, str]] = {
    **{f"{view}.jpg": (view, "jpg") for view in (*CAMERAS, "screen")},
    **{f"{view}.{kind}.png": (f"{view}.{kind}", "png") for kind in ("mask", "depth") for view in CAMERAS},
    "points.npy": ("points", "npy"),
    "audio.flac": ("audio", "flac"),
}
"""Medium -> folder inside a take, and suffix of its files."""

SYNTH = "make it with: orqa-registry synth --out DIR"


class HybridOR(Dataset):
    """The procedural operating room: labels that agree with the pixels, because both come from one simulation."""

    name = "HybridOR"
    card = Card(
        title="HybridOR, a procedural robotic operating room",
        licence="Apache-2.0 (generated; shows nobody)",
        access=SYNTH,
        homepage="https://pypi.org/project/orqa-plugin-hybridor",
        citation="orqa-plugin-hybridor 0.1.0, synthetic takes of robotic knee procedures",
        size="about 18 MB a take of 40 timepoints at 336 px",
        notes=(
            "Simulated: for tests, tutorials and pre-training; says nothing about accuracy in a real operating room.",
            "Gown colours tell the roles, and tools are larger than life: made to be learnt by small models.",
        ),
    )
    provides = frozenset(facets.FACETS) - {"gaze"}
    splits = SPLITS
    media: ClassVar[Mapping[str, str]] = {
        **{f"{view}.jpg": f"colour of a corner camera ({view})" for view in CAMERAS[:3]},
        "detail.jpg": "colour of the camera over the operating field",
        "screen.jpg": "the robot's screen",
        **{f"{view}.mask.png": f"ids of vocabulary.MASK_LABELS, {view}" for view in CAMERAS},
        **{f"{view}.depth.png": f"depth along the axis in mm, 16 bits, {view}" for view in CAMERAS},
        "points.npy": "float32 N x 6: x, y, z in mm, red, green, blue 0..255",
        "audio.flac": "one second, mono, 16 kHz",
        "speech.txt": "what was just said; absent where nobody spoke",
        "robot.json": "the robot's log: id -> type, template_name",
        "tracker.json": "unique_id_dicts: unique_id, button_state, Translation in mm, euler_rot in degrees",
    }

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split. Raises OrqaError where the index is missing, damaged, newer or dishonest."""
        folder = find_index(Path(root)).parent
        index = read_index(folder / INDEX)
        for name, belongs in index["takes"].items():
            if belongs == split:
                yield Take(self.name, split, name, _Reader(folder / name, split, name))


class _Reader:
    """Iterates one take anew at each call; picklable, so that worker processes can be given a Take."""

    def __init__(self, folder: Path, split: str, name: str) -> None:
        self.folder, self.split, self.name = folder, split, name

    def __call__(self) -> Iterator[Timepoint]:
        path = self.folder / LINES
        present = {
            medium: (self.folder / inside, suffix)
            for medium, (inside, suffix) in FILES.items()
            if (self.folder / inside).is_dir()
        }
        try:
            with path.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield self._timepoint(line, number, present)
        except OSError as error:
            why = error.strerror or error
            raise OrqaError(f"HybridOR: take {self.name}: {path} cannot be read: {why}; {SYNTH}") from error
        except UnicodeDecodeError as error:
            raise OrqaError(f"HybridOR: take {self.name}: {path} is not UTF-8 text: {error}; {SYNTH}") from error

    def _timepoint(self, line: str, number: int, present: Mapping[str, tuple[Path, str]]) -> Timepoint:
        try:
            row = json.loads(line)
            frame, labels = row["frame"], facets.load(row["labels"])
            if not isinstance(frame, str) or not frame.isalnum():
                raise ValueError(f"frame: letters and digits were expected, not {frame!r}")
            media: dict[str, Path | bytes] = {}
            for medium, (folder, suffix) in present.items():
                file = folder / f"{frame}.{suffix}"
                if file.is_file():
                    media[medium] = file
            if row.get("speech"):
                media["speech.txt"] = row["speech"].encode()
            for medium in ("robot", "tracker"):
                if medium in row:
                    media[f"{medium}.json"] = json.dumps(row[medium]).encode()
            return Timepoint("HybridOR", self.split, self.name, frame, number - 1, float(row["seconds"]), media, labels)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise OrqaError(
                f"HybridOR: {self.folder / LINES}, line {number}: {what}; expected one JSON object with frame, seconds "
                f"and labels. Make the take anew: delete {self.folder} and run orqa-registry synth again"
            ) from error


def find_index(root: Path) -> Path:
    """Return the index in `root`, or in the only folder of it that has one. Raises OrqaError."""
    if not root.is_dir():
        raise OrqaError(f"HybridOR: there is no folder {root}; {SYNTH}")
    folder = settle(root, lambda folder: (folder / INDEX).is_file())
    if folder is None:
        state = "is empty" if not any(root.iterdir()) else "was not written to its end or is another dataset"
        again = SYNTH.replace("DIR", str(root))
        raise OrqaError(f"HybridOR: no {INDEX} in {root}, which {state}, nor in just one folder of it; {again}")
    return folder / INDEX


def read_index(path: Path) -> dict[str, Any]:
    """Return the parsed index. Raises OrqaError where it is damaged, newer than this plugin or leaves its folder."""
    index = read_json(path)
    try:
        schema, takes = index["schema"], index["takes"]
        if not isinstance(schema, int) or not isinstance(takes, dict):
            raise TypeError("schema must be a number and takes a dictionary")
    except (KeyError, TypeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        again = SYNTH.replace("DIR", str(path.parent))
        raise OrqaError(f"HybridOR: {path} is damaged ({what}); {again} --force") from error
    if schema > SCHEMA:
        raise OrqaError(
            f"HybridOR: {path} has schema {schema}, this plugin reads up to schema {SCHEMA}: "
            "pip install -U orqa-plugin-hybridor"
        )
    for name, split in takes.items():
        if not name or name in {".", ".."} or "/" in name or "\\" in name or Path(name).is_absolute():
            raise OrqaError(f"HybridOR: {path} names a take {name!r}: not a folder beside it; do not trust this data")
        if split not in SPLITS:
            expected = ", ".join(SPLITS)
            raise OrqaError(f"HybridOR: {path}: take {name!r} has split {split!r}; expected one of {expected}")
    return dict(index)
