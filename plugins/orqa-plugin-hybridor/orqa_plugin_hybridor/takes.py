"""One take, drawn whole from (seed, number, length): the room, the staff, the script."""

from __future__ import annotations

from attrs import frozen

from orqa_plugin_hybridor import procedure, room, staff
from orqa_plugin_hybridor.cameras import hang_cameras
from orqa_plugin_hybridor.filming import Filming
from orqa_plugin_hybridor.layout import take_name
from orqa_plugin_hybridor.plot import Plot, draw_breaches
from orqa_registry.draws import seeded

SHORTEST, LONGEST = 480, 1200
"""How long a procedure takes, s."""


@frozen(eq=False)
class Production:
    """A take ready to be filmed. step: seconds between two timepoints."""

    name: str
    step: int
    timepoints: int
    room: room.Room
    plot: Plot
    size: int
    seed: int

    def film(self) -> Filming:
        """Return the cameras of the take."""
        rng = seeded(self.seed, self.name, "cameras")
        cameras = hang_cameras(rng, self.size, self.room.placement)
        return Filming(self.room, self.name, self.seed, cameras, rng.getrandbits(63), self.size)


def produce(seed: int, number: int, timepoints: int, size: int) -> Production:
    """Return take `number` (from 1): a pure function of its arguments."""
    name = take_name(number)
    rng = seeded(seed, name, "take")
    step = max(1, rng.randint(SHORTEST, LONGEST) // timepoints)
    length = float(step * timepoints)
    where = room.furnish(rng)
    roles = staff.hire(rng)
    script = procedure.draw(rng, length, roles)
    needed: dict[str, list[tuple[float, float]]] = {}
    for script_step in script.steps:
        # Chores of those who happen to be there call nobody in; the procedure itself does.
        if script_step.phase or script_step.target in {"patient", "mako_robot"} or script_step.name in procedure.CALLED:
            needed.setdefault(script_step.actor, []).append((script_step.start - 0.01 * length, script_step.end + 0.02 * length))
    people = staff.dress(rng, roles, length, needed)
    plot = Plot(name, seed, people, script, draw_breaches(rng, script, people))
    return Production(name, step, timepoints, where, plot, size, seed)
