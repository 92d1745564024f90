"""What people annotated of a take: scene graphs, phases of the robot, breaches of sterility (datasets.md 1.4, 3.6)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from orqa_plugin_mmor import names
from orqa_registry import DataWarning, FacetLoader, OrqaError, Triplet, scenegraph
from orqa_registry.readers import scenegraph_files
from orqa_registry.readers.io import list_files, read_json, read_or_warn

Graphs = Mapping[str, tuple[Triplet, ...]]
"""Frame -> scene graph."""
Value = TypeVar("Value")


class RawGraphs:
    """The scene graphs of a take as the download has them, one a file, each opened when somebody asks.

    Whether the robot is calibrated depends on graphs that follow, so that takes opening all of them.
    """

    def __init__(self, home: Path, take: str) -> None:
        self._home, self._take = home, take
        self._files = raw_label_files(home, take)
        self._graphs: dict[str, tuple[Triplet, ...] | None] = {}

    def late_facets(self, frame: str) -> dict[str, FacetLoader]:
        """Return the late facets of a frame; a damaged file is warned of and gives none."""
        if frame not in self._files:
            return {}
        source = partial(self._read_facets, frame)
        sources: dict[str, FacetLoader] = dict.fromkeys(("relations", "actions", "tools"), source)
        return {**sources, "robot_calibrated": partial(self._read_calibration, frame)}

    def __reduce__(self) -> tuple[type[RawGraphs], tuple[Path, str]]:
        """Travel to another process without what has been read."""
        return RawGraphs, (self._home, self._take)

    def _read_graph(self, frame: str) -> tuple[Triplet, ...] | None:
        if frame not in self._graphs:
            self._graphs[frame] = read_or_warn(scenegraph_files.read_raw_graph, self._files[frame], hands=False)
        return self._graphs[frame]

    def _read_facets(self, frame: str) -> dict[str, Any]:
        graph = self._read_graph(frame)
        return {} if graph is None else scenegraph.graph_facets(graph)

    @cached_property
    def _calibration_by_frame(self) -> dict[str, bool]:
        return calibration_by_frame(
            {frame: graph for frame in self._files if (graph := self._read_graph(frame)) is not None}
        )

    def _read_calibration(self, frame: str) -> dict[str, Any]:
        return {"robot_calibrated": self._calibration_by_frame[frame]} if frame in self._calibration_by_frame else {}


def calibration_by_frame(graphs: Graphs) -> dict[str, bool]:
    """Return frame -> whether the robot is calibrated, for the graphs of a take."""
    frames = sorted(graphs)
    return dict(zip(frames, scenegraph.calibrated_by([graphs[frame] for frame in frames]), strict=True))


def relation_facets(graphs: Graphs) -> dict[str, dict[str, Any]]:
    """Return frame -> facets of the graphs of a take, as ORQA's file has them."""
    calibration = calibration_by_frame(graphs)
    return {
        frame: {**scenegraph.graph_facets(graph), "robot_calibrated": calibration[frame]}
        for frame, graph in graphs.items()
    }


def read_tables(home: Path, take: str) -> dict[str, dict[str, Any]]:
    """Return frame -> facets of the files that hold one label a frame: phases of the robot, breaches of sterility."""
    tables: list[tuple[str, str, Callable[[Any], Any]]] = [(names.BREACHES_FOLDER, "sterility_breach", parse_breaches)]
    if take not in names.NO_PHASES:
        tables.append((names.PHASES_FOLDER, "robot_phase", parse_phase))
    labels: dict[str, dict[str, Any]] = {}
    for folder, facet, parse in tables:
        path = home / folder / f"{take}.json"
        for frame, value in (read_or_warn(read_table, path, parse) or {}).items() if path.is_file() else ():
            labels.setdefault(frame, {})[facet] = value
    return labels


def raw_label_files(home: Path, take: str) -> dict[str, Path]:
    """Return frame -> raw label file of a take, of the labels that count."""
    folder = next(filter(Path.is_dir, names.raw_label_folders(home, take)), None)
    files = {path.stem: path for path in list_files(folder).values() if path.suffix == ".json"} if folder else {}
    return {frame: path for frame, path in files.items() if frame.isdecimal() and names.is_sampled(take, int(frame))}


def read_table(path: Path, parse: Callable[[Any], Value]) -> dict[str, Value]:
    """Return frame -> value of a file of labels by frame. Values of another form are left out, counted and warned of.

    Raises OrqaError where the file is no such table.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise OrqaError(f"{path}: labels by frame were expected, not a {type(raw).__name__}")
    table: dict[str, Value] = {}
    damaged: list[str] = []
    for frame, value in raw.items():
        try:
            table[frame] = parse(value)
        except (TypeError, ValueError) as error:
            damaged.append(f"{frame}: {error}")
    if damaged:
        warnings.warn(
            f"{path}: {len(damaged)} labels are left out, the first at frame {damaged[0]}", DataWarning, stacklevel=3
        )
    return table


def parse_phase(value: Any) -> str | None:
    """Return the phase of the robot, None where it is between two. Raises TypeError. Commas are part of a name."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a phase or null was expected, not {value!r}")
    return value if value and value.strip() else None


def parse_breaches(value: Any) -> tuple[str, ...]:
    """Return the breaches of sterility, each in words. Raises TypeError."""
    if not isinstance(value, list):
        raise TypeError(f"a list of breaches was expected, not {value!r}")
    return tuple(breach if isinstance(breach, str) else " ".join(_breach_words(breach)) for breach in value)


def _breach_words(breach: Any) -> list[str]:
    if not isinstance(breach, list) or not all(isinstance(word, str) for word in breach):
        raise TypeError(f"a breach is three words, not {breach!r}")
    return breach
