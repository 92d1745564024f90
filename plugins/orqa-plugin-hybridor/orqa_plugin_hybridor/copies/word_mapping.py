"""What datasets of other operating rooms call what happens and what is there: nearest meanings, none of them exact.

The simulator plays one procedure. Where a dataset is about others, its words stand for what comes nearest: they make a
copy of its layout complete, and say nothing about such procedures.
"""

from __future__ import annotations

from collections.abc import Mapping

from orqa_plugin_hybridor.procedure.simulation import Simulation

PHASE_NAMES: Mapping[str, str] = {
    "lay out instruments": "design",
    "initial calibration": "design",
    "drape robot": "anesthesia",
    "set up machine": "anesthesia",
    "install base array": "anesthesia",
    "disinfect": "disinfection",
    "incise": "incision",
    "install array": "hemostasis",
    "calibrate robot": "hemostasis",
    "remove array": "hemostasis",
    "drill pins": "dissection",
    "register bone": "dissection",
    "install saw": "dissection",
    "install saw tip": "dissection",
    "saw bone": "dissection",
    "check cut": "hemostasis",
    "release tissue": "dissection",
    "drill pegs": "dissection",
    "try implant": "dissection",
    "rinse": "irrigation",
    "cement implant": "hemostasis",
    "seat implant": "hemostasis",
    "clean wound": "irrigation",
    "close wound": "closure",
    "put away": "dressing",
}
"""Step of the simulator -> phase of open surgery (EgoSurgery, datasets.md 5.3)."""

LAST_PHASE = "dressing"
"""After the last step."""

TOOL_NAMES: Mapping[str, str] = {
    "scalpel": "scalpel",
    "drill": "electric cautery",
    "saw": "suction cannula",
    "hammer": "raspatory",
    "cementer": "syringe",
    "forceps": "needle holders",
    "pointer": "skewer",
    "screwdriver": "hook",
    "calibration array": "retractor",
    "cloth": "gauze",
}
"""Tool of the simulator -> tool of open surgery (datasets.md 5.2); a sheet is none."""

INTERVENTION_NAMES: Mapping[str, str] = {
    "lay out instruments": "sterile preparation",
    "initial calibration": "ct roll in",
    "drape robot": "sterile preparation",
    "set up machine": "patient preparation",
    "install base array": "patient roll in",
    "disinfect": "patient preparation",
    "incise": "ct scanning",
    "install array": "c arm roll in",
    "calibrate robot": "c arm scanning",
    "remove array": "c arm roll out",
    "drill pins": "ct scanning",
    "register bone": "ct scanning",
    "install saw": "c arm preparation",
    "install saw tip": "c arm preparation",
    "saw bone": "c arm scanning",
    "check cut": "ct scanning",
    "release tissue": "patient preparation",
    "drill pegs": "c arm scanning",
    "try implant": "ct scanning",
    "rinse": "patient preparation",
    "cement implant": "ct scanning",
    "seat implant": "ct scanning",
    "clean wound": "patient preparation",
    "close wound": "ct roll out",
    "put away": "patient roll out",
}
"""Step of the simulator -> what is done in a room with scanners (MVOR, datasets.md 4.3)."""

LAST_INTERVENTION = "patient roll out"

CAMERA_OBJECT = "mako_robot"
"""The object that the first camera scanned, so that its pose is that of the camera."""

OBJECT_NAMES: Mapping[str, str] = {
    "mako_robot": "ct machine",
    "operating_table": "operating table",
    "monitor": "monitors",
    "c_arm": "c-arm",
    "anesthesia_equipment": "anesthesia machine",
    "mps_station": "endoscopic imaging system",
    "instrument_table": "unidentified 1",
    "secondary_table": "unidentified 2",
}
"""Equipment of the simulator -> what stands in a room with scanners (datasets.md 4.3)."""


def name_activity(simulation: Simulation, seconds: float, words: Mapping[str, str], last: str) -> str:
    """Return the word for the step of the procedure that began last; chores beside it have none."""
    steps = [step for step in simulation.procedure.steps if step.name in words]
    if steps and seconds >= max(step.end for step in steps):
        return last
    started = [step for step in steps if step.start <= seconds] or steps[:1]
    return words[started[-1].name] if started else last


def name_hand(name: str, *, is_wearer: bool) -> str:
    """Return what a hand is called in a picture from somebody's head: `left hand` -> `own hands left`."""
    return f"{'own' if is_wearer else 'other'} hands {name.split()[0]}"
