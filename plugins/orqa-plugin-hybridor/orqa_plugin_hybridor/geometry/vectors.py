"""Points and directions as plain tuples of floats: for a few hundred of them a frame that is faster than arrays."""

from __future__ import annotations

import math

Vector = tuple[float, float, float]
"""A point in mm or a direction: x, y along the floor, z up."""

UP: Vector = (0.0, 0.0, 1.0)


def add(a: Vector, b: Vector, times: float = 1.0) -> Vector:
    """Return a + times * b."""
    return a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]


def subtract(a: Vector, b: Vector) -> Vector:
    """Return a - b."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scale(a: Vector, factor: float) -> Vector:
    """Return factor * a."""
    return a[0] * factor, a[1] * factor, a[2] * factor


def interpolate(a: Vector, b: Vector, share: float = 0.5) -> Vector:
    """Return the point a share of the way from a to b."""
    return add(scale(a, 1.0 - share), b, share)


def length(a: Vector) -> float:
    """Return the length of a."""
    return math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


def normalise(a: Vector) -> Vector:
    """Return a with length 1; up where it has no length."""
    size = length(a)
    return scale(a, 1.0 / size) if size > 1e-9 else UP


def cross(a: Vector, b: Vector) -> Vector:
    """Return the cross product."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def distance_between(a: Vector, b: Vector) -> float:
    """Return how far apart two points are."""
    return length(subtract(a, b))


def forward(yaw: float) -> Vector:
    """Return the level direction of a heading in radians, counted from x towards y."""
    return math.cos(yaw), math.sin(yaw), 0.0


def right_of(yaw: float) -> Vector:
    """Return the level direction to the right of a heading."""
    return math.sin(yaw), -math.cos(yaw), 0.0


def heading(start: Vector, end: Vector) -> float:
    """Return the heading in radians from one point to another."""
    return math.atan2(end[1] - start[1], end[0] - start[0])


def perpendicular_axes(axis: Vector) -> tuple[Vector, Vector]:
    """Return two unit directions square to an axis and to each other."""
    along = normalise(axis)
    first = normalise(cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0)))
    return first, cross(along, first)
