"""The solids that everything in the room is made of: ellipsoids, capped cones and boxes.

Each is a canonical shape under an affine frame, world = centre + frame @ canonical:
    ELLIPSOID   |p| <= 1
    CONE        x^2 + y^2 <= (1 + (taper - 1) z)^2 and 0 <= z <= 1, with both caps; taper 1 is a cylinder
    BOX         |x|, |y|, |z| <= 1
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from attrs import astuple, define, field

from orqa_plugin_hybridor.geometry.vectors import (
    Vector,
    add,
    forward,
    interpolate,
    normalise,
    perpendicular_axes,
    right_of,
    scale,
    subtract,
)
from orqa_registry.data.vocabulary import ENTITIES

Floats = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

ELLIPSOID, CONE, BOX = 0, 1, 2

ENTITY_NAMES: tuple[str, ...] = ("", *ENTITIES, "cementer")
"""What a solid can belong to; the first is scenery without a name."""

PART_NAMES: tuple[str, ...] = (
    "",
    "left hand",
    "right hand",
    "scalpel",
    "drill",
    "saw",
    "hammer",
    "cementer",
    "forceps",
    "pointer",
    "screwdriver",
    "calibration array",
    "sheet",
    "cloth",
)
"""What of a person a solid can be: a hand, or a tool in it; the first is everything else."""

_ENTITY_IDS = {name: number for number, name in enumerate(ENTITY_NAMES)}
_PART_IDS = {name: number for number, name in enumerate(PART_NAMES)}


@define
class SolidBuilder:
    """A growing collection of solids. Colours are 0..255; `entity` is one of ENTITY_NAMES; `person` is 1.. or 0:
    nobody; `part` is one of PART_NAMES."""

    kinds: list[int] = field(factory=list)
    frames: list[tuple[Vector, Vector, Vector]] = field(factory=list)
    centres: list[Vector] = field(factory=list)
    tapers: list[float] = field(factory=list)
    colours: list[Colour] = field(factory=list)
    entities: list[int] = field(factory=list)
    people: list[int] = field(factory=list)
    parts: list[int] = field(factory=list)
    entity: str = ""
    person: int = 0
    part: str = ""

    def __len__(self) -> int:
        return len(self.kinds)

    def tag(self, entity: str, person: int = 0, part: str = "") -> SolidBuilder:
        """Let what is added from now on belong to an entity, to a person, be a part of it. Returns itself."""
        self.entity, self.person, self.part = entity, person, part
        return self

    def _add(
        self, kind: int, centre: Vector, frame: tuple[Vector, Vector, Vector], colour: Colour, taper: float
    ) -> None:
        self.kinds.append(kind)
        self.centres.append(centre)
        self.frames.append(frame)
        self.tapers.append(taper)
        self.colours.append(colour)
        self.entities.append(_ENTITY_IDS[self.entity])
        self.people.append(self.person)
        self.parts.append(_PART_IDS[self.part])

    def add_sphere(self, centre: Vector, radius: float, colour: Colour) -> None:
        """Add a sphere."""
        self._add(ELLIPSOID, centre, ((radius, 0.0, 0.0), (0.0, radius, 0.0), (0.0, 0.0, radius)), colour, 1.0)

    def add_ellipsoid(self, centre: Vector, radii: Vector, colour: Colour, yaw: float = 0.0) -> None:
        """Add an ellipsoid; its first radius lies along the heading `yaw`."""
        frame = scale(forward(yaw), radii[0]), scale(right_of(yaw), radii[1]), (0.0, 0.0, radii[2])
        self._add(ELLIPSOID, centre, frame, colour, 1.0)

    def add_limb(self, start: Vector, end: Vector, radius: float, colour: Colour) -> None:
        """Add a long ellipsoid that reaches a little beyond both ends: an arm, a leg."""
        half = scale(subtract(end, start), 0.5)
        first, second = perpendicular_axes(half)
        frame = scale(first, radius), scale(second, radius), add(half, normalise(half), 0.7 * radius)
        self._add(ELLIPSOID, interpolate(start, end), frame, colour, 1.0)

    def add_cone(
        self, start: Vector, end: Vector, radius: float, colour: Colour, end_radius: float | None = None
    ) -> None:
        """Add a capped cylinder, or a capped cone where the end has another radius."""
        axis = subtract(end, start)
        first, second = perpendicular_axes(axis)
        taper = 1.0 if end_radius is None else end_radius / radius
        self._add(CONE, start, (scale(first, radius), scale(second, radius), axis), colour, taper)

    def add_oval_cone(
        self, base: Vector, top: Vector, radii: tuple[float, float], taper: float, yaw: float, colour: Colour
    ) -> None:
        """Add an oval cone: radii along and across the heading at its base, times `taper` at its top."""
        frame = scale(forward(yaw), radii[0]), scale(right_of(yaw), radii[1]), subtract(top, base)
        self._add(CONE, base, frame, colour, taper)

    def add_box(self, centre: Vector, half: Vector, colour: Colour, yaw: float = 0.0) -> None:
        """Add an upright box by its half sides: along the heading, across it, up."""
        frame = scale(forward(yaw), half[0]), scale(right_of(yaw), half[1]), (0.0, 0.0, half[2])
        self._add(BOX, centre, frame, colour, 1.0)

    def add_oriented_box(self, centre: Vector, first: Vector, second: Vector, third: Vector, colour: Colour) -> None:
        """Add a box by its three half sides as vectors, square to one another."""
        self._add(BOX, centre, (first, second, third), colour, 1.0)

    def to_arrays(self, placement: Floats) -> SolidArrays:
        """Return the solids in room coordinates as arrays; `placement` is the 3 x 4 map of the take's layout."""
        turn, shift = placement[:, :3], placement[:, 3]
        frames = np.asarray(self.frames, dtype=np.float64).reshape(-1, 3, 3).transpose(0, 2, 1)
        centres = np.asarray(self.centres, dtype=np.float64).reshape(-1, 3)
        return SolidArrays(
            np.asarray(self.kinds, dtype=np.int64),
            turn @ frames,
            centres @ turn.T + shift,
            np.asarray(self.tapers, dtype=np.float64),
            np.asarray(self.colours, dtype=np.float32).reshape(-1, 3),
            np.asarray(self.entities, dtype=np.uint8),
            np.asarray(self.people, dtype=np.uint8),
            np.asarray(self.parts, dtype=np.uint8),
        )


@define
class SolidArrays:
    """N solids: kinds (N,), frames (N, 3, 3) with axes as columns, centres (N, 3), tapers (N,), colours (N, 3), ..."""

    kinds: npt.NDArray[np.int64]
    frames: Floats
    centres: Floats
    tapers: Floats
    colours: npt.NDArray[np.float32]
    entities: npt.NDArray[np.uint8]
    people: npt.NDArray[np.uint8]
    parts: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.kinds)


def concatenate(first: SolidArrays, second: SolidArrays) -> SolidArrays:
    """Return the solids of both, those of the first before those of the second."""
    pairs = zip(astuple(first, recurse=False), astuple(second, recurse=False), strict=True)
    return SolidArrays(*(np.concatenate(pair) for pair in pairs))


def shade(colour: Sequence[float], factor: float) -> Colour:
    """Return a colour made lighter or darker, within 0..255."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in colour)
    return red, green, blue
