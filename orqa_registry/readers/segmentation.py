"""What masks say about a timepoint: who and what is there, and where (protocol.md R2; datasets.md 1.5 and 1.6).

Two kinds of masks: annotated ones of single views, as large as they were drawn; and 32 x 32 ones in which a cell has
the rarest class that it covers, made from annotated masks or, mostly, from a model's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field

from orqa_registry.data.lazy import FacetLoader
from orqa_registry.data.vocabulary import MASK_LABELS, ROLES
from orqa_registry.readers.io import list_files, read_or_warn

COMPAT_FACETS = {"roles": "orqa-v1:roles", "entities": "orqa-v1:entities"}
"""Facet -> the one that says what a model saw, where it was annotated too: the original asks about that (D5)."""

MIN_CELLS = 10
"""Pixels, or cells, without which a class does not count as seen."""


_LOW_RES_NAME = re.compile(r"(?P<timestamp>\d+)_(?P<place>\d)_GT(?P<truth>True|False)\.png")


@define
class LowResMasks:
    """The 32 x 32 masks of one timepoint, by their number: a count of the masks found, not a camera's."""

    annotated: dict[int, Path] = field(factory=dict)
    predicted: dict[int, Path] = field(factory=dict)

    @property
    def media(self) -> dict[str, Path]:
        """The masks as media, `lowres0.mask.png`; an annotated one goes before a predicted one."""
        masks = {**self.predicted, **self.annotated}
        return {f"lowres{number}.mask.png": masks[number] for number in sorted(masks)}


def find_low_res_masks(folder: Path) -> dict[str, LowResMasks]:
    """Return timestamp, as the names write it -> masks of a folder `take_segmasks_per_timepoint/TAKE`."""
    by_timestamp: dict[str, LowResMasks] = {}
    for name, path in list_files(folder).items():
        if match := _LOW_RES_NAME.fullmatch(name):
            masks = by_timestamp.setdefault(match["timestamp"], LowResMasks())
            paths = masks.annotated if match["truth"] == "True" else masks.predicted
            paths[int(match["place"])] = path
    return by_timestamp


def mask_facets(
    views: Mapping[str, Path], cameras: Sequence[str], small: LowResMasks | None = None
) -> dict[str, FacetLoader]:
    """Return the late facets that the masks of a timepoint give.

    views: view -> its annotated mask, where there is one; cameras: the views that can have one. `boxes` come from
    annotated masks alone. `roles` and `entities` come from what was annotated where that covers every camera, and else
    from a model's masks, which the facet `predicted` then says. Where there are both, COMPAT_FACETS has the model's.
    """
    late: dict[str, FacetLoader] = {}
    if views:
        late["boxes"] = partial(_read_boxes, dict(views))
    present: FacetLoader | None = None
    small = small or LowResMasks()
    if small.annotated and len(small.annotated) >= len(small.predicted):
        present = partial(_read_present, tuple(small.annotated.values()))
    elif cameras and all(view in views for view in cameras):
        present = partial(_read_present, tuple(views[view] for view in cameras))
    elif small.predicted:
        present = partial(_read_predicted, tuple(small.predicted.values()))
        late["predicted"] = present
    if present is not None:
        late["roles"] = late["entities"] = present
        if small.predicted and "predicted" not in late:
            original = partial(_read_as_original, tuple(small.predicted.values()))
            late |= dict.fromkeys(COMPAT_FACETS.values(), original)
    return late


def _read_present(masks: Iterable[Path]) -> dict[str, Any]:
    from orqa_registry.readers.formats.images import read_mask
    from orqa_registry.readers.formats.masks import mask_labels

    arrays = [read_or_warn(read_mask, path) for path in masks]
    if not arrays or any(mask is None for mask in arrays):
        return {}  # who is in a mask that cannot be read is not known to be absent
    names = {name for mask in arrays if mask is not None for name in mask_labels(mask, MIN_CELLS)}
    entities = tuple(name for name in MASK_LABELS.values() if name in names)
    return {"entities": entities, "roles": tuple(role for role in ROLES if role in names)}


def _read_predicted(masks: Iterable[Path]) -> dict[str, Any]:
    facets = _read_present(masks)
    return {**facets, "predicted": ("entities", "roles")} if facets else {}


def _read_as_original(masks: Iterable[Path]) -> dict[str, Any]:
    return {COMPAT_FACETS[facet]: value for facet, value in _read_present(masks).items()}


def _read_boxes(views: Mapping[str, Path]) -> dict[str, Any]:
    from orqa_registry.readers.formats.images import read_mask
    from orqa_registry.readers.formats.masks import mask_boxes

    arrays = {view: read_or_warn(read_mask, path) for view, path in views.items()}
    by_view = {
        view: {"size": (mask.shape[1], mask.shape[0]), "boxes": mask_boxes(mask, MIN_CELLS)}
        for view, mask in arrays.items()
        if mask is not None
    }
    return {"boxes": by_view} if by_view else {}
