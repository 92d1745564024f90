"""What sensors tell in words, as prompts have it: speech, the tracker, the robot (protocol.md 7.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orqa_registry.data.records import Timepoint
from orqa_registry.data.vocabulary import TRACKED
from orqa_registry.errors import MissingLibraryError, OrqaError, describe_error


def tracker_text(log: Mapping[str, Any]) -> str:
    """Return `tracker.json` in words; numbers are cut off at the point, ids that mean nothing left out (7.3)."""
    return "; ".join(
        f"{TRACKED[str(entry['unique_id'])]}: state {entry['button_state']}, "
        f"translation {_truncate_numbers(entry['Translation'])}, euler angles {_truncate_numbers(entry['euler_rot'])}"
        for entry in log["unique_id_dicts"]
        if str(entry["unique_id"]) in TRACKED
    )


def _truncate_numbers(numbers: Sequence[Any]) -> str:
    return " ".join(str(int(float(number))) for number in numbers)


def robot_text(log: Mapping[str, Any]) -> str:
    """Return `robot.json` in words, its entries sorted by their keys (7.3)."""
    return ", ".join(f"{entry['type']}: {entry['template_name']}" for _, entry in sorted(log.items()))


TEXT_SENSORS: Mapping[str, tuple[str, Callable[[bytes], str]]] = {
    "speech": ("speech.txt", lambda raw: raw.decode().strip()),
    "tracker": ("tracker.json", lambda raw: tracker_text(json.loads(raw))),
    "robot": ("robot.json", lambda raw: robot_text(json.loads(raw))),
}
"""Sensor that is told in words -> its medium, and how its bytes become words."""


def sensor_text(point: Timepoint, sensor: str) -> str:
    """Return a sensor of TEXT_SENSORS in words, empty where it is absent or says nothing.

    Raises OrqaError that names it.
    """
    medium, to_words = TEXT_SENSORS[sensor]
    try:
        return to_words(point.read(medium)) if medium in point.media else ""
    except MissingLibraryError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        KeyError,
        OSError,
        OrqaError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise OrqaError(
            f"{point.key}.{medium}: cannot be told, and is left out of the prompt: {describe_error(error)}"
        ) from error
