"""The robot's own log: the page that its screen shows."""

from __future__ import annotations

from orqa_plugin_hybridor.procedure.situation import Situation

LOG_PAGES: dict[str, str] = {
    "Initial Calibration by MPS": "Calibration",
    "Install calibration array": "Calibration",
    "Calibrate the robot by nurse": "Calibration",
    "Remove calibration Array": "Calibration",
    "Dressing the robot, to make it sterile": "Robot setup",
    "Install base array by nurse": "Robot setup",
    "Install the Saw by nurse": "Tool change",
    "Install actual Saw tip": "Tool change",
}
"""The page of the robot's own log: coarser than its phase."""


def build_robot_log(situation: Situation) -> dict[str, dict[str, str]]:
    """Return the robot's own log of this second: what is on its screen, by number."""
    page = LOG_PAGES.get(situation.phase, "Standby")
    actions = {step.action for step in situation.steps}
    if "scanning" in actions:
        page = "Bone registration"
    elif "sawing" in actions:
        page = "Bone preparation"
    entries = {"1": {"type": "page", "template_name": page}}
    if page != "Standby":
        entries["2"] = {"type": "button", "template_name": "Next"}
    return entries
