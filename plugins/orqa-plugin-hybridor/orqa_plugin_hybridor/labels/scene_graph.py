"""The scene graph of one second of a take: who does what to whom, and who is close to what."""

from __future__ import annotations

from orqa_plugin_hybridor.geometry.vectors import Vector, distance_between
from orqa_plugin_hybridor.procedure.situation import PlacedPerson, Situation
from orqa_plugin_hybridor.scene.room import EQUIPMENT_FOOTPRINTS, EQUIPMENT_POSITIONS, Room
from orqa_plugin_hybridor.scene.tools import ENTITY_OF_TOOL
from orqa_registry import Triplet
from orqa_registry.data.vocabulary import ENTITIES

CLOSE_DISTANCE = 720.0
"""Two people are close to each other when their middles are no farther apart on the floor than this, mm."""
CLOSE_TO_EQUIPMENT = 330.0
"""Somebody is close to equipment when its footprint is no farther than this, mm."""


def build_scene_graph(situation: Situation, room: Room) -> list[Triplet]:
    """Return the scene graph, sorted, each edge once."""
    edges: set[Triplet] = set()
    for step in situation.steps:
        if step.action:
            edges.add(Triplet(step.actor, step.action, step.target))
    for tool in situation.tools:
        if ENTITY_OF_TOOL[tool.name]:
            held = "instrument" if tool.name == "cementer" else ENTITY_OF_TOOL[tool.name]
            edges.add(Triplet(tool.holder.person.role, "holding", held))
    for breach in situation.breaches:
        edges.add(Triplet(breach.role, "touching", breach.target))
    if situation.assisted:
        edges.add(Triplet("assistant_surgeon", "assisting", "head_surgeon"))
        edges.add(Triplet("assistant_surgeon", "touching", "patient"))
    if situation.soothed:
        edges.add(Triplet("anaesthetist", "touching", "patient"))
    if situation.patient is not None:
        edges.add(Triplet("patient", "lyingOn", "operating_table"))
    edges |= _closeness_edges(situation, room)
    return sorted(edges)


def _closeness_edges(situation: Situation, room: Room) -> set[Triplet]:
    edges: set[Triplet] = set()
    people = situation.people
    for index, placed in enumerate(people):
        for other in people[index + 1 :]:
            if (
                floor_distance(placed, (other.x, other.y, 0.0)) <= CLOSE_DISTANCE
                and placed.person.role != other.person.role
            ):
                first, second = sorted((placed.person.role, other.person.role), key=ENTITIES.index)
                edges.add(Triplet(first, "closeTo", second))
        distances = sorted(
            (footprint_distance(placed, name), name)
            for name in EQUIPMENT_POSITIONS
            if name != "c_arm" or name in room.scenery
        )
        edges |= {
            Triplet(placed.person.role, "closeTo", name)
            for edge_distance, name in distances[:2]
            if edge_distance <= CLOSE_TO_EQUIPMENT
        }
        if situation.patient is not None and footprint_distance(placed, "operating_table") <= CLOSE_TO_EQUIPMENT + 70.0:
            edges.add(Triplet(placed.person.role, "closeTo", "patient"))
    return edges


def floor_distance(placed: PlacedPerson, point: Vector) -> float:
    """Return how far somebody stands from a point on the floor, mm."""
    return distance_between((placed.x, placed.y, 0.0), (point[0], point[1], 0.0))


def footprint_distance(placed: PlacedPerson, name: str) -> float:
    """Return how far somebody stands from the footprint of equipment, mm."""
    (x, y), (half_x, half_y) = EQUIPMENT_POSITIONS[name], EQUIPMENT_FOOTPRINTS[name]
    gap = max(0.0, abs(placed.x - x) - half_x), max(0.0, abs(placed.y - y) - half_y)
    return distance_between((*gap, 0.0), (0.0, 0.0, 0.0))
