"""Exact ray casting of solids into a depth buffer, one solid at a time inside its own rectangle of pixels.

A ray of pixel (x, y) is z * r with r = (x, y, 1) in camera coordinates, so its parameter z is the depth itself. In the
canonical space of a solid the ray is o + z G r, and whatever decides about a hit is a polynomial of second degree in x
and y. The coefficients are computed once a solid, in double precision and around the middle of its rectangle; all
polynomials of a solid are then one small matrix product, (H, 3) @ (3, 3) @ (3, W) each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

from orqa_plugin_hybridor.geometry.solids import BOX, CONE, Floats, SolidArrays
from orqa_plugin_hybridor.render.intersections import SOLID_KINDS, FloatImage, brightness
from orqa_plugin_hybridor.scene.camera import Camera

NEAR_PLANE = 60.0
"""Solids that come nearer to a camera than this, in mm, are not drawn."""

BATCH_PIXELS = 12_000
"""Pixels that are computed at once: nine planes of them fit into half a megabyte of cache."""

_BOX_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)


@define
class Buffers:
    """What one camera sees: depth (H, W) in mm, shade (H, W) as a factor of the colour, owner (H, W): which solid."""

    depth: FloatImage
    shade: FloatImage
    owner: npt.NDArray[np.int16]

    def copy(self) -> Buffers:
        """Return buffers to draw on, these left as they are."""
        return Buffers(self.depth.copy(), self.shade.copy(), self.owner.copy())


def pixel_bounds(solids: SolidArrays, camera: Camera) -> npt.NDArray[np.int64]:
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
        end_extents = _conic_extents(ends, centres[cones] + frames[cones, :, 2])
        low[cones], high[cones] = np.minimum(low[cones], end_extents[0]), np.maximum(high[cones], end_extents[1])
        near[cones] = np.minimum(near[cones], end_extents[2])
    if boxes.any():
        corners = _BOX_CORNERS @ frames[boxes].transpose(0, 2, 1) + centres[boxes][:, None]
        depth = corners[..., 2]
        flat = corners[..., :2] / np.maximum(depth, NEAR_PLANE)[..., None]
        low[boxes], high[boxes], near[boxes] = flat.min(axis=1), flat.max(axis=1), depth.min(axis=1)
    first = np.clip(np.ceil(camera.focal * low + camera.centre), 0, camera.size).astype(np.int64)
    last = np.clip(np.floor(camera.focal * high + camera.centre) + 1, 0, camera.size).astype(np.int64)
    last[near < NEAR_PLANE] = 0
    return np.column_stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]])


def _conic_extents(frames: Floats, centres: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the lowest and highest x, y (N, 2) of ellipsoids seen from the origin, and their nearest depth (N,)."""
    dual = centres[:, :, None] * centres[:, None, :] - frames @ frames.transpose(0, 2, 1)
    scale = dual[:, 2, 2]
    nearest = centres[:, 2] - np.linalg.norm(frames[:, 2], axis=1)
    safe = np.where(nearest >= NEAR_PLANE, scale, 1.0)[:, None]
    middle = dual[:, :2, 2] / safe
    across = dual[:, [0, 1], [0, 1]] / safe
    reach = np.sqrt(np.maximum(middle * middle - across, 0.0))
    return middle - reach, middle + reach, nearest


def cast_rays(solids: SolidArrays, camera: Camera, light: Floats, buffers: Buffers, first: int) -> None:
    """Draw solids into the buffers; owners are numbered from `first`. light: unit direction towards the lamp.

    Solids of a kind are computed in batches, which spares most of the calls, and then laid over one another by depth.
    """
    bounds = pixel_bounds(solids, camera)
    drawn = np.nonzero((bounds[:, 1] > bounds[:, 0]) & (bounds[:, 3] > bounds[:, 2]))[0]
    if not len(drawn):
        return
    drawn = drawn[np.argsort(solids.kinds[drawn], kind="stable")]
    bounds = bounds[drawn]
    solved = _solid_coefficients(solids, drawn, bounds, camera, light)
    sizes = (bounds[:, 1] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 2])
    for kind, surface in SOLID_KINDS.items():
        planes = surface.planes
        indices = np.nonzero(solids.kinds[drawn] == kind)[0]
        for batch in _group_by_pixels(indices.tolist(), sizes.tolist()):
            counts = sizes[batch]
            ends = np.cumsum(counts)
            values = np.empty((planes.stop - planes.start, ends[-1]), dtype=np.float32)
            slices = []
            for index, end, count in zip(batch, ends.tolist(), counts.tolist(), strict=True):
                left, right, top, bottom = bounds[index].tolist()
                target = values[:, end - count : end].reshape(-1, bottom - top, right - left)
                columns, rows = (
                    _pixel_powers(right - left, 1.0 / camera.focal),
                    _pixel_powers(bottom - top, 1.0 / camera.focal).T,
                )
                np.matmul(np.matmul(rows, solved.coefficients[index, planes]), columns, out=target)
                slices.append((end - count, end, slice(top, bottom), slice(left, right)))
            with np.errstate(all="ignore"):  # no hit: NaN, which no comparison lets through
                hit, depth, shade = surface.intersect(values, np.repeat(solved.constants[:, batch], counts, axis=1))
            for index, (start, end, rows_, columns_) in zip(batch, slices, strict=True):
                behind = buffers.depth[rows_, columns_]
                solid_depth = depth[start:end].reshape(behind.shape)
                closer = solid_depth < behind
                closer &= hit[start:end].reshape(behind.shape)
                np.copyto(behind, solid_depth, where=closer)
                np.copyto(buffers.shade[rows_, columns_], shade[start:end].reshape(behind.shape), where=closer)
                np.copyto(buffers.owner[rows_, columns_], np.int16(first + drawn[index]), where=closer)


def _group_by_pixels(indices: list[int], sizes: list[int]) -> Iterator[list[int]]:
    """Yield neighbouring solids whose pixels together fit into the cache of a core; a big one comes alone."""
    batch: list[int] = []
    capacity = BATCH_PIXELS
    for index in indices:
        if batch and sizes[index] > capacity:
            yield batch
            batch, capacity = [], BATCH_PIXELS
        batch.append(index)
        capacity -= sizes[index]
    if batch:
        yield batch


@frozen(eq=False)
class _SolidCoefficients:
    """What is known of N solids before any pixel: coefficients (N, 9, 3, 3), constants (K, N); see `intersections`."""

    coefficients: FloatImage
    constants: FloatImage


def _solid_coefficients(
    solids: SolidArrays, drawn: npt.NDArray[np.int64], bounds: npt.NDArray[np.int64], camera: Camera, light: Floats
) -> _SolidCoefficients:
    cones, taper = solids.kinds[drawn] == CONE, solids.tapers[drawn]
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
    weighted_rays = quadric[..., None] * rays
    a = rays.transpose(0, 2, 1) @ weighted_rays
    b = np.einsum("nij,ni->nj", rays, gradient)
    # The normal is n0 + z N r; its product with the light and its square are polynomials too.
    normal = np.einsum("nij,ni->nj", inverse, gradient)
    turn = inverse.transpose(0, 2, 1) @ weighted_rays
    coefficients = np.zeros((len(drawn), 9, 3, 3), dtype=np.float32)
    coefficients[:, 0] = _quadratic_table(b[:, :, None] * b[:, None, :] - constant[:, None, None] * a)
    coefficients[:, 1] = _quadratic_table(a)
    coefficients[:, 2] = _linear_table(-b)
    coefficients[:, 3] = _quadratic_table(turn.transpose(0, 2, 1) @ turn)
    coefficients[:, 4] = _linear_table(2.0 * np.einsum("ni,nij->nj", normal, turn))
    coefficients[:, 5] = _linear_table(np.einsum("nij,i->nj", turn, light))
    for axis in range(3):
        coefficients[:, 6 + axis] = _linear_table(rays[:, axis])
    lit = inverse @ light / np.linalg.norm(inverse, axis=2)
    # The faces that look at the camera: where along each axis, and how bright. NaN: neither of the two does.
    side = np.where(np.abs(origin) > 1.0, np.sign(origin), np.nan)
    side[cones, 2] = np.where(origin[cones, 2] > 1.0, 1.0, np.where(origin[cones, 2] < 0.0, 0.0, np.nan))
    face_brightness = brightness(np.where(side > 0.0, lit, -lit))
    radius = np.where(side[:, 2] > 0.0, taper, 1.0) ** 2
    constants = [
        np.einsum("ni,ni->n", normal, normal),
        normal @ light,
        *origin.T,
        *(side - origin).T,
        *face_brightness.T,
        radius,
    ]
    return _SolidCoefficients(coefficients, np.stack(constants).astype(np.float32))


def _quadratic_table(forms: Floats) -> Floats:
    """Return quadratic forms of r (N, 3, 3) by the powers of y (rows: 2, 1, 0) and x (columns: 2, 1, 0)."""
    table = np.zeros_like(forms)
    table[:, 2, 0], table[:, 2, 1], table[:, 2, 2] = forms[:, 0, 0], 2 * forms[:, 0, 2], forms[:, 2, 2]
    table[:, 1, 1], table[:, 1, 2], table[:, 0, 2] = 2 * forms[:, 0, 1], 2 * forms[:, 1, 2], forms[:, 1, 1]
    return table


def _linear_table(forms: Floats) -> Floats:
    """Return linear forms of r (N, 3) by the powers of y and x."""
    table = np.zeros((len(forms), 3, 3))
    table[:, 2, 1], table[:, 1, 2], table[:, 2, 2] = forms[:, 0], forms[:, 1], forms[:, 2]
    return table


@lru_cache(maxsize=4096)
def _pixel_powers(count: int, step: float) -> FloatImage:
    """Return (3, many): second, first and zeroth power of the pixel coordinates around the middle."""
    x = (np.arange(count) - (count - 1) / 2) * step
    return np.stack([x * x, x, np.ones_like(x)]).astype(np.float32)
