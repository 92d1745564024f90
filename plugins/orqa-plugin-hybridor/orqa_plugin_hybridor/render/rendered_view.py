"""What is rendered: the scene of one timepoint, and what one camera sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from attrs import frozen

from orqa_plugin_hybridor.geometry.solids import ENTITY_NAMES, SolidArrays
from orqa_plugin_hybridor.render.intersections import FloatImage
from orqa_registry.data.vocabulary import MASK_LABELS

_MASK_ID_OF_NAME = {name: number for number, name in MASK_LABELS.items()}
MASK_IDS = np.array([_MASK_ID_OF_NAME.get(name, 0) for name in ENTITY_NAMES], dtype=np.uint8)
"""The mask's grey value of each of ENTITY_NAMES."""

FloorDisc = tuple[float, float, float]
IdArray = npt.NDArray[np.uint8]


@frozen(eq=False)
class RenderScene:
    """What there is to be seen at one timepoint. shadows: of people, x, y and radius in mm.

    slow_solids: what moves now and then, as `slow_state` says; fast_solids: what moves all the time. The other arrays
    have a row for each owner of a pixel: colours, places in ENTITY_NAMES and in PART_NAMES, numbers of people.
    """

    slow_solids: SolidArrays
    fast_solids: SolidArrays
    shadows: Sequence[FloorDisc]
    slow_state: object
    colours: FloatImage
    entities: IdArray
    parts: IdArray
    people: IdArray


@frozen(eq=False)
class RenderedView:
    """What one camera sees at one timepoint.

    colour (H, W, 3) uint8; depth (H, W) uint16, mm along the axis; owner (H, W): rows of the scene.
    """

    colour: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint16]
    owner: npt.NDArray[np.int16]
    scene: RenderScene

    @cached_property
    def entity_ids(self) -> IdArray:
        """Places in ENTITY_NAMES (H, W)."""
        return self.scene.entities.take(self.owner, mode="clip")

    @cached_property
    def mask(self) -> IdArray:
        """Ids of MASK_LABELS (H, W)."""
        return MASK_IDS.take(self.entity_ids, mode="clip")

    @cached_property
    def people(self) -> IdArray:
        """The number of the person (H, W), or 0; a tool belongs to who holds it."""
        return self.scene.people.take(self.owner, mode="clip")

    @cached_property
    def parts(self) -> IdArray:
        """Places in PART_NAMES (H, W)."""
        return self.scene.parts.take(self.owner, mode="clip")
