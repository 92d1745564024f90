"""Takes of other datasets, played by the simulator: what their sensors would give and their annotators would say.

Nothing is filmed before somebody reads a picture, and only the take that is read is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial

from attrs import frozen

from orqa_plugin_hybridor.gaps import Gaps, gaps_at, seconds_at
from orqa_plugin_hybridor.sensors import LOWRES, MASKED, Sensors
from orqa_plugin_hybridor.studio import EGO, Studio
from orqa_plugin_hybridor.takes import produce
from orqa_plugin_hybridor.telling import Told, graph_of, tell
from orqa_registry import Dataset, Labels, Layout, Take, Timepoint, Triplet, scenegraph
from orqa_registry.records import Medium, is_view

GAP_AT = 3
"""The number that is left out."""
NOWHERE = (0.985, 0.015)
"""A look at a corner of the picture, where nothing is."""


@frozen
class Order:
    """What is wanted: so many timepoints of each of the first `takes`, of `size` pixels a side where any size does."""

    takes: int
    timepoints: int
    size: int
    seed: int


def frames_of(layout: Layout, take: str, wanted: int) -> Sequence[str]:
    """Return the ids of the timepoints of a take: numbers from 0, or the first ones that the layout has.

    Of those one is left out where there are enough: real numbers have gaps.
    """
    known = layout.frames.get(take)
    if known is None:
        return [f"{index:06d}" for index in range(wanted)]
    return [*known[:GAP_AT], *known[GAP_AT + 1 : wanted + 1]] if len(known) > wanted > GAP_AT else known[:wanted]


def imitate(dataset: Dataset, layout: Layout, order: Order, filmed: Callable[[str, int], None]) -> list[Take]:
    """Return takes of a dataset, those that a small copy should have first. Each is another procedure.

    A take depends on the seed, its place in the layout, and size and number of timepoints. `filmed` is told take and
    place of a timepoint when its pictures are made, which can be more than once.
    """

    @lru_cache(maxsize=1)
    def load_take(index: int) -> _CopiedTake:
        return _CopiedTake(dataset, layout, index, order, filmed)

    return [
        Take(dataset.name, split, name, partial(_iterate_take, partial(load_take, place)))
        for place, (split, name) in enumerate(layout.takes[: order.takes])
    ]


def _iterate_take(load_take: Callable[[], _CopiedTake]) -> Iterator[Timepoint]:
    for index in range(len(load_take().frames)):
        yield load_take().timepoint(index, load_take)


class _CopiedTake:
    """One take of a dataset as the simulator plays it."""

    def __init__(
        self, dataset: Dataset, layout: Layout, index: int, order: Order, filmed: Callable[[str, int], None]
    ) -> None:
        self.dataset = dataset
        self.split, self.name = layout.takes[index]
        self.frames = frames_of(layout, self.name, order.timepoints)
        self._numbered = self.name not in layout.frames
        names = list(dataset.media)
        views = [name.rpartition(".")[0] for name in names if is_view(name)]
        production = produce(order.seed, index + 1, len(self.frames), order.size)
        self.studio = Studio(production, views, layout, partial(filmed, self.name))
        masks = [name[: -len(MASKED)] for name in names if name.endswith(MASKED) and not name.startswith(LOWRES)]
        self.masks = sorted((view for view in masks if view in self.studio.cameras), key=_is_not_room)
        self.gaps = [gaps_at(index, len(self.frames), self.studio.cameras, self.masks) for index in range(len(self.frames))]
        self._graphs = [() if gap.empty else graph_of(self.studio, index) for index, gap in enumerate(self.gaps)]
        self._calibrated = _calibration_states(self._graphs, self.gaps)
        self.sensors = Sensors(self.studio, self._calibrated, self.masks, self.gaps)
        self._media = [name for name in names if self.sensors.gives(name)]

    def timepoint(self, index: int, load_take: Callable[[], _CopiedTake]) -> Timepoint:
        """Return a timepoint whose media ask `actor` for this take when they are read."""
        frame = self.frames[index]
        frame_index = int(frame) if frame.isdecimal() else index
        seconds = seconds_at(index) if self._numbered else None
        media: dict[str, Medium] = {
            medium: partial(_read_medium, load_take, medium, index) for medium in self._media if self._has_medium(medium, index)
        }
        labels = self._make_labels(index, media)
        return Timepoint(self.dataset.name, self.split, self.name, frame, frame_index, seconds, media, labels)

    def _has_medium(self, medium: str, index: int) -> bool:
        if medium.startswith(LOWRES):
            return int(medium[len(LOWRES)]) < len(self._small_mask_views(index))
        return not self.gaps[index].lacks(medium) and (medium != "speech.txt" or bool(self.sensors.speech(index)))

    def _small_mask_views(self, index: int) -> list[str]:
        """Return the views of the small masks, which number those that there are: the first three can have one."""
        return [view for view in self.masks[:3] if view != self.gaps[index].camera]

    def read(self, medium: str, index: int) -> bytes:
        """Return the bytes of a medium."""
        if medium.startswith(LOWRES):
            return self.sensors.small_mask(self._small_mask_views(index)[int(medium[len(LOWRES)])], index)
        return self.sensors.read(medium, index)

    def _make_labels(self, index: int, media: Mapping[str, Medium]) -> Labels:
        irregular, provides = self.gaps[index], self.dataset.provides
        boxed = [view for view in self.masks if f"{view}{MASKED}" in media]
        graph = None if irregular.graph else self._graphs[index]
        annotation = Told(index, graph, self._calibrated[index], boxed, posed=not irregular.poses)
        ready, deferred = tell(self.studio, annotation, self.dataset.media)
        ready = {**ready, **self._overrides(media, irregular)}
        withheld = {"gaze"} if irregular.gaze else set()
        if irregular.graph and "relations" not in provides:
            withheld.add("actions")  # where there are no graphs, it is what is being done that nobody wrote down
        provided = set(provides) - withheld
        return Labels(*({name: value for name, value in facets.items() if name in provided} for facets in (ready, deferred)))

    def _overrides(self, media: Mapping[str, Medium], irregular: Gaps) -> dict[str, object]:
        """Return facets that are otherwise than the simulator says."""
        overrides: dict[str, object] = {}
        if irregular.masks and "predicted" in self.dataset.provides and any(name.startswith(LOWRES) for name in media):
            overrides["predicted"] = ("entities", "roles")
        if irregular.astray and "gaze" in self.dataset.provides and EGO in self.studio.views:
            overrides["gaze"] = NOWHERE
        return overrides


def _read_medium(load_take: Callable[[], _CopiedTake], medium: str, index: int) -> bytes:
    return load_take().read(medium, index)


def _is_not_room(view: str) -> bool:
    return not view.startswith("room")


def _calibration_states(graphs: Sequence[Sequence[Triplet]], gaps: Sequence[Gaps]) -> list[bool]:
    """Return whether the robot is calibrated, by the graphs that somebody drew; without one it is as it was."""
    states = iter(scenegraph.calibrated([graph for graph, irregular in zip(graphs, gaps, strict=True) if not irregular.graph]))
    calibrated: list[bool] = []
    for irregular in gaps:
        calibrated.append(next(states) if not irregular.graph else bool(calibrated) and calibrated[-1])
    return calibrated
