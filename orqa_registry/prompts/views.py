"""Views: what each shows, and which of them a model is shown (protocol.md 7.1 and 9.2; defects D15, D16, D20, D28)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

MAX_VIEWS = 7
"""Views that training shows at most (protocol 7.1)."""

DEFAULT_PIXELS = 336 * 336
"""Pixels that a view keeps, width times height, where its role has no budget of its own (training.md 3)."""
PIXELS_BY_ROLE: Mapping[str, int] = {"robot_screen": 512 * 512}

BENCHMARK_VIEWS: Mapping[str, Sequence[str]] = {
    "4D-OR": ("room2", "room1", "room3", "room5"),
    "MM-OR": (
        *("room1", "room4", "room5", "room2", "room3"),
        *("detail2", "detail0", "screen", "detail3", "trackercam"),
    ),
    "MVOR": ("room3", "room1", "room2"),
    "EgoSurgery": ("ego",),
}
"""Dataset -> the views that the benchmark shows of it, in its order; other datasets show all, in their reader's."""
SIMSTATION = ("detail0", "screen", "detail2", "detail3")
"""Names of the cameras that MM-OR's files number 00 to 03."""
SHOWN_FROM_SIMSTATION = (2, 0, 1, 3)


ROLE_OF_NAME: Mapping[str, str] = {
    "room": "room",
    "detail": "detail",
    "screen": "robot_screen",
    "trackercam": "tracker_cam",
    "ego": "ego",
}
"""Name of a view, without its number -> its role."""


def view_role(view: str) -> str:
    """Return what a view shows, by its name, for its resolution depends on it (defect D28); `other` where unknown."""
    return ROLE_OF_NAME.get(view.rstrip("0123456789"), "other")


ViewPolicy = Callable[[Sequence[str], str, random.Random, bool], list[str]]
"""(views there are, dataset, chance, compat) -> views to show, in order."""


def all_views(there: Sequence[str], dataset: str, rng: random.Random, compat: bool) -> list[str]:
    """Return every view there is, in the order of the reader."""
    return list(there)


def eval_views(there: Sequence[str], dataset: str, rng: random.Random, compat: bool) -> list[str]:
    """Return what evaluation shows (protocol 9.2): always the same, the robot's screen and the tracker camera last.

    Where the benchmark has a choice of its own, detail cameras stand in for room cameras that are not there.
    """
    if compat and dataset in BENCHMARK_VIEWS:
        rooms, details = _group_cameras(there, dataset)
        if not rooms:  # what is second now is another camera, and is shown twice (defect D15)
            rooms = details = _pick_views(details, SHOWN_FROM_SIMSTATION)
        return [*rooms, *details[1:2], *(view for view in there if view == "trackercam")]
    views = _list_candidates(there, dataset)
    last = [view for kind in ("robot_screen", "tracker_cam") for view in views if view_role(view) == kind]
    first = [view for view in views if view not in last]
    rooms = [view for view in first if view_role(view) != "detail"] if dataset in BENCHMARK_VIEWS else first
    return [*(rooms or first), *last]


def train_views(there: Sequence[str], dataset: str, rng: random.Random, compat: bool) -> list[str]:
    """Return what training shows (protocol 7.1): views in any order, at most MAX_VIEWS of them."""
    if compat and dataset in BENCHMARK_VIEWS:
        rooms, details = _group_cameras(there, dataset)
        tracker = [view for view in there if view == "trackercam"]
        views = [*rooms, *_pick_views(details, SHOWN_FROM_SIMSTATION), *tracker]
    else:
        views = _list_candidates(there, dataset)
    rng.shuffle(views)
    return views[:MAX_VIEWS]


VIEW_POLICIES: Mapping[str, ViewPolicy] = {"eval": eval_views, "train": train_views, "all": all_views}


def _list_candidates(present: Sequence[str], dataset: str) -> list[str]:
    """Return the views that the benchmark knows, by name (defect D16); all of them where it knows none."""
    return [view for view in BENCHMARK_VIEWS.get(dataset, present) if view in present] or list(present)


def _group_cameras(present: Sequence[str], dataset: str) -> tuple[list[str], list[str]]:
    """Return room and detail cameras as the original finds them: the k-th of those that are there, not camera k."""
    rooms = sorted(view for view in present if view_role(view) in {"room", "ego"})
    numbers = [view.removeprefix("room") for view in BENCHMARK_VIEWS[dataset] if view_role(view) in {"room", "ego"}]
    positions = [int(number) - 1 if number.isdecimal() else 0 for number in numbers]
    return _pick_views(rooms, positions), [view for view in SIMSTATION if view in present]


def _pick_views(views: Sequence[str], positions: Sequence[int]) -> list[str]:
    return [views[position] for position in positions if position < len(views)]
