"""The camera on somebody's head: who wears it, what he looks at, and what of hands and tools is in its picture."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from attrs import frozen

from orqa_plugin_hybridor.geometry.solids import PART_NAMES
from orqa_plugin_hybridor.geometry.vectors import Vector, add, normalise, subtract
from orqa_plugin_hybridor.procedure.situation import OPERATING_FIELD, PlacedPerson, Situation
from orqa_plugin_hybridor.render.rendered_view import RenderedView
from orqa_plugin_hybridor.scene.camera import Camera, ImageSize, look_at
from orqa_plugin_hybridor.scene.room import LAMP_POSITION, Room
from orqa_plugin_hybridor.scene.skeleton import Body

FIELD_OF_VIEW = 78.0
"""Field of view of the longer side, degrees."""

MIN_PART_PIXELS = 10
"""A hand or a tool has a box when it has at least as many visible pixels."""


@frozen(eq=False)
class HeadView:
    """Somebody's look: who, with which camera, and at what, in the furniture's coordinates, mm."""

    wearer: PlacedPerson
    camera: Camera
    target: Vector


@frozen
class VisiblePart:
    """Something in a picture: one of PART_NAMES, of person `number`; inclusive extents in pixels of what is visible."""

    name: str
    number: int
    extents: tuple[int, int, int, int]


def aim_head_camera(situation: Situation, room: Room, size: ImageSize, rng: random.Random, *, up: bool) -> HeadView:
    """Return what the head surgeon sees; while he is not there, somebody who works, and else the first nurse.

    up: he looks at the lamp, and not at the field.
    """
    worker = next((situation.find_person(step.actor) for step in situation.steps), None)
    wearer = situation.find_person("head_surgeon") or worker or situation.find_person("nurse") or situation.people[0]
    body = Body(wearer)
    target = LAMP_POSITION if up else next((tool.tip for tool in situation.tools if tool.holder is wearer), None)
    if target is None:
        at_table = abs(wearer.x) < 1100.0 and abs(wearer.y) < 1000.0
        target = (
            OPERATING_FIELD
            if situation.patient is not None and at_table
            else add(body.point_at(0.55), body.ahead, 650.0)
        )
    eye = add(add(body.head, (0.0, 0.0, 70.0)), normalise(subtract(target, body.head)), 40.0)
    # A camera on a cap does not point where the eyes do: what they look at lies about, a little below the middle.
    aim = add(add(target, body.across, rng.uniform(-130.0, 130.0)), (0.0, 0.0, rng.uniform(10.0, 110.0)))
    return HeadView(wearer, look_at(size, FIELD_OF_VIEW, room.to_room(eye), room.to_room(aim)), target)


def visible_parts(picture: RenderedView) -> Iterator[VisiblePart]:
    """Yield the hands and tools that are seen."""
    keys = picture.people.astype(np.int64) * len(PART_NAMES) + picture.parts
    for key, count in zip(*np.unique(keys[picture.parts > 0], return_counts=True), strict=True):
        if count >= MIN_PART_PIXELS:
            rows, columns = np.nonzero(keys == key)
            extents = int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())
            yield VisiblePart(PART_NAMES[key % len(PART_NAMES)], int(key) // len(PART_NAMES), extents)
