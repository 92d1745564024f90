"""Scene graphs: how label files write them, and what follows from them (protocol.md R1, 4.17; datasets.md 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from orqa_registry.errors import OrqaError
from orqa_registry.labels import Source
from orqa_registry.reading import read_json, spare
from orqa_registry.records import Timepoint, Triplet
from orqa_registry.vocabulary import (
    HELD_TOOLS,
    STATIC_PREDICATES,
    TOOL_OF_ACTION,
    TOOLS,
    canonical_order,
    display,
    entity,
    predicate,
)

HANDED_ACTIONS = frozenset({"cutting", "drilling", "sawing", "suturing", "hammering", "cementing", "cleaning"})
"""Actions whose subject holds an instrument in the ORQA graphs of 4D-OR."""


NOBODY = frozenset({"human_7", "human_8"})
"""People who are in raw labels by mistake."""


def actions(relations: Iterable[Triplet]) -> tuple[str, ...]:
    """Return what is being done: the predicates that are actions, sorted."""
    return tuple(sorted({edge.predicate for edge in relations} - STATIC_PREDICATES))


def tools(relations: Iterable[Triplet]) -> tuple[str, ...]:
    """Return the tools in use: those held, and those that an action implies."""
    return tuple(canonical_order(set(_select_tools(relations)), TOOLS))


def _select_tools(relations: Iterable[Triplet]) -> Iterator[str]:
    for edge in relations:
        if edge.predicate == "holding" and edge.object in HELD_TOOLS:
            yield edge.object
        elif edge.predicate in TOOL_OF_ACTION:
            yield TOOL_OF_ACTION[edge.predicate]


def calibrated(graphs: Sequence[Iterable[Triplet]]) -> list[bool]:
    """Return for each graph of a take, in order, whether calibrating the robot is behind it.

    True where the robot was calibrated at this graph or before and is not calibrated again later (protocol 4.10).
    """
    last_index = max((index for index, graph in enumerate(graphs) if _is_calibrating(graph)), default=len(graphs))
    return [index >= last_index for index in range(len(graphs))]


def _is_calibrating(graph: Iterable[Triplet]) -> bool:
    return any(edge.predicate == "calibrating" and edge.object == "mako_robot" for edge in graph)


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


def to_text(graph: Iterable[Triplet]) -> str:
    """Return a graph as answers write it (protocol 4.18): `<SG> nurse,drill,holding; nurse,patient,closeTo </SG>`."""
    edges = (f"{display(edge.subject)},{display(edge.object)},{edge.predicate}" for edge in graph)
    return f"<SG> {'; '.join(edges)} </SG>".replace("  ", " ")


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


def facets(graph: tuple[Triplet, ...]) -> dict[str, Any]:
    """Return the facets that a scene graph gives: the graph itself, the actions, the tools."""
    return {"relations": graph, "actions": actions(graph), "tools": tools(graph)}


def late_facets(path: Path, *, hands: bool) -> dict[str, Source]:
    """Return the facets of a raw label file as late ones; a damaged file is warned of and gives none."""
    return dict.fromkeys(("relations", "actions", "tools"), partial(_read_raw_facets, path, hands))


def _read_raw_facets(path: Path, hands: bool) -> dict[str, Any]:
    graph = spare(read_raw, path, hands=hands)
    return {} if graph is None else facets(graph)


def read_raw(path: Path, *, hands: bool) -> tuple[Triplet, ...]:
    """Return the graph of one raw label file, with what the ORQA graphs add (datasets.md 1.4, `infer`).

    Its rows are [subject, predicate, object, ...]; where people are numbered, the file says who they are. Raises
    OrqaError that names the file.
    """
    labels = read_json(path)
    try:
        roles = {human: entity(role) for human, role in labels.get("human_name_annotations", {}).items()}
        edges = [
            _make_edge(_resolve_person(row[0], roles), row[1], _resolve_person(row[2], roles))
            for row in labels["rel_annotations"]
            if not NOBODY & {row[0], row[2]}
        ]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise OrqaError(
            f"{path}: expected rel_annotations as [subject, predicate, object, ...]: {type(error).__name__}: {error}"
        ) from error
    return infer(edges, hands=hands)


def _resolve_person(name: str, roles: Mapping[str, str]) -> str:
    """Return the role of an anonymous human; one without a role is a circulator."""
    if not name.startswith("human_"):
        return name
    role = roles.get(name, "none")
    return "circulator" if role == "none" else role


def infer(edges: Iterable[Triplet], *, hands: bool) -> tuple[Triplet, ...]:
    """Return raw labels with what the ORQA graphs add to them, sorted as they are (datasets.md 1.4).

    The patient lies on the operating table; what relates to the patient is close to the table; and with `hands`,
    who cuts, drills, saws, sutures, hammers, cements or cleans holds an instrument. A pair that is linked stays so.
    """
    graph = list(dict.fromkeys(edges))
    linked = {(edge.subject, edge.object) for edge in graph}

    def add(subject: str, verb: str, thing: str) -> None:
        if (subject, thing) not in linked:
            linked.add((subject, thing))
            graph.append(Triplet(subject, verb, thing))

    entities = {name for edge in graph for name in (edge.subject, edge.object)}
    if entities & {"patient", "operating_table"}:
        add("patient", "lyingOn", "operating_table")
    neighbours = {
        name for edge in graph if "patient" in (edge.subject, edge.object) for name in (edge.subject, edge.object)
    }
    for name in sorted(neighbours - {"patient", "operating_table"}):
        add(name, "closeTo", "operating_table")
    if hands:
        for edge in list(graph):
            if edge.predicate in HANDED_ACTIONS:
                add(edge.subject, "holding", "instrument")
    return tuple(sorted(graph, key=lambda edge: (edge.subject, edge.object, edge.predicate)))
