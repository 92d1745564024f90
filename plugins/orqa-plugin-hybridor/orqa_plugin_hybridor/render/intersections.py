"""Where rays meet a surface and how bright it is there: the arithmetic of every pixel, for many solids at once.

Each function is given `values` (planes, P): polynomials at P pixels, and `constants` (12, P): numbers of the solid
that the pixel is tested against. It returns whether the ray hits (P,), at which depth in mm, and the shade of the
surface. `values` is used up. The planes are
    0 discriminant   1 a   2 -b   3, 4 square and product in the normal's length   5 its product with the light
    6, 7, 8 the ray in the canonical space of the solid: x, y, z
and the constants
    0 square of the normal at the camera   1 its product with the light   2, 3, 4 the camera in canonical space
    5, 6, 7 from there to the faces that look at it   8, 9, 10 how bright they are   11 squared radius of a cone's end
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from attrs import frozen

from orqa_plugin_hybridor.geometry.solids import BOX, CONE, ELLIPSOID, Floats

FloatImage = npt.NDArray[np.float32]
Intersection = tuple[npt.NDArray[np.bool_], FloatImage, FloatImage]

AMBIENT, LINEAR, QUADRATIC = 0.6, 0.34, 0.12
"""Brightness at a cosine s to the light is AMBIENT + LINEAR s + QUADRATIC s^2: Lambert, with light from all around."""


def brightness(cosine: Floats) -> Floats:
    """Return the shade of a surface by the cosine between its normal and the light."""
    return AMBIENT + LINEAR * cosine + QUADRATIC * cosine * cosine


def intersect_ellipsoids(values: FloatImage, constants: FloatImage) -> Intersection:
    """Meet ellipsoids."""
    depth, a, minus_b, square, edge, cosine = values[:6]
    hit = depth > 0
    np.sqrt(depth, out=depth)
    np.subtract(minus_b, depth, out=depth)
    depth /= a
    square *= depth
    square += edge
    square *= depth
    square += constants[0]
    np.sqrt(square, out=square)
    cosine *= depth
    cosine += constants[1]
    cosine /= square
    np.multiply(cosine, np.float32(QUADRATIC), out=square)
    square += np.float32(LINEAR)
    square *= cosine
    square += np.float32(AMBIENT)
    return hit, depth, square


def intersect_cones(values: FloatImage, constants: FloatImage) -> Intersection:
    """Meet cones: their sides, and the end that looks at the camera."""
    opening = values[1] > 0  # elsewhere the cone is seen from its tip, and its end covers its side
    x, y, z = values[6:]
    hit, depth, shade = intersect_ellipsoids(values, constants)
    level = np.multiply(depth, z, out=values[1])
    level += constants[4]
    hit &= opening
    hit &= level >= 0
    hit &= level <= 1
    end = np.divide(constants[7], z, out=z)
    x *= end
    x += constants[2]
    x *= x
    y *= end
    y += constants[3]
    y *= y
    x += y
    on_end = x <= constants[11]
    on_end &= end > 0
    np.copyto(depth, end, where=on_end)
    np.copyto(shade, constants[10], where=on_end)
    hit |= on_end
    return hit, depth, shade


def intersect_boxes(values: FloatImage, constants: FloatImage) -> Intersection:
    """Meet boxes: the farthest of the planes that look at the camera, where it lies within the others."""
    depth, shade = np.zeros_like(values[0]), np.zeros_like(values[0])
    for axis in range(3):
        entry = constants[5 + axis] / values[axis]
        later = entry > depth
        np.copyto(depth, entry, where=later)
        np.copyto(shade, constants[8 + axis], where=later)
    hit = depth > 0
    for axis in range(3):
        along = values[axis]
        along *= depth
        along += constants[2 + axis]
        np.abs(along, out=along)
        hit &= along <= np.float32(1.0005)
    return hit, depth, shade


@frozen
class SolidKind:
    """One kind: which planes of `values` it needs, and its function."""

    planes: slice
    intersect: Callable[[FloatImage, FloatImage], Intersection]


SOLID_KINDS = {
    ELLIPSOID: SolidKind(slice(0, 6), intersect_ellipsoids),
    CONE: SolidKind(slice(0, 9), intersect_cones),
    BOX: SolidKind(slice(6, 9), intersect_boxes),
}
