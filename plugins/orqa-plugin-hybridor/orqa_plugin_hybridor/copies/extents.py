"""What people and things take up of the world, and the poses of objects beside their scans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from orqa_plugin_hybridor.copies.camera_rig import CameraRig
from orqa_plugin_hybridor.copies.poses import encode_poses
from orqa_plugin_hybridor.copies.word_mapping import CAMERA_OBJECT, OBJECT_NAMES
from orqa_plugin_hybridor.geometry.solids import BOX, CONE, ENTITY_NAMES, Floats, SolidArrays, concatenate
from orqa_plugin_hybridor.labels.entities import EQUIPMENT_HEIGHTS
from orqa_plugin_hybridor.scene.room import EQUIPMENT_POSITIONS


def encode_objects(rig: CameraRig) -> dict[str, Any]:
    """Return what objects.json holds: name -> scan, and the pose that takes its points to the world, mm.

    Each take has scans of its own, numbered as the take is. One object was scanned by the first camera; the others
    in coordinates of their own, around their middle.
    """
    number = int(rig.take.name.lstrip("hybrid"))
    entries: dict[str, Any] = {}
    for entity in scanned_objects(rig):
        name = OBJECT_NAMES[entity]
        pose = np.eye(4)
        if entity == CAMERA_OBJECT and rig.cameras:
            pose = np.linalg.inv(next(iter(rig.cameras.values())).pose @ np.linalg.inv(rig.world))
        else:
            pose[:3, :3] = rig.world[:3, :3]
            pose[:3, 3] = rig.to_world([(*EQUIPMENT_POSITIONS[entity], EQUIPMENT_HEIGHTS[entity])])[0]
        scan = f"object_scans/{name.replace(' ', '_')}/{number}.ply"
        entries[name] = {"scan": scan, "pose": pose.tolist()}
    return entries


def scanned_objects(rig: CameraRig) -> list[str]:
    """Return the objects with a scan that are in the room of a take, as the vocabulary names them."""
    return [name for name in OBJECT_NAMES if name != "c_arm" or "c_arm" in rig.take.room.scenery]


def entity_extents(rig: CameraRig, index: int) -> dict[str, tuple[float, ...]]:
    """Return what everything that has a name takes up of the world: x0, y0, z0, x1, y1, z1 in mm."""
    scene = rig.scene(index)
    solids = concatenate(rig.renderer.static_solids, concatenate(scene.slow_solids, scene.fast_solids))
    low, high = _solid_bounds(solids, rig.world)
    by_entity: dict[str, tuple[float, ...]] = {}
    for number in np.unique(solids.entities[solids.entities > 0]).tolist():
        selected = solids.entities == number
        by_entity[ENTITY_NAMES[number]] = _point_extents(low[selected], high[selected])
    return dict(sorted(by_entity.items()))


def body_extents(rig: CameraRig, index: int) -> dict[str, tuple[float, ...]]:
    """Return what everybody takes up of the world, by joints alone: x0, y0, z0, x1, y1, z1 in mm."""
    people: Mapping[str, list[list[float]]] = encode_poses(rig, index, nobody=False)["people"]
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
