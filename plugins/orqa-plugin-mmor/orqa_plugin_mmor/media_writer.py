"""Stores what sensors gave where MM-OR has it, in its formats; the writer's part that opens media."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orqa_plugin_mmor import names
from orqa_registry import Timepoint
from orqa_registry.data.vocabulary import MASK_COLOURS, MASK_LABELS

DETAIL_MEDIA = frozenset(location.medium for location in names.COPIED_FILES if location.numbering == names.DETAIL)
"""Media that have their number from the stream of the detail cameras."""

ARTEFACT_IDS = (14, 19)
"""Grey values that mean nothing."""
SPECK_PIXELS = 9
"""Pixels too few to count."""
UNKNOWN_ENTRY = {"unique_id": "8000123", "button_state": "0", "Translation": [0, 0, 0], "euler_rot": [0, 0, 0]}
"""What the tracker saw and nobody knows."""


class MediaWriter:
    """Takes the timepoints of a take in, in order, and stores their media; `write_take_files` what a take has once."""

    def __init__(self, root: Path, take: str) -> None:
        self._root, self._take = root, take
        self._tracked_entries: dict[int, Any] = {}
        self._transcripts: dict[str, str] = {}
        self._cameras: Mapping[str, Any] = {}
        self._mask_counts: dict[str, int] = {}

    def write_timepoint(self, timepoint: Timepoint, file_numbers: Mapping[str, str | None]) -> None:
        """Store the media of a timepoint. file_numbers: what files are named by, its second and its images."""
        second = str(file_numbers[names.TIMESTAMP])
        for location in names.COPIED_FILES:
            number, path = file_numbers.get(location.numbering), self._path(location, file_numbers)
            if location.medium in timepoint.media and number is not None and path is not None:
                content = timepoint.read(location.medium)
                if location.medium.endswith(".mask.png"):
                    content = self._add_irregularities(path, location, number, content)
                _write_bytes(path, content)
        self._write_low_res_masks(timepoint, file_numbers)
        self._write_clouds(timepoint, file_numbers, "binary" if int(second) % 2 else "ascii")
        if "clap.npy" in timepoint.media and (path := self._path(names.EMBEDDINGS, file_numbers)):
            from orqa_registry.readers.formats.writers import write_pt

            values = _read_array(timepoint.read("clap.npy"))
            if values.shape == (names.EMBEDDING_SIZE,):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_pt(path, values)
        if "screen_text" in timepoint.labels and (path := self._path(names.SCREEN_TEXTS, file_numbers)):
            _write_bytes(path, f"\"'{timepoint.labels['screen_text']}'\"\n".encode())
        if "calibration.json" in timepoint.media and not self._cameras:
            self._cameras = json.loads(timepoint.read("calibration.json"))
        if "tracker.json" in timepoint.media:
            self._tracked_entries[int(second)] = _ids_as_text(
                json.loads(timepoint.read("tracker.json"))["unique_id_dicts"]
            )
        self._transcripts[second] = timepoint.read("speech.txt").decode() if "speech.txt" in timepoint.media else ""

    def write_take_files(self) -> None:
        """Store what is one file a take: the tracker's log, transcripts with their subtitles, calibration."""
        if self._tracked_entries and self._take not in names.NO_TRACKER:
            # As long as the last second, and of seconds without a timepoint too: nothing is in sight then.
            log: list[Any] = [{"unique_id_dicts": []} for _ in range(1 + max(map(int, self._transcripts)))]
            for known_second in map(int, self._transcripts):
                log[known_second] = (
                    {"unique_id_dicts": self._tracked_entries[known_second]}
                    if known_second in self._tracked_entries
                    else None
                )
            log[min(self._tracked_entries)]["unique_id_dicts"].append(UNKNOWN_ENTRY)
            _write_bytes(self._root / names.TRACKS_FOLDER / f"{self._take}.json", json.dumps(log).encode())
        if any(self._transcripts.values()):
            for second, text in self._transcripts.items():
                path = names.TRANSCRIPTS.take_folder(self._root, self._take) / names.TRANSCRIPTS.file.format(second)
                _write_bytes(path, json.dumps({"text": text}, ensure_ascii=False).encode())
            _write_bytes(
                self._root / names.SUBTITLES_FOLDER / f"{self._take}.srt", _format_subtitles(self._transcripts).encode()
            )
        for view, camera in self._cameras.items():
            if view in {f"room{number}" for number in names.ROOM_CAMERAS}:
                from orqa_registry.readers.formats.kinect_calibration import write_camera

                write_camera(self._root / names.TAKE_FOLDERS[self._take] / f"camera0{view[len('room') :]}.json", camera)

    def _path(self, location: names.FileLocation, file_numbers: Mapping[str, str | None]) -> Path | None:
        number = file_numbers.get(location.numbering)
        return None if number is None else location.take_folder(self._root, self._take) / location.file.format(number)

    def _add_irregularities(self, path: Path, location: names.FileLocation, number: str, mask: bytes) -> bytes:
        """Return a mask, the first ones with what does not count; after the first one comes an interpolated one."""
        count = self._mask_counts[location.medium] = self._mask_counts.get(location.medium, 0) + 1
        if count == 1:
            next_name = Path(location.file.format(f"{int(number) + 1:06d}"))
            _write_bytes(path.with_name(f"{next_name.stem}_interpolated.png"), mask)
        return _add_artefacts(mask) if count <= 2 else mask

    def _write_low_res_masks(self, timepoint: Timepoint, file_numbers: Mapping[str, str | None]) -> None:
        mask_media = sorted(
            medium for medium in timepoint.media if medium.startswith("lowres") and medium.endswith(".mask.png")
        )
        if not mask_media:
            return
        # What people and entities came from tells whether somebody drew these. A take without room images stores none.
        location_groups = (locations.values() for locations in (names.ROOM_MASKS, names.DETAIL_MASKS))
        stored_flags = (
            [
                location.medium in timepoint.media and file_numbers.get(location.numbering) is not None
                for location in locations
            ]
            for locations in location_groups
        )
        covered = all(next((flags for flags in stored_flags if any(flags)), [False]))
        annotated = "roles" in timepoint.labels and "predicted" not in timepoint.labels and not covered
        for medium in mask_media:
            name = f"{file_numbers[names.TIMESTAMP]}_{medium[len('lowres')]}_GT{annotated}.png"
            _write_bytes(self._root / names.LOW_RES_FOLDER / self._take / name, _add_artefacts(timepoint.read(medium)))

    def _write_clouds(self, timepoint: Timepoint, file_numbers: Mapping[str, str | None], encoding: str) -> None:
        for location in (names.CLOUDS, names.LABELLED_CLOUDS):
            path = self._path(location, file_numbers)
            if location.medium in timepoint.media and path is not None:
                from orqa_registry.readers.formats.clouds import cloud_from_npy
                from orqa_registry.readers.formats.writers import write_pcd

                points = cloud_from_npy(timepoint.read(location.medium), f"{timepoint.key}: {location.medium}")
                points = _add_colours(points) if location is names.LABELLED_CLOUDS else points
                points[:, :3] /= names.UNIT_MM
                path.parent.mkdir(parents=True, exist_ok=True)
                write_pcd(path, points, encoding)


def _add_colours(segments: Any) -> Any:
    """Return a labelled cloud with a colour for each id; what has none is black."""
    import numpy as np

    colours = [MASK_COLOURS.get(int(label), (0, 0, 0)) for label in segments[:, 3]]
    return np.column_stack([segments[:, :3], np.array(colours, segments.dtype).reshape(-1, 3)])


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _read_array(content: bytes) -> Any:
    from orqa_registry.readers.formats.arrays import from_npy

    return from_npy(content)


def _ids_as_text(entries: Any) -> list[dict[str, Any]]:
    return [{**entry, "unique_id": str(entry["unique_id"])} for entry in entries]


def _add_artefacts(mask: bytes) -> bytes:
    """Return a mask with artefacts, and a speck of a class that it lacks, on its background."""
    import numpy as np
    from PIL import Image

    from orqa_registry.readers.formats.images import read_mask

    ids = read_mask(mask).copy()
    rows, columns = np.nonzero(ids == 0)
    absent_labels = [label for label in MASK_LABELS if label not in ids]
    if absent_labels and len(rows) >= SPECK_PIXELS + 2 * 12:
        ids[rows[:SPECK_PIXELS], columns[:SPECK_PIXELS]] = absent_labels[0]
        for index, artefact in enumerate(ARTEFACT_IDS):
            pixels = slice(SPECK_PIXELS + 12 * index, SPECK_PIXELS + 12 * (index + 1))
            ids[rows[pixels], columns[pixels]] = artefact
    buffer = io.BytesIO()
    Image.fromarray(ids).save(buffer, "PNG")
    return buffer.getvalue()


def _format_subtitles(transcripts: Mapping[str, str]) -> str:
    """Return subtitles from transcripts: each as if it had been said in the second before. Lines end as on Windows."""
    blocks = []
    for number, (second, text) in enumerate(transcripts.items(), 1):
        if text.strip():
            times = " --> ".join(f"{_format_time(max(0, bound))},000" for bound in (int(second) - 1, int(second)))
            blocks.append("\r\n".join((str(number), times, " ".join(text.split()), "")))
    return "\r\n".join(blocks)


def _format_time(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
