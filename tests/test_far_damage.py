"""Damage in the local cache of a folder at a URL: it costs neither the folder nor its reader anything."""

import pytest

pytest.importorskip("fsspec")
pytest.importorskip("webdataset")

import fsspec
from mutating import contents
from small_tar import SAMPLES
from small_tar import written as tar_of

from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.block_cache import BLOCK_NAME, CHECKSUM_BYTES, CHECKSUM_SPAN, block_checksums
from orqa_shards.storage.open import open_store
from orqa_shards.verify.repair import repair
from orqa_shards.verify.verify import verify

STARTS = {"tar": b"A%2ERoom", "labels": b"\x28\xb5\x2f\xfd", "index": b"ORQAIDX1"}


@pytest.fixture
def far(written_once, tmp_path, monkeypatch):
    """Give the URL of a whole folder of which all is in the cache."""
    monkeypatch.setenv("ORQA_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.put(f"{written_once}/", "/damaged_cache/", recursive=True)
    contents("memory://damaged_cache")
    yield "memory://damaged_cache"
    system.rm("/damaged_cache", recursive=True)


def harm(tmp_path, start):
    """Flip bits of all blocks that begin so, and let their checksums fit, as if they had come so."""
    harmed = 0
    for path in (tmp_path / "cache").iterdir():
        data = path.read_bytes()
        if BLOCK_NAME.fullmatch(path.name) and data.startswith(start):
            content = bytearray(data[: len(data) - CHECKSUM_BYTES * -(-len(data) // (CHECKSUM_SPAN + CHECKSUM_BYTES))])
            content[30:-30:97] = bytes(byte ^ 255 for byte in content[30:-30:97])
            path.write_bytes(content + block_checksums(content))
            harmed += 1
    assert harmed


@pytest.mark.parametrize("kind", STARTS)
def test_what_was_damaged_in_the_cache_is_fetched_again(far, written_once, tmp_path, kind):
    harm(tmp_path, STARTS[kind])
    assert contents(far) == contents(written_once)


def test_the_folder_is_whole_whatever_the_cache_holds(far, tmp_path):
    for start in STARTS.values():
        harm(tmp_path, start)
    report = verify(open_store(far), 2, decode=True)
    assert report.whole, report.problems


def test_a_repair_drops_nothing_for_damage_in_the_cache(far, tmp_path):
    """What is wrong is a lost index; all else is sound where it lies."""
    system = fsspec.filesystem("memory")
    before = {name: system.cat(name) for name in system.ls("/damaged_cache", detail=False)}
    system.rm("/damaged_cache/train-000001.idx")
    report = verify(open_store(far), 2)
    for start in STARTS.values():
        harm(tmp_path, start)
    assert not repair(open_store(far), report).dropped
    after = {name: system.cat(name) for name in system.ls("/damaged_cache", detail=False)}
    changed = {name.rpartition("/")[2] for name in before if after[name] != before[name]}
    assert changed == {"manifest.json"}  # which says who repaired


def test_the_index_of_somebody_elses_tar_is_of_what_lies_there(tmp_path, monkeypatch):
    monkeypatch.setenv("ORQA_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    data, _ = tar_of(SAMPLES)
    system.pipe("/foreign_cache/x.tar", data)
    store = open_store("memory://foreign_cache")
    store.span("x.tar", 0, len(data))
    harm(tmp_path, SAMPLES[0][0].encode())
    tar = Tar.open(store, "x.tar")
    assert not tar.damages
    assert [tar[number] for number in range(len(tar))] == [members for _, members in SAMPLES]
    system.rm("/foreign_cache", recursive=True)
