"""Where people and things are: poses, joints in pictures, objects beside their scans, and what room they take up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from orqa_plugin_hybridor.geometry import Vector
from orqa_plugin_hybridor.labels import MIDDLE_HEIGHT
from orqa_plugin_hybridor.room import PLACES
from orqa_plugin_hybridor.skeleton import PATIENT, joints, mirrored
from orqa_plugin_hybridor.solids import BOX, CONE, NAMES, Floats, SolidArrays, join
from orqa_plugin_hybridor.studio import Studio
from orqa_plugin_hybridor.translation import AT_CAMERA, OBJECTS
from orqa_registry.vocabulary import JOINTS

NEAR = 260.0
"""A joint is visible where its own body is seen, at most this far in front of it or behind, mm."""

Pose = dict[str, Vector]


def bodies(studio: Studio, place: int) -> dict[str, Pose]:
    """Return everybody's joints in the furniture's coordinates: `human 1`, ... in the order of staff, `patient`."""
    situation = studio.situations[place]
    people = {f"human {number}": joints(placed) for number, placed in enumerate(situation.people, start=1)}
    if situation.patient is not None:
        people["patient"] = dict(PATIENT)
    return {name: mirrored(pose) for name, pose in people.items()} if studio.mirrored else people


def poses(studio: Studio, place: int, *, nobody: bool) -> dict[str, Any]:
    """Return what poses.json holds: names of joints, and for everybody a row of mm in the world for each."""
    names = studio.layout.joints or JOINTS
    people = {} if nobody else bodies(studio, place)
    positions = {name: studio.placed([pose[joint] for joint in names]) for name, pose in people.items()}
    return {"joints": list(names), "people": {name: rows.round(2).tolist() for name, rows in positions.items()}}


def keypoints(studio: Studio, view: str, place: int) -> list[dict[str, Any]]:
    """Return the people in a view: a box [x, y, width, height] of what is seen, and x, y, visibility of each joint.

    Visibility is 2 for what is seen, 1 for what is hidden, 0 with zeros for what is not in the picture.
    """
    picture, times = studio.picture(view, place), studio.lenses[view].times
    camera = studio.cameras[view]
    names, placement = studio.layout.joints or JOINTS, studio.production.room.placement
    entries = []
    people = studio.situations[place].people
    for number, (name, pose) in enumerate(bodies(studio, place).items()):
        if name == "patient":
            visible_mask = picture.names == NAMES.index("patient")
        else:
            visible_mask = (picture.people == people[number].person.number) & (picture.names > 0) & (picture.parts < 3)
        rows, columns = np.nonzero(visible_mask)
        if not len(rows):
            continue
        points = np.array([pose[joint] for joint in names]) @ placement[:, :3].T + placement[:, 3]
        values: list[float] = []
        for x, y, away in camera.project(points).tolist():
            row, column = round(y), round(x)
            if away > 0 and 0 <= row < camera.size[1] and 0 <= column < camera.size[0]:
                visible = visible_mask[row, column] and abs(float(picture.depth[row, column]) - away) < NEAR
                values += [round(times * (x + 0.5) - 0.5, 1), round(times * (y + 0.5) - 0.5, 1), 2 if visible else 1]
            else:
                values += [0, 0, 0]
        left, top = times * int(columns.min()), times * int(rows.min())
        width, height = (times * (int(ends.max()) + 1) - start for ends, start in ((columns, left), (rows, top)))
        entries.append(
            {
                "bbox": [left, top, width, height],
                "keypoints": values,
                "person_role": "patient" if name == "patient" else "clinician",
                "person_id": number,
                "only_bbox": 0,
                "face_blurred": 0,
            }
        )
    return entries


def objects(studio: Studio) -> dict[str, Any]:
    """Return what objects.json holds: name -> scan, and the pose that takes its points to the world, mm.

    Each take has scans of its own, numbered as the take is. One object was scanned by the first camera; the others
    in coordinates of their own, around their middle.
    """
    number = int(studio.production.name.lstrip("hybrid"))
    entries: dict[str, Any] = {}
    for entity in present(studio):
        name = OBJECTS[entity]
        pose = np.eye(4)
        if entity == AT_CAMERA and studio.cameras:
            pose = np.linalg.inv(next(iter(studio.cameras.values())).pose @ np.linalg.inv(studio.world))
        else:
            pose[:3, :3] = studio.world[:3, :3]
            pose[:3, 3] = studio.placed([(*PLACES[entity], MIDDLE_HEIGHT[entity])])[0]
        scan = f"object_scans/{name.replace(' ', '_')}/{number}.ply"
        entries[name] = {"scan": scan, "pose": pose.tolist()}
    return entries


def present(studio: Studio) -> list[str]:
    """Return the objects with a scan that are in the room of a take, as the vocabulary names them."""
    return [name for name in OBJECTS if name != "c_arm" or "c_arm" in studio.production.room.scenery]


def extents(studio: Studio, place: int) -> dict[str, tuple[float, ...]]:
    """Return what everything that has a name takes up of the world: x0, y0, z0, x1, y1, z1 in mm."""
    stage = studio.stage(place)
    solids = join(studio.filming.still, join(stage.slow, stage.fast))
    low, high = _solid_bounds(solids, studio.world)
    by_entity: dict[str, tuple[float, ...]] = {}
    for number in np.unique(solids.entities[solids.entities > 0]).tolist():
        selected = solids.entities == number
        by_entity[NAMES[number]] = _point_extents(low[selected], high[selected])
    return dict(sorted(by_entity.items()))


def body_extents(studio: Studio, place: int) -> dict[str, tuple[float, ...]]:
    """Return what everybody takes up of the world, by joints alone: x0, y0, z0, x1, y1, z1 in mm."""
    people: Mapping[str, list[list[float]]] = poses(studio, place, nobody=False)["people"]
    return {name: _point_extents(np.array(rows), np.array(rows)) for name, rows in people.items()}


def _point_extents(low: Floats, high: Floats) -> tuple[float, ...]:
    return tuple(round(value, 1) for value in (*low.min(axis=0).tolist(), *high.max(axis=0).tolist()))


def _solid_bounds(solids: SolidArrays, world: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest x, y, z (N, 3) of solids in the world."""
    frames = world[:3, :3] @ solids.frames
    centres = solids.centres @ world[:3, :3].T + world[:3, 3]
    cones, boxes = solids.kinds == CONE, solids.kinds == BOX
    discs = np.where(cones[:, None, None], frames * np.array([1.0, 1.0, 0.0]), frames)
    half = np.where(boxes[:, None], np.abs(frames).sum(axis=2), np.linalg.norm(discs, axis=2))
    low, high = centres - half, centres + half
    ends, half = centres + frames[:, :, 2], half * solids.tapers[:, None]
    low[cones], high[cones] = np.minimum(low, ends - half)[cones], np.maximum(high, ends + half)[cones]
    return low, high
