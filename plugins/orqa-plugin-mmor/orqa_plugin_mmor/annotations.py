"""What people annotated of a take: scene graphs, phases of the robot, breaches of sterility (datasets.md 1.4, 3.6)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from orqa_plugin_mmor import names
from orqa_registry import DataWarning, OrqaError, Triplet, scenegraph
from orqa_registry.labels import Source
from orqa_registry.reading import files_in, read_json, spare

Graphs = Mapping[str, tuple[Triplet, ...]]
"""Frame -> scene graph."""
Value = TypeVar("Value")


class RawGraphs:
    """The scene graphs of a take as the download has them, one a file, each opened when somebody asks.

    Whether the robot is calibrated depends on graphs that follow, so that takes opening all of them.
    """

    def __init__(self, home: Path, take: str) -> None:
        self._home, self._take = home, take
        self._files = raw_files(home, take)
        self._graphs: dict[str, tuple[Triplet, ...] | None] = {}

    def late(self, frame: str) -> dict[str, Source]:
        """Return the late facets of a frame; a damaged file is warned of and gives none."""
        if frame not in self._files:
            return {}
        source = partial(self._facets, frame)
        late: dict[str, Source] = dict.fromkeys(("relations", "actions", "tools"), source)
        return {**late, "robot_calibrated": partial(self._calibration_at, frame)}

    def __reduce__(self) -> tuple[type[RawGraphs], tuple[Path, str]]:
        """Travel to another process without what has been read."""
        return RawGraphs, (self._home, self._take)

    def _graph(self, frame: str) -> tuple[Triplet, ...] | None:
        if frame not in self._graphs:
            self._graphs[frame] = spare(scenegraph.read_raw, self._files[frame], hands=False)
        return self._graphs[frame]

    def _facets(self, frame: str) -> dict[str, Any]:
        graph = self._graph(frame)
        return {} if graph is None else scenegraph.facets(graph)

    @cached_property
    def _calibrated(self) -> dict[str, bool]:
        return calibrated({frame: graph for frame in self._files if (graph := self._graph(frame)) is not None})

    def _calibration_at(self, frame: str) -> dict[str, Any]:
        return {"robot_calibrated": self._calibrated[frame]} if frame in self._calibrated else {}


def calibrated(graphs: Graphs) -> dict[str, bool]:
    """Return frame -> whether the robot is calibrated, for the graphs of a take."""
    frames = sorted(graphs)
    return dict(zip(frames, scenegraph.calibrated([graphs[frame] for frame in frames]), strict=True))


def of_graphs(graphs: Graphs) -> dict[str, dict[str, Any]]:
    """Return frame -> facets of the graphs of a take, as ORQA's file has them."""
    by_frame = calibrated(graphs)
    return {frame: {**scenegraph.facets(graph), "robot_calibrated": by_frame[frame]} for frame, graph in graphs.items()}


def read_tables(home: Path, take: str) -> dict[str, dict[str, Any]]:
    """Return frame -> facets of the files that hold one label a frame: phases of the robot, breaches of sterility."""
    tables: list[tuple[str, str, Callable[[Any], Any]]] = [(names.BREACHES, "sterility_breach", breaches)]
    if take not in names.NO_PHASES:
        tables.append((names.PHASES, "robot_phase", phase))
    labels: dict[str, dict[str, Any]] = {}
    for folder, facet, value_of in tables:
        path = home / folder / f"{take}.json"
        for frame, value in (spare(read_table, path, value_of) or {}).items() if path.is_file() else ():
            labels.setdefault(frame, {})[facet] = value
    return labels


def raw_files(home: Path, take: str) -> dict[str, Path]:
    """Return frame -> raw label file of a take, of the labels that count."""
    folder = next(filter(Path.is_dir, names.raw_labels(home, take)), None)
    files = {path.stem: path for path in files_in(folder).values() if path.suffix == ".json"} if folder else {}
    return {frame: path for frame, path in files.items() if frame.isdecimal() and names.counts(take, int(frame))}


def read_table(path: Path, value_of: Callable[[Any], Value]) -> dict[str, Value]:
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
            table[frame] = value_of(value)
        except (TypeError, ValueError) as error:
            damaged.append(f"{frame}: {error}")
    if damaged:
        warnings.warn(
            f"{path}: {len(damaged)} labels are left out, the first at frame {damaged[0]}", DataWarning, stacklevel=3
        )
    return table


def phase(value: Any) -> str | None:
    """Return the phase of the robot, None where it is between two. Raises TypeError. Commas are part of a name."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a phase or null was expected, not {value!r}")
    return value if value and value.strip() else None


def breaches(value: Any) -> tuple[str, ...]:
    """Return the breaches of sterility, each in words. Raises TypeError."""
    if not isinstance(value, list):
        raise TypeError(f"a list of breaches was expected, not {value!r}")
    return tuple(one if isinstance(one, str) else " ".join(_words(one)) for one in value)


def _words(breach: Any) -> list[str]:
    if not isinstance(breach, list) or not all(isinstance(word, str) for word in breach):
        raise TypeError(f"a breach is three words, not {breach!r}")
    return breach
