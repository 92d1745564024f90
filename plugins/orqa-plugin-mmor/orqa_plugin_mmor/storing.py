"""Stores what sensors gave where MM-OR has it, in its formats; the writer's part that opens media."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orqa_plugin_mmor import names
from orqa_registry import Timepoint
from orqa_registry.vocabulary import MASK_COLOURS, MASK_LABELS

DETAIL_MEDIA = frozenset(place.medium for place in names.AS_THEY_ARE if place.numbered == names.DETAIL)
"""Media that have their number from the stream of the detail cameras."""

ARTEFACTS = (14, 19)
"""Grey values that mean nothing."""
SPECK = 9
"""Pixels too few to count."""
STRANGER = {"unique_id": "8000123", "button_state": "0", "Translation": [0, 0, 0], "euler_rot": [0, 0, 0]}
"""What the tracker saw and nobody knows."""


class Store:
    """Takes the timepoints of one take in, in order, and stores their media; `close` stores what a take has once."""

    def __init__(self, root: Path, take: str) -> None:
        self._root, self._take = root, take
        self._sights: dict[int, Any] = {}
        self._said: dict[str, str] = {}
        self._camera_files: Mapping[str, Any] = {}
        self._masks: dict[str, int] = {}

    def add(self, point: Timepoint, numbers: Mapping[str, str | None]) -> None:
        """Store the media of a timepoint. numbers: what files are named by, its second and its images."""
        second = str(numbers[names.TIMESTAMP])
        for place in names.AS_THEY_ARE:
            number, path = numbers.get(place.numbered), self._path(place, numbers)
            if place.medium in point.media and number is not None and path is not None:
                content = point.read(place.medium)
                if place.medium.endswith(".mask.png"):
                    content = self._irregular(path, place, number, content)
                _put(path, content)
        self._store_small(point, numbers)
        self._store_clouds(point, numbers, "binary" if int(second) % 2 else "ascii")
        if "clap.npy" in point.media and (path := self._path(names.EMBEDDINGS, numbers)):
            from orqa_registry.formats.writing import write_pt

            values = _array(point.read("clap.npy"))
            if values.shape == (names.EMBEDDING,):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_pt(path, values)
        if "screen_text" in point.labels and (path := self._path(names.SCREEN_TEXTS, numbers)):
            _put(path, f"\"'{point.labels['screen_text']}'\"\n".encode())
        if "calibration.json" in point.media and not self._camera_files:
            self._camera_files = json.loads(point.read("calibration.json"))
        if "tracker.json" in point.media:
            self._sights[int(second)] = _as_text(json.loads(point.read("tracker.json"))["unique_id_dicts"])
        self._said[second] = point.read("speech.txt").decode() if "speech.txt" in point.media else ""

    def close(self) -> None:
        """Store what is one file a take: the tracker's log, transcripts with their subtitles, calibration."""
        if self._sights and self._take not in names.NO_TRACKER:
            # As long as the last second, and of seconds without a timepoint too: nothing is in sight then.
            log: list[Any] = [{"unique_id_dicts": []} for _ in range(1 + max(map(int, self._said)))]
            for known in map(int, self._said):
                log[known] = {"unique_id_dicts": self._sights[known]} if known in self._sights else None
            log[min(self._sights)]["unique_id_dicts"].append(STRANGER)
            _put(self._root / names.TRACKS / f"{self._take}.json", json.dumps(log).encode())
        if any(self._said.values()):
            for second, text in self._said.items():
                path = names.SPEECH.within(self._root, self._take) / names.SPEECH.file.format(second)
                _put(path, json.dumps({"text": text}, ensure_ascii=False).encode())
            _put(self._root / names.SUBTITLES / f"{self._take}.srt", _subtitles(self._said).encode())
        for view, camera in self._camera_files.items():
            if view in {f"room{number}" for number in names.ROOM_CAMERAS}:
                from orqa_registry.formats.azure import write_camera

                write_camera(self._root / names.FOLDERS[self._take] / f"camera0{view[len('room') :]}.json", camera)

    def _path(self, place: names.Place, numbers: Mapping[str, str | None]) -> Path | None:
        number = numbers.get(place.numbered)
        return None if number is None else place.within(self._root, self._take) / place.file.format(number)

    def _irregular(self, path: Path, place: names.Place, number: str, mask: bytes) -> bytes:
        """Return a mask, the first ones with what does not count; after the first one comes an interpolated one."""
        many = self._masks[place.medium] = self._masks.get(place.medium, 0) + 1
        if many == 1:
            following = Path(place.file.format(f"{int(number) + 1:06d}"))
            _put(path.with_name(f"{following.stem}_interpolated.png"), mask)
        return _spoilt(mask) if many <= 2 else mask

    def _store_small(self, point: Timepoint, numbers: Mapping[str, str | None]) -> None:
        masks = sorted(medium for medium in point.media if medium.startswith("lowres") and medium.endswith(".mask.png"))
        if not masks:
            return
        # What people and entities came from tells whether somebody drew these. A take without room images stores none.
        cameras = (views.values() for views in (names.ROOM_MASKS, names.DETAIL_MASKS))
        stored = ([one.medium in point.media and numbers.get(one.numbered) is not None for one in c] for c in cameras)
        covered = all(next((found for found in stored if any(found)), [False]))
        truth = "roles" in point.labels and "predicted" not in point.labels and not covered
        for medium in masks:
            name = f"{numbers[names.TIMESTAMP]}_{medium[len('lowres')]}_GT{truth}.png"
            _put(self._root / names.LOW_RES / self._take / name, _spoilt(point.read(medium)))

    def _store_clouds(self, point: Timepoint, numbers: Mapping[str, str | None], data: str) -> None:
        for place in (names.CLOUDS, names.LABELLED_CLOUDS):
            path = self._path(place, numbers)
            if place.medium in point.media and path is not None:
                from orqa_registry.formats.clouds import from_npy
                from orqa_registry.formats.writing import write_pcd

                points = from_npy(point.read(place.medium), f"{point.key}: {place.medium}")
                points = _coloured(points) if place is names.LABELLED_CLOUDS else points
                points[:, :3] /= names.UNIT
                path.parent.mkdir(parents=True, exist_ok=True)
                write_pcd(path, points, data)


def _coloured(segments: Any) -> Any:
    """Return a labelled cloud with a colour for each id; what has none is black."""
    import numpy as np

    colours = [MASK_COLOURS.get(int(one), (0, 0, 0)) for one in segments[:, 3]]
    return np.column_stack([segments[:, :3], np.array(colours, segments.dtype).reshape(-1, 3)])


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _array(content: bytes) -> Any:
    from orqa_registry.formats.arrays import from_npy

    return from_npy(content)


def _as_text(entries: Any) -> list[dict[str, Any]]:
    return [{**entry, "unique_id": str(entry["unique_id"])} for entry in entries]


def _spoilt(mask: bytes) -> bytes:
    """Return a mask with artefacts, and a speck of a class that it lacks, on its background."""
    import numpy as np
    from PIL import Image

    from orqa_registry.formats.images import read_mask

    ids = read_mask(mask).copy()
    rows, columns = np.nonzero(ids == 0)
    lacking = [label for label in MASK_LABELS if label not in ids]
    if lacking and len(rows) >= SPECK + 2 * 12:
        ids[rows[:SPECK], columns[:SPECK]] = lacking[0]
        for place, artefact in enumerate(ARTEFACTS):
            some = slice(SPECK + 12 * place, SPECK + 12 * (place + 1))
            ids[rows[some], columns[some]] = artefact
    out = io.BytesIO()
    Image.fromarray(ids).save(out, "PNG")
    return out.getvalue()


def _subtitles(said: Mapping[str, str]) -> str:
    """Return subtitles from transcripts: each as if it had been said in the second before. Lines end as on Windows."""
    blocks = []
    for number, (second, text) in enumerate(said.items(), 1):
        if text.strip():
            times = " --> ".join(f"{_clock(max(0, at))},000" for at in (int(second) - 1, int(second)))
            blocks.append("\r\n".join((str(number), times, " ".join(text.split()), "")))
    return "\r\n".join(blocks)


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
