"""Where the joints of people are: in the world, and in pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from orqa_plugin_hybridor.copies.camera_rig import CameraRig
from orqa_plugin_hybridor.geometry.solids import ENTITY_NAMES
from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.scene.skeleton import PATIENT_JOINTS, mirror_joints, staff_joints
from orqa_registry.data.vocabulary import JOINTS

VISIBLE_DISTANCE = 260.0
"""A joint is visible where its own body is seen, at most this far in front of it or behind, mm."""

Pose = dict[str, Vector]


def body_poses(rig: CameraRig, index: int) -> dict[str, Pose]:
    """Return everybody's joints in the furniture's coordinates: `human 1`, ... in the order of staff, `patient`."""
    situation = rig.situations[index]
    people = {f"human {number}": staff_joints(placed) for number, placed in enumerate(situation.people, start=1)}
    if situation.patient is not None:
        people["patient"] = dict(PATIENT_JOINTS)
    return {name: mirror_joints(pose) for name, pose in people.items()} if rig.mirrored else people


def encode_poses(rig: CameraRig, index: int, *, nobody: bool) -> dict[str, Any]:
    """Return what poses.json holds: names of joints, and for everybody a row of mm in the world for each."""
    names = rig.layout.joints or JOINTS
    people = {} if nobody else body_poses(rig, index)
    positions = {name: rig.to_world([pose[joint] for joint in names]) for name, pose in people.items()}
    return {"joints": list(names), "people": {name: rows.round(2).tolist() for name, rows in positions.items()}}


def encode_keypoints(rig: CameraRig, view: str, index: int) -> list[dict[str, Any]]:
    """Return the people in a view: a box [x, y, width, height] of what is seen, and x, y, visibility of each joint.

    Visibility is 2 for what is seen, 1 for what is hidden, 0 with zeros for what is not in the picture.
    """
    picture, scale = rig.render(view, index), rig.resolutions[view].scale
    camera = rig.cameras[view]
    names, placement = rig.layout.joints or JOINTS, rig.take.room.placement
    entries = []
    people = rig.situations[index].people
    for number, (name, pose) in enumerate(body_poses(rig, index).items()):
        if name == "patient":
            visible_mask = picture.entity_ids == ENTITY_NAMES.index("patient")
        else:
            visible_mask = (
                (picture.people == people[number].person.number) & (picture.entity_ids > 0) & (picture.parts < 3)
            )
        rows, columns = np.nonzero(visible_mask)
        if not len(rows):
            continue
        points = np.array([pose[joint] for joint in names]) @ placement[:, :3].T + placement[:, 3]
        values: list[float] = []
        for x, y, away in camera.project(points).tolist():
            row, column = round(y), round(x)
            if away > 0 and 0 <= row < camera.size[1] and 0 <= column < camera.size[0]:
                visible = visible_mask[row, column] and abs(float(picture.depth[row, column]) - away) < VISIBLE_DISTANCE
                values += [round(scale * (x + 0.5) - 0.5, 1), round(scale * (y + 0.5) - 0.5, 1), 2 if visible else 1]
            else:
                values += [0, 0, 0]
        left, top = scale * int(columns.min()), scale * int(rows.min())
        width, height = (scale * (int(ends.max()) + 1) - start for ends, start in ((columns, left), (rows, top)))
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
