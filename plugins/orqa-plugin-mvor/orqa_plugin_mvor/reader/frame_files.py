"""Which files say what is in a frame. Light: nothing is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from orqa_plugin_mvor.reader.annotations import Camera


@frozen
class FrameFiles:
    """The files that say what is in a frame, and the cameras that see it.

    poses, objects: None where the frame has no such file. people_known: whether having none means that nobody is
    there: the folder of poses and the patient centres are on disk. centre_key: the frame in the file of patient
    centres.
    """

    centre_key: str
    people_known: bool
    poses: Path | None
    objects: Path | None
    cameras: Mapping[int, Camera]
