"""Where things are in the room, in steps of the benchmark (protocol.md R5): -1000 to 1000 along each axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from orqa_registry.questions.question import Moment


def room_positions(moment: Moment) -> dict[str, tuple[int, int, int]]:
    """Return entity -> the middle of its extents, in thousandths of half a side of what counts as the room.

    An entity of which an extent is not finite, in mm or in these steps, is nowhere in the room and left out.
    """
    positions = moment.labels["positions"]
    scaled = ((entity, _scale_extent(extent, positions["reach"])) for entity, extent in positions["extents"].items())
    return {entity: position for entity, position in scaled if position is not None}


def _scale_extent(extent: Sequence[float], reach: float) -> tuple[int, int, int] | None:
    scaled = [(value + reach) / (2 * reach) * 2000 - 1000 for value in extent]
    if not all(map(math.isfinite, scaled)):
        return None
    x0, y0, z0, x1, y1, z1 = map(math.trunc, scaled)
    return (x0 + x1) // 2, (y0 + y1) // 2, (z0 + z1) // 2


def distances_mm(moment: Moment) -> dict[tuple[str, str], int]:
    """Return pair -> whole millimetres between the middles of two entities, each pair once.

    The original rounds middles to the units of the files, and counts every unit as 2 mm (defect D9). A pair whose
    distance is not finite is left out.
    """
    positions = moment.labels["positions"]
    unit = positions.get("unit", 1.0)
    middles = {entity: _find_middle(extent) for entity, extent in positions["extents"].items()}
    if moment.compat:
        in_units = ((entity, [value / unit for value in middle]) for entity, middle in middles.items())
        middles = {
            entity: list(map(math.floor, middle)) for entity, middle in in_units if all(map(math.isfinite, middle))
        }
    factor = 2 if moment.compat else 1
    lengths = {pair: factor * math.dist(*map(middles.__getitem__, pair)) for pair in combinations(middles, 2)}
    return {pair: math.trunc(distance) for pair, distance in lengths.items() if math.isfinite(distance)}


def _find_middle(extent: Sequence[float]) -> list[float]:
    x0, y0, z0, x1, y1, z1 = extent
    return [(x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2]
