"""Counts of what is on disk beside what is known of MM-OR (datasets.md 3.1 and 9.6). No image is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from orqa_plugin_mmor import names, tracker_log
from orqa_plugin_mmor.annotations import Graphs, raw_label_files
from orqa_plugin_mmor.frame_index import read_frame_index
from orqa_registry import Check
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES
from orqa_registry.readers import scenegraph_files
from orqa_registry.readers.io import read_or_warn


def checks(home: Path) -> Iterator[Check]:
    """Yield the checks of every split; what is not there is not counted."""
    for split, graph_counts in names.GRAPH_COUNTS.items():
        label_file = next(filter(Path.is_file, names.relationship_files(home, split)), None)
        graphs = read_or_warn(scenegraph_files.read_relationships, label_file) if label_file else None
        frames: dict[str, Collection[str]] = {}
        if label_file is not None and graphs is not None:
            frames = {
                names.download_name(take): take_graphs
                for take, take_graphs in graphs.items()
                if take.endswith(names.TAKE_SUFFIX)
            }
            yield from _check_label_file(label_file, graphs, sum(graph_counts.values()))
        for take, count in graph_counts.items():
            yield from _check_take(home, take, count, frames.get(take) or raw_label_files(home, take))
    for take in names.SHORT_CLIPS:
        yield from _check_take(home, take, 0, ())


def _check_label_file(path: Path, graphs: Mapping[str, Graphs], expected: int) -> Iterator[Check]:
    mmor_graphs = [
        graph
        for take, take_graphs in graphs.items()
        if take.endswith(names.TAKE_SUFFIX)
        for graph in take_graphs.values()
    ]
    total = sum(len(take_graphs) for take_graphs in graphs.values())
    note = f"{total:,} timepoints in the file with those of other datasets" if total > len(mmor_graphs) else ""
    yield Check(f"{path.name}: scene graphs of MM-OR", len(mmor_graphs), expected, note)
    edges = {edge for graph in mmor_graphs for edge in graph}
    unknown_names = {name for edge in edges for name in (edge.subject, edge.object)} - set(ENTITIES)
    unknown_names |= {edge.predicate for edge in edges} - set(PREDICATES)
    yield Check(
        f"{path.name}: names that are not in the vocabulary",
        len(unknown_names),
        0,
        ", ".join(sorted(unknown_names)[:8]),
    )


def _check_take(home: Path, take: str, graph_count: int, labelled_frames: Collection[str]) -> Iterator[Check]:
    index_path = next(filter(Path.is_file, names.index_files(home, take)), None)
    rows = read_or_warn(lambda path: list(read_frame_index(path)), index_path) if index_path else None
    if rows is None:
        return
    name, step = take + names.TAKE_SUFFIX, names.SAMPLING_STEPS.get(take, 1)
    minimum = max([(graph_count - 1) * step + 1, *(int(frame) + 1 for frame in labelled_frames if frame.isdecimal())])
    expected = f"at least {max(minimum, 1)}"
    count = expected if len(rows) >= max(minimum, 1) else len(rows)
    yield Check(f"{name}: frames in its index", count, expected, f"{len(rows):,} rows")
    backwards = sum(after.second <= before.second for before, after in pairwise(rows))
    yield Check(f"{name}: rows whose second is not later than the one before", backwards, 0)
    if graph_count and labelled_frames:
        yield Check(f"{name}: scene graphs", len(labelled_frames), graph_count)
        gaps = {f"{frame:06d}" for frame in range(0, graph_count * step, step)} - set(labelled_frames)
        yield Check(f"{name}: frames without a scene graph among them", len(gaps), 0)
    tracks = home / names.TRACKS_FOLDER / f"{take}.json"
    unknown_entries = read_or_warn(tracker_log.count_unknown_entries, tracks) if tracks.is_file() else None
    if unknown_entries is not None:
        yield Check(f"{name}: tracker entries of unknown things", unknown_entries, 0, "left out")
