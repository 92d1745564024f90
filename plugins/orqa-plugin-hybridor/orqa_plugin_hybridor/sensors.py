"""What sensors give of one timepoint, as the bytes of media by the names that these have in every dataset."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image

from orqa_plugin_hybridor.bodies import keypoints, objects, poses
from orqa_plugin_hybridor.clouds import POINTS, Cloud, cloud, thinned
from orqa_plugin_hybridor.filming import Picture
from orqa_plugin_hybridor.gaps import Gaps
from orqa_plugin_hybridor.recording import log
from orqa_plugin_hybridor.screen import draw_screen
from orqa_plugin_hybridor.solids import NAMES
from orqa_plugin_hybridor.sound import RATE, listen
from orqa_plugin_hybridor.speech import say
from orqa_plugin_hybridor.studio import Studio
from orqa_plugin_hybridor.tracking import track
from orqa_registry.draws import seeded

LOWRES = "lowres"
MASKED = ".mask.png"
DARKNESS = 0.11
"""How much of the light the dark tracker camera sees; the balls of tracking arrays throw its own light back."""

SIZE_OF_EMBEDDING, BANDS = 512, 64


class Sensors:
    """The sensors of a studio. masks: views that have one. gaps: what each timepoint has otherwise than the others."""

    def __init__(self, studio: Studio, calibrated: Sequence[bool], masks: Sequence[str], gaps: Sequence[Gaps]) -> None:
        self.studio, self._calibrated, self._masks = studio, calibrated, masks
        self._take_media: Mapping[str, Callable[[int], bytes]] = {
            "screen.jpg": self._screen_image,
            "points.npy": lambda index: _encode_npy(self._sample_cloud(index, self._room_views).coloured),
            "segments.npy": lambda index: _encode_npy(
                self._sample_cloud(index, self._room_views).labelled[gaps[index].segments * POINTS :]
            ),
            "audio.mp3": lambda index: _encode_sound(self._record_sound(index), "MP3"),
            "audio.flac": lambda index: _encode_sound(self._record_sound(index), "FLAC"),
            "clap.npy": lambda index: _encode_npy(embed(self._record_sound(index))),
            "speech.txt": lambda index: self.speech(index).encode(),
            "robot.json": lambda index: _encode_json(log(self.studio.situations[index])),
            "tracker.json": self._tracker_log,
            "poses.json": lambda index: _encode_json(poses(self.studio, index, nobody=gaps[index].poses)),
            "objects.json": lambda index: _encode_json(objects(self.studio)),
            "calibration.json": self._calibration,
        }
        self._view_media: Mapping[str, Callable[[str, int], bytes]] = {
            "jpg": lambda view, index: _encode_jpeg(self._colour_image(view, index, Image.Resampling.BILINEAR)),
            # With an alpha channel, as MVOR's; not smoothed, which would double its size.
            "png": lambda view, index: _encode_png(self._colour_image(view, index, Image.Resampling.NEAREST).convert("RGBA")),
            "mask.png": lambda view, index: _encode_png(self._upscaled(view, studio.picture(view, index).mask)),
            "depth.png": lambda view, index: _encode_png(self._upscaled(view, studio.picture(view, index).depth)),
            "keypoints.json": lambda view, index: _encode_json(keypoints(self.studio, view, index)),
        }

    @property
    def _room_views(self) -> list[str]:
        return [view for view in self.studio.cameras if view.startswith("room")]

    def gives(self, medium: str) -> bool:
        """Tell whether there is a sensor for a medium of this name."""
        if medium in {"points.npy", "segments.npy"}:
            return bool(self._room_views)
        if medium in self._take_media:
            return True
        view, _, kind = medium.partition(".")
        if view.startswith(LOWRES):
            return medium.endswith(MASKED) and bool(self._masks)
        return kind in self._view_media and (
            view in self.studio.cameras or (view in self.studio.views and "." not in kind)
        )

    def read(self, medium: str, place: int) -> bytes:
        """Return what a sensor gives at a timepoint. Raises KeyError where there is none."""
        if medium in self._take_media:
            return self._take_media[medium](place)
        view, _, kind = medium.partition(".")
        return self._view_media[kind](view, place)

    def small_mask(self, view: str, place: int) -> bytes:
        """Return the mask of a view in 32 x 32 cells."""
        return _encode_png(thinned(self._upscaled(view, self.studio.picture(view, place).mask)))

    def speech(self, place: int) -> str:
        """Return what was just said, "" where nobody spoke."""
        return say(self.studio.production.plot, self.studio.situations[place])

    def _upscaled(self, view: str, plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
        times = self.studio.lenses[view].times
        return plane if times == 1 else plane.repeat(times, axis=0).repeat(times, axis=1)

    def _colour_image(self, view: str, index: int, resampling: Image.Resampling) -> Image.Image:
        picture, resolution = self.studio.picture(view, index), self.studio.lenses[view]
        image = Image.fromarray(_darken(picture) if view == "trackercam" else picture.colour)
        if resolution.times == 1:
            return image
        return image.resize((resolution.size[0] * resolution.times, resolution.size[1] * resolution.times), resampling)

    def _screen_image(self, index: int) -> bytes:
        studio = self.studio
        resolution, situation = studio.lenses["screen"], studio.situations[index]
        picture = draw_screen(max(resolution.size), situation.phase, self._calibrated[index], situation.seconds)
        return _encode_jpeg(picture.resize((resolution.size[0] * resolution.times, resolution.size[1] * resolution.times)))

    def _sample_cloud(self, index: int, views: Sequence[str]) -> Cloud:
        studio = self.studio
        rng = np.random.default_rng(self._draw_seed("points", index))
        pictures = {view: studio.picture(view, index) for view in views}
        sampled = cloud(studio.cameras, pictures, views, rng)
        return Cloud(studio.in_world(sampled.points), sampled.colours, sampled.labels)

    def _draw_seed(self, purpose: str, index: int) -> int:
        plot = self.studio.production.plot
        return seeded(plot.seed, plot.name, purpose, index).getrandbits(63)

    def _record_sound(self, index: int) -> npt.NDArray[np.int16]:
        plot = self.studio.production.plot
        return listen(self.studio.situations[index], plot.seed, plot.name)

    def _tracker_log(self, index: int) -> bytes:
        production = self.studio.production
        arrays = track(production.room, self.studio.situations[index], production.seed, production.name)
        return _encode_json({"unique_id_dicts": [array.as_json() for array in arrays]})

    def _calibration(self, index: int) -> bytes:
        studio, to_room = self.studio, np.linalg.inv(self.studio.world)
        cameras = {view: camera.enlarged(studio.lenses[view].times).as_json() for view, camera in studio.cameras.items()}
        for view, camera in studio.cameras.items():
            cameras[view]["world_to_camera"] = (camera.pose @ to_room).tolist()
        return _encode_json(cameras)


def embed(sound: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return 512 numbers of unit norm that depend on a sound: loudness by pitch, mixed at random, always alike.

    They stand in for the embedding of an audio model: sounds that are alike have numbers that are, and no more.
    """
    power = np.abs(np.fft.rfft(sound / 32768.0)) ** 2
    edges = np.geomspace(1, len(power), BANDS + 1).astype(int)
    bands = [np.log1p(power[low : max(low + 1, high)].mean()) for low, high in pairwise(edges.tolist())]
    embedding = np.random.default_rng(SIZE_OF_EMBEDDING).standard_normal((SIZE_OF_EMBEDDING, BANDS)) @ np.array(bands)
    return np.asarray(embedding / max(float(np.linalg.norm(embedding)), 1e-12), dtype=np.float32)


def _darken(picture: Picture) -> npt.NDArray[np.uint8]:
    grey = DARKNESS * picture.colour.mean(axis=2)
    bright = (picture.names == NAMES.index("tracker")) & (picture.colour.mean(axis=2) > 110)
    grey[bright] = 235.0
    return np.repeat(grey[..., None].astype(np.uint8), 3, axis=2)


def _encode_jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _encode_png(image: Image.Image | npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _encode_npy(values: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _encode_sound(sound: npt.NDArray[np.int16], container: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, RATE, format=container)
    return buffer.getvalue()


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
