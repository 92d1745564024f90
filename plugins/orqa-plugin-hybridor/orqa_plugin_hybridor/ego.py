"""The camera on somebody's head: who wears it, what he looks at, and what of hands and tools is in its picture."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.cameras import Camera, Size, look
from orqa_plugin_hybridor.filming import Picture
from orqa_plugin_hybridor.geometry import Vector, minus, plus, unit
from orqa_plugin_hybridor.room import LAMP, Room
from orqa_plugin_hybridor.situation import FIELD, Placed, Situation
from orqa_plugin_hybridor.skeleton import Body
from orqa_plugin_hybridor.solids import PARTS

ANGLE = 78.0
"""Field of view of the longer side, degrees."""

SEEN = 10
"""A hand or a tool has a box when it has at least as many visible pixels."""


@frozen(eq=False)
class Glance:
    """Somebody's look: who, with which camera, and at what, in the furniture's coordinates, mm."""

    wearer: Placed
    camera: Camera
    target: Vector


@frozen
class Part:
    """Something in a picture: one of PARTS, of person `number`; extents in pixels, inclusive, of what is visible."""

    name: str
    number: int
    extents: tuple[int, int, int, int]


def glance(situation: Situation, room: Room, size: Size, rng: random.Random, *, up: bool) -> Glance:
    """Return what the head surgeon sees; while he is not there, somebody who works, and else the first nurse.

    up: he looks at the lamp, and not at the field.
    """
    worker = next((situation.find(step.actor) for step in situation.steps), None)
    wearer = situation.find("head_surgeon") or worker or situation.find("nurse") or situation.people[0]
    body = Body(wearer)
    target = LAMP if up else next((used.tip for used in situation.tools if used.holder is wearer), None)
    if target is None:
        at_table = abs(wearer.x) < 1100.0 and abs(wearer.y) < 1000.0
        target = FIELD if situation.patient is not None and at_table else plus(body.at(0.55), body.ahead, 650.0)
    eye = plus(plus(body.head, (0.0, 0.0, 70.0)), unit(minus(target, body.head)), 40.0)
    # A camera on a cap does not point where the eyes do: what they look at lies about, a little below the middle.
    aim = plus(plus(target, body.across, rng.uniform(-130.0, 130.0)), (0.0, 0.0, rng.uniform(10.0, 110.0)))
    return Glance(wearer, look(size, ANGLE, room.to_room(eye), room.to_room(aim)), target)


def parts(picture: Picture) -> Iterator[Part]:
    """Yield the hands and tools that are seen."""
    keys = picture.people.astype(np.int64) * len(PARTS) + picture.parts
    for key, count in zip(*np.unique(keys[picture.parts > 0], return_counts=True), strict=True):
        if count >= SEEN:
            rows, columns = np.nonzero(keys == key)
            extents = int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
            yield Part(PARTS[key % len(PARTS)], int(key) // len(PARTS), extents)
