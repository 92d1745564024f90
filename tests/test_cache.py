"""Blocks of remote files on local disk: bounded, shared, and none the worse for whoever is killed."""

import multiprocessing
import os
import pickle
import random
import time
from concurrent.futures import ThreadPoolExecutor

import other_process
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import OrqaError

pytest.importorskip("aiohttp", reason="pip install aiohttp requests")

from ranged_server import BLOCK, CONTENT, blocks, opened, served

from orqa_shards.storage.block_cache import CHECKSUM_SPAN, BlockCache


@pytest.fixture
def http():
    with served() as server:
        yield server


def test_a_block_is_fetched_once_for_all_threads(http, tmp_path):
    store = opened(http.url, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        spans = list(pool.map(lambda _: store.span("a.tar", 500, 1_000), range(32)))
    assert spans == [CONTENT[500:1_500]] * 32
    assert len(http.asked) == 2
    assert opened(http.url, tmp_path).span("a.tar", 999, 2) == CONTENT[999:1_001]
    assert len(http.asked) == 2


def test_three_processes_keep_the_bound(http, tmp_path):
    limit = 4 * BLOCK
    store = opened(http.url, tmp_path, limit)
    store.size("a.tar")
    spawn = multiprocessing.get_context("spawn")
    readers = [spawn.Process(target=other_process.reads, args=(store, "a.tar", CONTENT, seed, 25)) for seed in range(3)]
    for reader in readers:
        reader.start()
    largest = 0
    while any(reader.is_alive() for reader in readers):
        if (tmp_path / "cache").exists():
            found = 0
            for path in (tmp_path / "cache").iterdir():
                if ".lock" not in path.name and path.name != "total" and path.exists():
                    found += 1
            largest = max(largest, found)
        time.sleep(0.001)
    assert [reader.exitcode for reader in readers] == [0, 0, 0]
    assert 3 <= largest <= 4 + 2  # of which two may have gone and come while they were listed
    assert len(blocks(tmp_path)) <= 4


def test_a_reader_killed_while_it_fetches_holds_up_nobody(http, tmp_path):
    http.gate.clear()
    args = (http.url, str(tmp_path / "cache"), 5 * BLOCK, BLOCK, "a.tar")
    reader = multiprocessing.get_context("spawn").Process(target=other_process.fetch_for_ever, args=args)
    reader.start()
    while not http.asked:
        time.sleep(0.005)
    reader.kill()
    reader.join()
    http.gate.set()
    started = time.monotonic()
    assert opened(http.url, tmp_path).span("a.tar", 0, 10_000) == CONTENT
    assert time.monotonic() - started < 10


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_readers_killed_at_any_moment_leave_a_cache_that_works(http, tmp_path):
    store = opened(http.url, tmp_path, limit=5 * BLOCK)
    args = (http.url, str(tmp_path / "cache"), 5 * BLOCK, BLOCK, "a.tar")
    for delay in (0.0, 0.011, 0.017, 0.023):
        asked = len(http.asked)
        reader = multiprocessing.get_context("fork").Process(target=other_process.fetch_for_ever, args=args)
        reader.start()
        while len(http.asked) < asked + 6:
            time.sleep(0.001)
        time.sleep(delay)
        reader.kill()
        reader.join()
        assert store.span("a.tar", 0, 10_000) == CONTENT
        assert len(blocks(tmp_path)) <= 5
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_what_a_killed_process_left_is_cleared_and_nothing_else(http, tmp_path):
    store = opened(http.url, tmp_path, limit=3 * BLOCK)
    store.span("a.tar", 0, 1)
    (block,) = blocks(tmp_path)
    block.with_name(f"{'0' * 32}-7.partial").write_bytes(b"half")
    (tmp_path / "cache" / "thesis.txt").write_text("years of work")
    assert store.span("a.tar", 0, 10_000) == CONTENT
    names = {path.name for path in (tmp_path / "cache").iterdir() if path not in blocks(tmp_path)}
    assert {name for name in names if not name.endswith(".lock")} == {"thesis.txt", "total"}


@pytest.mark.parametrize("length", [0, 17, BLOCK + 1])
def test_a_block_of_another_length_is_fetched_anew(http, tmp_path, length):
    store = opened(http.url, tmp_path)
    store.span("a.tar", 0, 10_000)
    for block in blocks(tmp_path):
        os.truncate(block, length)
    assert store.span("a.tar", 0, 10_000) == CONTENT
    assert len(http.asked) == 20


@pytest.mark.parametrize("total", ["", "nonsense", "-5", "0", "999999999"])
def test_a_wrong_total_costs_a_look_at_the_folder(http, tmp_path, total):
    store = opened(http.url, tmp_path, limit=20 * BLOCK)
    store.span("a.tar", 0, 2_000)
    (tmp_path / "cache" / "total").write_text(total)
    assert store.span("a.tar", 0, 10_000) == CONTENT
    assert len(blocks(tmp_path)) == 10


@pytest.mark.parametrize("place", [0, 700, BLOCK - 1, BLOCK])
def test_a_block_that_is_damaged_in_the_cache_is_fetched_anew(http, tmp_path, place):
    store = opened(http.url, tmp_path)
    store.span("a.tar", 0, 3_000)
    data = bytearray(blocks(tmp_path)[1].read_bytes())
    data[place] ^= 1
    blocks(tmp_path)[1].write_bytes(data)
    assert store.span("a.tar", 1_000, 1_000) == CONTENT[1_000:2_000]
    assert len(http.asked) == 4
    assert store.span("a.tar", 0, 3_000) == CONTENT[:3_000]
    assert len(http.asked) == 4


@given(length=st.integers(1, 3 * CHECKSUM_SPAN), data=st.data())
def test_damage_is_seen_in_the_piece_that_it_hits_alone(tmp_path_factory, length, data):
    cache = BlockCache(tmp_path_factory.mktemp("cache"), 1 << 30)
    content = random.Random(length).randbytes(length)
    fetched = []

    def span(offset, size):
        return cache.span("0" * 32, length, offset, size, lambda start, stop: fetched.append(1) or content[start:stop])

    assert span(0, length) == content
    path = cache.folder / f"{'0' * 32}-0"
    place = data.draw(st.integers(0, length - 1))
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 4
    path.write_bytes(damaged)
    offset = data.draw(st.integers(0, length - 1))
    size = data.draw(st.integers(1, length - offset))
    assert span(offset, size) == content[offset : offset + size]
    hit = offset // CHECKSUM_SPAN <= place // CHECKSUM_SPAN <= (offset + size - 1) // CHECKSUM_SPAN
    assert len(fetched) == 1 + hit


def test_a_block_that_came_with_other_bytes_is_forgotten_on_request(tmp_path):
    cache = BlockCache(tmp_path, 1 << 30, BLOCK)

    def span(source):
        return cache.span("0" * 32, len(source), 0, 3_000, lambda start, stop: source[start:stop])

    assert span(bytes(10_000)) == span(CONTENT) == bytes(3_000)
    cache.forget("0" * 32, 1_500, 10)
    assert span(CONTENT) == bytes(1_000) + CONTENT[1_000:2_000] + bytes(1_000)


def test_a_fresh_store_reads_past_the_cache_and_leaves_it_alone(http, tmp_path):
    store = opened(http.url, tmp_path)
    store.span("a.tar", 0, 3_000)
    kept = {path: path.read_bytes() for path in blocks(tmp_path)}
    fresh = pickle.loads(pickle.dumps(store.uncached()))
    for _ in range(2):
        assert fresh.span("a.tar", 500, 5_000) == CONTENT[500:5_500]
    assert (fresh.span("a.tar", 10_000, 0), fresh.read("a.tar", 10_000)) == (b"", CONTENT)
    assert len(http.asked) == 3 + 3
    assert {path: path.read_bytes() for path in blocks(tmp_path)} == kept


def test_what_was_used_longest_ago_is_evicted(http, tmp_path):
    store = opened(http.url, tmp_path, limit=4 * BLOCK)
    store.span("a.tar", 0, 3_000)
    kept = blocks(tmp_path)
    for age, block in zip((300, 200, 100), kept, strict=True):
        os.utime(block, (time.time() - age, time.time() - age))
    store.span("a.tar", 0, 1)  # which marks the oldest as used
    store.span("a.tar", 3_000, 2_000)
    assert [block.exists() for block in kept] == [True, False, True]


def test_a_block_larger_than_the_bound_is_not_kept(http, tmp_path):
    store = opened(http.url, tmp_path, limit=BLOCK - 1)
    assert store.span("a.tar", 0, 10_000) == CONTENT
    assert blocks(tmp_path) == []


def test_a_full_disk_is_said_and_costs_speed_alone(http, tmp_path):
    store = opened(http.url, tmp_path)
    store.span("a.tar", 0, 1)
    (tmp_path / "cache" / "total").unlink()
    (tmp_path / "cache" / "total").mkdir()  # what cannot be written, also by root
    with pytest.warns(RuntimeWarning, match=r"cannot be used: .* Name another folder in ORQA_CACHE"):
        assert store.span("a.tar", 5_000, 100) == CONTENT[5_000:5_100]


def test_a_cache_that_is_no_folder_is_an_error(http, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(OrqaError, match=r"cache cannot be used: .* Name another folder in ORQA_CACHE"):
        opened(http.url, tmp_path).span("a.tar", 0, 1)


def test_without_a_mark_of_the_content_no_store_trusts_another(http, tmp_path):
    http.tags = False
    assert opened(http.url, tmp_path).span("a.tar", 0, 10_000) == CONTENT
    http.files["a.tar"] = CONTENT[::-1]
    assert opened(http.url, tmp_path).span("a.tar", 0, 10_000) == CONTENT[::-1]
