"""A shard folder at a URL: written to an object store, stopped and gone on with, streamed from it."""

import os

import pytest

pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
pytest.importorskip("moto.server", reason="moto, an object store for tests, is not installed")

from moto.server import ThreadedMotoServer
from small_room import written

from orqa_registry import OrqaError
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.stream import Stream
from orqa_shards.storage.open import open_store


@pytest.fixture(scope="module")
def bucket():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    there = {"endpoint_url": f"http://{host}:{port}", "key": "test", "secret": "test"}
    import s3fs

    files = s3fs.S3FileSystem(**there, skip_instance_cache=True)
    files.mkdir("rooms")
    yield there
    server.stop()


def test_what_is_written_far_away_is_what_is_written_here(registry, bucket, tmp_path):
    far = open_store("s3://rooms/shards", cache=tmp_path / "cache", options=bucket)
    with pytest.raises(OrqaError, match=r"s3://rooms/shards: there is no manifest\.json"):
        Shards.open(far)
    written(registry, far, shard_bytes=12_000)
    written(registry, tmp_path / "near", shard_bytes=12_000)
    assert far.names() == sorted(os.listdir(tmp_path / "near"))
    assert all(far.read(name, 1 << 20) == (tmp_path / "near" / name).read_bytes() for name in far.names())
    here, there = (Shards.open(one).split("train") for one in (tmp_path / "near", far))
    streams = [Stream.of(registry, split, epochs=2) for split in (here, there)]
    for near, distant in zip(*streams, strict=True):
        assert near.timepoint.key == distant.timepoint.key
        assert near.timepoint.read("room1.jpg") == distant.timepoint.read("room1.jpg")
        assert [asked.text for asked in near.asked] == [asked.text for asked in distant.asked]
