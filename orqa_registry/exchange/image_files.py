"""The images of a question set: where they lie, or beside the set."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from attrs import define, field

from orqa_registry.data.records import Timepoint, is_view, quote_key_part
from orqa_registry.errors import DataWarning, OrqaError, describe_error
from orqa_registry.readers.io import atomic_write

IMAGE_FOLDER = "images"

IMAGE_MODES = ("path", "copy", "link")
"""path: files stay where they are and are named in full. copy, link: they are put beside the set, copied or linked."""


@define
class ImageFiles:
    """Names the images of timepoints for a set that is written to `folder`.

    What lies beside the set is named from there, `images/DATASET/TAKE/FRAME/room1.jpg`; so is what is no file of its
    own, whatever `how`. An image that cannot be had is warned of and left out; `missing` counts them.
    """

    folder: Path
    how: Literal["path", "copy", "link"] = "path"
    missing: int = 0
    _resolved: dict[tuple[str, str], str | None] = field(factory=dict, init=False)

    def of(self, timepoint: Timepoint, view: str | None) -> list[str]:
        """Return the image of one view, or those of all views in the order of the dataset where `view` is None."""
        names = [name for name in timepoint.media if is_view(name) and view in (None, name.rpartition(".")[0])]
        resolved = (self._resolve_name(timepoint, name) for name in names)
        return [name for name in resolved if name is not None]

    def files(self, timepoint: Timepoint, view: str | None) -> Iterator[Path]:
        """Yield the files of the same images where they are files: they may be anywhere, and need not be there."""
        for name, medium in timepoint.media.items():
            if is_view(name) and view in (None, name.rpartition(".")[0]) and isinstance(medium, Path):
                yield medium

    def _resolve_name(self, timepoint: Timepoint, name: str) -> str | None:
        key = (timepoint.key, name)
        if key not in self._resolved:
            try:
                self._resolved[key] = self._place_image(timepoint, name)
            except (OSError, OrqaError) as error:
                self.missing += 1
                self._resolved[key] = None
                warnings.warn(
                    f"{timepoint.key}: {name} was left out: {describe_error(error)}", DataWarning, stacklevel=2
                )
        return self._resolved[key]

    def _place_image(self, timepoint: Timepoint, name: str) -> str:
        medium = timepoint.media[name]
        if isinstance(medium, Path):
            medium.stat()
            if self.how == "path":
                return os.path.abspath(medium)
        stem, _, suffix = name.rpartition(".")
        relative = Path(IMAGE_FOLDER, timepoint.key, f"{quote_key_part(stem)}.{suffix}")
        target = self.folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(medium, Path):
            _write(target, timepoint.read(name))
        elif self.how == "link":
            _link(target, Path(os.path.abspath(medium)))
        elif not _is_same_size(target, medium):
            with atomic_write(target) as partial:
                shutil.copyfile(medium, partial)
        return relative.as_posix()


def _write(target: Path, content: bytes) -> None:
    if not (target.is_file() and target.read_bytes() == content):
        with atomic_write(target) as partial:
            partial.write_bytes(content)


def _is_same_size(target: Path, source: Path) -> bool:
    return target.is_file() and not target.is_symlink() and target.stat().st_size == source.stat().st_size


def _link(target: Path, source: Path) -> None:
    if not (target.is_symlink() and target.readlink() == source):
        partial = target.with_name(f".{target.name}.partial")
        partial.unlink(missing_ok=True)
        partial.symlink_to(source)
        partial.replace(target)
