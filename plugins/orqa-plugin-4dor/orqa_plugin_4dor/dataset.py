"""4D-OR in its real layout (datasets.md 1 and 2): splits, labels, what a download consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from orqa_plugin_4dor import names
from orqa_registry import (
    CallError,
    Card,
    Check,
    Dataset,
    Layout,
    LazyLabels,
    LazyMedia,
    OrqaError,
    Piece,
    Take,
    Timepoint,
    Triplet,
    scenegraph,
    suggest_names,
)
from orqa_registry.readers import scenegraph_files, synthetic_scenes
from orqa_registry.readers.io import find_home, list_files, read_json, read_or_warn

AUTHORS = "request form linked from the homepage"
ORQA = "https://github.com/egeozsoy/ORQA (data/)"


class FourDOR(Dataset):
    """4D-OR: ten simulated knee replacements, 6,734 timepoints at one a second, six calibrated cameras."""

    name = names.DATASET
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
            "image numbers differ by camera; views are found by camera, never by place in a list",
            "masks of cameras 1, 2 and 5; artefact ids and *_interpolated.png are not annotation",
            "people and entities come from 32 x 32 masks, mostly a model's: the facet `predicted` says so",
            "clouds and poses in units of 2 mm, given here in mm",
        ),
    )
    provides = frozenset(
        {"clock", "relations", "actions", "tools", "roles", "entities", "boxes", "attributes", "predicted"}
    )
    media: ClassVar[Mapping[str, str]] = {
        **{f"room{camera}.jpg": f"ceiling camera {camera}, 2048 x 1536" for camera in names.CAMERAS},
        **{f"room{camera}.mask.png": f"annotated mask, camera {camera}" for camera in names.MASK_CAMERAS},
        **{f"lowres{index}.mask.png": "32 x 32 mask of one of cameras 1, 2, 5" for index in range(3)},
        "points.npy": "fused cloud, float32 N x 6: x, y, z in mm, red, green, blue 0..255",
        "poses.json": "14 3D joints of each person, mm",
        **{f"room{camera}.keypoints.json": f"2D joints, camera {camera}" for camera in names.CAMERAS},
        "calibration.json": "view -> size, intrinsics, world_to_camera in mm, distortion",
    }
    official: ClassVar[Mapping[str, tuple[str, ...]]] = {
        split: tuple(map(names.take_name, numbers)) for split, numbers in names.SPLITS.items()
    }
    splits = tuple(names.SPLITS)
    pieces = (
        Piece(
            "frame index",
            f"export_holistic_takeN_processed/{names.INDEX_FILE}",
            access=AUTHORS,
            glob=f"export_holistic_take*_processed/{names.INDEX_FILE}",
        ),
        Piece("images", "export_holistic_takeN_processed/colorimage/", media=("room*.jpg",), access=AUTHORS),
        Piece(
            "scene graphs",
            "data/relationships_SPLIT.json, or export_holistic_takeN_processed/relation_labels/",
            facets=("relations", "actions", "tools"),
            access=f"{ORQA}; raw labels: {AUTHORS}",
            terms="Apache-2.0 (ORQA)",
        ),
        Piece(
            "masks",
            "export_holistic_takeN_processed/segmentation_export_{1,2,5}/",
            media=("room*.mask.png",),
            facets=("boxes", "roles", "entities"),
            access="4D-OR_panoptic_segmentations.zip at huggingface.co/datasets/egeozsoy/MM-OR, laid into the takes",
        ),
        Piece(
            "32 x 32 masks",
            f"{names.LOW_RES_FOLDER}/NNN_4DOR/TIMESTAMP_I_GTFalse.png",
            media=("lowres*.mask.png",),
            facets=("roles", "entities", "predicted"),
            access="made from a panoptic model's output with the scripts of https://github.com/egeozsoy/MM-OR",
        ),
        Piece(
            "clouds",
            "export_holistic_takeN_processed/pcds_sparse/ or pcds/",
            media=("points.npy",),
            access=f"{AUTHORS}; sparse ones: 4D-OR_pcd_sparse.zip of the MM-OR download",
        ),
        Piece(
            "3D poses",
            f"export_holistic_takeN_processed/annotations/, or {names.JOINTS_FOLDER}/",
            media=("poses.json",),
            access=AUTHORS,
        ),
        Piece(
            "2D poses",
            f"export_holistic_takeN_processed/{names.KEYPOINTS_FILE}",
            media=("*.keypoints.json",),
            access=AUTHORS,
        ),
        Piece(
            "calibration",
            "export_holistic_takeN_processed/camera0C.json",
            media=("calibration.json",),
            access=AUTHORS,
        ),
        synthetic_scenes.SCENE_PIECE,
    )

    def home(self, root: Path) -> Path:
        """Return the folder of the takes: `root`, or the one in it that holds any. Raises OrqaError."""
        home = find_home(root, _is_root)
        if home is None:
            raise OrqaError(
                f"4D-OR: {root} holds no take: looked for export_holistic_take1_processed/{names.INDEX_FILE} ... "
                f"export_holistic_take10_processed/{names.INDEX_FILE}, here and one folder further in. "
                f"{self.card.access}"
            )
        return home

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split that are there. Raises OrqaError where the root holds no take at all."""
        if split not in names.SPLITS:
            raise CallError(f"unknown split {split!r} of {self.name}: {suggest_names(split, names.SPLITS)}")
        home = self.home(root)
        label_file = next(filter(Path.is_file, relationship_files(home, split)), None)
        # A damaged file is warned of, and the raw labels of the takes stand in for it.
        graphs = (read_or_warn(scenegraph_files.read_relationships, label_file) if label_file else None) or {}
        takes = []
        for number in names.SPLITS[split]:
            if (names.take_folder(home, number) / names.INDEX_FILE).is_file():
                name = names.take_name(number)
                timepoints = partial(_read_timepoints, home, number, split, graphs.get(name))
                takes.append(Take(self.name, split, name, timepoints))
        yield from takes
        if split == "train":  # scenes always imitate timepoints of it
            yield from synthetic_scenes.scene_takes(synthetic_scenes.scene_root(home, root), self.name, split, takes)

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield the length of each frame index, and of the scene graph files (datasets.md 9.6)."""
        home = self.home(root)
        for number, expected in names.TIMEPOINT_COUNTS.items():
            index_path = names.take_folder(home, number) / names.INDEX_FILE
            if index_path.is_file():
                rows = read_or_warn(read_json, index_path)
                count = len(rows) if isinstance(rows, list) else "damaged"
                yield Check(f"{names.take_name(number)}: frames in its index", count, expected)
        for split, numbers in names.SPLITS.items():
            label_file = next(filter(Path.is_file, relationship_files(home, split)), None)
            graphs = read_or_warn(scenegraph_files.read_relationships, label_file) if label_file else None
            if graphs is not None:
                count = sum(len(frames) for take, frames in graphs.items() if take.endswith("_4DOR"))
                expected = sum(names.TIMEPOINT_COUNTS[number] for number in numbers)
                yield Check(f"scene graphs of {split}", count, expected)

    def layout(self) -> Layout:
        """Return how 4D-OR is written."""
        from orqa_plugin_4dor.writer import write_takes

        first = ((1, "train"), (4, "validation"), (2, "test"))
        rest = ((number, split) for split, numbers in names.SPLITS.items() for number in numbers)
        takes = dict.fromkeys((split, names.take_name(number)) for number, split in (*first, *rest))
        return Layout(tuple(takes), write_takes)


def _is_root(folder: Path) -> bool:
    return any((names.take_folder(folder, number) / names.INDEX_FILE).is_file() for number in names.TIMEPOINT_COUNTS)


def relationship_files(home: Path, split: str) -> Iterator[Path]:
    """Yield where the scene graphs of a split may lie."""
    yield home / "data" / f"relationships_{split}.json"
    yield home / f"relationships_{split}.json"


def _read_timepoints(
    home: Path, number: int, split: str, graphs: Mapping[str, tuple[Triplet, ...]] | None
) -> Iterator[Timepoint]:
    from orqa_plugin_4dor.sensors import Sensors, read_frame_index  # listing datasets needs no reader
    from orqa_registry.readers import segmentation

    folder, take = names.take_folder(home, number), names.take_name(number)
    sensors = Sensors(home, number)
    raw_label_files = {} if graphs is not None else list_files(folder / "relation_labels")
    views = tuple(f"room{camera}" for camera in names.MASK_CAMERAS)
    start: int | None = None
    for index, (timestamp, written_timestamp, streams) in enumerate(read_frame_index(folder / names.INDEX_FILE)):
        start = timestamp if start is None else start
        frame = f"{index:06d}"
        late_facets = segmentation.mask_facets(
            sensors.annotated_masks(streams), views, sensors.low_res.get(written_timestamp)
        )
        ready_facets: dict[str, Any] = {}
        if graphs is not None and frame in graphs:
            ready_facets = scenegraph.graph_facets(graphs[frame])
        elif f"{frame}.json" in raw_label_files:
            late_facets |= scenegraph_files.lazy_graph_facets(raw_label_files[f"{frame}.json"], hands=True)
        # Integers are subtracted before they become seconds: nanoseconds since 1970 do not fit a float.
        seconds = (timestamp - start) / names.NANOSECONDS_PER_SECOND
        media = LazyMedia(partial(sensors.media, frame, written_timestamp, streams))
        yield Timepoint(names.DATASET, split, take, frame, index, seconds, media, LazyLabels(ready_facets, late_facets))
