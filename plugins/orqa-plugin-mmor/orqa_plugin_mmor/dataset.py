"""MM-OR in its real layout (datasets.md 1 and 3): takes, timepoints, what is known of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from orqa_plugin_mmor import names
from orqa_plugin_mmor.download_parts import PIECES
from orqa_registry import Card, Check, Dataset, Layout, LazyLabels, LazyMedia, OrqaError, Take, Timepoint
from orqa_registry.data import facets
from orqa_registry.readers import scenegraph_files, synthetic_scenes
from orqa_registry.readers.io import find_home, read_or_warn

if TYPE_CHECKING:
    from orqa_plugin_mmor.annotations import Graphs


class MMOR(Dataset):
    """MM-OR: robotic knee replacements with everything that listens, looks and logs in the room, one a second."""

    name = names.DATASET
    card = Card(
        title="MM-OR: a large multimodal operating room dataset of robotic knee procedures",
        licence="terms of use in the request form (code Apache-2.0)",
        access="request form linked from the homepage, then its download script; DIR is the folder that holds 001_PKA",
        homepage="https://github.com/egeozsoy/MM-OR",
        citation=(
            "Özsoy et al., MM-OR: A Large Multimodal Operating Room Dataset for Semantic Understanding of "
            "High-Intensity Surgical Environments, CVPR 2025"
        ),
        size="17 procedures and 22 short clips, 92,983 timepoints, 17,121 with a scene graph; about 500 GB",
        notes=(
            "simulated procedures, knee replacements with the Mako robot; people speak German",
            "a timepoint is a row of the frame index; its second differs from its row where frames were dropped",
            "scene graphs: data/relationships_SPLIT.json of ORQA, else relation_labels/ of each take",
            "short clips have no scene graphs; 007_TKA: of the raw labels every third counts",
            "005_TKA and 009_TKA: no room images; masks are those of the detail cameras then",
            "004_PKA: flickering images; the robot was prepared beforehand, so robot_phase is left out",
            "takes that share a folder need a frame index with their own name in it",
            "010_PKA: timestamp_to_pcd_and_frames_list_azure.json is not read, as ORQA does not",
            "artefact ids in masks, unknown ids of the tracker and *_interpolated.png are no annotation",
            "people and entities come from 32 x 32 masks, mostly a model's: the facet `predicted` says so",
            "robot_calibrated: calibrated up to now and not again later, so it looks ahead, as ORQA's does (D11)",
            "clouds in units of 2 mm, given here in mm",
        ),
    )
    provides = frozenset(facets.FACETS) - {"gaze"}
    media: ClassVar[Mapping[str, str]] = {
        **{f"room{camera}.jpg": f"room camera {camera}, 2048 x 1536" for camera in names.ROOM_CAMERAS},
        **{f"detail{camera}.jpg": f"detail camera {camera}" for camera in names.DETAIL_CAMERAS},
        "screen.jpg": "the robot's screen",
        "trackercam.jpg": "the camera on the tracker, very dark",
        **{f"room{camera}.mask.png": f"annotated mask, room camera {camera}" for camera in names.MASK_CAMERAS},
        **{f"detail{camera}.mask.png": f"annotated mask, detail {camera}" for camera in names.DETAIL_MASK_CAMERAS},
        **{f"lowres{index}.mask.png": "32 x 32 mask of a camera that can have one" for index in range(3)},
        "points.npy": "fused cloud, float32 N x 6: x, y, z in mm, red, green, blue 0..255",
        "segments.npy": "labelled cloud, float32 N x 4: x, y, z in mm, id of vocabulary.MASK_LABELS",
        "audio.mp3": "the second before and the one after",
        "clap.npy": "CLAP audio embedding, float32 512",
        "speech.txt": "the last four subtitles, at most 200 characters, German; absent where nothing was said yet",
        "robot.json": "the robot's screen: id -> type, template_name",
        "tracker.json": "unique_id_dicts: unique_id, button_state, Translation, euler_rot",
        "calibration.json": "view -> size, intrinsics, world_to_camera in mm, distortion",
    }
    splits = tuple(names.SPLITS)
    official: ClassVar[Mapping[str, tuple[str, ...]]] = {
        split: tuple(take + names.TAKE_SUFFIX for take in takes) for split, takes in names.SPLITS.items()
    }
    pieces = PIECES

    def home(self, root: Path) -> Path:
        """Return the folder of the takes: `root`, or the one in it that holds any. Raises OrqaError."""
        home = find_home(root, lambda folder: any(_find_index(folder, take) for take in names.TAKES))
        if home is None:
            raise OrqaError(
                f"MM-OR: {root} holds no take: looked for 001_PKA/timestamp_to_pcd_and_frames_list.json ..., "
                "012_PKA/timestamp_to_pcd_and_frames_list_012_1_PKA.json ..., here and one folder further in. "
                f"{self.card.access}"
            )
        return home

    def takes(self, root: Path, split: str) -> Iterator[Take]:
        """Yield the takes of a split that are there. Raises OrqaError where the root holds no take at all."""
        home = self.home(root)
        label_file = next(filter(Path.is_file, names.relationship_files(home, split)), None)
        graphs = (read_or_warn(scenegraph_files.read_relationships, label_file) if label_file else None) or {}
        takes = []
        for take in names.SPLITS[split]:
            if index_path := _find_index(home, take):
                name = take + names.TAKE_SUFFIX
                takes.append(
                    Take(
                        self.name,
                        split,
                        name,
                        partial(_read_timepoints, home, index_path, take, split, graphs.get(name)),
                    )
                )
        yield from takes
        if split == "train":  # scenes always imitate timepoints of it
            yield from synthetic_scenes.scene_takes(synthetic_scenes.scene_root(home, root), self.name, split, takes)

    def checks(self, root: Path) -> Iterator[Check]:
        """Yield lengths of frame indices and counts of scene graphs (datasets.md 3.1 and 9.6)."""
        from orqa_plugin_mmor.checks import checks

        return checks(self.home(root))

    def layout(self) -> Layout:
        """Return how MM-OR is written."""
        from orqa_plugin_mmor.writer import write_takes

        first = ("001_PKA", "012_1_PKA", "012_2_PKA", "005_TKA", "007_TKA", "004_PKA", "013_PKA")
        splits = {take: split for split, takes in names.SPLITS.items() for take in takes}
        order = dict.fromkeys((*first, *names.TAKES))
        return Layout(tuple((splits[take], take + names.TAKE_SUFFIX) for take in order), write_takes)


def _find_index(home: Path, take: str) -> Path | None:
    return next(filter(Path.is_file, names.index_files(home, take)), None)


def _read_timepoints(home: Path, index_path: Path, take: str, split: str, graphs: Graphs | None) -> Iterator[Timepoint]:
    from orqa_plugin_mmor.annotations import RawGraphs, read_tables, relation_facets  # listing datasets needs no reader
    from orqa_plugin_mmor.frame_index import read_frame_index
    from orqa_plugin_mmor.sensors import Sensors

    name, sensors, tables = take + names.TAKE_SUFFIX, Sensors(home, take), read_tables(home, take)
    facets_by_frame = {} if graphs is None else relation_facets(graphs)
    raw_graphs = RawGraphs(home, take) if graphs is None else None
    start_second: int | None = None
    for row in tuple(read_frame_index(index_path)):  # a damaged index costs the take, not the rest of it
        start_second = row.second if start_second is None else start_second
        frame = row.frame
        ready_facets = {**facets_by_frame.get(frame, {}), **tables.get(frame, {}), **sensors.ready_facets(row)}
        late_facets = (
            {**sensors.late_facets(row), **raw_graphs.late_facets(frame)} if raw_graphs else sensors.late_facets(row)
        )
        media = LazyMedia(partial(sensors.media, row))
        yield Timepoint(
            names.DATASET,
            split,
            name,
            frame,
            row.index,
            float(row.second - start_second),
            media,
            LazyLabels(ready_facets, late_facets),
        )
