"""What is annotated of a timepoint, by facet, in the words of the dataset that is imitated."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.copies.camera_rig import HEAD_VIEW, CameraRig
from orqa_plugin_hybridor.copies.extents import body_extents, entity_extents, scanned_objects
from orqa_plugin_hybridor.copies.poses import body_poses
from orqa_plugin_hybridor.copies.word_mapping import (
    INTERVENTION_NAMES,
    LAST_INTERVENTION,
    LAST_PHASE,
    OBJECT_NAMES,
    PHASE_NAMES,
    TOOL_NAMES,
    name_activity,
    name_hand,
)
from orqa_plugin_hybridor.labels.appearance import describe_entities
from orqa_plugin_hybridor.labels.boxes import label_boxes
from orqa_plugin_hybridor.labels.entities import list_roles, locate_entities
from orqa_plugin_hybridor.labels.scene_graph import build_scene_graph
from orqa_plugin_hybridor.render.robot_screen import describe_screen
from orqa_plugin_hybridor.scene.room import HALF_SIDE
from orqa_plugin_hybridor.sensors.head_camera import visible_parts
from orqa_plugin_hybridor.sensors.tracker import track_arrays
from orqa_registry import Box, FacetLoader, Triplet, scenegraph
from orqa_registry.data.vocabulary import MASK_LABELS

Graph = tuple[Triplet, ...]
Facets = tuple[dict[str, Any], dict[str, FacetLoader]]
"""Those that are at hand, and those for which something has to be rendered, as `LazyLabels` takes them."""

_PREDICATE_RANKS = {name: rank for rank, name in enumerate(("closeTo", "lyingOn", "assisting", "touching", "holding"))}


@frozen
class Annotation:
    """What is annotated of the timepoint at `index`.

    graph: None where nobody drew one. boxed_views: views with boxes. has_poses: whether people have poses.
    """

    index: int
    graph: Graph | None
    calibrated: bool
    boxed_views: Sequence[str]
    has_poses: bool


def infer_graph(rig: CameraRig, index: int) -> Graph:
    """Return a scene graph as ORQA's are: one edge a pair, and all that follows from it (datasets.md 1.1, 1.4)."""
    situation = rig.situations[index]
    edges: dict[tuple[str, str], Triplet] = {}
    for edge in build_scene_graph(situation, rig.take.room):
        if situation.patient is None and edge.object == "operating_table":
            continue  # in ORQA's graphs whoever is at the table is so beside a patient
        pair = edge.subject, edge.object
        if pair not in edges or _predicate_rank(edge) > _predicate_rank(edges[pair]):
            edges[pair] = edge
    return scenegraph.infer_relations(edges.values(), hands=True)


def _predicate_rank(edge: Triplet) -> int:
    """Return how much a predicate tells: actions most, closeness least."""
    return _PREDICATE_RANKS.get(edge.predicate, len(_PREDICATE_RANKS))


def annotate(rig: CameraRig, annotation: Annotation, media: Collection[str]) -> Facets:
    """Return the facets of a timepoint. Which words they have depends on what kind of room the media come from."""
    if "ego.jpg" in media:
        return _head_camera_facets(rig, annotation.index)
    if "objects.json" in media:
        return _scanner_room_facets(rig, annotation)
    return _robot_room_facets(rig, annotation)


def _robot_room_facets(rig: CameraRig, annotation: Annotation) -> Facets:
    take, situation = rig.take, rig.situations[annotation.index]
    room, simulation = take.room, take.simulation
    entities = locate_entities(situation, room)
    tracked = track_arrays(room, situation, simulation.seed, simulation.name)
    ready: dict[str, Any] = {
        "roles": tuple(dict.fromkeys(list_roles(situation))),  # masks do not tell persons of a role apart
        "entities": tuple(entities),
        "robot_phase": situation.phase or None,
        "sterility_breach": tuple(str(breach) for breach in situation.breaches),
        "tracked_tools": tuple(array.name for array in tracked),
        "screen_text": describe_screen(situation.phase, annotation.calibrated),
        "attributes": describe_entities(entities, situation, room),
    }
    if annotation.graph is not None:
        ready |= scenegraph.graph_facets(annotation.graph)
        ready["robot_calibrated"] = annotation.calibrated
    deferred: dict[str, FacetLoader] = {"positions": partial(_label_positions, rig, annotation.index)}
    if annotation.boxed_views:
        deferred["boxes"] = partial(_label_boxes, rig, annotation.index, tuple(annotation.boxed_views))
    return ready, deferred


def _label_positions(rig: CameraRig, index: int) -> Mapping[str, Any]:
    return {"positions": {"reach": HALF_SIDE, "extents": entity_extents(rig, index)}}


def _label_boxes(rig: CameraRig, index: int, views: Sequence[str]) -> Mapping[str, Any]:
    """Return boxes of what masks show: names that have no id in them have none."""
    by_view = {}
    for view in views:
        label = label_boxes({view: rig.render(view, index)})[view]
        by_name = {box.entity: box for box in label["boxes"]}
        boxes = tuple(_upscale_box(rig, view, by_name[name]) for name in MASK_LABELS.values() if name in by_name)
        by_view[view] = {"size": _view_size(rig, view), "boxes": boxes}
    return {"boxes": by_view}


def _view_size(rig: CameraRig, view: str) -> tuple[int, int]:
    resolution = rig.resolutions[view]
    return resolution.size[0] * resolution.scale, resolution.size[1] * resolution.scale


def _upscale_box(rig: CameraRig, view: str, box: Box) -> Box:
    scale = rig.resolutions[view].scale
    return Box(box.entity, scale * box.x0, scale * box.y0, scale * (box.x1 + 1) - 1, scale * (box.y1 + 1) - 1)


def _head_camera_facets(rig: CameraRig, index: int) -> Facets:
    take, seconds = rig.take, rig.situations[index].seconds
    view = rig.head_view(index)
    x, y, _ = view.camera.project(np.array([take.room.to_room(view.target)]))[0].tolist()
    width, height = view.camera.size
    gaze = (min(max((x + 0.5) / width, 0.0), 1.0), min(max((y + 0.5) / height, 0.0), 1.0))
    ready: dict[str, Any] = {
        "actions": (name_activity(take.simulation, seconds, PHASE_NAMES, LAST_PHASE),),
        "gaze": gaze,
    }
    source = partial(_label_hands_and_tools, rig, index)
    return ready, {"tools": source, "entities": source, "boxes": source}


def _label_hands_and_tools(rig: CameraRig, index: int) -> Mapping[str, Any]:
    wearer = rig.head_view(index).wearer.person.number
    tools: list[Box] = []
    hands: list[Box] = []
    for part in visible_parts(rig.render(HEAD_VIEW, index)):
        if part.name in TOOL_NAMES:
            tools.append(_upscale_box(rig, HEAD_VIEW, Box(TOOL_NAMES[part.name], *part.extents)))
        elif part.name.endswith("hand"):
            side = {"left hand": "right hand", "right hand": "left hand"}[part.name] if rig.mirrored else part.name
            hands.append(
                _upscale_box(rig, HEAD_VIEW, Box(name_hand(side, is_wearer=part.number == wearer), *part.extents))
            )
    return {
        "tools": tuple(dict.fromkeys(box.entity for box in tools)),
        "entities": tuple(dict.fromkeys(box.entity for box in (*hands, *tools))),
        "boxes": {HEAD_VIEW: {"size": _view_size(rig, HEAD_VIEW), "boxes": (*tools, *hands)}},
    }


def _scanner_room_facets(rig: CameraRig, annotation: Annotation) -> Facets:
    """Return the facets of a room where people are known by their poses alone."""
    take, seconds = rig.take, rig.situations[annotation.index].seconds
    people = tuple(body_poses(rig, annotation.index)) if annotation.has_poses else ()
    objects = tuple(OBJECT_NAMES[name] for name in scanned_objects(rig))
    ready: dict[str, Any] = {
        "roles": people,
        "entities": (*people, *objects),
        "actions": (name_activity(take.simulation, seconds, INTERVENTION_NAMES, LAST_INTERVENTION),),
    }
    return ready, {"positions": partial(_label_scanner_room_positions, rig, annotation)}


def _label_scanner_room_positions(rig: CameraRig, annotation: Annotation) -> Mapping[str, Any]:
    by_entity = entity_extents(rig, annotation.index)
    people = body_extents(rig, annotation.index) if annotation.has_poses else {}
    objects = {OBJECT_NAMES[name]: by_entity[name] for name in scanned_objects(rig) if name in by_entity}
    return {"positions": {"reach": HALF_SIDE, "extents": {**people, **objects}}}
