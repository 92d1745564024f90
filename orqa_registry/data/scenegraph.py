"""Scene graphs: how label files write them, and what follows from them (protocol.md R1, 4.17; datasets.md 1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orqa_registry.data.records import Triplet
from orqa_registry.data.vocabulary import (
    HELD_TOOLS,
    STATIC_PREDICATES,
    TOOL_OF_ACTION,
    TOOLS,
    canonical_order,
    display,
)

ACTIONS_WITH_INSTRUMENT = frozenset({"cutting", "drilling", "sawing", "suturing", "hammering", "cementing", "cleaning"})
"""Actions whose subject holds an instrument in the ORQA graphs of 4D-OR."""


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


def calibrated_by(graphs: Sequence[Iterable[Triplet]]) -> list[bool]:
    """Return for each graph of a take, in order, whether calibrating the robot is behind it.

    True where the robot was calibrated at this graph or before and is not calibrated again later (protocol 4.10).
    """
    last_index = max((index for index, graph in enumerate(graphs) if _is_calibrating(graph)), default=len(graphs))
    return [index >= last_index for index in range(len(graphs))]


def _is_calibrating(graph: Iterable[Triplet]) -> bool:
    return any(edge.predicate == "calibrating" and edge.object == "mako_robot" for edge in graph)


def graph_to_text(graph: Iterable[Triplet]) -> str:
    """Return a graph as answers write it (protocol 4.18): `<SG> nurse,drill,holding; nurse,patient,closeTo </SG>`."""
    edges = (f"{display(edge.subject)},{display(edge.object)},{edge.predicate}" for edge in graph)
    return f"<SG> {'; '.join(edges)} </SG>".replace("  ", " ")


def graph_facets(graph: tuple[Triplet, ...]) -> dict[str, Any]:
    """Return the facets that a scene graph gives: the graph itself, the actions, the tools."""
    return {"relations": graph, "actions": actions(graph), "tools": tools(graph)}


def infer_relations(edges: Iterable[Triplet], *, hands: bool) -> tuple[Triplet, ...]:
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
            if edge.predicate in ACTIONS_WITH_INSTRUMENT:
                add(edge.subject, "holding", "instrument")
    return tuple(sorted(graph, key=lambda edge: (edge.subject, edge.object, edge.predicate)))
