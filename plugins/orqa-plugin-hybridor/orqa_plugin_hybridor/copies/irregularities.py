"""What is irregular about the timepoints of a copy, as it is in the real datasets (datasets.md 9).

The same in every take, and each thing once a take, so that the smallest copy has all of it. What is irregular about
files, and not about what they say, whoever writes them adds.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen

MISSING_CAMERA_AT, MISSING_GRAPH_AT, NO_POSES_AT, MISSING_CLOUD_AT, EMPTY_SEGMENTS_AT, MISSING_GAZE_AT = (
    1,
    2,
    3,
    4,
    5,
    2,
)
STRAY_GAZE_AT = 4
LOOK_UP_AT = 3
"""Whoever wears a camera looks up at the lamp: neither hands nor tools are in the picture."""
CLOCK_JUMP_AT, CLOCK_JUMP_SECONDS = 3, 2
"""Before this timepoint, so many seconds were dropped."""
UNMASKED_EVERY = 4
"""Every so many timepoints the last one has no annotated masks, only what a model would have predicted."""


@frozen
class Irregularities:
    """What one timepoint lacks.

    missing_camera: view that gave nothing, or "". no_graph: nobody drew one; empty_graph: somebody did, and there was
    nothing.
    no_cloud, no_masks, no_gaze: these are missing. no_poses: they are there, and nobody has one. empty_segments: the
    labelled cloud has no point. stray_gaze: gaze at nothing.
    """

    missing_camera: str = ""
    no_graph: bool = False
    empty_graph: bool = False
    no_cloud: bool = False
    empty_segments: bool = False
    no_poses: bool = False
    no_masks: bool = False
    no_gaze: bool = False
    stray_gaze: bool = False

    def lacks(self, medium: str) -> bool:
        """Tell whether a medium of this name is missing."""
        view, _, kind = medium.partition(".")
        return (
            (self.missing_camera == view and bool(view))
            or (self.no_cloud and medium == "points.npy")
            or (self.no_masks and kind == "mask.png")
        )


def irregularities_at(index: int, count: int, views: Collection[str], masks: Collection[str]) -> Irregularities:
    """Return what is missing at timepoint `index` of `count`. views: those of cameras; masks: those that have one."""
    ordered = [*masks, *(view for view in views if view not in masks)]
    return Irregularities(
        missing_camera=ordered[1] if index == MISSING_CAMERA_AT and len(ordered) > 1 else "",
        no_graph=index == MISSING_GRAPH_AT,
        empty_graph=index == count - 1 and index > 0,
        no_cloud=index == MISSING_CLOUD_AT,
        empty_segments=index == EMPTY_SEGMENTS_AT,
        no_poses=index == NO_POSES_AT,
        no_masks=index % UNMASKED_EVERY == UNMASKED_EVERY - 1,
        no_gaze=index == MISSING_GAZE_AT,
        stray_gaze=index == STRAY_GAZE_AT,
    )


def seconds_at(index: int) -> float:
    """Return the clock at a timepoint: one a second, but for the jump."""
    return float(index + (CLOCK_JUMP_SECONDS if index >= CLOCK_JUMP_AT else 0))
