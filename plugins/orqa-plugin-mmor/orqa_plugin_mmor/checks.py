"""Counts of what is on disk beside what is known of MM-OR (datasets.md 3.1 and 9.6). No image is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from orqa_plugin_mmor import names, tracking
from orqa_plugin_mmor.annotations import Graphs, raw_files
from orqa_plugin_mmor.index import read_index
from orqa_registry import Check, scenegraph
from orqa_registry.reading import spare
from orqa_registry.vocabulary import ENTITIES, PREDICATES


def checks(home: Path) -> Iterator[Check]:
    """Yield the checks of every split; what is not there is not counted."""
    for split, known in names.GRAPHS.items():
        labels = next(filter(Path.is_file, names.relationships(home, split)), None)
        graphs = spare(scenegraph.read_relationships, labels) if labels else None
        frames: dict[str, Collection[str]] = {}
        if labels is not None and graphs is not None:
            frames = {names.bare(take): found for take, found in graphs.items() if take.endswith(names.SUFFIX)}
            yield from _label_file(labels, graphs, sum(known.values()))
        for take, count in known.items():
            yield from _take(home, take, count, frames.get(take) or raw_files(home, take))
    for take in names.SHORT_CLIPS:
        yield from _take(home, take, 0, ())


def _label_file(path: Path, graphs: Mapping[str, Graphs], known: int) -> Iterator[Check]:
    mine = [graph for take, found in graphs.items() if take.endswith(names.SUFFIX) for graph in found.values()]
    whole = sum(len(found) for found in graphs.values())
    note = f"{whole:,} timepoints in the file with those of other datasets" if whole > len(mine) else ""
    yield Check(f"{path.name}: scene graphs of MM-OR", len(mine), known, note)
    edges = {edge for graph in mine for edge in graph}
    strange = {name for edge in edges for name in (edge.subject, edge.object)} - set(ENTITIES)
    strange |= {edge.predicate for edge in edges} - set(PREDICATES)
    yield Check(f"{path.name}: names that are not in the vocabulary", len(strange), 0, ", ".join(sorted(strange)[:8]))


def _take(home: Path, take: str, known: int, labelled: Collection[str]) -> Iterator[Check]:
    index = next(filter(Path.is_file, names.indices(home, take)), None)
    rows = spare(lambda path: list(read_index(path)), index) if index else None
    if rows is None:
        return
    name, step = take + names.SUFFIX, names.SAMPLED.get(take, 1)
    least = max([(known - 1) * step + 1, *(int(frame) + 1 for frame in labelled if frame.isdecimal())])
    enough = f"at least {max(least, 1)}"
    found = enough if len(rows) >= max(least, 1) else len(rows)
    yield Check(f"{name}: frames in its index", found, enough, f"{len(rows):,} rows")
    backwards = sum(after.second <= before.second for before, after in pairwise(rows))
    yield Check(f"{name}: rows whose second is not later than the one before", backwards, 0)
    if known and labelled:
        yield Check(f"{name}: scene graphs", len(labelled), known)
        gaps = {f"{frame:06d}" for frame in range(0, known * step, step)} - set(labelled)
        yield Check(f"{name}: frames without a scene graph among them", len(gaps), 0)
    tracks = home / names.TRACKS / f"{take}.json"
    strangers = spare(tracking.strangers, tracks) if tracks.is_file() else None
    if strangers is not None:
        yield Check(f"{name}: tracker entries of unknown things", strangers, 0, "left out")
