"""The files of an MVOR root, by what they are: lists read when first needed, folders listed once, nothing decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from orqa_plugin_mvor import names
from orqa_plugin_mvor.reader.annotations import Annotations, Camera, read_annotations
from orqa_plugin_mvor.reader.frame import Frame, SharedFiles, calibration_medium
from orqa_plugin_mvor.reader.frame_files import FrameFiles
from orqa_plugin_mvor.reader.label_files import Clip, read_clips, read_frame_labels, read_splits
from orqa_plugin_mvor.reader.point_clouds import fused_cloud, stored_cloud
from orqa_registry import Medium, Timepoint
from orqa_registry.readers.io import list_files, read_or_warn

_IMAGE_FILE = re.compile(r"([0-9]{6})\.png")


class Root:
    """One root. What is read is kept for as long as the object; a pickled one reads it again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.shared = SharedFiles(home)
        self._listed: dict[str, dict[str, Path]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Root, (self.home,)

    @cached_property
    def clips(self) -> list[Clip]:
        """The takes. Raises OrqaError where clips.csv cannot be read."""
        return read_clips(self.home / names.CLIPS_FILE)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Frame, `2_000017` -> what happens in it, lower case."""
        path = self.home / names.FRAME_LABELS_FILE
        return (read_or_warn(read_frame_labels, path) if path.is_file() else None) or {}

    @cached_property
    def splits(self) -> Mapping[str, tuple[str, ...]]:
        """Split -> frames, as splits.json has them."""
        path = self.home / names.SPLITS_FILE
        return (read_or_warn(read_splits, path) if path.is_file() else None) or {}

    @cached_property
    def annotations(self) -> Annotations | None:
        """MVOR's own annotations, None where there are none."""
        path = find_annotation_file(self.home)
        return read_or_warn(read_annotations, path) if path else None

    @cached_property
    def frames(self) -> Mapping[str, tuple[str, ...]]:
        """Take -> its frames as `000017`, in order; a frame belongs to the first clip that holds it."""
        take_frames: dict[str, list[str]] = {clip.take: [] for clip in self.clips}
        for frame in sorted(self._list_frames()):
            clip = next((clip for clip in self.clips if clip.holds(frame)), None)
            if clip is not None:
                take_frames[clip.take].append(frame.partition("_")[2])
        return {take: tuple(frames) for take, frames in take_frames.items()}

    def _list_frames(self) -> set[str]:
        """Return every frame that the label files name; where there are none, every one that has a colour image."""
        named = {*self.labels, *(frame for frames in self.splits.values() for frame in frames)}
        if named:
            return named
        folders = ((day, self.images(day, camera, "color")) for day in names.DAYS for camera in names.CAMERAS)
        return {f"{day}_{match[1]}" for day, files in folders for match in map(_IMAGE_FILE.fullmatch, files) if match}

    def files(self, folder: str) -> Mapping[str, Path]:
        """Return the files of a folder by name, listed once."""
        if folder not in self._listed:
            self._listed[folder] = list_files(self.home / folder)
        return self._listed[folder]

    def images(self, day: int, camera: int, kind: str) -> Mapping[str, Path]:
        """Return the colour or depth images of a camera by name, wherever the archive was unpacked."""
        folder = f"day{day}/cam{camera}/{kind}"
        return self.files(folder) or self.files(f"{names.ARCHIVE_FOLDER}/{folder}")

    def timepoints(self, clip: Clip) -> Iterator[Timepoint]:
        """Yield the timepoints of a take."""
        day = int(clip.start[0])
        image_annotations = self.annotations
        people_known = (self.home / names.HUMAN_POSES_FOLDER).is_dir() and self.shared.centres is not None
        for frame in self.frames[clip.take]:
            files = FrameFiles(
                names.patient_centre_key(day, frame),
                people_known,
                self.files(names.HUMAN_POSES_FOLDER).get(names.human_poses_file(day, frame)),
                self.files(names.OBJECT_POSES_FOLDER).get(names.object_poses_file(day, frame)),
                image_annotations.cameras if image_annotations else {},
            )
            late_frame = Frame(files, self.shared)
            media = (
                self._camera_media(day, frame, image_annotations)
                | late_frame.media()
                | self._cloud_media(day, frame, files.cameras)
            )
            action = self.labels.get(names.frame_name(day, frame), names.UNLABELLED_ACTION)
            ready = {} if action == names.UNLABELLED_ACTION else {"actions": (action,)}
            labels = late_frame.labels(ready)
            yield Timepoint(names.DATASET, clip.split, clip.take, frame, int(frame), None, media, labels)

    def _camera_media(self, day: int, frame: str, image_annotations: Annotations | None) -> dict[str, Medium]:
        """Return what the cameras gave, and what people annotated in their images."""
        media: dict[str, Medium] = {}
        for suffix, kind in (("png", "color"), ("depth.png", "depth")):
            for camera in names.DISPLAY_ORDER:
                image = self.images(day, camera, kind).get(f"{frame}.png")
                if image is not None:
                    media[f"room{camera}.{suffix}"] = image
        if image_annotations is None:
            return media
        for camera in names.DISPLAY_ORDER:
            image_id = names.image_id(day, camera, frame)
            if image_id in image_annotations.images:
                media[f"room{camera}.keypoints.json"] = image_annotations.keypoints(image_id)
        if image_annotations.cameras:
            media["calibration.json"] = partial(calibration_medium, image_annotations.cameras)
        return media

    def _cloud_media(self, day: int, frame: str, cameras: Mapping[int, Camera]) -> dict[str, Medium]:
        """Return the cloud on disk, else the one to be made of what depth images there are."""
        path = self.files(names.POINT_CLOUDS_FOLDER).get(names.point_cloud_file(day, frame))
        if path is not None:
            return {"points.npy": partial(stored_cloud, path)}
        images = {}
        for camera in cameras:
            colour, depth = (self.images(day, camera, kind).get(f"{frame}.png") for kind in names.IMAGE_KINDS)
            if colour is not None and depth is not None:
                images[camera] = (colour, depth)
        name = names.frame_name(day, frame)
        return {"points.npy": partial(fused_cloud, name, images, cameras)} if images else {}


def find_annotation_file(home: Path) -> Path | None:
    """Return where MVOR's own annotations are, None where they are not."""
    paths = (home / folder / path for folder in (".", names.ARCHIVE_FOLDER) for path in names.ANNOTATION_PATHS)
    return next((path for path in paths if path.is_file()), None)
