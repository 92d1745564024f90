"""One take in front of its cameras: the still part of the room drawn once, what moves drawn at every timepoint."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
from attrs import define

from orqa_plugin_hybridor.geometry.solids import SolidBuilder, concatenate, shade
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.render.intersections import FloatImage, brightness
from orqa_plugin_hybridor.render.raycast import NEAR_PLANE, Buffers, cast_rays
from orqa_plugin_hybridor.render.rendered_view import FloorDisc, RenderedView, RenderScene
from orqa_plugin_hybridor.render.robot_screen import PHASE_COLOURS
from orqa_plugin_hybridor.scene.camera import Camera
from orqa_plugin_hybridor.scene.figures import add_patient, add_person
from orqa_plugin_hybridor.scene.furniture import build_furniture, build_scenery
from orqa_plugin_hybridor.scene.robot import add_robot
from orqa_plugin_hybridor.scene.room import CEILING_HEIGHT, FLOOR_COLOURS, HALF_SIDE, WALL_COLOURS, Room
from orqa_plugin_hybridor.scene.tools import add_tool
from orqa_registry import seeded_rng

SHELL_OWNERS = 4
"""Owners before the first solid: floor, walls, their lower part, ceiling."""


@define
class _CameraCache:
    """What a camera keeps for the whole take."""

    still: Buffers
    floor_x: FloatImage
    floor_y: FloatImage
    with_slow: Buffers | None = None
    slow_state: object = None


class TakeRenderer:
    """The cameras of one take. `render_views` is a pure function of the situation: caches change its speed alone.

    cameras: those that hang still, by view. noise_seed: of the noise in pictures, of at most `max_side` pixels a side.
    """

    def __init__(
        self, room: Room, name: str, seed: int, cameras: Mapping[str, Camera], noise_seed: int, max_side: int
    ) -> None:
        self.room, self.name, self.seed, self.cameras = room, name, seed, cameras
        equipment = build_furniture(room)
        clutter = build_scenery(room).to_arrays(room.placement)
        self.static_solids = concatenate(equipment.to_arrays(room.placement), clutter)
        self._shell_colours = np.array(
            [FLOOR_COLOURS[room.floor], WALL_COLOURS[room.wall], shade(WALL_COLOURS[room.wall], 0.82), (214, 216, 216)],
            dtype=np.float32,
        )
        noise = np.random.default_rng(noise_seed).standard_normal((2 * max_side, 2 * max_side))
        self._noise = (3.0 * noise).astype(np.float32)
        self._caches: dict[str, _CameraCache] = {}
        self._patient_skin = random.Random(seed ^ room.clutter_seed).choice(
            [(232, 190, 160), (206, 158, 124), (150, 106, 80)]
        )

    def _prepare_camera(self, camera: Camera) -> _CameraCache:
        still, floor_x, floor_y = _empty_room(camera, self.room)
        standing = ((0.0, 0.0, 900.0), (640.0, 1050.0, 560.0), (1500.0, -1350.0, 620.0))
        spots = [(*self.room.to_room((x, y, 0.0))[:2], reach) for x, y, reach in standing]
        _draw_shadows(still, camera, floor_x, floor_y, spots, 0.35)
        cast_rays(self.static_solids, camera, self.room.light, still, SHELL_OWNERS)
        return _CameraCache(still, floor_x, floor_y)

    def render_views(self, situation: Situation, frame: str) -> dict[str, RenderedView]:
        """Return what the cameras see, by view."""
        scene = self.build_scene(situation)
        return {view: self.render_view(scene, view, frame) for view in self.cameras}

    def build_scene(self, situation: Situation) -> RenderScene:
        """Return what there is to be seen."""
        room = self.room
        slow_builder, fast_builder = SolidBuilder(), SolidBuilder()
        if situation.patient is not None:
            add_patient(slow_builder, situation.patient, self._patient_skin)
        add_robot(slow_builder, room, situation.arm, PHASE_COLOURS[situation.phase], situation.operated)
        for placed in situation.people:
            add_person(fast_builder, placed)
        for tool in situation.tools:
            add_tool(fast_builder, tool)
        slow, fast = slow_builder.to_arrays(room.placement), fast_builder.to_arrays(room.placement)
        solids = concatenate(self.static_solids, concatenate(slow, fast))
        padding = np.zeros(SHELL_OWNERS, dtype=np.uint8)
        return RenderScene(
            slow,
            fast,
            [(*room.to_room((placed.x, placed.y, 0.0))[:2], 430.0) for placed in situation.people],
            (situation.patient, situation.arm, situation.phase, situation.operated),
            np.concatenate([self._shell_colours, solids.colours]) * np.array(room.tint, dtype=np.float32),
            *(np.concatenate([padding, column]) for column in (solids.entities, solids.parts, solids.people)),
        )

    def render_view(self, scene: RenderScene, view: str, frame: str, camera: Camera | None = None) -> RenderedView:
        """Return what one camera sees: of a view, or one that is here for this timepoint alone."""
        if camera is None:
            camera = self.cameras[view]
            if view not in self._caches:
                self._caches[view] = self._prepare_camera(camera)
            cache = self._caches[view]
        else:
            cache = self._prepare_camera(camera)
        light = self.room.light
        if cache.with_slow is None or cache.slow_state != scene.slow_state:
            cache.with_slow, cache.slow_state = cache.still.copy(), scene.slow_state
            cast_rays(scene.slow_solids, camera, light, cache.with_slow, SHELL_OWNERS + len(self.static_solids))
        buffers = cache.with_slow.copy()
        _draw_shadows(buffers, camera, cache.floor_x, cache.floor_y, scene.shadows, 0.5)
        cast_rays(
            scene.fast_solids, camera, light, buffers, SHELL_OWNERS + len(self.static_solids) + len(scene.slow_solids)
        )
        return self._colour_image(buffers, scene, seeded_rng(self.seed, self.name, frame, view))

    def _colour_image(self, buffers: Buffers, scene: RenderScene, rng: random.Random) -> RenderedView:
        height, width = buffers.depth.shape
        owner = buffers.owner.astype(np.intp)
        down, right = rng.randrange(height), rng.randrange(width)
        noise = self._noise[down : down + height, right : right + width]
        colour = np.empty((height, width, 3), dtype=np.uint8)
        for channel in range(3):  # one at a time: three times as fast as all at once
            plane = np.ascontiguousarray(scene.colours[:, channel]).take(owner, mode="clip")
            plane *= buffers.shade
            plane += noise
            colour[..., channel] = plane.clip(0, 255, out=plane)
        return RenderedView(colour, np.minimum(buffers.depth, 65535).astype(np.uint16), buffers.owner, scene)


def _empty_room(camera: Camera, room: Room) -> tuple[Buffers, FloatImage, FloatImage]:
    """Return the empty room as a camera sees it, and where on the floor each pixel looks, mm."""
    across, down = (
        (np.arange(count) - centre) / camera.focal for count, centre in zip(camera.size, camera.centre, strict=True)
    )
    rays = np.stack([*np.meshgrid(across, down), np.ones((len(down), len(across)))], axis=-1) @ camera.rotation
    position = camera.position
    rays = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    wall_x = (np.where(rays[..., 0] > 0, HALF_SIDE, -HALF_SIDE) - position[0]) / rays[..., 0]
    wall_y = (np.where(rays[..., 1] > 0, HALF_SIDE, -HALF_SIDE) - position[1]) / rays[..., 1]
    level = (np.where(rays[..., 2] > 0, CEILING_HEIGHT, 0.0) - position[2]) / rays[..., 2]
    depth = np.minimum(np.minimum(wall_x, wall_y), level)
    point = position + depth[..., None] * rays
    on_floor, on_ceiling = (depth == level) & (rays[..., 2] < 0), (depth == level) & (rays[..., 2] > 0)
    owner = np.where(on_floor, 0, np.where(on_ceiling, 3, np.where(point[..., 2] < 1150.0, 2, 1)))
    normal = np.where(wall_x < wall_y, -np.sign(rays[..., 0]) * room.light[0], -np.sign(rays[..., 1]) * room.light[1])
    cosine = np.where(on_floor, room.light[2], np.where(on_ceiling, 0.0, 0.55 + normal))
    corner = np.minimum(HALF_SIDE - np.abs(point[..., 0]), HALF_SIDE - np.abs(point[..., 1]))
    gloom = 1.0 - 0.16 * np.exp(-np.maximum(corner, np.where(on_floor, 0.0, point[..., 2])) / 420.0)
    tile = np.minimum(np.abs(point[..., 0] % 620.0 - 310.0), np.abs(point[..., 1] % 620.0 - 310.0))
    joints = np.where(on_floor & (tile < 9.0), 0.9, 1.0)
    skirting = np.where(~on_floor & (point[..., 2] < 110.0), 0.75, 1.0)
    buffers = Buffers(
        depth.astype(np.float32),
        (brightness(cosine) * gloom * joints * skirting).astype(np.float32),
        owner.astype(np.int16),
    )
    far = np.where(on_floor, 0.0, 1e6)
    return buffers, (point[..., 0] + far).astype(np.float32), point[..., 1].astype(np.float32)


def _draw_shadows(
    buffers: Buffers,
    camera: Camera,
    floor_x: FloatImage,
    floor_y: FloatImage,
    spots: Sequence[FloorDisc],
    darkness: float,
) -> None:
    """Darken a soft disc of the floor below whatever stands at `spots`: x, y and radius, mm."""
    if not spots:
        return
    discs = np.array(spots)
    corners = discs[:, None, :2] + discs[:, 2, None, None] * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    level = np.concatenate([corners, np.zeros((*corners.shape[:2], 1))], axis=2)
    pixels = camera.project(level.reshape(-1, 3)).reshape(-1, 4, 3)
    low = np.clip(np.floor(pixels[..., :2].min(axis=1)), 0, camera.size).astype(int)
    high = np.clip(np.ceil(pixels[..., :2].max(axis=1)) + 1, 0, camera.size).astype(int)
    high[pixels[..., 2].min(axis=1) < NEAR_PLANE] = 0
    for (x, y, radius), (left, top), (right, bottom) in zip(spots, low.tolist(), high.tolist(), strict=True):
        if right <= left or bottom <= top:
            continue
        window = (slice(top, bottom), slice(left, right))
        across, along = floor_x[window] - np.float32(x), floor_y[window] - np.float32(y)
        across *= across
        along *= along
        across += along
        across *= np.float32(1.3 * darkness / (radius * radius))
        across += np.float32(1.0 - 1.3 * darkness)
        np.maximum(across, np.float32(1.0 - darkness), out=across)
        np.minimum(across, np.float32(1.0), out=across)
        np.multiply(buffers.shade[window], across, out=buffers.shade[window], where=buffers.owner[window] == 0)
