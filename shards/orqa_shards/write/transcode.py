"""What is stored of each medium: views within a budget of pixels, compact clouds, sounds as FLAC; all known whole."""

from __future__ import annotations

import io
import math
from importlib import metadata
from typing import Any

import numpy as np
import simplejpeg
from attrs import frozen
from PIL import Image, features

from orqa_registry import CallError, OrqaError
from orqa_registry.data.records import is_view
from orqa_registry.optional_imports import import_optional
from orqa_registry.prompts.views import DEFAULT_PIXELS, PIXELS_BY_ROLE, view_role
from orqa_registry.readers.formats import arrays, clouds
from orqa_registry.readers.formats.bounded_file import MAX_FILE_BYTES, DamageError, DamageGuard
from orqa_shards.read.image_decoder import Pixels, decode_image, read_image_header

CLOUD_MEDIA = frozenset({"points.npy", "segments.npy"})
EMBEDDING_MEDIA = frozenset({"clap.npy"})
AUDIO_SUFFIXES = frozenset({"wav", "mp3", "flac"})

FLAC_SUBTYPES = {"PCM_U8": "PCM_S8", "PCM_16": "PCM_16", "PCM_24": "PCM_24"}
"""Samples of a WAV that FLAC holds without loss -> how it names them."""


@frozen
class StoredMedium:
    """A medium as it is stored. size: (width, height) of the original where a picture was scaled down, else None."""

    name: str
    data: bytes
    size: tuple[int, int] | None = None


@frozen
class Transcoder:
    """Turns a medium into what is stored of it; the same bytes and libraries give the same bytes.

    pixels: width times height that a view keeps; one whose role has a larger budget (training.md 3) keeps that. None
    keeps every view as it is. quality: 1 to 100, of the JPEGs that are made; their colours are not subsampled.
    """

    pixels: int | None = DEFAULT_PIXELS
    quality: int = 95

    def __attrs_post_init__(self) -> None:
        if self.pixels is not None and self.pixels < 1:
            raise CallError(f"a view of {self.pixels} pixels: expected at least 1, or full")
        if not 1 <= self.quality <= 100:
            raise CallError(f"a JPEG of quality {self.quality}: expected 1 to 100")

    def __call__(self, name: str, data: bytes) -> StoredMedium:
        """Return what is stored of a medium, under its name, or `.flac` for `.wav`.

        Views within their budget, and what is no picture, cloud or sound, stay byte for byte.
        Raises OrqaError that begins with the name: it is empty or damaged. Raises MissingLibraryError for a sound.
        """
        if not data:
            raise OrqaError(f"{name}: the file is empty; copy it again")
        stem, _, suffix = name.rpartition(".")
        if is_view(name):
            return self._recode_view(name, data)
        if suffix in AUDIO_SUFFIXES:
            return _recode_sound(name, stem, data)
        if name in CLOUD_MEDIA:
            return StoredMedium(name, clouds.compact_cloud(data, name))
        if name in EMBEDDING_MEDIA:
            arrays.from_npy(data, name)
        return StoredMedium(name, data)

    def budget(self, view: str) -> int | None:
        """Return the pixels that a view keeps, None for all: never fewer than a prompt shows of its role."""
        return None if self.pixels is None else max(self.pixels, PIXELS_BY_ROLE.get(view_role(view), 0))

    def parameters(self) -> dict[str, Any]:
        """Return what decides the bytes, for the manifest: budget, quality and the versions of the libraries."""
        versions = {name: metadata.version(name) for name in ("numpy", "pillow", "simplejpeg", "zstandard")}
        versions["zlib of pillow"] = str(features.version("zlib_ng") or features.version("zlib"))
        try:
            import soundfile

            versions |= {"soundfile": soundfile.__version__, "libsndfile": soundfile.__libsndfile_version__}
        except ModuleNotFoundError:  # then there are no sounds either
            pass
        return {"pixels": self.pixels or "full", "quality": self.quality, "libraries": versions}

    def _recode_view(self, name: str, data: bytes) -> StoredMedium:
        stem, _, suffix = name.rpartition(".")
        image_header, budget = read_image_header(data, name), self.budget(stem)
        if budget is None or math.prod(image_header.size) <= budget:
            decode_image(data, 1, where=name, strict=True)  # as small as a JPEG can be, only to know that it is whole
            return StoredMedium(name, data)
        pixels = decode_image(data, budget, where=name, strict=True, fine=True)
        if image_header.grey:
            pixels = np.ascontiguousarray(pixels[..., :1])
        return StoredMedium(
            name, _encode_png(pixels) if suffix == "png" else self._encode_jpeg(pixels), image_header.size
        )

    def _encode_jpeg(self, pixels: Pixels) -> bytes:
        formats = ("GRAY", "Gray") if pixels.shape[2] == 1 else ("RGB", "444")
        return bytes(simplejpeg.encode_jpeg(pixels, self.quality, *formats))


def _encode_png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _recode_sound(name: str, stem: str, data: bytes) -> StoredMedium:
    """Return a WAV of whole numbers as FLAC; any other sound as it is, once its header could be read."""
    soundfile = import_optional("soundfile", f"{name}, a sound,", "soundfile")
    with DamageGuard(name, "a WAV, MP3 or FLAC: copy it again"):
        if len(data) > MAX_FILE_BYTES:
            raise DamageError(f"{len(data)} bytes, more than {MAX_FILE_BYTES}")
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as sound_file:
                if (
                    sound_file.format not in {"WAV", "WAVEX"}
                    or sound_file.subtype not in FLAC_SUBTYPES
                    or not sound_file.frames
                ):
                    return StoredMedium(name, data)
                samples = sound_file.read(dtype="int32", always_2d=True)
                rate, depth = sound_file.samplerate, FLAC_SUBTYPES[sound_file.subtype]
        except soundfile.LibsndfileError as error:
            raise DamageError(error.error_string) from error
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, samples, rate, depth, format="FLAC")
    except soundfile.LibsndfileError:  # of more channels, or at a rate, than FLAC has
        return StoredMedium(name, data)
    return StoredMedium(f"{stem}.flac", buffer.getvalue())
