"""What is said in the room: now about what is being done, now about what comes next, often nothing."""

from __future__ import annotations

from orqa_plugin_hybridor.procedure.simulation import Simulation
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_registry import seeded_rng

TOOL_PHRASES: dict[str, tuple[str, ...]] = {
    "scalpel": ("Scalpel, please.", "Knife to me."),
    "drill": ("Drill, please.", "Let me have the drill."),
    "saw": ("The saw, please.", "We are ready for the saw."),
    "hammer": ("Hammer, please.", "I need the mallet."),
    "cementer": ("How long has the cement been mixing?", "Cement, please."),
    "forceps": ("Let us close.", "Suture, please."),
    "pointer": ("Pointer, please.", "Let us register the bone."),
    "cloth": ("Some disinfectant, please.", "Wet swab, please."),
    "calibration array": ("Hold the array still.", "Please calibrate now."),
    "screwdriver": ("Tighten it, please.", "Is it fixed?"),
    "sheet": ("Mind the sterile side.", "Open it towards you."),
}
"""What people say to get a tool, or while they use it."""

SMALL_TALK = (
    "Is everybody all right?",
    "Pressure is stable.",
    "A little more light, please.",
    "Can you move the table up?",
    "What is the time?",
    "Let us wait a moment.",
    "Next patient is at noon.",
)


def draw_utterance(simulation: Simulation, situation: Situation) -> str:
    """Return what was said in the last seconds, "" where nobody spoke. A line starts with who speaks."""
    rng = seeded_rng(simulation.seed, simulation.name, "speech", int(situation.seconds))
    if not situation.people or rng.random() < 0.45:
        return ""
    upcoming = [
        step for step in simulation.procedure.steps if situation.seconds < step.start <= situation.seconds + 45.0
    ]
    topic = rng.random()
    if topic < 0.35 and upcoming:
        speaker, line = upcoming[0].actor, rng.choice(TOOL_PHRASES[upcoming[0].tool])
    elif topic < 0.7 and situation.steps:
        step = rng.choice(situation.steps)
        speaker, line = step.actor, rng.choice(TOOL_PHRASES[step.tool])
    else:
        speaker, line = rng.choice(situation.people).person.role, rng.choice(SMALL_TALK)
    if situation.find_person(speaker) is None:
        speaker = situation.people[0].person.role
    return f"{speaker.replace('_', ' ')}: {line}"
