"""Scene graphs as label files hold them: ORQA's relationships_SPLIT.json, and raw files of one timepoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from orqa_registry.data.lazy import FacetLoader
from orqa_registry.data.records import Timepoint, Triplet
from orqa_registry.data.scenegraph import graph_facets, infer_relations
from orqa_registry.data.vocabulary import (
    entity,
    predicate,
)
from orqa_registry.errors import OrqaError
from orqa_registry.readers.io import read_json, read_or_warn

HUMANS_BY_MISTAKE = frozenset({"human_7", "human_8"})
"""People who are in raw labels by mistake."""


@lru_cache(maxsize=1 << 14)
def _make_edge(subject: str, verb: str, thing: str) -> Triplet:
    """Return an edge by the vocabulary's names. Label files repeat few of them many times: each is made once."""
    return Triplet(entity(subject), predicate(verb), entity(thing))


def read_relationships(path: Path) -> dict[str, dict[str, tuple[Triplet, ...]]]:
    """Return take -> frame -> scene graph of an ORQA `relationships_SPLIT.json` (datasets.md 1.1).

    The file writes [subject, object, predicate]. Raises OrqaError that names the file and the entry.
    """
    graphs: dict[str, dict[str, tuple[Triplet, ...]]] = {}
    entries = read_json(path)
    if not isinstance(entries, list):
        raise OrqaError(f"{path}: a list of timepoints was expected, not {type(entries).__name__}")
    for index, entry in enumerate(entries):
        try:
            graph = tuple(_make_edge(subject, verb, thing) for subject, thing, verb in entry["relationships"])
            graphs.setdefault(str(entry["take_name"]), {})[str(entry["frame_id"])] = graph
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OrqaError(
                f"{path}: entry {index}: expected take_name, frame_id and relationships as "
                f"[subject, object, predicate]: {type(error).__name__}: {error}"
            ) from error
    return graphs


def to_relationships(points: Iterable[Timepoint]) -> list[dict[str, Any]]:
    """Return the entries of an ORQA `relationships_SPLIT.json`: the annotated graphs of timepoints, in its order."""
    return [
        {
            "take_name": point.take,
            "frame_id": point.frame,
            "relationships": sorted([edge.subject, edge.object, edge.predicate] for edge in point.labels["relations"]),
        }
        for point in points
        if "relations" in point.labels
    ]


def lazy_graph_facets(path: Path, *, hands: bool) -> dict[str, FacetLoader]:
    """Return the facets of a raw label file as late ones; a damaged file is warned of and gives none."""
    return dict.fromkeys(("relations", "actions", "tools"), partial(_read_raw_facets, path, hands))


def _read_raw_facets(path: Path, hands: bool) -> dict[str, Any]:
    graph = read_or_warn(read_raw_graph, path, hands=hands)
    return {} if graph is None else graph_facets(graph)


def read_raw_graph(path: Path, *, hands: bool) -> tuple[Triplet, ...]:
    """Return the graph of one raw label file, with what the ORQA graphs add (datasets.md 1.4, `infer_relations`).

    Its rows are [subject, predicate, object, ...]; where people are numbered, the file says who they are. Raises
    OrqaError that names the file.
    """
    labels = read_json(path)
    try:
        roles = {human: entity(role) for human, role in labels.get("human_name_annotations", {}).items()}
        edges = [
            _make_edge(_resolve_person(row[0], roles), row[1], _resolve_person(row[2], roles))
            for row in labels["rel_annotations"]
            if not HUMANS_BY_MISTAKE & {row[0], row[2]}
        ]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise OrqaError(
            f"{path}: expected rel_annotations as [subject, predicate, object, ...]: {type(error).__name__}: {error}"
        ) from error
    return infer_relations(edges, hands=hands)


def _resolve_person(name: str, roles: Mapping[str, str]) -> str:
    """Return the role of an anonymous human; one without a role is a circulator."""
    if not name.startswith("human_"):
        return name
    role = roles.get(name, "none")
    return "circulator" if role == "none" else role
