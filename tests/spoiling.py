"""Shard folders that are spoilt on purpose, checked and mended."""

import json

import pytest

pytest.importorskip("webdataset")

from mutating import inside

from orqa_shards.format.tar_index import TarIndex
from orqa_shards.storage.open import open_store
from orqa_shards.verify.repair import repair
from orqa_shards.verify.verify import verify

KEY = "A%2ERoom/one/001"


def checked(folder, **how):
    return verify(open_store(folder), 2, **how)


def problems(folder, **how):
    return [(one.file, one.key, one.remedy) for one in checked(folder, **how).problems]


def mended(folder, **how):
    """Repair a folder, see that it is whole then, and return what was done."""
    with inside(folder):
        done = repair(open_store(folder), checked(folder), **how)
        again = checked(folder)
    assert again.whole, again.problems
    return done


def member(folder, key=KEY, suffix="room1.jpg"):
    """Return the tar that holds a member, and the member."""
    for path in sorted(folder.glob("*.idx")):
        made = TarIndex.from_bytes(path.read_bytes(), path.name)
        if key in made.place:
            (one,) = (one for one in made.members(made.place[key]) if one.name == suffix)
            return path.with_suffix(".tar"), one
    raise KeyError(key)


def overwrite(path, offset, data):
    with path.open("r+b") as raw:
        raw.seek(offset)
        raw.write(data)


def spoil(folder, key=KEY, suffix="room1.jpg"):
    """Make a part of a member nothing, and return the name of its tar."""
    path, one = member(folder, key, suffix)
    overwrite(path, one.offset + 1, bytes(2))
    return path.name


def edit(folder, change):
    path = folder / "manifest.json"
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n")


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
