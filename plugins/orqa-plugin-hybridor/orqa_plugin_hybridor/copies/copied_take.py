"""Takes of other datasets, played by the simulator: what their sensors would give and their annotators would say.

Nothing is filmed before somebody reads a picture, and only the take that is read is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial

from attrs import frozen

from orqa_plugin_hybridor.copies.annotation import Annotation, annotate, infer_graph
from orqa_plugin_hybridor.copies.camera_rig import HEAD_VIEW, CameraRig
from orqa_plugin_hybridor.copies.irregularities import Irregularities, irregularities_at, seconds_at
from orqa_plugin_hybridor.copies.media_source import LOWRES_PREFIX, MASK_SUFFIX, MediaSource
from orqa_plugin_hybridor.render.simulated_take import simulate_take
from orqa_registry import Dataset, Layout, LazyLabels, Medium, Take, Timepoint, Triplet, is_view, scenegraph

MISSING_FRAME_AT = 3
"""The number that is left out."""
CORNER_GAZE = (0.985, 0.015)
"""A look at a corner of the picture, where nothing is."""


@frozen
class CopyOptions:
    """What is wanted: so many timepoints of each of the first `takes`, of `size` pixels a side where any size does."""

    takes: int
    timepoints: int
    size: int
    seed: int


def frame_ids(layout: Layout, take: str, count: int) -> Sequence[str]:
    """Return the ids of the timepoints of a take: numbers from 0, or the first ones that the layout has.

    Of those one is left out where there are enough: real numbers have gaps.
    """
    known = layout.frames.get(take)
    if known is None:
        return [f"{index:06d}" for index in range(count)]
    return (
        [*known[:MISSING_FRAME_AT], *known[MISSING_FRAME_AT + 1 : count + 1]]
        if len(known) > count > MISSING_FRAME_AT
        else known[:count]
    )


def copy_takes(
    dataset: Dataset, layout: Layout, options: CopyOptions, on_render: Callable[[str, int], None]
) -> list[Take]:
    """Return takes of a dataset, those that a small copy should have first. Each is another procedure.

    A take depends on the seed, its place in the layout, and size and number of timepoints. `on_render` is told take and
    index of a timepoint when its pictures are made, which can be more than once.
    """

    @lru_cache(maxsize=1)
    def load_take(index: int) -> _CopiedTake:
        return _CopiedTake(dataset, layout, index, options, on_render)

    return [
        Take(dataset.name, split, name, partial(_iterate_take, partial(load_take, index)))
        for index, (split, name) in enumerate(layout.takes[: options.takes])
    ]


def _iterate_take(load_take: Callable[[], _CopiedTake]) -> Iterator[Timepoint]:
    for index in range(len(load_take().frames)):
        yield load_take().timepoint(index, load_take)


class _CopiedTake:
    """One take of a dataset as the simulator plays it."""

    def __init__(
        self,
        dataset: Dataset,
        layout: Layout,
        take_index: int,
        options: CopyOptions,
        on_render: Callable[[str, int], None],
    ) -> None:
        self.dataset = dataset
        self.split, self.name = layout.takes[take_index]
        self.frames = frame_ids(layout, self.name, options.timepoints)
        self._numbered = self.name not in layout.frames
        names = list(dataset.media)
        views = [name.rpartition(".")[0] for name in names if is_view(name)]
        take = simulate_take(options.seed, take_index + 1, len(self.frames), options.size)
        self.rig = CameraRig(take, views, layout, partial(on_render, self.name))
        masks = [
            name[: -len(MASK_SUFFIX)]
            for name in names
            if name.endswith(MASK_SUFFIX) and not name.startswith(LOWRES_PREFIX)
        ]
        self.masks = sorted((view for view in masks if view in self.rig.cameras), key=_is_not_room)
        self.irregularities = [
            irregularities_at(index, len(self.frames), self.rig.cameras, self.masks)
            for index in range(len(self.frames))
        ]
        self._graphs = [
            () if irregular.empty_graph else infer_graph(self.rig, index)
            for index, irregular in enumerate(self.irregularities)
        ]
        self._calibrated = _calibration_states(self._graphs, self.irregularities)
        self.media_source = MediaSource(self.rig, self._calibrated, self.masks, self.irregularities)
        self._media = [name for name in names if self.media_source.provides(name)]

    def timepoint(self, index: int, load_take: Callable[[], _CopiedTake]) -> Timepoint:
        """Return a timepoint whose media ask `load_take` for this take when they are read."""
        frame = self.frames[index]
        frame_index = int(frame) if frame.isdecimal() else index
        seconds = seconds_at(index) if self._numbered else None
        media: dict[str, Medium] = {
            medium: partial(_read_medium, load_take, medium, index)
            for medium in self._media
            if self._has_medium(medium, index)
        }
        labels = self._make_labels(index, media)
        return Timepoint(self.dataset.name, self.split, self.name, frame, frame_index, seconds, media, labels)

    def _has_medium(self, medium: str, index: int) -> bool:
        if medium.startswith(LOWRES_PREFIX):
            return int(medium[len(LOWRES_PREFIX)]) < len(self._small_mask_views(index))
        return not self.irregularities[index].lacks(medium) and (
            medium != "speech.txt" or bool(self.media_source.speech(index))
        )

    def _small_mask_views(self, index: int) -> list[str]:
        """Return the views of the small masks, which number those that there are: the first three can have one."""
        return [view for view in self.masks[:3] if view != self.irregularities[index].missing_camera]

    def read(self, medium: str, index: int) -> bytes:
        """Return the bytes of a medium."""
        if medium.startswith(LOWRES_PREFIX):
            return self.media_source.small_mask(self._small_mask_views(index)[int(medium[len(LOWRES_PREFIX)])], index)
        return self.media_source.read(medium, index)

    def _make_labels(self, index: int, media: Mapping[str, Medium]) -> LazyLabels:
        irregular, provides = self.irregularities[index], self.dataset.provides
        boxed = [view for view in self.masks if f"{view}{MASK_SUFFIX}" in media]
        graph = None if irregular.no_graph else self._graphs[index]
        annotation = Annotation(index, graph, self._calibrated[index], boxed, has_poses=not irregular.no_poses)
        ready, deferred = annotate(self.rig, annotation, self.dataset.media)
        ready = {**ready, **self._overrides(media, irregular)}
        withheld = {"gaze"} if irregular.no_gaze else set()
        if irregular.no_graph and "relations" not in provides:
            withheld.add("actions")  # where there are no graphs, it is what is being done that nobody wrote down
        provided = set(provides) - withheld
        return LazyLabels(
            *({name: value for name, value in facets.items() if name in provided} for facets in (ready, deferred))
        )

    def _overrides(self, media: Mapping[str, Medium], irregular: Irregularities) -> dict[str, object]:
        """Return facets that are otherwise than the simulator says."""
        overrides: dict[str, object] = {}
        if (
            irregular.no_masks
            and "predicted" in self.dataset.provides
            and any(name.startswith(LOWRES_PREFIX) for name in media)
        ):
            overrides["predicted"] = ("entities", "roles")
        if irregular.stray_gaze and "gaze" in self.dataset.provides and HEAD_VIEW in self.rig.views:
            overrides["gaze"] = CORNER_GAZE
        return overrides


def _read_medium(load_take: Callable[[], _CopiedTake], medium: str, index: int) -> bytes:
    return load_take().read(medium, index)


def _is_not_room(view: str) -> bool:
    return not view.startswith("room")


def _calibration_states(graphs: Sequence[Sequence[Triplet]], irregularities: Sequence[Irregularities]) -> list[bool]:
    """Return whether the robot is calibrated, by the graphs that somebody drew; without one it is as it was."""
    states = iter(
        scenegraph.calibrated_by(
            [graph for graph, irregular in zip(graphs, irregularities, strict=True) if not irregular.no_graph]
        )
    )
    calibrated: list[bool] = []
    for irregular in irregularities:
        calibrated.append(next(states) if not irregular.no_graph else bool(calibrated) and calibrated[-1])
    return calibrated
