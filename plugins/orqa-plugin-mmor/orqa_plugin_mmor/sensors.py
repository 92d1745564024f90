"""What the sensors of a take gave at each timepoint: folders are listed once, files opened when somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from orqa_plugin_mmor import names, speech, tracking
from orqa_plugin_mmor.index import Row
from orqa_registry import OrqaError, segmentation
from orqa_registry.labels import Source
from orqa_registry.reading import files_in, library, spare
from orqa_registry.records import Medium
from orqa_registry.segmentation import LowRes


class Sensors:
    """The files of one take, by what they are. Of these, its tracker's log alone is read to make one."""

    def __init__(self, home: Path, take: str) -> None:
        self._home, self._take = home, take
        self._listed: dict[str, dict[str, Path]] = {}
        self._low_res: dict[str, LowRes] | None = None
        self._subtitles: speech.Subtitles | None = None
        self._cameras: dict[str, Path] | None = None
        tracks = home / names.TRACKS / f"{take}.json"
        self._tracks = (spare(tracking.read_tracks, tracks) if tracks.is_file() else None) or []

    def media(self, row: Row) -> dict[str, Medium]:
        """Return the media of a timepoint: what the index names, where the file is there."""
        media: dict[str, Medium] = {}
        for place in names.AS_THEY_ARE:
            path = self._file(place, row)
            if path is not None:
                media[place.medium] = path
        if small := self._small(row):
            media |= small.media
        for place, convert in CONVERTED.items():
            path = self._file(place, row)
            if path is not None:
                media[place.medium] = partial(convert, path)
        said = self._said(row)
        if said and said.strip():
            media["speech.txt"] = said.encode()
        sight = self._sight(row)
        if sight is not None:
            media["tracker.json"] = partial(tracking.as_json, sight)
        if cameras := self._calibrated():
            media["calibration.json"] = partial(calibration, cameras)
        return media

    def ready(self, row: Row) -> dict[str, Any]:
        """Return the labels that the sensors themselves give, and that are at hand."""
        sight = self._sight(row)
        return {} if sight is None else {"tracked_tools": tracking.tools(sight)}

    def late(self, row: Row) -> dict[str, Source]:
        """Return the labels that files of the timepoint hold."""
        # Detail cameras stand in where the room cameras have no mask, as in ORQA.
        room, detail = ((cameras, self._masks(drawn, row)) for cameras, drawn in self._views)
        cameras, masks = room if room[1] else detail
        late = segmentation.sources(masks, cameras, self._small(row))
        if cloud := self._file(names.LABELLED_CLOUDS, row):
            late["positions"] = partial(positions, cloud)
        if text := self._file(names.SCREEN_TEXTS, row):
            late["screen_text"] = partial(screen_text, text)
        return late

    @cached_property
    def _views(self) -> list[tuple[tuple[str, ...], dict[str, names.Place]]]:
        """For room and detail cameras: the views that can have masks, and those of which there is any at all."""
        kinds = (names.ROOM_MASKS, names.DETAIL_MASKS)
        return [(tuple(views), {view: one for view, one in views.items() if self._files(one)}) for views in kinds]

    def _masks(self, drawn: Mapping[str, names.Place], row: Row) -> dict[str, Path]:
        return {view: path for view, place in drawn.items() if (path := self._file(place, row))}

    def _file(self, place: names.Place, row: Row) -> Path | None:
        files, number = self._files(place), row.numbers[place.numbered]
        return files.get(place.file.format(number)) if files and number is not None else None

    def _files(self, place: names.Place) -> dict[str, Path]:
        files = self._listed.get(place.folder)
        if files is None:
            files = self._listed[place.folder] = files_in(place.within(self._home, self._take))
        return files

    def _small(self, row: Row) -> LowRes | None:
        if self._low_res is None:
            self._low_res = segmentation.low_res(self._home / names.LOW_RES / self._take)
        return self._low_res.get(row.numbers[names.TIMESTAMP] or "")

    def _sight(self, row: Row) -> tracking.Sight | None:
        return self._tracks[row.second] if 0 <= row.second < len(self._tracks) else None

    def _said(self, row: Row) -> str | None:
        if names.SPEECH.within(self._home, self._take).is_dir():
            path = self._file(names.SPEECH, row)
            return spare(speech.read_transcript, path) if path else None
        if self._subtitles is None:
            path = self._home / names.SUBTITLES / f"{self._take}.srt"
            self._subtitles = spare(speech.read_subtitles, path) if path.is_file() else None
            self._subtitles = self._subtitles or speech.Subtitles((), ())
        return self._subtitles.until(row.second)

    def _calibrated(self) -> dict[str, Path]:
        if self._cameras is None:
            files = files_in(self._home / names.FOLDERS[self._take])
            paths = {f"room{camera}": files.get(f"camera0{camera}.json") for camera in sorted(names.ROOM_CAMERAS)}
            self._cameras = {view: path for view, path in paths.items() if path is not None}
        return self._cameras


def cloud(path: Path) -> bytes:
    """Return a fused cloud as `points.npy`: float32 (N, 6), mm and colours 0..255. Raises OrqaError."""
    points = _points(path)
    from orqa_registry.formats.arrays import to_npy

    return to_npy(points)


def segments(path: Path) -> bytes:
    """Return a labelled cloud as `segments.npy`: float32 (N, 4), mm and ids of vocabulary.MASK_LABELS."""
    points = _points(path)
    import numpy as np

    from orqa_registry.formats.arrays import to_npy
    from orqa_registry.formats.masks import segment_ids

    return to_npy(np.column_stack([points[:, :3], segment_ids(points[:, 3:])]).astype(np.float32))


def positions(path: Path) -> dict[str, Any]:
    """Return the facet `positions` of a labelled cloud; nothing, with a warning, where it is damaged."""
    points = spare(_points, path)
    if points is None:
        return {}
    from orqa_registry.formats.masks import extents, segment_ids

    found = extents(points[:, :3], segment_ids(points[:, 3:]))
    return {"positions": {"reach": names.REACH, "unit": names.UNIT, "extents": found}}


def _points(path: Path) -> Any:
    """Return x, y, z in mm and r, g, b of a cloud. Raises OrqaError, and MissingLibraryError that says what to do."""
    library("pypcd4", "the clouds of MM-OR", "orqa-plugin-mmor[clouds]")
    from orqa_registry.formats.clouds import read_pcd

    points = read_pcd(path)
    points[:, :3] *= names.UNIT
    return points


def embedding(path: Path) -> bytes:
    """Return an audio embedding as `clap.npy`: float32 (512,). Raises OrqaError."""
    library("numpy", "the audio embeddings of MM-OR", "orqa-plugin-mmor[arrays]")
    from orqa_registry.formats.arrays import read_pt, to_npy

    values = read_pt(path)
    if values.shape != (names.EMBEDDING,):
        raise OrqaError(f"{path}: an embedding of shape {values.shape}; expected ({names.EMBEDDING},)")
    return to_npy(values.astype("float32"))


def calibration(cameras: Mapping[str, Path]) -> bytes:
    """Return `calibration.json` of view -> calibration file. Raises OrqaError."""
    library("numpy", "the calibration of MM-OR", "orqa-plugin-mmor[arrays]")
    from orqa_registry.formats import azure

    return azure.calibration(cameras)


def screen_text(path: Path) -> dict[str, Any]:
    """Return the facet `screen_text`, without the quotes that its files are full of; nothing where it is empty."""
    text = spare(speech.read_text, path)
    plain = (text or "").replace("'", "").replace('"', "").strip()
    return {"screen_text": plain} if plain else {}


CONVERTED: Mapping[names.Place, Callable[[Path], bytes]] = {
    names.CLOUDS: cloud,
    names.LABELLED_CLOUDS: segments,
    names.EMBEDDINGS: embedding,
}
