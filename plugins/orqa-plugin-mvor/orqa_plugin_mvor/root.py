"""The files of an MVOR root, by what they are: lists read when first needed, folders listed once, nothing decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from orqa_plugin_mvor import cloud, names, scene
from orqa_plugin_mvor.annotations import Annotations, Camera, read_annotations
from orqa_plugin_mvor.tables import Clip, read_clips, read_labels, read_splits
from orqa_registry import Timepoint
from orqa_registry.reading import files_in, spare
from orqa_registry.records import Medium

_IMAGE = re.compile(r"([0-9]{6})\.png")


class Root:
    """One root. What is read is kept for as long as the object; a pickled one reads it again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.shared = scene.Shared(home)
        self._listed: dict[str, dict[str, Path]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Root, (self.home,)

    @cached_property
    def clips(self) -> list[Clip]:
        """The takes. Raises OrqaError where clips.csv cannot be read."""
        return read_clips(self.home / names.CLIPS)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Frame, `2_000017` -> what happens in it, lower case."""
        path = self.home / names.LABELS
        return (spare(read_labels, path) if path.is_file() else None) or {}

    @cached_property
    def splits(self) -> Mapping[str, tuple[str, ...]]:
        """Split -> frames, as splits.json has them."""
        path = self.home / names.SPLIT_FILE
        return (spare(read_splits, path) if path.is_file() else None) or {}

    @cached_property
    def annotations(self) -> Annotations | None:
        """MVOR's own annotations, None where there are none."""
        path = annotation_file(self.home)
        return spare(read_annotations, path) if path else None

    @cached_property
    def frames(self) -> Mapping[str, tuple[str, ...]]:
        """Take -> its frames as `000017`, in order; a frame belongs to the first clip that holds it."""
        found: dict[str, list[str]] = {clip.take: [] for clip in self.clips}
        for frame in sorted(self._frames()):
            clip = next((clip for clip in self.clips if clip.holds(frame)), None)
            if clip is not None:
                found[clip.take].append(frame.partition("_")[2])
        return {take: tuple(frames) for take, frames in found.items()}

    def _frames(self) -> set[str]:
        """Return every frame that the label files name; where there are none, every one that has a colour image."""
        named = {*self.labels, *(frame for frames in self.splits.values() for frame in frames)}
        if named:
            return named
        folders = ((day, self.images(day, camera, "color")) for day in names.DAYS for camera in names.CAMERAS)
        return {f"{day}_{match[1]}" for day, files in folders for match in map(_IMAGE.fullmatch, files) if match}

    def files(self, folder: str) -> Mapping[str, Path]:
        """Return the files of a folder by name, listed once."""
        if folder not in self._listed:
            self._listed[folder] = files_in(self.home / folder)
        return self._listed[folder]

    def images(self, day: int, camera: int, kind: str) -> Mapping[str, Path]:
        """Return the colour or depth images of a camera by name, wherever the archive was unpacked."""
        inside = f"day{day}/cam{camera}/{kind}"
        return self.files(inside) or self.files(f"{names.WRAPPER}/{inside}")

    def timepoints(self, clip: Clip) -> Iterator[Timepoint]:
        """Yield the timepoints of a take."""
        day = int(clip.start[0])
        known = self.annotations
        people_known = (self.home / names.POSES).is_dir() and self.shared.centres is not None
        for frame in self.frames[clip.take]:
            sources = scene.Sources(
                names.centre_key(day, frame),
                people_known,
                self.files(names.POSES).get(names.poses_file(day, frame)),
                self.files(names.OBJECTS).get(names.objects_file(day, frame)),
                known.cameras if known else {},
            )
            inside = scene.Scene(sources, self.shared)
            media = self._seen(day, frame, known) | inside.media() | self._cloud(day, frame, sources.cameras)
            label = self.labels.get(names.frame_name(day, frame), names.UNLABELLED)
            ready = {} if label == names.UNLABELLED else {"actions": (label,)}
            labels = inside.labels(ready)
            yield Timepoint(names.DATASET, clip.split, clip.take, frame, int(frame), None, media, labels)

    def _seen(self, day: int, frame: str, known: Annotations | None) -> dict[str, Medium]:
        """Return what the cameras gave, and what people annotated in their images."""
        media: dict[str, Medium] = {}
        for suffix, kind in (("png", "color"), ("depth.png", "depth")):
            for camera in names.SHOWN:
                image = self.images(day, camera, kind).get(f"{frame}.png")
                if image is not None:
                    media[f"room{camera}.{suffix}"] = image
        if known is None:
            return media
        for camera in names.SHOWN:
            number = names.image_number(day, camera, frame)
            if number in known.images:
                media[f"room{camera}.keypoints.json"] = known.keypoints(number)
        if known.cameras:
            media["calibration.json"] = partial(scene.calibration, known.cameras)
        return media

    def _cloud(self, day: int, frame: str, cameras: Mapping[int, Camera]) -> dict[str, Medium]:
        """Return the cloud on disk, else the one to be made of what depth images there are."""
        path = self.files(names.CLOUDS).get(names.cloud_file(day, frame))
        if path is not None:
            return {"points.npy": partial(cloud.stored, path)}
        pictures = {}
        for camera in cameras:
            colour, depth = (self.images(day, camera, kind).get(f"{frame}.png") for kind in names.KINDS)
            if colour is not None and depth is not None:
                pictures[camera] = (colour, depth)
        name = names.frame_name(day, frame)
        return {"points.npy": partial(cloud.fused, name, pictures, cameras)} if pictures else {}


def annotation_file(home: Path) -> Path | None:
    """Return where MVOR's own annotations are, None where they are not."""
    places = (home / inside / place for inside in (".", names.WRAPPER) for place in names.CAMMA_PLACES)
    return next((place for place in places if place.is_file()), None)
