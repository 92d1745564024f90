"""One take in front of its cameras: the still part of the room drawn once, what moves drawn at every timepoint."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

from orqa_plugin_hybridor.cameras import Camera
from orqa_plugin_hybridor.figures import add_patient, add_person
from orqa_plugin_hybridor.instruments import add_robot, add_tool
from orqa_plugin_hybridor.raycast import NEAR, Buffers, cast
from orqa_plugin_hybridor.room import CEILING, FLOORS, HALF, WALLS, Room, furniture, scenery
from orqa_plugin_hybridor.screen import BANDS
from orqa_plugin_hybridor.situation import Situation
from orqa_plugin_hybridor.solids import NAMES, SolidArrays, Solids, join, shade
from orqa_plugin_hybridor.surfaces import Pixels, brightness
from orqa_registry.draws import seeded
from orqa_registry.vocabulary import MASK_LABELS

_MASK_ID_OF_NAME = {name: number for number, name in MASK_LABELS.items()}
GREY = np.array([_MASK_ID_OF_NAME.get(name, 0) for name in NAMES], dtype=np.uint8)
"""The mask's grey value of each of NAMES."""

Spot = tuple[float, float, float]
Numbers = npt.NDArray[np.uint8]

SHELL = 4
"""Owners before the first solid: floor, walls, their lower part, ceiling."""


@frozen(eq=False)
class Stage:
    """What there is to be seen at one timepoint. feet: shadows of people, x, y and radius in mm.

    slow: what moves now and then, as `state` says; fast: what moves all the time. The other arrays have a row for each
    owner of a pixel: colours, places in NAMES and in PARTS, numbers of people.
    """

    slow: SolidArrays
    fast: SolidArrays
    feet: Sequence[Spot]
    state: object
    colours: Pixels
    entities: Numbers
    parts: Numbers
    people: Numbers


@frozen(eq=False)
class Picture:
    """What one camera sees at one timepoint.

    colour (H, W, 3) uint8; depth (H, W) uint16, mm along the axis; owner (H, W): rows of the stage.
    """

    colour: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint16]
    owner: npt.NDArray[np.int16]
    stage: Stage

    @cached_property
    def names(self) -> Numbers:
        """Places in NAMES (H, W)."""
        return self.stage.entities.take(self.owner, mode="clip")

    @cached_property
    def mask(self) -> Numbers:
        """Ids of MASK_LABELS (H, W)."""
        return GREY.take(self.names, mode="clip")

    @cached_property
    def people(self) -> Numbers:
        """The number of the person (H, W), or 0; a tool belongs to who holds it."""
        return self.stage.people.take(self.owner, mode="clip")

    @cached_property
    def parts(self) -> Numbers:
        """Places in PARTS (H, W)."""
        return self.stage.parts.take(self.owner, mode="clip")


@define
class _CameraCache:
    """What a camera keeps for the whole take."""

    still: Buffers
    floor_x: Pixels
    floor_y: Pixels
    with_slow: Buffers | None = None
    slow_state: object = None


class Filming:
    """The cameras of one take. `shoot` is a pure function of the situation: caches change its speed alone.

    cameras: those that hang still, by view. grain: seed of the noise in pictures, of at most `longest` pixels a side.
    """

    def __init__(
        self, room: Room, name: str, seed: int, cameras: Mapping[str, Camera], grain: int, longest: int
    ) -> None:
        self.room, self.name, self.seed, self.cameras = room, name, seed, cameras
        equipment = furniture(room)
        clutter = scenery(room).arrays(room.placement)
        self.still = join(equipment.arrays(room.placement), clutter)
        self._shell_colours = np.array(
            [FLOORS[room.floor], WALLS[room.wall], shade(WALLS[room.wall], 0.82), (214, 216, 216)], dtype=np.float32
        )
        noise = np.random.default_rng(grain).standard_normal((2 * longest, 2 * longest))
        self._noise = (3.0 * noise).astype(np.float32)
        self._caches: dict[str, _CameraCache] = {}
        self._patient_skin = random.Random(seed ^ room.stock).choice([(232, 190, 160), (206, 158, 124), (150, 106, 80)])

    def _prepare_camera(self, camera: Camera) -> _CameraCache:
        still, floor_x, floor_y = _empty_room(camera, self.room)
        standing = ((0.0, 0.0, 900.0), (640.0, 1050.0, 560.0), (1500.0, -1350.0, 620.0))
        spots = [(*self.room.to_room((x, y, 0.0))[:2], reach) for x, y, reach in standing]
        _draw_shadows(still, camera, floor_x, floor_y, spots, 0.35)
        cast(self.still, camera, self.room.light, still, SHELL)
        return _CameraCache(still, floor_x, floor_y)

    def shoot(self, situation: Situation, frame: str) -> dict[str, Picture]:
        """Return what the cameras see, by view."""
        stage = self.stage(situation)
        return {view: self.picture(stage, view, frame) for view in self.cameras}

    def stage(self, situation: Situation) -> Stage:
        """Return what there is to be seen."""
        room = self.room
        slow_builder, fast_builder = Solids(), Solids()
        if situation.patient is not None:
            add_patient(slow_builder, situation.patient, self._patient_skin)
        add_robot(slow_builder, room, situation.arm, BANDS[situation.phase], situation.operated)
        for placed in situation.people:
            add_person(fast_builder, placed)
        for used in situation.tools:
            add_tool(fast_builder, used)
        slow, fast = slow_builder.arrays(room.placement), fast_builder.arrays(room.placement)
        solids = join(self.still, join(slow, fast))
        padding = np.zeros(SHELL, dtype=np.uint8)
        return Stage(
            slow,
            fast,
            [(*room.to_room((placed.x, placed.y, 0.0))[:2], 430.0) for placed in situation.people],
            (situation.patient, situation.arm, situation.phase, situation.operated),
            np.concatenate([self._shell_colours, solids.colours]) * np.array(room.tint, dtype=np.float32),
            *(np.concatenate([padding, column]) for column in (solids.entities, solids.parts, solids.people)),
        )

    def picture(self, stage: Stage, view: str, frame: str, camera: Camera | None = None) -> Picture:
        """Return what one camera sees: of a view, or one that is here for this timepoint alone."""
        if camera is None:
            camera = self.cameras[view]
            if view not in self._caches:
                self._caches[view] = self._prepare_camera(camera)
            cache = self._caches[view]
        else:
            cache = self._prepare_camera(camera)
        light = self.room.light
        if cache.with_slow is None or cache.slow_state != stage.state:
            cache.with_slow, cache.slow_state = cache.still.copy(), stage.state
            cast(stage.slow, camera, light, cache.with_slow, SHELL + len(self.still))
        buffers = cache.with_slow.copy()
        _draw_shadows(buffers, camera, cache.floor_x, cache.floor_y, stage.feet, 0.5)
        cast(stage.fast, camera, light, buffers, SHELL + len(self.still) + len(stage.slow))
        return self._colour_image(buffers, stage, seeded(self.seed, self.name, frame, view))

    def _colour_image(self, buffers: Buffers, stage: Stage, rng: random.Random) -> Picture:
        height, width = buffers.depth.shape
        owner = buffers.owner.astype(np.intp)
        down, right = rng.randrange(height), rng.randrange(width)
        noise = self._noise[down : down + height, right : right + width]
        colour = np.empty((height, width, 3), dtype=np.uint8)
        for channel in range(3):  # one at a time: three times as fast as all at once
            plane = np.ascontiguousarray(stage.colours[:, channel]).take(owner, mode="clip")
            plane *= buffers.shade
            plane += noise
            colour[..., channel] = plane.clip(0, 255, out=plane)
        return Picture(colour, np.minimum(buffers.depth, 65535).astype(np.uint16), buffers.owner, stage)


def _empty_room(camera: Camera, room: Room) -> tuple[Buffers, Pixels, Pixels]:
    """Return the empty room as a camera sees it, and where on the floor each pixel looks, mm."""
    across, down = (
        (np.arange(count) - centre) / camera.focal for count, centre in zip(camera.size, camera.centre, strict=True)
    )
    rays = np.stack([*np.meshgrid(across, down), np.ones((len(down), len(across)))], axis=-1) @ camera.rotation
    position = camera.position
    rays = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    wall_x = (np.where(rays[..., 0] > 0, HALF, -HALF) - position[0]) / rays[..., 0]
    wall_y = (np.where(rays[..., 1] > 0, HALF, -HALF) - position[1]) / rays[..., 1]
    level = (np.where(rays[..., 2] > 0, CEILING, 0.0) - position[2]) / rays[..., 2]
    depth = np.minimum(np.minimum(wall_x, wall_y), level)
    point = position + depth[..., None] * rays
    on_floor, on_ceiling = (depth == level) & (rays[..., 2] < 0), (depth == level) & (rays[..., 2] > 0)
    owner = np.where(on_floor, 0, np.where(on_ceiling, 3, np.where(point[..., 2] < 1150.0, 2, 1)))
    normal = np.where(wall_x < wall_y, -np.sign(rays[..., 0]) * room.light[0], -np.sign(rays[..., 1]) * room.light[1])
    cosine = np.where(on_floor, room.light[2], np.where(on_ceiling, 0.0, 0.55 + normal))
    corner = np.minimum(HALF - np.abs(point[..., 0]), HALF - np.abs(point[..., 1]))
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
    buffers: Buffers, camera: Camera, floor_x: Pixels, floor_y: Pixels, spots: Sequence[Spot], darkness: float
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
    high[pixels[..., 2].min(axis=1) < NEAR] = 0
    for (x, y, reach), (left, top), (right, bottom) in zip(spots, low.tolist(), high.tolist(), strict=True):
        if right <= left or bottom <= top:
            continue
        window = (slice(top, bottom), slice(left, right))
        across, along = floor_x[window] - np.float32(x), floor_y[window] - np.float32(y)
        across *= across
        along *= along
        across += along
        across *= np.float32(1.3 * darkness / (reach * reach))
        across += np.float32(1.0 - 1.3 * darkness)
        np.maximum(across, np.float32(1.0 - darkness), out=across)
        np.minimum(across, np.float32(1.0), out=across)
        np.multiply(buffers.shade[window], across, out=buffers.shade[window], where=buffers.owner[window] == 0)
