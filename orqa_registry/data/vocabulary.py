"""The names of the ORQA benchmark (protocol.md 2, datasets.md 1): entities, predicates, tools, phases, masks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

ROLES: tuple[str, ...] = (
    "patient",
    "head_surgeon",
    "assistant_surgeon",
    "nurse",
    "circulator",
    "anaesthetist",
    "mps",
    "student",
    "unrelated_person",
)
"""People, by what they do. `mps` is the technician of the robot's maker."""

ENTITIES: tuple[str, ...] = (
    "anaesthetist",
    "anesthesia_equipment",
    "assistant_surgeon",
    "c_arm",
    "circulator",
    "drape",
    "drill",
    "hammer",
    "head_surgeon",
    "instrument",
    "instrument_table",
    "mako_robot",
    "monitor",
    "mps",
    "mps_station",
    "nurse",
    "operating_table",
    "patient",
    "saw",
    "secondary_table",
    "student",
    "tracker",
    "unrelated_person",
)

PREDICATES: tuple[str, ...] = (
    "assisting",
    "calibrating",
    "cementing",
    "cleaning",
    "closeTo",
    "cutting",
    "drilling",
    "hammering",
    "holding",
    "lyingOn",
    "manipulating",
    "preparing",
    "sawing",
    "scanning",
    "suturing",
    "touching",
)

STATIC_PREDICATES = frozenset({"assisting", "closeTo", "holding", "lyingOn", "touching"})
"""Predicates that say how things stand rather than what happens: every other one is an action (protocol R1)."""

TOOL_OF_ACTION: Mapping[str, str] = {
    "cementing": "cementer",
    "cutting": "scalpel",
    "drilling": "drill",
    "hammering": "hammer",
    "sawing": "saw",
    "suturing": "forceps",
}
"""The tool that an action implies (protocol 4.17)."""

HELD_TOOLS = frozenset({"drill", "hammer", "saw"})
"""Entities that count as a used tool while somebody holds them."""

TOOLS: tuple[str, ...] = (
    "suction cannula",
    "tweezers",
    "retractor",
    "needle holders",
    "mouth gag",
    "raspatory",
    "forceps",
    "scissors",
    "gauze",
    "drill",
    "electric cautery",
    "syringe",
    "bipolar forceps",
    "saw",
    "scalpel",
    "hook",
    "hammer",
    "cementer",
    "skewer",
)

ROBOT_PHASES: tuple[str, ...] = (
    "Initial Calibration by MPS",
    "Install base array by nurse",
    "Dressing the robot, to make it sterile",
    "Remove calibration Array",
    "Install the Saw by nurse",
    "Install calibration array",
    "Calibrate the robot by nurse",
    "Install actual Saw tip",
)

JOINTS: tuple[str, ...] = (
    "head",
    "neck",
    "left_shoulder",
    "right_shoulder",
    "left_hip",
    "right_hip",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_knee",
    "right_knee",
    "left_foot",
    "right_foot",
)
"""Joints of a pose, in the order of 4D-OR; MVOR has the first ten (datasets.md 2.4 and 4.2)."""

TRACKED: Mapping[str, str] = {
    "8000050": "base_array",
    "8000056": "calibration_array",
    "8000999": "calibration_array",
    "8000057": "upper_tracker",
    "8000058": "lower_tracker",
    "8000054": "green_tip",
    "8000053": "blue_tip",
}
"""Id in the tracker's log -> what carries it (datasets.md 3.5); other ids mean nothing."""

ALIASES: Mapping[str, str] = {
    "ae": "anesthesia_equipment",
    "anaesthesia_equipment": "anesthesia_equipment",
    "anaesthetist_station": "anesthesia_equipment",
    "anest": "anaesthetist",
    "anesthetist": "anaesthetist",
    "circulating_nurse": "circulator",
    "head_surgent": "head_surgeon",
    "opertating_table": "operating_table",
    "ot": "operating_table",
    "tool": "instrument",
}
"""Spellings that occur in label files -> the entity they mean."""

PREDICATE_ALIASES: Mapping[str, str] = {"close": "closeTo", "operating": "manipulating"}

MASK_LABELS: Mapping[int, str] = {
    1: "instrument_table",
    2: "anesthesia_equipment",
    3: "operating_table",
    4: "mps_station",
    5: "patient",
    6: "drape",
    7: "anaesthetist",
    8: "circulator",
    9: "assistant_surgeon",
    10: "head_surgeon",
    11: "mps",
    12: "nurse",
    13: "drill",
    15: "hammer",
    16: "saw",
    17: "tracker",
    18: "mako_robot",
    24: "monitor",
    25: "c_arm",
    26: "unrelated_person",
    27: "student",
    28: "secondary_table",
    29: "cementer",
}
"""Grey value of a mask -> name; 0 is background, other values are artefacts and mean nothing."""

MASK_COLOURS: Mapping[int, tuple[int, int, int]] = {
    1: (255, 51, 153),
    2: (0, 0, 255),
    3: (255, 255, 0),
    4: (133, 0, 133),
    5: (255, 0, 0),
    6: (183, 91, 255),
    7: (177, 255, 110),
    8: (255, 128, 0),
    9: (116, 166, 116),
    10: (76, 161, 245),
    11: (125, 100, 25),
    12: (128, 255, 0),
    13: (0, 255, 128),
    15: (204, 0, 0),
    16: (0, 255, 234),
    17: (255, 128, 128),
    18: (60, 75, 255),
    24: (255, 255, 128),
    25: (0, 204, 128),
    26: (255, 255, 255),
    27: (162, 232, 108),
    28: (153, 0, 153),
    29: (153, 76, 0),
}
"""Id of MASK_LABELS -> red, green, blue, 0..255, in coloured masks and labelled clouds (datasets.md 1.5).

Each id has a colour of its own; black is background.
"""

_PREDICATES_FOLDED = {name.lower(): name for name in PREDICATES} | dict(PREDICATE_ALIASES)


def entity(name: str) -> str:
    """Return the entity that a label file means by `name`, in the vocabulary's spelling; unknown names stay."""
    folded = name.strip().lower().replace("-", "_").replace(" ", "_")
    return ALIASES.get(folded, folded)


def predicate(name: str) -> str:
    """Return the predicate that a label file means by `name`, in the casing of the label files."""
    folded = name.strip().replace(" ", "").replace("_", "")
    return _PREDICATES_FOLDED.get(folded.lower(), folded[:1].lower() + folded[1:])


@lru_cache(maxsize=1 << 12)
def display(name: str) -> str:
    """Return a name as questions and answers write it: `head_surgeon` -> `head surgeon` (protocol 2)."""
    return ALIASES.get(name, name).replace("_", " ")


def canonical_order(names: frozenset[str] | set[str], order: tuple[str, ...]) -> list[str]:
    """Return names in the order of a vocabulary, unknown ones last and sorted."""
    rank = {name: position for position, name in enumerate(order)}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))
