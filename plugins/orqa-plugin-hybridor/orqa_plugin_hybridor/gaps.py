"""What is irregular about the timepoints of a copy, as it is in the real datasets (datasets.md 9).

The same in every take, and each thing once a take, so that the smallest copy has all of it. What is irregular about
files, and not about what they say, whoever writes them adds.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

CAMERA_AT, GRAPH_AT, POSES_AT, CLOUD_AT, SEGMENTS_AT, GAZE_AT = 1, 2, 3, 4, 5, 2
ASTRAY_AT = 4
LAMP_AT = 3
"""Whoever wears a camera looks up at the lamp: neither hands nor tools are in the picture."""
JUMP_AT, JUMP = 3, 2
"""Before this timepoint, so many seconds were dropped."""
UNMASKED = 4
"""Every so many timepoints the last one has no annotated masks, only what a model would have predicted."""


@frozen
class Gaps:
    """What one timepoint lacks.

    camera: view that gave nothing, or "". graph: nobody drew one; empty: somebody did, and there was nothing.
    cloud, masks, gaze: these are missing. poses: they are there, and nobody has one. segments: the labelled cloud has
    no point. astray: gaze at nothing.
    """

    camera: str = ""
    graph: bool = False
    empty: bool = False
    cloud: bool = False
    segments: bool = False
    poses: bool = False
    masks: bool = False
    gaze: bool = False
    astray: bool = False

    def lacks(self, medium: str) -> bool:
        """Tell whether a medium of this name is missing."""
        view, _, kind = medium.partition(".")
        return (
            (self.camera == view and bool(view))
            or (self.cloud and medium == "points.npy")
            or (self.masks and kind == "mask.png")
        )


def gaps_at(place: int, many: int, views: Collection[str], masks: Collection[str]) -> Gaps:
    """Return what is missing at timepoint `place` of `many`. views: those of cameras; masks: those that have one."""
    ordered = [*masks, *(view for view in views if view not in masks)]
    return Gaps(
        camera=ordered[1] if place == CAMERA_AT and len(ordered) > 1 else "",
        graph=place == GRAPH_AT,
        empty=place == many - 1 and place > 0,
        cloud=place == CLOUD_AT,
        segments=place == SEGMENTS_AT,
        poses=place == POSES_AT,
        masks=place % UNMASKED == UNMASKED - 1,
        gaze=place == GAZE_AT,
        astray=place == ASTRAY_AT,
    )


def seconds_at(place: int) -> float:
    """Return the clock at a timepoint: one a second, but for the jump."""
    return float(place + (JUMP if place >= JUMP_AT else 0))
