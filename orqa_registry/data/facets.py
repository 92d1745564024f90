"""The one vocabulary that datasets and tasks share: which labels there are, what they mean, how they are checked.

A dataset says which facets it provides, a task says which it needs, and neither knows the other. A facet that only
one plugin and its friends use has a prefix, `acme:knots`, and is passed through unchecked.

Values are plain: names, numbers, None, and tuples or dictionaries of them, so that labels survive a JSON file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from orqa_registry.data.records import Box, Triplet
from orqa_registry.data.vocabulary import ROBOT_PHASES, ROLES, TOOLS
from orqa_registry.errors import CallError, suggest_names

_NUMBER_TYPES = (float, int)


@frozen
class Facet:
    """One kind of label: its meaning, unit and check. `load` turns parsed JSON into the value, or raises ValueError."""

    name: str
    meaning: str
    load: Callable[[Any], Any]
    unit: str = ""
    choices: tuple[str, ...] = ()


def _parse_name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a name was expected, not {value!r}")
    return value


def _parse_optional_name(value: Any) -> str | None:
    return None if value is None else _parse_name(value)


def _parse_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"true or false was expected, not {value!r}")
    return value


def _parse_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"a list of names was expected, not {value!r}")
    return tuple(_parse_name(name) for name in value)


def _parse_triplets(value: Any) -> tuple[Triplet, ...]:
    if not isinstance(value, list | tuple) or any(len(edge) != 3 for edge in value):
        raise ValueError("a list of [subject, predicate, object] was expected")
    return tuple(Triplet(*_parse_names(edge)) for edge in value)


def _parse_numbers(value: Any, length: int) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != length or not all(map(_is_number, value)):
        raise ValueError(f"{length} numbers were expected, not {value!r}")
    return tuple(value)


def _is_number(value: Any) -> bool:
    return type(value) in _NUMBER_TYPES or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _check_mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"a dictionary was expected, not {value!r}")
    return value


def _parse_box(value: Any) -> Box:
    entity, *corners = value
    return Box(_parse_name(entity), *_parse_numbers(corners, 4))


def _parse_boxes(value: Any) -> dict[str, Any]:
    return {
        _parse_name(view): {
            "size": _parse_numbers(_check_mapping(annotation)["size"], 2),
            "boxes": tuple(_parse_box(box) for box in annotation["boxes"]),
        }
        for view, annotation in _check_mapping(value).items()
    }


def _parse_positions(value: Any) -> dict[str, Any]:
    lengths = {key: _check_mapping(value)[key] for key in ("reach", *(("unit",) if "unit" in value else ()))}
    for key, length in lengths.items():
        if isinstance(length, bool) or not isinstance(length, int | float) or not length > 0:
            raise ValueError(f"{key}: a length in mm was expected, not {length!r}")
    extents = _check_mapping(value["extents"]).items()
    return {**lengths, "extents": {_parse_name(entity): _parse_numbers(extent, 6) for entity, extent in extents}}


def _reject_clock(value: Any) -> Any:
    raise ValueError("a clock is no label: it is what Timepoint.seconds says")


def _parse_gaze(value: Any) -> tuple[float, ...]:
    return _parse_numbers(value, 2)


def _parse_attributes(value: Any) -> dict[str, dict[str, str]]:
    return {
        _parse_name(thing): {_parse_name(key): _parse_name(text) for key, text in _check_mapping(attributes).items()}
        for thing, attributes in _check_mapping(value).items()
    }


FACETS: Mapping[str, Facet] = {
    facet.name: facet
    for facet in (
        Facet(
            "roles",
            "people present, one entry a person where the dataset tells persons apart, else one a role; patient too",
            _parse_names,
            choices=ROLES,
        ),
        Facet("entities", "everything present that has a name: people, equipment, tools", _parse_names),
        Facet("relations", "scene graph: (subject, predicate, object) by name", _parse_triplets),
        Facet("actions", "what is being done now, lower case; none: nothing", _parse_names),
        Facet("tools", "tools in use now, in display form", _parse_names, choices=TOOLS),
        Facet("robot_phase", "step of the robot, or empty between steps", _parse_optional_name, choices=ROBOT_PHASES),
        Facet("robot_calibrated", "whether the robot has been calibrated by now", _parse_flag),
        Facet("sterility_breach", "breaches of sterility now, each in words; none: sterile", _parse_names),
        Facet(
            "boxes",
            "view -> size (width, height) and boxes (entity, x0, y0, x1, y1), inclusive, in the order of the file",
            _parse_boxes,
            "pixels of the original",
        ),
        Facet(
            "positions",
            "extents: entity -> (x0, y0, z0, x1, y1, z1) in the room; reach: half a side of what counts as the room; "
            "unit: what the files count in, 1 where it is left out",
            _parse_positions,
            "mm",
        ),
        Facet("tracked_tools", "tools that the tracker camera sees", _parse_names),
        Facet("gaze", "where the wearer looks (x, y), origin at the top left", _parse_gaze, "0 to 1"),
        Facet("screen_text", "what the robot's screen says", _parse_name),
        Facet("clock", "when it was: timepoints so close that what happens between two is known", _reject_clock, "s"),
        Facet("attributes", "thing -> attribute -> value in words", _parse_attributes),
        Facet("predicted", "facets of this timepoint that a model predicted: they are no annotation", _parse_names),
    )
}


def check_facet_name(name: str) -> None:
    """Raise CallError where `name` is neither a shared facet nor a prefixed one of a plugin's own."""
    if name not in FACETS and ":" not in name:
        raise CallError(
            f"unknown facet {name!r}: {suggest_names(name, FACETS)} A facet of your own has a prefix, as acme:{name}"
        )


def load_labels(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return labels read from JSON as their values. Raises ValueError that names the facet which is malformed."""
    loaded: dict[str, Any] = {}
    for name, value in labels.items():
        facet = FACETS.get(name)
        try:
            loaded[name] = facet.load(value) if facet else _freeze(value)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"facet {name!r}: {error}") from error
    return loaded


def _freeze(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return {key: _freeze(item) for key, item in value.items()}
    return value
