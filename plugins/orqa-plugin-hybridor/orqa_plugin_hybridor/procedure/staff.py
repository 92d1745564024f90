"""Who works in the room: roles, the looks of a person, and when each is there."""

from __future__ import annotations

import random
from collections.abc import Sequence

from attrs import field, frozen

from orqa_plugin_hybridor.geometry.solids import Colour

GOWN_COLOURS: dict[str, Colour] = {
    "head_surgeon": (28, 58, 178),
    "assistant_surgeon": (38, 160, 72),
    "nurse": (246, 208, 54),
    "circulator": (150, 72, 205),
    "anaesthetist": (205, 34, 38),
    "mps": (58, 55, 60),
    "student": (250, 150, 202),
    "unrelated_person": (240, 240, 236),
}
"""Gown and cap of each role, far apart in hue and in brightness."""

GOWN_WORDS: dict[str, str] = {
    "head_surgeon": "blue",
    "assistant_surgeon": "green",
    "nurse": "yellow",
    "circulator": "purple",
    "anaesthetist": "red",
    "mps": "dark grey",
    "student": "pink",
    "unrelated_person": "white",
}

STERILE_ROLES = frozenset({"head_surgeon", "assistant_surgeon", "nurse"})
"""Roles that scrub in, and may touch what is sterile."""

SKIN_COLOURS: tuple[Colour, ...] = ((244, 206, 178), (224, 178, 142), (190, 138, 100), (136, 92, 66), (96, 64, 48))

PRESENCE_PROBABILITY = {
    "assistant_surgeon": 0.8,
    "circulator": 0.75,
    "anaesthetist": 0.75,
    "mps": 0.7,
    "student": 0.55,
    "unrelated_person": 0.5,
}
"""How likely a role is in a take at all; head surgeon and nurse always are."""


@frozen
class Person:
    """One member of staff. number: 1.. in the take. twin: 1 for the second person of a role. height: mm."""

    number: int
    role: str
    twin: int
    height: float
    build: float
    gown: Colour
    skin: Colour
    sway: float
    stays: tuple[tuple[float, float], ...] = field(factory=tuple)

    def present(self, seconds: float) -> bool:
        """Tell whether the person is in the room at a moment."""
        return any(start <= seconds < end for start, end in self.stays)


def draw_roles(rng: random.Random) -> list[str]:
    """Return the roles of a take, one entry a person."""
    crowding = rng.uniform(-0.5, 0.5)
    roles = ["head_surgeon", "nurse"]
    roles += [role for role, share in PRESENCE_PROBABILITY.items() if rng.random() < share + crowding]
    for role in ("nurse", "student"):
        if role in roles and rng.random() < 0.2:
            roles.append(role)
    return roles


def draw_staff(
    rng: random.Random, roles: Sequence[str], length: float, needed: dict[str, list[tuple[float, float]]]
) -> tuple[Person, ...]:
    """Return the staff of a take with looks and stays.

    length: of the take, s. needed: role -> intervals, s, in which its first person has to be there.
    """
    staff: list[Person] = []
    for number, role in enumerate(roles, start=1):
        twin = roles[: number - 1].count(role)
        required = needed.get(role, []) if twin == 0 else []
        staff.append(
            Person(
                number=number,
                role=role,
                twin=twin,
                height=rng.uniform(1600.0, 1900.0),
                build=rng.uniform(0.94, 1.12),
                gown=_vary_colour(rng, GOWN_COLOURS[role]),
                skin=rng.choice(SKIN_COLOURS),
                sway=rng.uniform(0.0, 6.283),
                stays=_merge_intervals(_draw_stays(rng, role, twin, length, required) + required, 0.2 * length),
            )
        )
    return tuple(staff)


def _vary_colour(rng: random.Random, colour: Colour) -> Colour:
    red, green, blue = (min(255, max(0, channel + rng.randint(-8, 8))) for channel in colour)
    return red, green, blue


def _draw_stays(
    rng: random.Random, role: str, twin: int, length: float, required: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    if role == "nurse" and twin == 0:
        return [(0.0, length + 1.0)]
    if role == "head_surgeon":
        begin = min([start for start, _ in required], default=length * 0.3)
        return [(0.0 if rng.random() < 0.3 else max(0.0, begin - rng.uniform(0.02, 0.08) * length), length + 1.0)]
    stays = []
    arrival = rng.uniform(-0.7, 0.3) * length
    while arrival < length:
        departure = arrival + rng.uniform(0.4, 1.2) * length
        stays.append((max(0.0, arrival), departure))
        arrival = departure + rng.uniform(0.15, 0.5) * length
    return stays


def _merge_intervals(stays: list[tuple[float, float]], gap: float) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(stays):
        if merged and start <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(stay for stay in merged if stay[1] > 0.0)
