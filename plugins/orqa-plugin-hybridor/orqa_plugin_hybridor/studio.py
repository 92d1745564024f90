"""One take of the simulator in front of the sensors that another dataset has: whatever is asked for, when it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from math import gcd

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.cameras import Camera, Size, hang
from orqa_plugin_hybridor.ego import Glance, glance
from orqa_plugin_hybridor.filming import Filming, Picture, Stage
from orqa_plugin_hybridor.gaps import LAMP_AT
from orqa_plugin_hybridor.geometry import Vector
from orqa_plugin_hybridor.layout import frame_name
from orqa_plugin_hybridor.situation import Situation
from orqa_plugin_hybridor.solids import Floats
from orqa_plugin_hybridor.takes import Production
from orqa_registry import Layout
from orqa_registry.draws import seeded

EGO = "ego"
FINEST = 4
"""A view of a given size is filmed with at most this many times `--size` pixels a side, and then enlarged."""

KEPT = 1 << 27
"""Bytes of pictures that are kept: one is asked for as colours, as mask, as depth, and later for who is in it."""
BYTES_A_PIXEL = 12


@frozen
class Lens:
    """How a view gets its size: filmed in `size` pixels, each of which becomes `times` x `times` of them."""

    size: Size
    times: int


class Studio:
    """A take with the cameras of `views`. `filmed` is told the place of each timepoint that is filmed.

    Points are given in the world that the layout wants: the room, or what makes the pose of a camera the given one.
    """

    def __init__(
        self, production: Production, views: Sequence[str], layout: Layout, filmed: Callable[[int], None]
    ) -> None:
        self.production, self.layout, self._filmed = production, layout, filmed
        name, seed, room = production.name, production.seed, production.room
        self.lenses = {view: _view_resolution(layout.sizes.get(view), production.size) for view in views}
        # Whoever fills a room with cameras leaves them there: they hang alike in all takes, those over the field about.
        placed = {
            view: hang(view, seeded(seed, "camera", view), resolution.size, room.placement)
            for view, resolution in self.lenses.items()
        }
        self.cameras: dict[str, Camera] = {view: camera for view, camera in placed.items() if camera is not None}
        longest = max((max(resolution.size) for resolution in self.lenses.values()), default=0)
        grain = seeded(seed, name, "grain").getrandbits(63)
        self.filming = Filming(room, name, seed, self.cameras, grain, longest)
        self.situations: list[Situation] = [
            production.plot.at(float(index * production.step)) for index in range(production.timepoints)
        ]
        self.stage: Callable[[int], Stage] = lru_cache(maxsize=2)(self._build_scene)
        pixels = max((resolution.size[0] * resolution.size[1] for resolution in self.lenses.values()), default=1)
        cache_size = max(16, KEPT // (BYTES_A_PIXEL * pixels))
        self.picture: Callable[[str, int], Picture] = lru_cache(maxsize=cache_size)(self._render_view)

    @property
    def views(self) -> list[str]:
        """The views that can be filmed; the one from somebody's head is not among `cameras`."""
        return [view for view in self.lenses if view in self.cameras or view == EGO]

    def _build_scene(self, index: int) -> Stage:
        return self.filming.stage(self.situations[index])

    def _render_view(self, view: str, index: int) -> Picture:
        self._filmed(index)
        camera = self.glance(index).camera if view == EGO else None
        frame = frame_name(index * self.production.step)
        return self.filming.picture(self.stage(index), view, frame, camera)

    def glance(self, place: int) -> Glance:
        """Return whose head the view from somebody's head is taken from, and where he looks."""
        production = self.production
        rng = seeded(production.seed, production.name, EGO, place)
        return glance(self.situations[place], production.room, self.lenses[EGO].size, rng, up=place == LAMP_AT)

    @cached_property
    def world(self) -> Floats:
        """The 4 x 4 rigid matrix that takes the room to the world of the layout, mm."""
        for view, pose in self.layout.poses.items():
            if view in self.cameras:
                return np.linalg.inv(np.array(pose, dtype=np.float64)) @ self.cameras[view].pose
        return np.eye(4)

    def in_world(self, points: Floats) -> Floats:
        """Return points (N, 3) of the room in the world, mm."""
        return points @ self.world[:3, :3].T + self.world[:3, 3]

    def placed(self, points: Sequence[Vector]) -> Floats:
        """Return points of the furniture's coordinates in the world, (N, 3) mm."""
        placement = self.production.room.placement
        return self.in_world(np.array(points, dtype=np.float64).reshape(-1, 3) @ placement[:, :3].T + placement[:, 3])

    @property
    def mirrored(self) -> bool:
        """Whether the room is furnished the other way round, so that left hands are right ones."""
        return bool(np.linalg.det(self.production.room.placement[:, :3]) < 0)


def _view_resolution(size: Size | None, side: int) -> Lens:
    """Return the lens of a view that has to have `size`, or is `side` pixels square."""
    if size is None:
        return Lens((side, side), 1)
    divisor = gcd(*size)
    divisors = [times for times in range(1, divisor + 1) if divisor % times == 0]
    times = next((times for times in divisors if max(size) <= FINEST * side * times), divisors[-1])
    return Lens((size[0] // times, size[1] // times), times)
