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

_PREDICATE_RANKS = {name: place for place, name in enumerate(("closeTo", "lyingOn", "assisting", "touching", "holding"))}


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
        if pair not in edges or _predicate_rank(edge) > _predicate_rank(edges[pair]):
            edges[pair] = edge
    return scenegraph.infer(edges.values(), hands=True)


def _predicate_rank(edge: Triplet) -> int:
    """Return how much a predicate tells: actions most, closeness least."""
    return _PREDICATE_RANKS.get(edge.predicate, len(_PREDICATE_RANKS))


def tell(studio: Studio, told: Told, media: Collection[str]) -> Facets:
    """Return the facets of a timepoint. Which words they have depends on what kind of room the media come from."""
    if "ego.jpg" in media:
        return _head_camera_facets(studio, told.place)
    if "objects.json" in media:
        return _scanner_room_facets(studio, told)
    return _robot_room_facets(studio, told)


def _robot_room_facets(studio: Studio, annotation: Told) -> Facets:
    production, situation = studio.production, studio.situations[annotation.place]
    room, plot = production.room, production.plot
    entities = labels.places(situation, room)
    tracked = track(room, situation, plot.seed, plot.name)
    ready: dict[str, Any] = {
        "roles": tuple(dict.fromkeys(labels.roles(situation))),  # masks do not tell persons of a role apart
        "entities": tuple(entities),
        "robot_phase": situation.phase or None,
        "sterility_breach": tuple(str(breach) for breach in situation.breaches),
        "tracked_tools": tuple(array.name for array in tracked),
        "screen_text": describe(situation.phase, annotation.calibrated),
        "attributes": labels.attributes(entities, situation, room),
    }
    if annotation.graph is not None:
        ready |= scenegraph.facets(annotation.graph)
        ready["robot_calibrated"] = annotation.calibrated
    deferred: dict[str, Source] = {"positions": partial(_label_positions, studio, annotation.place)}
    if annotation.boxed:
        deferred["boxes"] = partial(_label_boxes, studio, annotation.place, tuple(annotation.boxed))
    return ready, deferred


def _label_positions(studio: Studio, index: int) -> Mapping[str, Any]:
    return {"positions": {"reach": HALF, "extents": extents(studio, index)}}


def _label_boxes(studio: Studio, index: int, views: Sequence[str]) -> Mapping[str, Any]:
    """Return boxes of what masks show: names that have no id in them have none."""
    by_view = {}
    for view in views:
        label = labels.boxes({view: studio.picture(view, index)})[view]
        by_name = {box.entity: box for box in label["boxes"]}
        boxes = tuple(_upscale_box(studio, view, by_name[name]) for name in MASK_LABELS.values() if name in by_name)
        by_view[view] = {"size": _view_size(studio, view), "boxes": boxes}
    return {"boxes": by_view}


def _view_size(studio: Studio, view: str) -> tuple[int, int]:
    resolution = studio.lenses[view]
    return resolution.size[0] * resolution.times, resolution.size[1] * resolution.times


def _upscale_box(studio: Studio, view: str, box: Box) -> Box:
    times = studio.lenses[view].times
    return Box(box.entity, times * box.x0, times * box.y0, times * (box.x1 + 1) - 1, times * (box.y1 + 1) - 1)


def _head_camera_facets(studio: Studio, index: int) -> Facets:
    production, seconds = studio.production, studio.situations[index].seconds
    view = studio.glance(index)
    x, y, _ = view.camera.project(np.array([production.room.to_room(view.target)]))[0].tolist()
    width, height = view.camera.size
    gaze = (min(max((x + 0.5) / width, 0.0), 1.0), min(max((y + 0.5) / height, 0.0), 1.0))
    ready: dict[str, Any] = {"actions": (doing(production.plot, seconds, PHASES, LAST_PHASE),), "gaze": gaze}
    source = partial(_label_hands_and_tools, studio, index)
    return ready, {"tools": source, "entities": source, "boxes": source}


def _label_hands_and_tools(studio: Studio, index: int) -> Mapping[str, Any]:
    wearer = studio.glance(index).wearer.person.number
    tools: list[Box] = []
    hands: list[Box] = []
    for part in parts(studio.picture(EGO, index)):
        if part.name in TOOLS:
            tools.append(_upscale_box(studio, EGO, Box(TOOLS[part.name], *part.extents)))
        elif part.name.endswith("hand"):
            side = {"left hand": "right hand", "right hand": "left hand"}[part.name] if studio.mirrored else part.name
            hands.append(_upscale_box(studio, EGO, Box(hand(side, own=part.number == wearer), *part.extents)))
    return {
        "tools": tuple(dict.fromkeys(box.entity for box in tools)),
        "entities": tuple(dict.fromkeys(box.entity for box in (*hands, *tools))),
        "boxes": {EGO: {"size": _view_size(studio, EGO), "boxes": (*tools, *hands)}},
    }


def _scanner_room_facets(studio: Studio, annotation: Told) -> Facets:
    """Return the facets of a room where people are known by their poses alone."""
    production, seconds = studio.production, studio.situations[annotation.place].seconds
    people = tuple(bodies(studio, annotation.place)) if annotation.posed else ()
    objects = tuple(OBJECTS[name] for name in present(studio))
    ready: dict[str, Any] = {
        "roles": people,
        "entities": (*people, *objects),
        "actions": (doing(production.plot, seconds, INTERVENTIONS, LAST_INTERVENTION),),
    }
    return ready, {"positions": partial(_label_scanner_room_positions, studio, annotation)}


def _label_scanner_room_positions(studio: Studio, annotation: Told) -> Mapping[str, Any]:
    by_entity = extents(studio, annotation.place)
    people = body_extents(studio, annotation.place) if annotation.posed else {}
    objects = {OBJECTS[name]: by_entity[name] for name in present(studio) if name in by_entity}
    return {"positions": {"reach": HALF, "extents": {**people, **objects}}}
