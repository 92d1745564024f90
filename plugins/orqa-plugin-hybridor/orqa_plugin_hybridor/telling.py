"""What is annotated of a timepoint, by facet, in the words of the dataset that is imitated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor import labels
from orqa_plugin_hybridor.bodies import bodies, body_extents, extents, present
from orqa_plugin_hybridor.ego import parts
from orqa_plugin_hybridor.room import HALF
from orqa_plugin_hybridor.screen import describe
from orqa_plugin_hybridor.studio import EGO, Studio
from orqa_plugin_hybridor.tracking import track
from orqa_plugin_hybridor.translation import (
    INTERVENTIONS,
    LAST_INTERVENTION,
    LAST_PHASE,
    OBJECTS,
    PHASES,
    TOOLS,
    doing,
    hand,
)
from orqa_registry import Box, Triplet, scenegraph
from orqa_registry.labels import Source
from orqa_registry.vocabulary import MASK_LABELS

Graph = tuple[Triplet, ...]
Facets = tuple[dict[str, Any], dict[str, Source]]
"""Those that are at hand, and those for which something has to be filmed, as `Labels` takes them."""

_TELLING = {name: place for place, name in enumerate(("closeTo", "lyingOn", "assisting", "touching", "holding"))}


@frozen
class Told:
    """What is annotated of the timepoint at `place`.

    graph: None where nobody drew one. boxed: views with boxes. posed: whether people have poses.
    """

    place: int
    graph: Graph | None
    calibrated: bool
    boxed: Sequence[str]
    posed: bool


def graph_of(studio: Studio, place: int) -> Graph:
    """Return a scene graph as ORQA's are: one edge a pair, and all that follows from it (datasets.md 1.1, 1.4)."""
    situation = studio.situations[place]
    edges: dict[tuple[str, str], Triplet] = {}
    for edge in labels.relations(situation, studio.production.room):
        if situation.patient is None and edge.object == "operating_table":
            continue  # in ORQA's graphs whoever is at the table is so beside a patient
        pair = edge.subject, edge.object
        if pair not in edges or _rank(edge) > _rank(edges[pair]):
            edges[pair] = edge
    return scenegraph.infer(edges.values(), hands=True)


def _rank(edge: Triplet) -> int:
    """Return how much a predicate tells: actions most, closeness least."""
    return _TELLING.get(edge.predicate, len(_TELLING))


def tell(studio: Studio, told: Told, media: Collection[str]) -> Facets:
    """Return the facets of a timepoint. Which words they have depends on what kind of room the media come from."""
    if "ego.jpg" in media:
        return _seen_from_a_head(studio, told.place)
    if "objects.json" in media:
        return _among_scanners(studio, told)
    return _with_a_robot(studio, told)


def _with_a_robot(studio: Studio, told: Told) -> Facets:
    production, situation = studio.production, studio.situations[told.place]
    room, plot = production.room, production.plot
    entities = labels.places(situation, room)
    tracked = track(room, situation, plot.seed, plot.name)
    ready: dict[str, Any] = {
        "roles": tuple(dict.fromkeys(labels.roles(situation))),  # masks do not tell persons of a role apart
        "entities": tuple(entities),
        "robot_phase": situation.phase or None,
        "sterility_breach": tuple(str(breach) for breach in situation.breaches),
        "tracked_tools": tuple(one.name for one in tracked),
        "screen_text": describe(situation.phase, told.calibrated),
        "attributes": labels.attributes(entities, situation, room),
    }
    if told.graph is not None:
        ready |= scenegraph.facets(told.graph)
        ready["robot_calibrated"] = told.calibrated
    late: dict[str, Source] = {"positions": partial(_positions, studio, told.place)}
    if told.boxed:
        late["boxes"] = partial(_boxes, studio, told.place, tuple(told.boxed))
    return ready, late


def _positions(studio: Studio, place: int) -> Mapping[str, Any]:
    return {"positions": {"reach": HALF, "extents": extents(studio, place)}}


def _boxes(studio: Studio, place: int, views: Sequence[str]) -> Mapping[str, Any]:
    """Return boxes of what masks show: names that have no id in them have none."""
    found = {}
    for view in views:
        seen = labels.boxes({view: studio.picture(view, place)})[view]
        by_name = {box.entity: box for box in seen["boxes"]}
        boxes = tuple(_enlarged(studio, view, by_name[name]) for name in MASK_LABELS.values() if name in by_name)
        found[view] = {"size": _size(studio, view), "boxes": boxes}
    return {"boxes": found}


def _size(studio: Studio, view: str) -> tuple[int, int]:
    lens = studio.lenses[view]
    return lens.size[0] * lens.times, lens.size[1] * lens.times


def _enlarged(studio: Studio, view: str, box: Box) -> Box:
    times = studio.lenses[view].times
    return Box(box.entity, times * box.x0, times * box.y0, times * (box.x1 + 1) - 1, times * (box.y1 + 1) - 1)


def _seen_from_a_head(studio: Studio, place: int) -> Facets:
    production, seconds = studio.production, studio.situations[place].seconds
    look = studio.glance(place)
    x, y, _ = look.camera.project(np.array([production.room.to_room(look.target)]))[0].tolist()
    width, height = look.camera.size
    gaze = (min(max((x + 0.5) / width, 0.0), 1.0), min(max((y + 0.5) / height, 0.0), 1.0))
    ready: dict[str, Any] = {"actions": (doing(production.plot, seconds, PHASES, LAST_PHASE),), "gaze": gaze}
    seen = partial(_hands_and_tools, studio, place)
    return ready, {"tools": seen, "entities": seen, "boxes": seen}


def _hands_and_tools(studio: Studio, place: int) -> Mapping[str, Any]:
    wearer = studio.glance(place).wearer.person.number
    tools: list[Box] = []
    hands: list[Box] = []
    for part in parts(studio.picture(EGO, place)):
        if part.name in TOOLS:
            tools.append(_enlarged(studio, EGO, Box(TOOLS[part.name], *part.extents)))
        elif part.name.endswith("hand"):
            side = {"left hand": "right hand", "right hand": "left hand"}[part.name] if studio.mirrored else part.name
            hands.append(_enlarged(studio, EGO, Box(hand(side, own=part.number == wearer), *part.extents)))
    return {
        "tools": tuple(dict.fromkeys(box.entity for box in tools)),
        "entities": tuple(dict.fromkeys(box.entity for box in (*hands, *tools))),
        "boxes": {EGO: {"size": _size(studio, EGO), "boxes": (*tools, *hands)}},
    }


def _among_scanners(studio: Studio, told: Told) -> Facets:
    """Return the facets of a room where people are known by their poses alone."""
    production, seconds = studio.production, studio.situations[told.place].seconds
    people = tuple(bodies(studio, told.place)) if told.posed else ()
    things = tuple(OBJECTS[name] for name in present(studio))
    ready: dict[str, Any] = {
        "roles": people,
        "entities": (*people, *things),
        "actions": (doing(production.plot, seconds, INTERVENTIONS, LAST_INTERVENTION),),
    }
    return ready, {"positions": partial(_positions_among_scanners, studio, told)}


def _positions_among_scanners(studio: Studio, told: Told) -> Mapping[str, Any]:
    found = extents(studio, told.place)
    people = body_extents(studio, told.place) if told.posed else {}
    things = {OBJECTS[name]: found[name] for name in present(studio) if name in found}
    return {"positions": {"reach": HALF, "extents": {**people, **things}}}
