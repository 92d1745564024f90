"""One frame's people and objects: labels that are late, media that are made. Light; `contents` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from orqa_plugin_mvor import names
from orqa_plugin_mvor.annotations import Camera
from orqa_registry import Labels
from orqa_registry.reading import files_in, library
from orqa_registry.records import Medium

if TYPE_CHECKING:
    from orqa_plugin_mvor.contents import Contents, Shelf


@frozen
class Sources:
    """The files that say what is in a frame, and the cameras that see it.

    poses, objects: None where the frame has no such file. people_known: whether having none means that nobody is
    there: the folder of poses and the patient centres are on disk. key: the frame in the file of patient centres.
    """

    key: str
    people_known: bool
    poses: Path | None
    objects: Path | None
    cameras: Mapping[int, Camera]


class Shared:
    """What all frames share: patient centres, the dummy, object scans. Read once; a pickled one reads them again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        files = files_in(home)
        self.centres, self.dummy = files.get(names.CENTRES), files.get(names.DUMMY)

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (self.home,)

    @cached_property
    def shelf(self) -> Shelf:
        """What is in these files, as somebody asks for it."""
        needs_numpy()
        from orqa_plugin_mvor.contents import Shelf

        return Shelf(self.home, self.centres, self.dummy)


class Scene:
    """What is in one frame. Nothing is opened to make one; the answers are kept, as several facets rest on them."""

    def __init__(self, sources: Sources, shared: Shared) -> None:
        self.sources, self.shared = sources, shared

    def __reduce__(self) -> tuple[Any, ...]:
        return Scene, (self.sources, self.shared)

    def labels(self, ready: Mapping[str, Any]) -> Labels:
        """Return `ready` and the facets of this frame.

        A list that would be short of a kind of thing is absent: people and patients for roles, objects too for the
        others. What is known to be there but has no shape on disk has no box and no position.
        """
        late: dict[str, Any] = {}
        if self.sources.people_known:
            late["roles"] = self.roles
            if self.sources.objects:
                located = self.located
                late |= {"entities": self.entities, "positions": located}
                if self.sources.cameras:
                    late["boxes"] = located
        return Labels(ready, late)

    def media(self) -> dict[str, Medium]:
        """Return the media that are made of poses: `poses.json` where nobody is there too, `objects.json`."""
        media: dict[str, Medium] = {}
        if self.sources.people_known:
            media["poses.json"] = self.poses
        if self.sources.objects:
            media["objects.json"] = partial(objects, self.sources.objects)
        return media

    def roles(self) -> Mapping[str, Any]:
        """Return the facet roles."""
        return self._contents.roles()

    def entities(self) -> Mapping[str, Any]:
        """Return the facet entities."""
        return self._contents.entities()

    def located(self) -> Mapping[str, Any]:
        """Return the facets boxes and positions."""
        return self._contents.located()

    def poses(self) -> bytes:
        """Return `poses.json`. Raises OrqaError."""
        return self._contents.poses()

    @cached_property
    def _contents(self) -> Contents:
        shelf = self.shared.shelf
        from orqa_plugin_mvor.contents import Contents

        return Contents(self.sources, shelf)


def objects(path: Path) -> bytes:
    """Return `objects.json` of a frame. Raises OrqaError."""
    needs_numpy()
    from orqa_plugin_mvor.spatial import objects_json

    return objects_json(path)


def calibration(cameras: Mapping[int, Camera]) -> bytes:
    """Return `calibration.json`."""
    needs_numpy()
    from orqa_plugin_mvor.spatial import calibration_json

    return calibration_json(cameras)


def needs_numpy() -> None:
    """Raise MissingLibraryError where numpy is not installed."""
    library("numpy", "the geometry of MVOR", "orqa-plugin-mvor[arrays]")
