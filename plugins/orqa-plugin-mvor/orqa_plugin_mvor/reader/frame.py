"""One frame's people and objects: labels that are late, media that are made. Light; `frame_content` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orqa_plugin_mvor import names
from orqa_plugin_mvor.reader.annotations import Camera
from orqa_plugin_mvor.reader.frame_files import FrameFiles
from orqa_registry import LazyLabels, Medium, import_optional
from orqa_registry.readers.io import list_files

if TYPE_CHECKING:
    from orqa_plugin_mvor.reader.frame_content import FrameContent, SharedContent


class SharedFiles:
    """What all frames share: patient centres, the dummy, object scans. Read once; a pickled one reads them again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        files = list_files(home)
        self.centres, self.dummy = files.get(names.PATIENT_CENTRES_FILE), files.get(names.DUMMY_POSE_FILE)

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedFiles, (self.home,)

    @cached_property
    def content(self) -> SharedContent:
        """What is in these files, as somebody asks for it."""
        require_numpy()
        from orqa_plugin_mvor.reader.frame_content import SharedContent

        return SharedContent(self.home, self.centres, self.dummy)


class Frame:
    """What is in one frame. Nothing is opened to make one; the answers are kept, as several facets rest on them."""

    def __init__(self, files: FrameFiles, shared: SharedFiles) -> None:
        self.files, self.shared = files, shared

    def __reduce__(self) -> tuple[Any, ...]:
        return Frame, (self.files, self.shared)

    def labels(self, ready: Mapping[str, Any]) -> LazyLabels:
        """Return `ready` and the facets of this frame.

        A list that would be short of a kind of thing is absent: people and patients for roles, objects too for the
        others. What is known to be there but has no shape on disk has no box and no position.
        """
        late: dict[str, Any] = {}
        if self.files.people_known:
            late["roles"] = self.roles
            if self.files.objects:
                locations = self.locations
                late |= {"entities": self.entities, "positions": locations}
                if self.files.cameras:
                    late["boxes"] = locations
        return LazyLabels(ready, late)

    def media(self) -> dict[str, Medium]:
        """Return the media that are made of poses: `poses.json` where nobody is there too, `objects.json`."""
        media: dict[str, Medium] = {}
        if self.files.people_known:
            media["poses.json"] = self.poses
        if self.files.objects:
            media["objects.json"] = partial(objects_medium, self.files.objects)
        return media

    def roles(self) -> Mapping[str, Any]:
        """Return the facet roles."""
        return self._content.roles()

    def entities(self) -> Mapping[str, Any]:
        """Return the facet entities."""
        return self._content.entities()

    def locations(self) -> Mapping[str, Any]:
        """Return the facets boxes and positions."""
        return self._content.locations()

    def poses(self) -> bytes:
        """Return `poses.json`. Raises OrqaError."""
        return self._content.poses()

    @cached_property
    def _content(self) -> FrameContent:
        shared = self.shared.content
        from orqa_plugin_mvor.reader.frame_content import FrameContent

        return FrameContent(self.files, shared)


def objects_medium(path: Path) -> bytes:
    """Return `objects.json` of a frame. Raises OrqaError."""
    require_numpy()
    from orqa_plugin_mvor.reader.room_geometry import objects_json

    return objects_json(path)


def calibration_medium(cameras: Mapping[int, Camera]) -> bytes:
    """Return `calibration.json`."""
    require_numpy()
    from orqa_plugin_mvor.reader.room_geometry import encode_calibration

    return encode_calibration(cameras)


def require_numpy() -> None:
    """Raise MissingLibraryError where numpy is not installed."""
    import_optional("numpy", "the geometry of MVOR", "orqa-plugin-mvor[arrays]")
