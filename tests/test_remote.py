"""Stores at URLs, against a real object store (moto) and a real HTTP server, both on the loopback interface."""

import multiprocessing
import os
import pickle
from itertools import count

import other_process
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError, MissingLibraryError, OrqaError
from orqa_shards.storage.open import open_store

pytest.importorskip("s3fs", reason="pip install s3fs")
pytest.importorskip("moto.server", reason="pip install 'moto[server]'")

from moto.server import ThreadedMotoServer
from ranged_server import BLOCK, CONTENT, blocks, opened, served

from orqa_shards.read.dataset import Shards
from orqa_shards.storage.block_cache import BlockCache
from orqa_shards.storage.remote import RemoteStore

NUMBERS = count()


@pytest.fixture
def http():
    with served() as server:
        yield server


@pytest.fixture(scope="module")
def s3():
    """Give a client of an object store, to which the environment points."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        patch.setenv("AWS_ACCESS_KEY_ID", "any")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import boto3

        yield boto3.client("s3")
    server.stop()


@pytest.fixture
def bucket(s3):
    name = f"bucket-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="shards/a.tar", Body=CONTENT)
    return name


def write(store, file, content):
    with store.scratch() as folder:
        (folder / "made").write_bytes(content)
        store.put(folder / "made", file)
        assert not (folder / "made").exists()


def test_spans_of_an_object_store_are_its_bytes(bucket, tmp_path):
    store = opened(f"s3://{bucket}/shards", tmp_path, limit=5 * BLOCK)

    @given(offset=st.integers(0, len(CONTENT)), size=st.integers(0, len(CONTENT)))
    def spans(offset, size):
        if offset + size <= len(CONTENT):
            assert store.span("a.tar", offset, size) == CONTENT[offset : offset + size]
        else:
            with pytest.raises(OrqaError, match="were expected, and it has 10000"):
                store.span("a.tar", offset, size)
        assert len(blocks(tmp_path)) <= 5

    store.span("a.tar", 0, 1)
    spans()


@pytest.mark.parametrize("protocol", ["s3", "memory"])
def test_what_is_written_is_listed_read_and_deleted(bucket, tmp_path, protocol):
    store = opened(f"{protocol}://{bucket}/new", tmp_path)
    assert store.names() == store.names(unfinished=True) == []
    assert store.size("b.tar") is None
    write(store, "b.tar", CONTENT)
    write(store, ".unfinished/b.json", b"{}")
    write(store, "empty.idx", b"")
    assert store.names() == ["b.tar", "empty.idx"]
    assert store.names(unfinished=True) == [".unfinished/b.json"]
    assert [store.size(file) for file in ("b.tar", ".unfinished/b.json", "empty.idx")] == [10_000, 2, 0]
    assert store.read("b.tar", 10_000) == CONTENT
    assert store.read("empty.idx", 0) == b""
    write(store, "b.tar", b"another")
    assert store.read("b.tar", 10_000) == b"another"
    with pytest.raises(OrqaError, match="7 bytes, more than the 6"):
        store.read("b.tar", 6)
    for file in store.names() + store.names(unfinished=True):
        store.delete(file)
        store.delete(file)
    assert store.names() == store.names(unfinished=True) == []


def test_an_upload_in_parts_is_whole_or_not_there(s3, bucket, tmp_path, monkeypatch):
    """A big file goes up in parts; where one of them fails, the old file stays."""
    import s3fs

    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda size, chunksize=None: 5 << 20)
    store = opened(f"s3://{bucket}/shards", tmp_path)
    write(store, "big.tar", bytes(11 << 20))
    assert store.size("big.tar") == 11 << 20
    sent = s3fs.S3FileSystem._call_s3
    parts = count()

    async def broken(self, method, *args, **kwargs):
        if method == "upload_part" and next(parts) == 1:
            raise ConnectionResetError("the cable was pulled")
        return await sent(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", broken)
    with store.scratch() as folder:
        (folder / "made").write_bytes(bytes(20 << 20))
        with pytest.raises(OrqaError, match=r"shards/big\.tar: ConnectionResetError: the cable was pulled"):
            store.put(folder / "made", "big.tar")
        assert (folder / "made").exists()
    assert store.size("big.tar") == 11 << 20
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_a_missing_bucket_is_named(s3, tmp_path):
    store = opened("s3://no-such-bucket/shards", tmp_path)
    assert store.size("a.tar") is None
    with pytest.raises(OrqaError, match=r"s3://no-such-bucket/shards/a\.tar: there is no such file"):
        store.span("a.tar", 0, 1)
    with pytest.raises(OrqaError, match=r"s3://no-such-bucket/shards/a\.tar: .*a bucket must be there"):
        write(store, "a.tar", CONTENT)
    with pytest.raises(CallError, match=r"nothing is there\. Make shards"):
        Shards.open(store)


def test_wrong_credentials_say_so(s3, bucket, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = RemoteStore(f"s3://{bucket}/shards", {"skip_instance_cache": True}, BlockCache(tmp_path, 0))
    with pytest.raises(OrqaError, match=r"shards/a\.tar: NoCredentialsError.*credentials of this machine"):
        store.size("a.tar")


def test_what_is_rewritten_is_seen_by_a_store_opened_later(s3, bucket, tmp_path):
    store = opened(f"s3://{bucket}/shards", tmp_path)
    assert store.span("a.tar", 0, 2_000) == CONTENT[:2_000]
    s3.put_object(Bucket=bucket, Key="shards/a.tar", Body=CONTENT[::-1])
    assert store.span("a.tar", 0, 2_000) == CONTENT[:2_000]
    later = opened(f"s3://{bucket}/shards", tmp_path)
    assert later.span("a.tar", 0, 2_000) == CONTENT[::-1][:2_000]
    assert store.forget("a.tar", 0, 2_000) is True
    assert store.span("a.tar", 0, 2_000) == CONTENT[::-1][:2_000]


def test_options_and_the_default_cache(s3, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("ORQA_CACHE", str(tmp_path / "chosen"))
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    store = open_store(f"s3://{bucket}/shards", options={"endpoint_url": endpoint})
    assert store.read("a.tar", 10_000) == CONTENT
    assert (tmp_path / "chosen").stat().st_mode & 0o777 == 0o700
    assert endpoint not in repr(store)
    assert open_store("s3://me:secret@bucket/x").name == "s3://me:***@bucket/x"


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("protocol", ["s3", "http"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_store_travels(bucket, http, tmp_path, start, protocol):
    store = opened(http.url if protocol == "http" else f"s3://{bucket}/shards", tmp_path)
    assert store.span("a.tar", 0, 10) == CONTENT[:10]
    args = (store, "a.tar", CONTENT, 1, 20)
    process = multiprocessing.get_context(start).Process(target=other_process.reads, args=args)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    fetched = len(http.asked)
    assert store.span("a.tar", 0, 10_000) == CONTENT
    assert len(http.asked) == fetched  # the other process has brought all of it
    http.files["b.tar"] = CONTENT
    write(opened(f"s3://{bucket}/shards", tmp_path), "b.tar", CONTENT)
    assert store.read("b.tar", 10_000) == CONTENT  # over the connections of this process, which still work
    assert pickle.loads(pickle.dumps(store)).read("b.tar", 10_000) == CONTENT


@pytest.mark.parametrize("protocol", ["s3", "http"])
def test_a_forked_child_leaves_its_parents_connections_alone(bucket, http, tmp_path, protocol):
    store = opened(http.url if protocol == "http" else f"s3://{bucket}/shards", tmp_path)
    process = multiprocessing.get_context("spawn").Process(
        target=other_process.read_around_a_fork, args=(store, "a.tar", CONTENT)
    )
    process.start()
    process.join(20)
    process.kill()  # where it hangs
    assert process.exitcode == 0


def test_http_is_read_only_and_cannot_list(http, tmp_path):
    store = opened(http.url, tmp_path)
    assert store.size("b.tar") is None
    with pytest.raises(OrqaError, match=r"b\.tar: there is no such file"):
        store.span("b.tar", 0, 1)
    with pytest.raises(OrqaError, match="cannot be listed by http"):
        store.names()
    for writing in (lambda: write(store, "b.tar", b"x"), lambda: store.delete("a.tar")):
        with pytest.raises(OrqaError, match="http can only be read"):
            writing()
    with pytest.raises(CallError, match="cannot be a file of a shard folder"):
        store.size("../b.tar")


def test_servers_that_fail_are_not_taken_for_missing_files(http, tmp_path):
    http.files["a.tar"] = 403
    with pytest.raises(OrqaError, match=r"a\.tar: .*403.*Check the address"):
        opened(http.url, tmp_path).size("a.tar")
    with pytest.raises(OrqaError, match=r"127\.0\.0\.1:1/a\.tar: .*Check the address"):
        opened("http://127.0.0.1:1", tmp_path).size("a.tar")


def test_a_server_without_ranges_is_named(http, tmp_path):
    http.ranges = False
    with pytest.raises(OrqaError, match="sends whole files where parts are asked for"):
        opened(http.url, tmp_path).span("a.tar", 0, 1)
    http.files["small.json"] = b"{}"
    assert opened(http.url, tmp_path).read("small.json", 9) == b"{}"


def test_a_file_that_shrinks_while_it_is_read_is_an_error(http, tmp_path):
    store = opened(http.url, tmp_path)
    store.span("a.tar", 0, 1)
    http.files["a.tar"] = CONTENT[:5_500]
    with pytest.raises(OrqaError, match=r"a\.tar: 500 bytes came where 1000 were asked for"):
        store.span("a.tar", 5_000, 1_000)


def test_an_unknown_protocol_and_a_missing_package_are_named():
    with pytest.raises(CallError, match="Protocol not known: nonsense"):
        open_store("nonsense://x")
    with pytest.raises(MissingLibraryError, match="gs://x needs pip install gcsfs"):
        open_store("gs://x")
