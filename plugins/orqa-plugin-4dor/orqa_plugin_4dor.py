"""4D-OR in its real layout (datasets.md 1 and 2): frame index, six room cameras, scene graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from orqa_registry import Card, Dataset, OrqaError, Take, Timepoint, Triplet, hookimpl, scenegraph
from orqa_registry.reading import read_json, settle
from orqa_registry.vocabulary import entity, predicate

SPLITS = {"train": (1, 3, 5, 7, 9, 10), "validation": (4, 8), "test": (2, 6)}
CAMERAS = (1, 2, 3, 4, 5, 6)
INDEX = "timestamp_to_pcd_and_frames_list.json"
NANOSECONDS = 1_000_000_000
NOBODY = {"human_7", "human_8"}
"""People who are in the raw labels by mistake."""


class FourDOR(Dataset):
    """4D-OR: ten simulated knee replacements, 6,734 timepoints at one a second, six calibrated cameras."""

    name = "4D-OR"
    card = Card(
        title="4D-OR: semantic scene graphs for operating room domain modeling",
        licence="terms of use in the request form (code MIT)",
        access="request form linked from the homepage; unpack so that DIR holds export_holistic_take1_processed ...",
        homepage="https://github.com/egeozsoy/4D-OR",
        citation="Özsoy et al., 4D-OR: Semantic Scene Graphs for OR Domain Modeling, MICCAI 2022",
        size="10 takes, 6,734 timepoints",
        notes=(
            "scene graphs: data/relationships_SPLIT.json of ORQA, else relation_labels/ of each take",
            "no nurse, technician or robot; frames without relations at the start and the end of takes",
        ),
    )
    provides = frozenset({"relations", "actions", "tools"})
    media = {f"room{camera}.jpg": f"ceiling camera {camera}, 2048x1536" for camera in CAMERAS}

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split that are there. Raises OrqaError where the root holds no take at all."""
        home = settle(root, _is_root)
        if home is None:
            raise OrqaError(
                f"4D-OR: {root} holds no take: looked for export_holistic_take1_processed/{INDEX} ... "
                f"export_holistic_take10_processed/{INDEX}, here and one folder further in. {self.card.access}"
            )
        labels = next(filter(Path.is_file, _label_files(home, split)), None)
        graphs = scenegraph.read_relationships(labels) if labels else {}
        for number in SPLITS[split]:
            folder = _folder(home, number)
            if (folder / INDEX).is_file():
                name = f"{number:03d}_4DOR"
                yield Take(self.name, split, name, partial(_timepoints, folder, split, name, graphs.get(name)))


def _is_root(folder: Path) -> bool:
    return any((_folder(folder, number) / INDEX).is_file() for numbers in SPLITS.values() for number in numbers)


def _folder(home: Path, number: int) -> Path:
    return home / f"export_holistic_take{number}_processed"


def _label_files(home: Path, split: str) -> Iterator[Path]:
    yield home / "data" / f"relationships_{split}.json"
    yield home / f"relationships_{split}.json"


def _timepoints(
    folder: Path, split: str, take: str, graphs: Mapping[str, tuple[Triplet, ...]] | None
) -> Iterator[Timepoint]:
    images = _files_in(folder / "colorimage")
    raw = {} if graphs is not None else _files_in(folder / "relation_labels")
    start: int | None = None
    for index, (timestamp, streams) in enumerate(_rows(folder / INDEX)):
        start = timestamp if start is None else start
        frame = f"{index:06d}"
        labels: dict[str, Any] = {}
        graph = graphs.get(frame) if graphs is not None else _raw_graph(raw.get(f"{frame}.json"))
        if graph is not None:
            labels = {
                "relations": graph,
                "actions": scenegraph.actions(graph),
                "tools": scenegraph.tools(graph),
            }
        named = {f"room{c}.jpg": f"camera0{c}_colorimage-{streams.get(f'color_{c}')}.jpg" for c in CAMERAS}
        media = {medium: images[file] for medium, file in named.items() if file in images}
        # Integers are subtracted before they become seconds: nanoseconds since 1970 do not fit a float.
        yield Timepoint("4D-OR", split, take, frame, index, (timestamp - start) / NANOSECONDS, media, labels)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (timestamp in nanoseconds, stream -> index as written) of a frame index (datasets.md 2.2)."""
    rows = read_json(path)
    if not isinstance(rows, list):
        raise OrqaError(f"{path}: a list of frames was expected, not {type(rows).__name__}")
    for place, row in enumerate(rows):
        try:
            timestamp, streams = int(row[0]), row[1]
            if not isinstance(streams, dict):
                raise TypeError(f"not a dictionary: {streams!r}")
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"{path}: row {place}: expected [timestamp, {{stream: index}}]: {error}") from error
        yield timestamp, streams


def _raw_graph(path: Path | None) -> tuple[Triplet, ...] | None:
    """Return the scene graph of one raw label file (datasets.md 1.4), or None where there is none."""
    if path is None:
        return None
    labels = read_json(path)
    try:
        roles = {human: entity(role) for human, role in labels.get("human_name_annotations", {}).items()}
        edges = [
            Triplet(_who(row[0], roles), predicate(row[1]), _who(row[2], roles))
            for row in labels["rel_annotations"]
            if not NOBODY & {row[0], row[2]}
        ]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise OrqaError(
            f"{path}: expected rel_annotations as [subject, predicate, object, ...]: {type(error).__name__}: {error}"
        ) from error
    return scenegraph.infer(edges, hands=True)


def _who(name: str, roles: Mapping[str, str]) -> str:
    """Return the role of an anonymous human; one without a role is a circulator."""
    if not name.startswith("human_"):
        return entity(name)
    role = roles.get(name, "none")
    return "circulator" if role == "none" else role


def _files_in(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by name: what an index names is looked up here and can point nowhere else."""
    return {path.name: path for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}


@hookimpl
def orqa_datasets() -> Iterator[Dataset]:
    """Bring the dataset."""
    yield FourDOR()
