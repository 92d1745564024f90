"""What there is to say about one second of a take, by facet: from the same situation and pixels that are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from orqa_plugin_hybridor.filming import Picture
from orqa_plugin_hybridor.geometry import Vector, distance
from orqa_plugin_hybridor.instruments import ENTITY_OF_TOOL
from orqa_plugin_hybridor.room import FOOTPRINTS, HALF, PLACES, Room
from orqa_plugin_hybridor.situation import Placed, Situation
from orqa_plugin_hybridor.solids import NAMES
from orqa_plugin_hybridor.staff import GOWN_WORDS
from orqa_registry import Box, Triplet
from orqa_registry.vocabulary import ENTITIES, ROLES

CLOSE = 720.0
"""Two people are close to each other when their middles are no farther apart on the floor than this, mm."""
CLOSE_TO_EDGE = 330.0
"""Somebody is close to equipment when its footprint is no farther than this, mm."""
SEEN = 10
"""An entity has a box in a view when it has at least as many visible pixels."""
MIDDLE_HEIGHT: dict[str, float] = {
    "operating_table": 840.0,
    "mako_robot": 500.0,
    "mps_station": 600.0,
    "anesthesia_equipment": 600.0,
    "instrument_table": 800.0,
    "secondary_table": 800.0,
    "monitor": 1640.0,
    "tracker": 2030.0,
    "c_arm": 350.0,
}
"""Height of the middle of equipment above the floor, mm."""
PATIENT_AT: Vector = (-100.0, 0.0, 1000.0)
SHEET_AT: Vector = (160.0, 20.0, 920.0)
TRAY_AT: Vector = (1500.0, -1350.0, 935.0)


def roles(situation: Situation) -> list[str]:
    """Return the people present, one entry a person, in the vocabulary's order."""
    present = [placed.person.role for placed in situation.people]
    if situation.patient is not None:
        present.append("patient")
    return sorted(present, key=ROLES.index)


def places(situation: Situation, room: Room) -> dict[str, Vector]:
    """Return the middle of everything present, in the furniture's coordinates, mm."""
    points: dict[str, Vector] = {}
    for name, (x, y) in PLACES.items():
        if name != "c_arm" or "c_arm" in room.scenery:
            points[name] = (x, y, MIDDLE_HEIGHT[name])
    for placed in situation.people:
        points.setdefault(placed.person.role, placed.centre)
    if situation.patient is not None:
        points["patient"] = PATIENT_AT
        if situation.patient.draped:
            points["drape"] = SHEET_AT
    for used in situation.tools:
        if ENTITY_OF_TOOL[used.name]:
            points.setdefault(ENTITY_OF_TOOL[used.name], used.centre)
    if situation.arm.saw:
        x, y, z = situation.arm.end
        points.setdefault("saw", (x - 20.0, y - 50.0, z - 40.0))
    points.setdefault("instrument", TRAY_AT)
    return dict(sorted(points.items()))


def positions(present: Mapping[str, Vector], room: Room) -> dict[str, Any]:
    """Return where the middle of everything is in the room: extents that are points, mm."""
    middles = {name: [round(value, 1) for value in room.to_room(point)] for name, point in present.items()}
    return {"reach": HALF, "extents": {name: (*middle, *middle) for name, middle in middles.items()}}


def relations(situation: Situation, room: Room) -> list[Triplet]:
    """Return the scene graph, sorted, each edge once."""
    edges: set[Triplet] = set()
    for step in situation.steps:
        if step.action:
            edges.add(Triplet(step.actor, step.action, step.target))
    for used in situation.tools:
        if ENTITY_OF_TOOL[used.name]:
            held = "instrument" if used.name == "cementer" else ENTITY_OF_TOOL[used.name]
            edges.add(Triplet(used.holder.person.role, "holding", held))
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
            if floor_distance(placed, (other.x, other.y, 0.0)) <= CLOSE and placed.person.role != other.person.role:
                first, second = sorted((placed.person.role, other.person.role), key=ENTITIES.index)
                edges.add(Triplet(first, "closeTo", second))
        distances = sorted((to_edge(placed, name), name) for name in PLACES if name != "c_arm" or name in room.scenery)
        edges |= {Triplet(placed.person.role, "closeTo", name) for edge_distance, name in distances[:2] if edge_distance <= CLOSE_TO_EDGE}
        if situation.patient is not None and to_edge(placed, "operating_table") <= CLOSE_TO_EDGE + 70.0:
            edges.add(Triplet(placed.person.role, "closeTo", "patient"))
    return edges


def floor_distance(placed: Placed, point: Vector) -> float:
    """Return how far somebody stands from a point on the floor, mm."""
    return distance((placed.x, placed.y, 0.0), (point[0], point[1], 0.0))


def to_edge(placed: Placed, name: str) -> float:
    """Return how far somebody stands from the footprint of equipment, mm."""
    (x, y), (half_x, half_y) = PLACES[name], FOOTPRINTS[name]
    gap = max(0.0, abs(placed.x - x) - half_x), max(0.0, abs(placed.y - y) - half_y)
    return distance((*gap, 0.0), (0.0, 0.0, 0.0))


def boxes(pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """Return for each camera the inclusive extents (x0, y0, x1, y1) of the visible pixels of every entity."""
    by_view: dict[str, Any] = {}
    for view, picture in pictures.items():
        height, width = picture.names.shape
        count = len(NAMES)
        names = picture.names.astype(np.int64)
        by_row = np.bincount((names + np.arange(height)[:, None] * count).ravel(), minlength=count * height)
        by_column = np.bincount((names + np.arange(width) * count).ravel(), minlength=count * width)
        rows, columns = by_row.reshape(height, count), by_column.reshape(width, count)
        visible: list[Box] = []
        for number in np.nonzero(rows.sum(axis=0) >= SEEN)[0]:
            if NAMES[number]:
                x, y = np.nonzero(columns[:, number])[0], np.nonzero(rows[:, number])[0]
                visible.append(Box(NAMES[number], int(x[0]), int(y[0]), int(x[-1]), int(y[-1])))
        by_view[view] = {"size": [width, height], "boxes": sorted(visible)}
    return by_view


def attributes(present: Mapping[str, Vector], situation: Situation, room: Room) -> dict[str, dict[str, str]]:
    """Return what everything present looks like, in words, as it is drawn in this take."""
    looks: dict[str, tuple[str, str, str, str]] = {
        "operating_table": (room.pad, "flat box", "large", "padded"),
        "instrument_table": (room.cloth, "rectangular", "medium", "cloth"),
        "secondary_table": (f"dark {room.cloth}", "rectangular", "medium", "cloth"),
        "anesthesia_equipment": (room.case, "upright box", "large", "smooth"),
        "mps_station": ("dark grey", "desk with a screen", "medium", "smooth"),
        "mako_robot": (
            "white" if situation.arm.dressed else "grey",
            "box with an arm",
            "large",
            "plastic drape" if situation.arm.dressed else "metallic",
        ),
        "monitor": ("black", "flat rectangle", "medium", "glossy"),
        "tracker": ("white", "bar on a pole", "tall", "smooth"),
        "c_arm": ("white", "c-shaped", "large", "smooth"),
        "drill": ("yellow", "pistol", "small", "smooth"),
        "saw": ("cyan", "cylinder with a blade", "small", "smooth"),
        "hammer": ("red", "mallet", "small", "smooth"),
        "cementer": ("purple", "syringe", "small", "smooth"),
        "instrument": ("silver", "thin rod", "small", "metallic"),
    }
    for used in situation.tools:
        if used.name == "screwdriver":
            looks["instrument"] = ("orange", "thick handle", "small", "smooth")
        elif used.name == "scalpel":
            looks["instrument"] = ("white", "thin blade", "small", "metallic")
        elif used.name == "pointer":
            looks["instrument"] = ("green", "rod with balls", "small", "metallic")
        elif used.name == "cementer":
            looks["instrument"] = looks["cementer"]
    if "drape" in present:
        held_out = situation.patient is None or not situation.patient.draped
        looks["drape"] = ("lime", "flat sheet", "medium", "cloth") if held_out else ("teal", "covering", "large", "cloth")
    for role, colour in GOWN_WORDS.items():
        person = situation.find(role)
        if person is not None:
            size = "tall" if person.person.height > 1790 else "short" if person.person.height < 1690 else "medium"
            looks[role] = (colour, "person", size, "cloth")
    names = ("color", "shape", "size", "texture")
    return {name: dict(zip(names, looks[name], strict=True)) for name in present if name in looks}
