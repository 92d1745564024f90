"""What everything present looks like, in words."""

from __future__ import annotations

from collections.abc import Mapping

from orqa_plugin_hybridor.geometry.vectors import Vector
from orqa_plugin_hybridor.procedure.situation import Situation
from orqa_plugin_hybridor.procedure.staff import GOWN_WORDS
from orqa_plugin_hybridor.scene.room import Room


def describe_entities(present: Mapping[str, Vector], situation: Situation, room: Room) -> dict[str, dict[str, str]]:
    """Return what everything present looks like, in words, as it is drawn in this take."""
    looks: dict[str, tuple[str, str, str, str]] = {
        "operating_table": (room.pad, "flat box", "large", "padded"),
        "instrument_table": (room.cloth, "rectangular", "medium", "cloth"),
        "secondary_table": (f"dark {room.cloth}", "rectangular", "medium", "cloth"),
        "anesthesia_equipment": (room.case, "upright box", "large", "smooth"),
        "mps_station": ("dark grey", "desk with a screen", "medium", "smooth"),
        "mako_robot": (
            "white" if situation.arm.dressed else "grey",
            "box with an arm",
            "large",
            "plastic drape" if situation.arm.dressed else "metallic",
        ),
        "monitor": ("black", "flat rectangle", "medium", "glossy"),
        "tracker": ("white", "bar on a pole", "tall", "smooth"),
        "c_arm": ("white", "c-shaped", "large", "smooth"),
        "drill": ("yellow", "pistol", "small", "smooth"),
        "saw": ("cyan", "cylinder with a blade", "small", "smooth"),
        "hammer": ("red", "mallet", "small", "smooth"),
        "cementer": ("purple", "syringe", "small", "smooth"),
        "instrument": ("silver", "thin rod", "small", "metallic"),
    }
    for tool in situation.tools:
        if tool.name == "screwdriver":
            looks["instrument"] = ("orange", "thick handle", "small", "smooth")
        elif tool.name == "scalpel":
            looks["instrument"] = ("white", "thin blade", "small", "metallic")
        elif tool.name == "pointer":
            looks["instrument"] = ("green", "rod with balls", "small", "metallic")
        elif tool.name == "cementer":
            looks["instrument"] = looks["cementer"]
    if "drape" in present:
        held_out = situation.patient is None or not situation.patient.draped
        looks["drape"] = (
            ("lime", "flat sheet", "medium", "cloth") if held_out else ("teal", "covering", "large", "cloth")
        )
    for role, colour in GOWN_WORDS.items():
        person = situation.find_person(role)
        if person is not None:
            size = "tall" if person.person.height > 1790 else "short" if person.person.height < 1690 else "medium"
            looks[role] = (colour, "person", size, "cloth")
    names = ("color", "shape", "size", "texture")
    return {name: dict(zip(names, looks[name], strict=True)) for name in present if name in looks}
