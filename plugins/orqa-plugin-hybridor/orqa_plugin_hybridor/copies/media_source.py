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

from orqa_plugin_hybridor.copies.camera_rig import CameraRig
from orqa_plugin_hybridor.copies.extents import encode_objects
from orqa_plugin_hybridor.copies.irregularities import Irregularities
from orqa_plugin_hybridor.copies.poses import encode_keypoints, encode_poses
from orqa_plugin_hybridor.geometry.solids import ENTITY_NAMES
from orqa_plugin_hybridor.labels.masks import downsample_mask
from orqa_plugin_hybridor.procedure.speech import draw_utterance
from orqa_plugin_hybridor.render.rendered_view import RenderedView
from orqa_plugin_hybridor.render.robot_screen import draw_screen
from orqa_plugin_hybridor.sensors.point_cloud import CLOUD_POINTS, PointCloud, sample_cloud
from orqa_plugin_hybridor.sensors.robot_log import build_robot_log
from orqa_plugin_hybridor.sensors.sound import SAMPLE_RATE, synthesise_sound
from orqa_plugin_hybridor.sensors.tracker import track_arrays
from orqa_registry import seeded_rng

LOWRES_PREFIX = "lowres"
MASK_SUFFIX = ".mask.png"
DARK_BRIGHTNESS = 0.11
"""How much of the light the dark tracker camera sees; the balls of tracking arrays throw its own light back."""

EMBEDDING_SIZE, EMBEDDING_BANDS = 512, 64


class MediaSource:
    """The media of a camera rig. masks: views that have one. irregularities: by timepoint."""

    def __init__(
        self, rig: CameraRig, calibrated: Sequence[bool], masks: Sequence[str], irregularities: Sequence[Irregularities]
    ) -> None:
        self.rig, self._calibrated, self._masks = rig, calibrated, masks
        self._take_media: Mapping[str, Callable[[int], bytes]] = {
            "screen.jpg": self._screen_image,
            "points.npy": lambda index: _encode_npy(self._sample_cloud(index, self._room_views).coloured),
            "segments.npy": lambda index: _encode_npy(
                self._sample_cloud(index, self._room_views).labelled[
                    irregularities[index].empty_segments * CLOUD_POINTS :
                ]
            ),
            "audio.mp3": lambda index: _encode_sound(self._record_sound(index), "MP3"),
            "audio.flac": lambda index: _encode_sound(self._record_sound(index), "FLAC"),
            "clap.npy": lambda index: _encode_npy(embed_sound(self._record_sound(index))),
            "speech.txt": lambda index: self.speech(index).encode(),
            "robot.json": lambda index: _encode_json(build_robot_log(self.rig.situations[index])),
            "tracker.json": self._tracker_log,
            "poses.json": lambda index: _encode_json(
                encode_poses(self.rig, index, nobody=irregularities[index].no_poses)
            ),
            "objects.json": lambda index: _encode_json(encode_objects(self.rig)),
            "calibration.json": self._calibration,
        }
        self._view_media: Mapping[str, Callable[[str, int], bytes]] = {
            "jpg": lambda view, index: _encode_jpeg(self._colour_image(view, index, Image.Resampling.BILINEAR)),
            # With an alpha channel, as MVOR's; not smoothed, which would double its size.
            "png": lambda view, index: _encode_png(
                self._colour_image(view, index, Image.Resampling.NEAREST).convert("RGBA")
            ),
            "mask.png": lambda view, index: _encode_png(self._upscaled(view, rig.render(view, index).mask)),
            "depth.png": lambda view, index: _encode_png(self._upscaled(view, rig.render(view, index).depth)),
            "keypoints.json": lambda view, index: _encode_json(encode_keypoints(self.rig, view, index)),
        }

    @property
    def _room_views(self) -> list[str]:
        return [view for view in self.rig.cameras if view.startswith("room")]

    def provides(self, medium: str) -> bool:
        """Tell whether there is a sensor for a medium of this name."""
        if medium in {"points.npy", "segments.npy"}:
            return bool(self._room_views)
        if medium in self._take_media:
            return True
        view, _, kind = medium.partition(".")
        if view.startswith(LOWRES_PREFIX):
            return medium.endswith(MASK_SUFFIX) and bool(self._masks)
        return kind in self._view_media and (view in self.rig.cameras or (view in self.rig.views and "." not in kind))

    def read(self, medium: str, index: int) -> bytes:
        """Return what a sensor gives at a timepoint. Raises KeyError where there is none."""
        if medium in self._take_media:
            return self._take_media[medium](index)
        view, _, kind = medium.partition(".")
        return self._view_media[kind](view, index)

    def small_mask(self, view: str, index: int) -> bytes:
        """Return the mask of a view in 32 x 32 cells."""
        return _encode_png(downsample_mask(self._upscaled(view, self.rig.render(view, index).mask)))

    def speech(self, index: int) -> str:
        """Return what was just said, "" where nobody spoke."""
        return draw_utterance(self.rig.take.simulation, self.rig.situations[index])

    def _upscaled(self, view: str, plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
        scale = self.rig.resolutions[view].scale
        return plane if scale == 1 else plane.repeat(scale, axis=0).repeat(scale, axis=1)

    def _colour_image(self, view: str, index: int, resampling: Image.Resampling) -> Image.Image:
        picture, resolution = self.rig.render(view, index), self.rig.resolutions[view]
        image = Image.fromarray(_darken(picture) if view == "trackercam" else picture.colour)
        if resolution.scale == 1:
            return image
        return image.resize((resolution.size[0] * resolution.scale, resolution.size[1] * resolution.scale), resampling)

    def _screen_image(self, index: int) -> bytes:
        rig = self.rig
        resolution, situation = rig.resolutions["screen"], rig.situations[index]
        picture = draw_screen(max(resolution.size), situation.phase, self._calibrated[index], situation.seconds)
        return _encode_jpeg(
            picture.resize((resolution.size[0] * resolution.scale, resolution.size[1] * resolution.scale))
        )

    def _sample_cloud(self, index: int, views: Sequence[str]) -> PointCloud:
        rig = self.rig
        rng = np.random.default_rng(self._draw_seed("points", index))
        pictures = {view: rig.render(view, index) for view in views}
        sampled = sample_cloud(rig.cameras, pictures, views, rng)
        return PointCloud(rig.room_to_world(sampled.points), sampled.colours, sampled.labels)

    def _draw_seed(self, purpose: str, index: int) -> int:
        simulation = self.rig.take.simulation
        return seeded_rng(simulation.seed, simulation.name, purpose, index).getrandbits(63)

    def _record_sound(self, index: int) -> npt.NDArray[np.int16]:
        simulation = self.rig.take.simulation
        return synthesise_sound(self.rig.situations[index], simulation.seed, simulation.name)

    def _tracker_log(self, index: int) -> bytes:
        take = self.rig.take
        arrays = track_arrays(take.room, self.rig.situations[index], take.seed, take.name)
        return _encode_json({"unique_id_dicts": [array.as_json() for array in arrays]})

    def _calibration(self, index: int) -> bytes:
        rig, to_room = self.rig, np.linalg.inv(self.rig.world)
        cameras = {view: camera.upscaled(rig.resolutions[view].scale).as_json() for view, camera in rig.cameras.items()}
        for view, camera in rig.cameras.items():
            cameras[view]["world_to_camera"] = (camera.pose @ to_room).tolist()
        return _encode_json(cameras)


def embed_sound(sound: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return 512 numbers of unit norm that depend on a sound: loudness by pitch, mixed at random, always alike.

    They stand in for the embedding of an audio model: sounds that are alike have numbers that are, and no more.
    """
    power = np.abs(np.fft.rfft(sound / 32768.0)) ** 2
    edges = np.geomspace(1, len(power), EMBEDDING_BANDS + 1).astype(int)
    bands = [np.log1p(power[low : max(low + 1, high)].mean()) for low, high in pairwise(edges.tolist())]
    embedding = np.random.default_rng(EMBEDDING_SIZE).standard_normal((EMBEDDING_SIZE, EMBEDDING_BANDS)) @ np.array(
        bands
    )
    return np.asarray(embedding / max(float(np.linalg.norm(embedding)), 1e-12), dtype=np.float32)


def _darken(picture: RenderedView) -> npt.NDArray[np.uint8]:
    grey = DARK_BRIGHTNESS * picture.colour.mean(axis=2)
    bright = (picture.entity_ids == ENTITY_NAMES.index("tracker")) & (picture.colour.mean(axis=2) > 110)
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
    soundfile.write(buffer, sound, SAMPLE_RATE, format=container)
    return buffer.getvalue()


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
