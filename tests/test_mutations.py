"""Folders that something happened to; the full run is benchmarks/mutations.py."""

import shutil

import pytest

pytest.importorskip("webdataset")

from mutating import chance_of, harm, prove
from small_room import written

from orqa_registry import Registry


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound") / "s"
    written(Registry.load(), folder, shard_bytes=12_000)
    return folder


@pytest.mark.parametrize("harms", [1, 3])
@pytest.mark.parametrize("seed", range(30))
def test_damage_is_named_costs_itself_and_is_mended(seed, harms, sound, tmp_path):
    folder = tmp_path / "harmed"
    shutil.copytree(sound, folder)
    chance = chance_of(seed)
    prove(folder, sound, [harm(folder, chance) for _ in range(harms)])
