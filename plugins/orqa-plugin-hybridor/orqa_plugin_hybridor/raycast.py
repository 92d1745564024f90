"""Exact ray casting of solids into a depth buffer, one solid at a time inside its own rectangle of pixels.

A ray of pixel (x, y) is z * r with r = (x, y, 1) in camera coordinates, so its parameter z is the depth itself. In the
canonical space of a solid the ray is o + z G r, and whatever decides about a hit is a polynomial of second degree in x
and y. The coefficients are computed once a solid, in double precision and around the middle of its rectangle; all
polynomials of a solid are then one small matrix product, (H, 3) @ (3, 3) @ (3, W) each.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from attrs import define

from orqa_plugin_hybridor.cameras import Camera
from orqa_plugin_hybridor.solids import BOX, CONE, Floats, SolidArrays

Pixels = npt.NDArray[np.float32]
NEAR = 60.0
"""Solids that come nearer to a camera than this, in mm, are not drawn."""

AMBIENT, HALF, EDGE = 0.56, 0.34, 0.14
"""Brightness at a cosine s to the light is AMBIENT + HALF s + EDGE s^2: Lambert, with light from all around."""

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)


@define
class Buffers:
    """What one camera sees: depth (H, W) in mm, shade (H, W) as a factor of the colour, owner (H, W): which solid."""

    depth: Pixels
    shade: Pixels
    owner: npt.NDArray[np.int16]

    def copy(self) -> Buffers:
        """Return buffers to draw on, these left as they are."""
        return Buffers(self.depth.copy(), self.shade.copy(), self.owner.copy())


def brightness(cosine: Floats) -> Floats:
    """Return the shade of a surface by the cosine between its normal and the light."""
    return AMBIENT + HALF * cosine + EDGE * cosine * cosine


def rectangles(solids: SolidArrays, camera: Camera) -> npt.NDArray[np.int64]:
    """Return (N, 4): first and last-plus-one column and row of what each solid covers; empty where it is not seen.

    Tight: the outline of an ellipsoid, or of a cone's end, under a pinhole is a conic, whose extents are a root away.
    """
    frames = camera.rotation @ solids.frames
    centres = solids.centres @ camera.rotation.T + camera.translation
    cones, boxes = solids.kinds == CONE, solids.kinds == BOX
    discs = np.where(cones[:, None, None], frames * np.array([1.0, 1.0, 0.0]), frames)
    low, high, near = _conic_extents(discs, centres)
    if cones.any():
        ends = discs[cones] * solids.tapers[cones, None, None]
        found = _conic_extents(ends, centres[cones] + frames[cones, :, 2])
        low[cones], high[cones] = np.minimum(low[cones], found[0]), np.maximum(high[cones], found[1])
        near[cones] = np.minimum(near[cones], found[2])
    if boxes.any():
        corners = _CORNERS @ frames[boxes].transpose(0, 2, 1) + centres[boxes][:, None]
        depth = corners[..., 2]
        flat = corners[..., :2] / np.maximum(depth, NEAR)[..., None]
        low[boxes], high[boxes], near[boxes] = flat.min(axis=1), flat.max(axis=1), depth.min(axis=1)
    first = np.clip(np.ceil(camera.focal * low + camera.centre), 0, camera.size).astype(np.int64)
    last = np.clip(np.floor(camera.focal * high + camera.centre) + 1, 0, camera.size).astype(np.int64)
    last[near < NEAR] = 0
    return np.column_stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]])


def _conic_extents(frames: Floats, centres: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the lowest and highest x, y (N, 2) of ellipsoids seen from the origin, and their nearest depth (N,)."""
    dual = centres[:, :, None] * centres[:, None, :] - frames @ frames.transpose(0, 2, 1)
    scale = dual[:, 2, 2]
    nearest = centres[:, 2] - np.linalg.norm(frames[:, 2], axis=1)
    safe = np.where(nearest >= NEAR, scale, 1.0)[:, None]
    middle = dual[:, :2, 2] / safe
    across = dual[:, [0, 1], [0, 1]] / safe
    reach = np.sqrt(np.maximum(middle * middle - across, 0.0))
    return middle - reach, middle + reach, nearest


def cast(solids: SolidArrays, camera: Camera, light: Floats, buffers: Buffers, first: int) -> None:
    """Draw solids into the buffers. `light` is the unit direction towards the light; owners are numbered from `first`."""
    if not len(solids):
        return
    bounds = rectangles(solids, camera)
    drawn = np.nonzero((bounds[:, 1] > bounds[:, 0]) & (bounds[:, 3] > bounds[:, 2]))[0]
    if not len(drawn):
        return
    bounds = bounds[drawn]
    kinds, taper = solids.kinds[drawn], solids.tapers[drawn]
    cones = kinds == CONE
    inverse = np.linalg.inv(solids.frames[drawn])
    origin = np.einsum("nij,nj->ni", inverse, camera.position - solids.centres[drawn])
    # Rays are counted from the middle of each rectangle, where float32 is then exact enough.
    middle = ((bounds[:, [0, 2]] + bounds[:, [1, 3]] - 1) / 2 - camera.centre) / camera.focal
    rays = inverse @ camera.rotation.T
    rays[..., 2] += np.einsum("nij,nj->ni", rays[..., :2], middle)

    # The quadric p.S p + 2 s.p - 1 = 0 of each: a z^2 + 2 b z + c = 0 along a ray.
    slope = np.where(cones, taper - 1.0, 0.0)
    quadric = np.ones_like(origin)
    quadric[cones, 2] = -(slope[cones] ** 2)
    gradient = quadric * origin
    gradient[:, 2] -= slope
    constant = np.einsum("ni,ni->n", origin, gradient) - slope * origin[:, 2] - 1.0
    bent = quadric[..., None] * rays
    a = rays.transpose(0, 2, 1) @ bent
    b = np.einsum("nij,ni->nj", rays, gradient)
    # The normal is n0 + z N r; its product with the light and its square are polynomials too.
    normal = np.einsum("nij,ni->nj", inverse, gradient)
    turn = inverse.transpose(0, 2, 1) @ bent
    coefficients = np.zeros((len(drawn), 9, 3, 3), dtype=np.float32)
    coefficients[:, 0] = _second(b[:, :, None] * b[:, None, :] - constant[:, None, None] * a)
    coefficients[:, 1] = _second(a)
    coefficients[:, 2] = _first(-b)
    coefficients[:, 3] = _second(turn.transpose(0, 2, 1) @ turn)
    coefficients[:, 4] = _first(2.0 * np.einsum("ni,nij->nj", normal, turn))
    coefficients[:, 5] = _first(np.einsum("nij,i->nj", turn, light))
    for axis in range(3):
        coefficients[:, 6 + axis] = _first(rays[:, 2 - axis])
    constants = np.column_stack([np.einsum("ni,ni->n", normal, normal), normal @ light, origin[:, ::-1]])
    constants = constants.astype(np.float32)
    faces = brightness(np.stack([-1.0, 1.0])[:, None, None] * (inverse @ light / np.linalg.norm(inverse, axis=2)))
    faces = faces.astype(np.float32)

    step = 1.0 / camera.focal
    for place, number in enumerate(drawn):
        left, right, top, bottom = bounds[place].tolist()
        where = (slice(top, bottom), slice(left, right))
        depth = buffers.depth[where]
        columns, rows = _powers(right - left, step), _powers(bottom - top, step).T
        if kinds[place] == BOX:
            values = _evaluate(coefficients[place, 6:], rows, columns)
            hit, found, shade = _box(values, constants[place, 2:], faces[:, place], depth)
        elif cones[place]:
            capped = not 0.0 <= origin[place, 2] <= 1.0
            values = _evaluate(coefficients[place, : 9 if capped else 7], rows, columns)
            opening = values[1] > 0  # elsewhere the cone is seen from its tip, and its end covers its side
            hit, found, shade = _quadric(values, constants[place], depth)
            level = found * values[6]
            level += constants[place, 2]
            hit &= (level >= 0) & (level <= 1) & opening
            if capped:
                _cap(values[6:], constants[place, 2:], faces[:, place, 2], float(taper[place]), (hit, found, shade), depth)
        else:
            hit, found, shade = _quadric(_evaluate(coefficients[place, :6], rows, columns), constants[place], depth)
        np.copyto(depth, found, where=hit)
        np.copyto(buffers.shade[where], shade, where=hit)
        buffers.owner[where][hit] = first + number


def _second(forms: Floats) -> Floats:
    """Return quadratic forms of r (N, 3, 3) by the powers of y (rows: 2, 1, 0) and x (columns: 2, 1, 0)."""
    table = np.zeros_like(forms)
    table[:, 2, 0], table[:, 2, 1], table[:, 2, 2] = forms[:, 0, 0], 2 * forms[:, 0, 2], forms[:, 2, 2]
    table[:, 1, 1], table[:, 1, 2], table[:, 0, 2] = 2 * forms[:, 0, 1], 2 * forms[:, 1, 2], forms[:, 1, 1]
    return table


def _first(forms: Floats) -> Floats:
    """Return linear forms of r (N, 3) by the powers of y and x."""
    table = np.zeros((len(forms), 3, 3))
    table[:, 2, 1], table[:, 1, 2], table[:, 2, 2] = forms[:, 0], forms[:, 1], forms[:, 2]
    return table


@lru_cache(maxsize=4096)
def _powers(many: int, step: float) -> Pixels:
    """Return (3, many): second, first and zeroth power of the pixel coordinates around the middle."""
    x = (np.arange(many) - (many - 1) / 2) * step
    return np.stack([x * x, x, np.ones_like(x)]).astype(np.float32)


def _evaluate(coefficients: Pixels, rows: Pixels, columns: Pixels) -> Pixels:
    """Return K polynomials (K, H, W) at every pixel of a rectangle."""
    by_row = np.matmul(rows, coefficients).reshape(-1, 3)
    return np.matmul(by_row, columns).reshape(len(coefficients), len(rows), columns.shape[1])


Found = tuple[npt.NDArray[np.bool_], Pixels, Pixels]


def _quadric(values: Pixels, constants: Pixels, depth: Pixels) -> Found:
    found, a, minus_b, square, edge, cosine = values[:6]
    hit = found > 0
    np.sqrt(found, out=found)  # NaN where there is no hit
    np.subtract(minus_b, found, out=found)
    found /= a
    hit &= found < depth
    square *= found
    square += edge
    square *= found
    square += constants[0]
    np.sqrt(square, out=square)
    cosine *= found
    cosine += constants[1]
    cosine /= square
    np.multiply(cosine, np.float32(EDGE), out=square)
    square += np.float32(HALF)
    square *= cosine
    square += np.float32(AMBIENT)
    return hit, found, square


def _cap(values: Pixels, origin: Pixels, faces: Pixels, taper: float, side: Found, depth: Pixels) -> None:
    """Add the end of a cone that faces the camera to what was found of its side."""
    upper = origin[0] > 1
    found = np.divide(np.float32(upper) - origin[0], values[0], out=values[0])
    x, y = values[2], values[1]
    x *= found
    x += origin[2]
    x *= x
    y *= found
    y += origin[1]
    y *= y
    x += y
    on = x <= np.float32(taper * taper if upper else 1.0)
    on &= found > 0
    on &= found < depth
    np.copyto(side[1], found, where=on)
    np.copyto(side[2], faces[int(upper)], where=on)
    np.logical_or(side[0], on, out=side[0])


def _box(values: Pixels, origin: Pixels, faces: Pixels, depth: Pixels) -> Found:
    found = np.zeros(depth.shape, dtype=np.float32)
    shade = np.empty(depth.shape, dtype=np.float32)
    for axis in range(3):  # z, y, x
        if abs(origin[axis]) > 1:
            upper = origin[axis] > 1
            entry = (np.float32(1.0 if upper else -1.0) - origin[axis]) / values[axis]
            np.copyto(shade, faces[int(upper), 2 - axis], where=entry > found)
            np.maximum(found, entry, out=found)
    hit = found < depth
    hit &= found > 0
    for axis in range(3):
        along = values[axis]
        along *= found
        along += origin[axis]
        np.abs(along, out=along)
        hit &= along <= np.float32(1.0005)
    return hit, found, shade
