"""The data of a run, made once: loose files, our shards of them, and the copies of the other loaders."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import frozen
from loaders import ours, pictures
from loaders.peers import Samples
from loaders.pictures import VIEWS
from PIL import Image

from orqa_shards.write.transcode import Transcoder

SETS = {
    "q90": "pre-resized, quality 90, 4:2:0: the JPEGs of streaming.md",
    "q95": "pre-resized, quality 95, 4:4:4: what our writer stores by default",
    "full": "full size, the original bytes",
}


@frozen
class Data:
    """A folder with everything, of so many timepoints; what is not there yet is made when asked for."""

    folder: Path
    timepoints: int

    @property
    def loose(self) -> Path:
        """Full-size files, one folder a timepoint."""
        return self.made("loose", lambda out: pictures.make(out, self.timepoints))

    def shards(self, name: str) -> Path:
        """Our shards of one of `SETS`."""
        if name == "q90":
            small = self.made("loose-q90", self._resize)
            return self.made("ours-q90", lambda out: ours.write(small, out, Transcoder(pixels=None)))
        recoder = Transcoder(pixels=None) if name == "full" else Transcoder(ours.PIXELS, 95)
        return self.made(f"ours-{name}", lambda out: ours.write(self.loose, out, recoder))

    def copy(self, peer: Any, name: str) -> Path:
        """Return the copy of a peer: the bytes that our shards hold."""

        def make(out: Path) -> None:
            out.mkdir()
            peer.write(self.samples(name), out)

        return self.made(f"{peer.distribution}-{name}", make)

    def samples(self, name: str) -> Samples:
        """Return what our shards hold, in memory."""
        return _load_members(self.shards(name))

    def made(self, name: str, make: Callable[[Path], Any]) -> Path:
        """Return a folder, made where it is not there, whole or not at all."""
        finished = self.folder / f"{name}-{self.timepoints}"
        if not finished.exists():
            partial = finished.with_name(f"{finished.name}.partial")
            print(f"making {finished}", flush=True)
            shutil.rmtree(partial, ignore_errors=True)
            make(partial)
            partial.rename(finished)
        return finished

    def _resize(self, out: Path) -> None:
        for timepoint_folder in sorted(self.loose.iterdir()):
            (out / timepoint_folder.name).mkdir(parents=True)
            for view in VIEWS:
                (out / timepoint_folder.name / f"{view}.jpg").write_bytes(
                    _shrink((timepoint_folder / f"{view}.jpg").read_bytes())
                )


@lru_cache(maxsize=3)
def _load_members(folder: Path) -> Samples:
    return ours.members(folder)


def _shrink(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        scale = (ours.PIXELS / (image.width * image.height)) ** 0.5
        small = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
