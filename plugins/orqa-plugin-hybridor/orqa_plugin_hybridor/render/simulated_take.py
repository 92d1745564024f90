"""One take, drawn whole from (seed, number, length): the room, the staff, the script."""

from __future__ import annotations

from attrs import frozen

from orqa_plugin_hybridor.files.names import take_name
from orqa_plugin_hybridor.procedure.script import ATTENDED_STEPS, draw_procedure
from orqa_plugin_hybridor.procedure.simulation import Simulation, draw_breaches
from orqa_plugin_hybridor.procedure.staff import draw_roles, draw_staff
from orqa_plugin_hybridor.render.renderer import TakeRenderer
from orqa_plugin_hybridor.scene.camera_placement import place_cameras
from orqa_plugin_hybridor.scene.room import Room, draw_room
from orqa_registry import seeded_rng

MIN_SECONDS, MAX_SECONDS = 480, 1200
"""How long a procedure takes, s."""


@frozen(eq=False)
class SimulatedTake:
    """A take ready to be rendered. step: seconds between two timepoints."""

    name: str
    step: int
    timepoints: int
    room: Room
    simulation: Simulation
    size: int
    seed: int

    def make_renderer(self) -> TakeRenderer:
        """Return the renderer of the take, with its cameras."""
        rng = seeded_rng(self.seed, self.name, "cameras")
        cameras = place_cameras(rng, self.size, self.room.placement)
        return TakeRenderer(self.room, self.name, self.seed, cameras, rng.getrandbits(63), self.size)


def simulate_take(seed: int, number: int, timepoints: int, size: int) -> SimulatedTake:
    """Return take `number` (from 1): a pure function of its arguments."""
    name = take_name(number)
    rng = seeded_rng(seed, name, "take")
    step = max(1, rng.randint(MIN_SECONDS, MAX_SECONDS) // timepoints)
    length = float(step * timepoints)
    room = draw_room(rng)
    roles = draw_roles(rng)
    procedure = draw_procedure(rng, length, roles)
    needed: dict[str, list[tuple[float, float]]] = {}
    for script_step in procedure.steps:
        # Chores of those who happen to be there call nobody in; the procedure itself does.
        if script_step.phase or script_step.target in {"patient", "mako_robot"} or script_step.name in ATTENDED_STEPS:
            needed.setdefault(script_step.actor, []).append(
                (script_step.start - 0.01 * length, script_step.end + 0.02 * length)
            )
    people = draw_staff(rng, roles, length, needed)
    simulation = Simulation(name, seed, people, procedure, draw_breaches(rng, procedure, people))
    return SimulatedTake(name, step, timepoints, room, simulation, size, seed)
