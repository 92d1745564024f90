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
        self._whole: Mapping[str, Callable[[int], bytes]] = {
            "screen.jpg": self._screen,
            "points.npy": lambda place: _npy(self._cloud(place, self._rooms).coloured),
            "segments.npy": lambda place: _npy(
                self._cloud(place, self._rooms).labelled[gaps[place].segments * POINTS :]
            ),
            "audio.mp3": lambda place: _encoded(self._sound(place), "MP3"),
            "audio.flac": lambda place: _encoded(self._sound(place), "FLAC"),
            "clap.npy": lambda place: _npy(embed(self._sound(place))),
            "speech.txt": lambda place: self.speech(place).encode(),
            "robot.json": lambda place: _json(log(self.studio.situations[place])),
            "tracker.json": self._tracker,
            "poses.json": lambda place: _json(poses(self.studio, place, nobody=gaps[place].poses)),
            "objects.json": lambda place: _json(objects(self.studio)),
            "calibration.json": self._calibration,
        }
        self._of_view: Mapping[str, Callable[[str, int], bytes]] = {
            "jpg": lambda view, place: _jpeg(self._colour(view, place, Image.Resampling.BILINEAR)),
            # With an alpha channel, as MVOR's; not smoothed, which would double its size.
            "png": lambda view, place: _png(self._colour(view, place, Image.Resampling.NEAREST).convert("RGBA")),
            "mask.png": lambda view, place: _png(self._enlarged(view, studio.picture(view, place).mask)),
            "depth.png": lambda view, place: _png(self._enlarged(view, studio.picture(view, place).depth)),
            "keypoints.json": lambda view, place: _json(keypoints(self.studio, view, place)),
        }

    @property
    def _rooms(self) -> list[str]:
        return [view for view in self.studio.cameras if view.startswith("room")]

    def gives(self, medium: str) -> bool:
        """Tell whether there is a sensor for a medium of this name."""
        if medium in {"points.npy", "segments.npy"}:
            return bool(self._rooms)
        if medium in self._whole:
            return True
        view, _, kind = medium.partition(".")
        if view.startswith(LOWRES):
            return medium.endswith(MASKED) and bool(self._masks)
        return kind in self._of_view and (
            view in self.studio.cameras or (view in self.studio.views and "." not in kind)
        )

    def read(self, medium: str, place: int) -> bytes:
        """Return what a sensor gives at a timepoint. Raises KeyError where there is none."""
        if medium in self._whole:
            return self._whole[medium](place)
        view, _, kind = medium.partition(".")
        return self._of_view[kind](view, place)

    def small_mask(self, view: str, place: int) -> bytes:
        """Return the mask of a view in 32 x 32 cells."""
        return _png(thinned(self._enlarged(view, self.studio.picture(view, place).mask)))

    def speech(self, place: int) -> str:
        """Return what was just said, "" where nobody spoke."""
        return say(self.studio.production.plot, self.studio.situations[place])

    def _enlarged(self, view: str, plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
        times = self.studio.lenses[view].times
        return plane if times == 1 else plane.repeat(times, axis=0).repeat(times, axis=1)

    def _colour(self, view: str, place: int, smooth: Image.Resampling) -> Image.Image:
        picture, lens = self.studio.picture(view, place), self.studio.lenses[view]
        image = Image.fromarray(_in_the_dark(picture) if view == "trackercam" else picture.colour)
        if lens.times == 1:
            return image
        return image.resize((lens.size[0] * lens.times, lens.size[1] * lens.times), smooth)

    def _screen(self, place: int) -> bytes:
        studio = self.studio
        lens, situation = studio.lenses["screen"], studio.situations[place]
        picture = draw_screen(max(lens.size), situation.phase, self._calibrated[place], situation.seconds)
        return _jpeg(picture.resize((lens.size[0] * lens.times, lens.size[1] * lens.times)))

    def _cloud(self, place: int, views: Sequence[str]) -> Cloud:
        studio = self.studio
        rng = np.random.default_rng(self._chance("points", place))
        pictures = {view: studio.picture(view, place) for view in views}
        found = cloud(studio.cameras, pictures, views, rng)
        return Cloud(studio.in_world(found.points), found.colours, found.labels)

    def _chance(self, what: str, place: int) -> int:
        plot = self.studio.production.plot
        return seeded(plot.seed, plot.name, what, place).getrandbits(63)

    def _sound(self, place: int) -> npt.NDArray[np.int16]:
        plot = self.studio.production.plot
        return listen(self.studio.situations[place], plot.seed, plot.name)

    def _tracker(self, place: int) -> bytes:
        production = self.studio.production
        found = track(production.room, self.studio.situations[place], production.seed, production.name)
        return _json({"unique_id_dicts": [one.as_json() for one in found]})

    def _calibration(self, place: int) -> bytes:
        studio, back = self.studio, np.linalg.inv(self.studio.world)
        found = {view: camera.enlarged(studio.lenses[view].times).as_json() for view, camera in studio.cameras.items()}
        for view, camera in studio.cameras.items():
            found[view]["world_to_camera"] = (camera.pose @ back).tolist()
        return _json(found)


def embed(sound: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return 512 numbers of unit norm that depend on a sound: loudness by pitch, mixed at random, always alike.

    They stand in for the embedding of an audio model: sounds that are alike have numbers that are, and no more.
    """
    loud = np.abs(np.fft.rfft(sound / 32768.0)) ** 2
    edges = np.geomspace(1, len(loud), BANDS + 1).astype(int)
    bands = [np.log1p(loud[low : max(low + 1, high)].mean()) for low, high in pairwise(edges.tolist())]
    mixed = np.random.default_rng(SIZE_OF_EMBEDDING).standard_normal((SIZE_OF_EMBEDDING, BANDS)) @ np.array(bands)
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), dtype=np.float32)


def _in_the_dark(picture: Picture) -> npt.NDArray[np.uint8]:
    grey = DARKNESS * picture.colour.mean(axis=2)
    bright = (picture.names == NAMES.index("tracker")) & (picture.colour.mean(axis=2) > 110)
    grey[bright] = 235.0
    return np.repeat(grey[..., None].astype(np.uint8), 3, axis=2)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def _png(image: Image.Image | npt.NDArray[Any]) -> bytes:
    out = io.BytesIO()
    whole = image if isinstance(image, Image.Image) else Image.fromarray(image)
    whole.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _npy(values: npt.NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    np.save(out, values, allow_pickle=False)
    return out.getvalue()


def _encoded(sound: npt.NDArray[np.int16], form: str) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, sound, RATE, format=form)
    return out.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
