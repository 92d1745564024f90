"""What the sensors of a take gave at each timepoint: folders are listed once, files opened when somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from orqa_plugin_mmor import names, speech, tracker_log
from orqa_plugin_mmor.frame_index import IndexRow
from orqa_registry import FacetLoader, Medium, OrqaError, import_optional
from orqa_registry.readers import segmentation
from orqa_registry.readers.io import list_files, read_or_warn
from orqa_registry.readers.segmentation import LowResMasks


class Sensors:
    """The files of one take, by what they are. Of these, its tracker's log alone is read to make one."""

    def __init__(self, home: Path, take: str) -> None:
        self._home, self._take = home, take
        self._files_by_folder: dict[str, dict[str, Path]] = {}
        self._low_res: dict[str, LowResMasks] | None = None
        self._subtitles: speech.Subtitles | None = None
        self._cameras: dict[str, Path] | None = None
        log_path = home / names.TRACKS_FOLDER / f"{take}.json"
        self._tracker_log = (read_or_warn(tracker_log.read_tracker_log, log_path) if log_path.is_file() else None) or []

    def media(self, row: IndexRow) -> dict[str, Medium]:
        """Return the media of a timepoint: what the index names, where the file is there."""
        media: dict[str, Medium] = {}
        for location in names.COPIED_FILES:
            path = self._find_file(location, row)
            if path is not None:
                media[location.medium] = path
        if low_res := self._find_low_res(row):
            media |= low_res.media
        for location, convert in CONVERTERS.items():
            path = self._find_file(location, row)
            if path is not None:
                media[location.medium] = partial(convert, path)
        transcript = self._read_transcript(row)
        if transcript and transcript.strip():
            media["speech.txt"] = transcript.encode()
        entries = self._tracked_entries(row)
        if entries is not None:
            media["tracker.json"] = partial(tracker_log.tracker_medium, entries)
        if cameras := self._find_cameras():
            media["calibration.json"] = partial(calibration_medium, cameras)
        return media

    def ready_facets(self, row: IndexRow) -> dict[str, Any]:
        """Return the labels that the sensors themselves give, and that are at hand."""
        entries = self._tracked_entries(row)
        return {} if entries is None else {"tracked_tools": tracker_log.tracked_tools(entries)}

    def late_facets(self, row: IndexRow) -> dict[str, FacetLoader]:
        """Return the labels that files of the timepoint hold."""
        # Detail cameras stand in where the room cameras have no mask, as in ORQA.
        room, detail = ((cameras, self._find_masks(locations, row)) for cameras, locations in self._mask_locations)
        cameras, masks = room if room[1] else detail
        sources = segmentation.mask_facets(masks, cameras, self._find_low_res(row))
        if cloud_path := self._find_file(names.LABELLED_CLOUDS, row):
            sources["positions"] = partial(read_positions, cloud_path)
        if text_path := self._find_file(names.SCREEN_TEXTS, row):
            sources["screen_text"] = partial(read_screen_text, text_path)
        return sources

    @cached_property
    def _mask_locations(self) -> list[tuple[tuple[str, ...], dict[str, names.FileLocation]]]:
        """For room and detail cameras: the views that can have masks, and those of which there is any at all."""
        location_groups = (names.ROOM_MASKS, names.DETAIL_MASKS)
        return [
            (tuple(views), {view: location for view, location in views.items() if self._list_files(location)})
            for views in location_groups
        ]

    def _find_masks(self, locations: Mapping[str, names.FileLocation], row: IndexRow) -> dict[str, Path]:
        return {view: path for view, location in locations.items() if (path := self._find_file(location, row))}

    def _find_file(self, location: names.FileLocation, row: IndexRow) -> Path | None:
        files, number = self._list_files(location), row.file_numbers[location.numbering]
        return files.get(location.file.format(number)) if files and number is not None else None

    def _list_files(self, location: names.FileLocation) -> dict[str, Path]:
        files = self._files_by_folder.get(location.folder)
        if files is None:
            files = self._files_by_folder[location.folder] = list_files(location.take_folder(self._home, self._take))
        return files

    def _find_low_res(self, row: IndexRow) -> LowResMasks | None:
        if self._low_res is None:
            self._low_res = segmentation.find_low_res_masks(self._home / names.LOW_RES_FOLDER / self._take)
        return self._low_res.get(row.file_numbers[names.TIMESTAMP] or "")

    def _tracked_entries(self, row: IndexRow) -> tracker_log.TrackedEntries | None:
        return self._tracker_log[row.second] if 0 <= row.second < len(self._tracker_log) else None

    def _read_transcript(self, row: IndexRow) -> str | None:
        if names.TRANSCRIPTS.take_folder(self._home, self._take).is_dir():
            path = self._find_file(names.TRANSCRIPTS, row)
            return read_or_warn(speech.read_transcript, path) if path else None
        if self._subtitles is None:
            path = self._home / names.SUBTITLES_FOLDER / f"{self._take}.srt"
            self._subtitles = read_or_warn(speech.read_subtitles, path) if path.is_file() else None
            self._subtitles = self._subtitles or speech.Subtitles((), ())
        return self._subtitles.transcript_at(row.second)

    def _find_cameras(self) -> dict[str, Path]:
        if self._cameras is None:
            files = list_files(self._home / names.TAKE_FOLDERS[self._take])
            paths = {f"room{camera}": files.get(f"camera0{camera}.json") for camera in sorted(names.ROOM_CAMERAS)}
            self._cameras = {view: path for view, path in paths.items() if path is not None}
        return self._cameras


def points_medium(path: Path) -> bytes:
    """Return a fused cloud as `points.npy`: float32 (N, 6), mm and colours 0..255. Raises OrqaError."""
    points = _read_points(path)
    from orqa_registry.readers.formats.arrays import to_npy

    return to_npy(points)


def segments_medium(path: Path) -> bytes:
    """Return a labelled cloud as `segments.npy`: float32 (N, 4), mm and ids of vocabulary.MASK_LABELS."""
    points = _read_points(path)
    import numpy as np

    from orqa_registry.readers.formats.arrays import to_npy
    from orqa_registry.readers.formats.masks import segment_ids

    return to_npy(np.column_stack([points[:, :3], segment_ids(points[:, 3:])]).astype(np.float32))


def read_positions(path: Path) -> dict[str, Any]:
    """Return the facet `positions` of a labelled cloud; nothing, with a warning, where it is damaged."""
    points = read_or_warn(_read_points, path)
    if points is None:
        return {}
    from orqa_registry.readers.formats.masks import cloud_extents, segment_ids

    entity_extents = cloud_extents(points[:, :3], segment_ids(points[:, 3:]))
    return {"positions": {"reach": names.REACH, "unit": names.UNIT_MM, "extents": entity_extents}}


def _read_points(path: Path) -> Any:
    """Return x, y, z in mm and r, g, b of a cloud. Raises OrqaError, and MissingLibraryError that says what to do."""
    import_optional("pypcd4", "the clouds of MM-OR", "orqa-plugin-mmor[clouds]")
    from orqa_registry.readers.formats.clouds import read_pcd

    points = read_pcd(path)
    points[:, :3] *= names.UNIT_MM
    return points


def embedding_medium(path: Path) -> bytes:
    """Return an audio embedding as `clap.npy`: float32 (512,). Raises OrqaError."""
    import_optional("numpy", "the audio embeddings of MM-OR", "orqa-plugin-mmor[arrays]")
    from orqa_registry.readers.formats.arrays import read_pt, to_npy

    values = read_pt(path)
    if values.shape != (names.EMBEDDING_SIZE,):
        raise OrqaError(f"{path}: an embedding of shape {values.shape}; expected ({names.EMBEDDING_SIZE},)")
    return to_npy(values.astype("float32"))


def calibration_medium(cameras: Mapping[str, Path]) -> bytes:
    """Return `calibration.json` of view -> calibration file. Raises OrqaError."""
    import_optional("numpy", "the calibration of MM-OR", "orqa-plugin-mmor[arrays]")
    from orqa_registry.readers.formats import kinect_calibration

    return kinect_calibration.calibration_json(cameras)


def read_screen_text(path: Path) -> dict[str, Any]:
    """Return the facet `screen_text`, without the quotes that its files are full of; nothing where it is empty."""
    text = read_or_warn(speech.read_text, path)
    plain = (text or "").replace("'", "").replace('"', "").strip()
    return {"screen_text": plain} if plain else {}


CONVERTERS: Mapping[names.FileLocation, Callable[[Path], bytes]] = {
    names.CLOUDS: points_medium,
    names.LABELLED_CLOUDS: segments_medium,
    names.EMBEDDINGS: embedding_medium,
}
