"""One take of the simulator in front of the sensors that another dataset has: whatever is asked for, when it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from math import gcd

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.copies.irregularities import LOOK_UP_AT
from orqa_plugin_hybridor.files.names import frame_name
from orqa_plugin_hybridor.geometry.solids import Floats
from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.render.rendered_view import RenderedView, RenderScene
from orqa_plugin_hybridor.render.renderer import TakeRenderer
from orqa_plugin_hybridor.render.simulated_take import SimulatedTake
from orqa_plugin_hybridor.scene.camera import Camera, ImageSize
from orqa_plugin_hybridor.scene.camera_placement import place_camera
from orqa_plugin_hybridor.sensors.head_camera import HeadView, aim_head_camera
from orqa_registry import Layout, seeded_rng

HEAD_VIEW = "ego"
MAX_RENDER_FACTOR = 4
"""A view of a given size is rendered with at most this many times `--size` pixels a side, and then enlarged."""

CACHE_BYTES = 1 << 27
"""Bytes of pictures that are kept: one is asked for as colours, as mask, as depth, and later for who is in it."""
BYTES_PER_PIXEL = 12


@frozen
class ViewResolution:
    """How a view gets its size: rendered in `size` pixels, each of which becomes `scale` x `scale` of them."""

    size: ImageSize
    scale: int


class CameraRig:
    """A take with the cameras of `views`. `on_render` is told the index of each timepoint that is rendered.

    Points are given in the world that the layout wants: the room, or what makes the pose of a camera the given one.
    """

    def __init__(
        self, take: SimulatedTake, views: Sequence[str], layout: Layout, on_render: Callable[[int], None]
    ) -> None:
        self.take, self.layout, self._on_render = take, layout, on_render
        name, seed, room = take.name, take.seed, take.room
        self.resolutions = {view: _view_resolution(layout.sizes.get(view), take.size) for view in views}
        # Whoever fills a room with cameras leaves them there: they hang alike in all takes, those over the field about.
        placed = {
            view: place_camera(view, seeded_rng(seed, "camera", view), resolution.size, room.placement)
            for view, resolution in self.resolutions.items()
        }
        self.cameras: dict[str, Camera] = {view: camera for view, camera in placed.items() if camera is not None}
        max_side = max((max(resolution.size) for resolution in self.resolutions.values()), default=0)
        noise_seed = seeded_rng(seed, name, "grain").getrandbits(63)
        self.renderer = TakeRenderer(room, name, seed, self.cameras, noise_seed, max_side)
        self.situations: list[Situation] = [
            take.simulation.situation_at(float(index * take.step)) for index in range(take.timepoints)
        ]
        self.scene: Callable[[int], RenderScene] = lru_cache(maxsize=2)(self._build_scene)
        pixels = max((resolution.size[0] * resolution.size[1] for resolution in self.resolutions.values()), default=1)
        cache_size = max(16, CACHE_BYTES // (BYTES_PER_PIXEL * pixels))
        self.render: Callable[[str, int], RenderedView] = lru_cache(maxsize=cache_size)(self._render_view)

    @property
    def views(self) -> list[str]:
        """The views that can be rendered; the one from somebody's head is not among `cameras`."""
        return [view for view in self.resolutions if view in self.cameras or view == HEAD_VIEW]

    def _build_scene(self, index: int) -> RenderScene:
        return self.renderer.build_scene(self.situations[index])

    def _render_view(self, view: str, index: int) -> RenderedView:
        self._on_render(index)
        camera = self.head_view(index).camera if view == HEAD_VIEW else None
        frame = frame_name(index * self.take.step)
        return self.renderer.render_view(self.scene(index), view, frame, camera)

    def head_view(self, index: int) -> HeadView:
        """Return whose head the view from somebody's head is taken from, and where he looks."""
        take = self.take
        rng = seeded_rng(take.seed, take.name, HEAD_VIEW, index)
        return aim_head_camera(
            self.situations[index], take.room, self.resolutions[HEAD_VIEW].size, rng, up=index == LOOK_UP_AT
        )

    @cached_property
    def world(self) -> Floats:
        """The 4 x 4 rigid matrix that takes the room to the world of the layout, mm."""
        for view, pose in self.layout.poses.items():
            if view in self.cameras:
                return np.linalg.inv(np.array(pose, dtype=np.float64)) @ self.cameras[view].pose
        return np.eye(4)

    def room_to_world(self, points: Floats) -> Floats:
        """Return points (N, 3) of the room in the world, mm."""
        return points @ self.world[:3, :3].T + self.world[:3, 3]

    def to_world(self, points: Sequence[Vector]) -> Floats:
        """Return points of the furniture's coordinates in the world, (N, 3) mm."""
        placement = self.take.room.placement
        return self.room_to_world(
            np.array(points, dtype=np.float64).reshape(-1, 3) @ placement[:, :3].T + placement[:, 3]
        )

    @property
    def mirrored(self) -> bool:
        """Whether the room is furnished the other way round, so that left hands are right ones."""
        return bool(np.linalg.det(self.take.room.placement[:, :3]) < 0)


def _view_resolution(size: ImageSize | None, side: int) -> ViewResolution:
    """Return the resolution of a view that has to have `size`, or is `side` pixels square."""
    if size is None:
        return ViewResolution((side, side), 1)
    divisor = gcd(*size)
    divisors = [scale for scale in range(1, divisor + 1) if divisor % scale == 0]
    scale = next((scale for scale in divisors if max(size) <= MAX_RENDER_FACTOR * side * scale), divisors[-1])
    return ViewResolution((size[0] // scale, size[1] // scale), scale)
