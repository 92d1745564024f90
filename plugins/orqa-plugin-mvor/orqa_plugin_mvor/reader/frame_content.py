"""What is in a frame, read from its files. Imported late: numpy. What is damaged is warned of, and not known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from orqa_plugin_mvor.names import PATIENT, POSE_JOINTS, REACH
from orqa_plugin_mvor.reader import pose_files, room_geometry
from orqa_plugin_mvor.reader.frame_files import FrameFiles
from orqa_plugin_mvor.reader.pose_files import Array
from orqa_registry.readers.geometry import transform
from orqa_registry.readers.io import read_or_warn


class SharedContent:
    """Files that serve all frames, each read when first needed, and once."""

    def __init__(self, home: Path, centres: Path | None, dummy: Path | None) -> None:
        self._home, self._centres, self._dummy = home, centres, dummy
        self._scans: dict[str, Array | None] = {}

    @cached_property
    def centres(self) -> Mapping[str, Array] | None:
        """Patient centres by frame, None where they are not known."""
        return read_or_warn(pose_files.read_patient_centres, self._centres) if self._centres else None

    @cached_property
    def dummy(self) -> Array | None:
        """The pose that stands for every patient, None where it is not known."""
        return read_or_warn(pose_files.read_dummy_pose, self._dummy) if self._dummy else None

    def scan(self, name: str) -> Array | None:
        """Return the points of an object scan, None where it is not on disk or damaged."""
        if name not in self._scans:
            path = self._home / name
            self._scans[name] = read_or_warn(pose_files.read_object_scan, path, name) if path.is_file() else None
        return self._scans[name]


class FrameContent:
    """One frame, opened piece by piece."""

    def __init__(self, files: FrameFiles, shared: SharedContent) -> None:
        self._files, self._shared = files, shared

    def roles(self) -> dict[str, Any]:
        """Return the facet roles, or nothing where a file that says who is there is damaged."""
        return {} if self._people is None else {"roles": tuple(self._people)}

    def entities(self) -> dict[str, Any]:
        """Return the facet entities, or nothing where a file that says what is there is damaged."""
        if self._people is None or self._objects is None:
            return {}
        return {"entities": (*self._people, *dict.fromkeys(map(room_geometry.entity_name, self._objects)))}

    def locations(self) -> dict[str, Any]:
        """Return the facets boxes and positions, or nothing where a file that says what is there is damaged."""
        if self._people is None or self._objects is None:
            return {}
        entity_points = {
            entity: points for entity, points in self._entity_points(self._people, self._objects).items() if len(points)
        }
        facets: dict[str, Any] = {"positions": {"reach": REACH, "extents": room_geometry.room_extents(entity_points)}}
        if self._files.cameras:
            facets["boxes"] = {
                f"room{number}": {"size": camera.size, "boxes": room_geometry.image_boxes(entity_points, camera)}
                for number, camera in self._files.cameras.items()
            }
        return facets

    def poses(self) -> bytes:
        """Return `poses.json`. Raises OrqaError where the file of poses is damaged."""
        return room_geometry.poses_json(self._read_humans(), self._patient)

    def _entity_points(self, people: Mapping[str, Array | None], objects: Mapping[str, Array]) -> dict[str, Array]:
        """Return entity -> points that are known of it: joints, scanned surface."""
        entity_points = {name: pose[np.isfinite(pose).all(axis=1)] for name, pose in people.items() if pose is not None}
        for scan, pose in objects.items():
            surface = self._shared.scan(scan)
            if surface is not None:
                entity_points.setdefault(room_geometry.entity_name(scan), transform(pose, surface))
        return entity_points

    @cached_property
    def _people(self) -> dict[str, Array | None] | None:
        """Everybody by name; a patient may be there without a pose. None where it is not known who is there."""
        humans = read_or_warn(self._read_humans)
        if humans is None or self._shared.centres is None:
            return None
        people: dict[str, Array | None] = {f"human {number}": pose for number, pose in enumerate(humans, start=1)}
        if self._files.centre_key in self._shared.centres:
            people[PATIENT] = self._patient
        return people

    @cached_property
    def _objects(self) -> Mapping[str, Array] | None:
        return read_or_warn(pose_files.read_object_poses, self._files.objects) if self._files.objects else None

    @property
    def _patient(self) -> Array | None:
        centre = (self._shared.centres or {}).get(self._files.centre_key)
        if centre is None or self._shared.dummy is None:
            return None
        return room_geometry.patient_pose(self._shared.dummy, centre)

    def _read_humans(self) -> Array:
        """Return the poses of people, none where the frame has no file of them."""
        return (
            pose_files.read_human_poses(self._files.poses) if self._files.poses else np.zeros((0, len(POSE_JOINTS), 3))
        )
