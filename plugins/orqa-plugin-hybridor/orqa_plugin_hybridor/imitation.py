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
        return [f"{place:06d}" for place in range(wanted)]
    return [*known[:GAP_AT], *known[GAP_AT + 1 : wanted + 1]] if len(known) > wanted > GAP_AT else known[:wanted]


def imitate(dataset: Dataset, layout: Layout, order: Order, filmed: Callable[[str, int], None]) -> list[Take]:
    """Return takes of a dataset, those that a small copy should have first. Each is another procedure.

    A take depends on the seed, its place in the layout, and size and number of timepoints. `filmed` is told take and
    place of a timepoint when its pictures are made, which can be more than once.
    """

    @lru_cache(maxsize=1)
    def actor(place: int) -> _Actor:
        return _Actor(dataset, layout, place, order, filmed)

    return [
        Take(dataset.name, split, name, partial(_play, partial(actor, place)))
        for place, (split, name) in enumerate(layout.takes[: order.takes])
    ]


def _play(actor: Callable[[], _Actor]) -> Iterator[Timepoint]:
    for place in range(len(actor().frames)):
        yield actor().timepoint(place, actor)


class _Actor:
    """One take of a dataset as the simulator plays it."""

    def __init__(
        self, dataset: Dataset, layout: Layout, place: int, order: Order, filmed: Callable[[str, int], None]
    ) -> None:
        self.dataset = dataset
        self.split, self.name = layout.takes[place]
        self.frames = frames_of(layout, self.name, order.timepoints)
        self._numbered = self.name not in layout.frames
        names = list(dataset.media)
        views = [name.rpartition(".")[0] for name in names if is_view(name)]
        production = produce(order.seed, place + 1, len(self.frames), order.size)
        self.studio = Studio(production, views, layout, partial(filmed, self.name))
        masks = [name[: -len(MASKED)] for name in names if name.endswith(MASKED) and not name.startswith(LOWRES)]
        self.masks = sorted((view for view in masks if view in self.studio.cameras), key=_after_rooms)
        self.gaps = [gaps_at(at, len(self.frames), self.studio.cameras, self.masks) for at in range(len(self.frames))]
        self._graphs = [() if gap.empty else graph_of(self.studio, at) for at, gap in enumerate(self.gaps)]
        self._calibrated = _calibrated(self._graphs, self.gaps)
        self.sensors = Sensors(self.studio, self._calibrated, self.masks, self.gaps)
        self._media = [name for name in names if self.sensors.gives(name)]

    def timepoint(self, place: int, actor: Callable[[], _Actor]) -> Timepoint:
        """Return a timepoint whose media ask `actor` for this take when they are read."""
        frame = self.frames[place]
        index = int(frame) if frame.isdecimal() else place
        seconds = seconds_at(place) if self._numbered else None
        media: dict[str, Medium] = {
            medium: partial(_read, actor, medium, place) for medium in self._media if self._has(medium, place)
        }
        labels = self._labels(place, media)
        return Timepoint(self.dataset.name, self.split, self.name, frame, index, seconds, media, labels)

    def _has(self, medium: str, place: int) -> bool:
        if medium.startswith(LOWRES):
            return int(medium[len(LOWRES)]) < len(self._small(place))
        return not self.gaps[place].lacks(medium) and (medium != "speech.txt" or bool(self.sensors.speech(place)))

    def _small(self, place: int) -> list[str]:
        """Return the views of the small masks, which number those that there are: the first three can have one."""
        return [view for view in self.masks[:3] if view != self.gaps[place].camera]

    def read(self, medium: str, place: int) -> bytes:
        """Return the bytes of a medium."""
        if medium.startswith(LOWRES):
            return self.sensors.small_mask(self._small(place)[int(medium[len(LOWRES)])], place)
        return self.sensors.read(medium, place)

    def _labels(self, place: int, media: Mapping[str, Medium]) -> Labels:
        gap, provides = self.gaps[place], self.dataset.provides
        boxed = [view for view in self.masks if f"{view}{MASKED}" in media]
        graph = None if gap.graph else self._graphs[place]
        told = Told(place, graph, self._calibrated[place], boxed, posed=not gap.poses)
        ready, late = tell(self.studio, told, self.dataset.media)
        ready = {**ready, **self._instead(media, gap)}
        hidden = {"gaze"} if gap.gaze else set()
        if gap.graph and "relations" not in provides:
            hidden.add("actions")  # where there are no graphs, it is what is being done that nobody wrote down
        wanted = set(provides) - hidden
        return Labels(*({name: one for name, one in facets.items() if name in wanted} for facets in (ready, late)))

    def _instead(self, media: Mapping[str, Medium], gap: Gaps) -> dict[str, object]:
        """Return facets that are otherwise than the simulator says."""
        instead: dict[str, object] = {}
        if gap.masks and "predicted" in self.dataset.provides and any(name.startswith(LOWRES) for name in media):
            instead["predicted"] = ("entities", "roles")
        if gap.astray and "gaze" in self.dataset.provides and EGO in self.studio.views:
            instead["gaze"] = NOWHERE
        return instead


def _read(actor: Callable[[], _Actor], medium: str, place: int) -> bytes:
    return actor().read(medium, place)


def _after_rooms(view: str) -> bool:
    return not view.startswith("room")


def _calibrated(graphs: Sequence[Sequence[Triplet]], gaps: Sequence[Gaps]) -> list[bool]:
    """Return whether the robot is calibrated, by the graphs that somebody drew; without one it is as it was."""
    told = iter(scenegraph.calibrated([graph for graph, gap in zip(graphs, gaps, strict=True) if not gap.graph]))
    found: list[bool] = []
    for gap in gaps:
        found.append(next(told) if not gap.graph else bool(found) and found[-1])
    return found
