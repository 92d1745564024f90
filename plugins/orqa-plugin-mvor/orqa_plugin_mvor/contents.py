"""What is in a frame, read from its files. Imported late: numpy. What is damaged is warned of, and not known."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from orqa_plugin_mvor import spatial
from orqa_plugin_mvor.names import JOINTS, PATIENT, REACH
from orqa_plugin_mvor.scene import Sources
from orqa_plugin_mvor.spatial import Array
from orqa_registry.formats.geometry import transform
from orqa_registry.reading import spare


class Shelf:
    """Files that serve all frames, each read when first needed, and once."""

    def __init__(self, home: Path, centres: Path | None, dummy: Path | None) -> None:
        self._home, self._centres, self._dummy = home, centres, dummy
        self._scans: dict[str, Array | None] = {}

    @cached_property
    def centres(self) -> Mapping[str, Array] | None:
        """Patient centres by frame, None where they are not known."""
        return spare(spatial.read_centres, self._centres) if self._centres else None

    @cached_property
    def dummy(self) -> Array | None:
        """The pose that stands for every patient, None where it is not known."""
        return spare(spatial.read_dummy, self._dummy) if self._dummy else None

    def scan(self, name: str) -> Array | None:
        """Return the points of an object scan, None where it is not on disk or damaged."""
        if name not in self._scans:
            path = self._home / name
            self._scans[name] = spare(spatial.read_scan, path, name) if path.is_file() else None
        return self._scans[name]


class Contents:
    """One frame, opened piece by piece."""

    def __init__(self, sources: Sources, shelf: Shelf) -> None:
        self._sources, self._shelf = sources, shelf

    def roles(self) -> dict[str, Any]:
        """Return the facet roles, or nothing where a file that says who is there is damaged."""
        return {} if self._people is None else {"roles": tuple(self._people)}

    def entities(self) -> dict[str, Any]:
        """Return the facet entities, or nothing where a file that says what is there is damaged."""
        if self._people is None or self._objects is None:
            return {}
        return {"entities": (*self._people, *dict.fromkeys(map(spatial.entity_of, self._objects)))}

    def located(self) -> dict[str, Any]:
        """Return the facets boxes and positions, or nothing where a file that says what is there is damaged."""
        if self._people is None or self._objects is None:
            return {}
        points = {entity: one for entity, one in self._points(self._people, self._objects).items() if len(one)}
        found: dict[str, Any] = {"positions": {"reach": REACH, "extents": spatial.room_extents(points)}}
        if self._sources.cameras:
            found["boxes"] = {
                f"room{number}": {"size": camera.size, "boxes": spatial.image_boxes(points, camera)}
                for number, camera in self._sources.cameras.items()
            }
        return found

    def poses(self) -> bytes:
        """Return `poses.json`. Raises OrqaError where the file of poses is damaged."""
        return spatial.poses_json(self._read_humans(), self._patient)

    def _points(self, people: Mapping[str, Array | None], objects: Mapping[str, Array]) -> dict[str, Array]:
        """Return entity -> points that are known of it: joints, scanned surface."""
        points = {name: pose[np.isfinite(pose).all(axis=1)] for name, pose in people.items() if pose is not None}
        for scan, pose in objects.items():
            surface = self._shelf.scan(scan)
            if surface is not None:
                points.setdefault(spatial.entity_of(scan), transform(pose, surface))
        return points

    @cached_property
    def _people(self) -> dict[str, Array | None] | None:
        """Everybody by name; a patient may be there without a pose. None where it is not known who is there."""
        humans = spare(self._read_humans)
        if humans is None or self._shelf.centres is None:
            return None
        people: dict[str, Array | None] = {f"human {number}": pose for number, pose in enumerate(humans, start=1)}
        if self._sources.key in self._shelf.centres:
            people[PATIENT] = self._patient
        return people

    @cached_property
    def _objects(self) -> Mapping[str, Array] | None:
        return spare(spatial.read_objects, self._sources.objects) if self._sources.objects else None

    @property
    def _patient(self) -> Array | None:
        centre = (self._shelf.centres or {}).get(self._sources.key)
        return None if centre is None or self._shelf.dummy is None else spatial.patient_pose(self._shelf.dummy, centre)

    def _read_humans(self) -> Array:
        """Return the poses of people, none where the frame has no file of them."""
        return spatial.read_people(self._sources.poses) if self._sources.poses else np.zeros((0, len(JOINTS), 3))
