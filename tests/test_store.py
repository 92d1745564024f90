"""A folder of this machine as a store: positioned reads, and files that are there whole or not at all."""

import multiprocessing
import os
import pickle
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import other_process
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import MAX_OPEN_FILES

CONTENT = random.Random(0).randbytes(10_000)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "train-000000.tar").write_bytes(CONTENT)
    return open_store(tmp_path / "s")


def write(store, file, content):
    with store.scratch() as folder:
        (folder / "made").write_bytes(content)
        store.put(folder / "made", file)
        assert not (folder / "made").exists()


@given(offset=st.integers(0, len(CONTENT)), size=st.integers(0, len(CONTENT)))
def test_a_span_is_what_lies_there_or_an_error(tmp_path_factory, offset, size):
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.tar").write_bytes(CONTENT)
    store = open_store(folder)
    if offset + size <= len(CONTENT):
        assert store.span("a.tar", offset, size) == CONTENT[offset : offset + size]
    else:
        with pytest.raises(OrqaError, match=r"a\.tar: bytes \d+ to \d+ were expected, and it has 10000"):
            store.span("a.tar", offset, size)


@pytest.mark.parametrize(("offset", "size"), [(0, 1 << 60), (1 << 70, 1), (-1, 2), (5, -2), (0, 10_001)])
def test_a_hostile_span_costs_nothing(store, offset, size):
    with pytest.raises(OrqaError, match="were expected, and it has 10000"):
        store.span("train-000000.tar", offset, size)


def test_a_file_cut_while_it_is_open_is_an_error(store, tmp_path):
    assert store.span("train-000000.tar", 0, 4) == CONTENT[:4]
    os.truncate(tmp_path / "s" / "train-000000.tar", 100)
    with pytest.raises(OrqaError, match="cut short"):
        store.span("train-000000.tar", 50, 100)


def test_a_small_file_is_read_whole_and_bounded(store):
    assert store.read("train-000000.tar", 10_000) == CONTENT
    with pytest.raises(OrqaError, match="10000 bytes, more than the 9999"):
        store.read("train-000000.tar", 9_999)


def test_what_is_not_there(store, tmp_path):
    assert store.size("train-000000.tar") == 10_000
    assert store.size("b.tar") is None
    for reading in (lambda: store.read("b.tar", 9), lambda: store.span("b.tar", 0, 1)):
        with pytest.raises(OrqaError, match=r"s/b\.tar: there is no such file"):
            reading()
    nowhere = open_store(str(tmp_path / "nowhere"))
    assert nowhere.names() == nowhere.names(unfinished=True) == []
    assert nowhere.size("a.tar") is None


@pytest.mark.parametrize(
    "file",
    [
        *("", ".", "..", "/etc/passwd", "../a", "a/b", "a\\b", "x/.unfinished/a", "a" * 251, "a\0", "a\n"),
        *(".unfinished/../a", ".unfinished/", ".unfinished/..", "*.tar", "a?versionId=1", "a#b", "a%2Fb"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(store, tmp_path, file):
    for call in (store.size, store.delete, lambda f: store.read(f, 9), lambda f: store.put(tmp_path / "made", f)):
        with pytest.raises(CallError, match="cannot be a file of a shard folder"):
            call(file)


@given(st.text() | st.from_regex(r"(\.unfinished/)?[./\\a~ -]*", fullmatch=True))
def test_a_name_that_is_taken_stays_in_the_folder(tmp_path_factory, file):
    folder = tmp_path_factory.getbasetemp() / "nowhere"
    try:
        open_store(folder).size(file)
    except CallError:
        return
    assert Path(os.path.normpath(folder / file)).parent in {folder, folder / ".unfinished"}


def test_pipes_and_folders_are_no_files(store, tmp_path):
    os.mkfifo(tmp_path / "s" / "pipe.tar")
    (tmp_path / "s" / "folder.tar").mkdir()
    for file in ("pipe.tar", "folder.tar"):
        for reading in (store.size, lambda f: store.read(f, 9), lambda f: store.span(f, 0, 1)):
            with pytest.raises(OrqaError, match="no plain file"):
                reading(file)


def test_files_are_listed_and_deleted(store, tmp_path):
    write(store, ".unfinished/train-000000.json", b"{}")
    write(store, "b.idx", b"")
    (tmp_path / "s" / "folder").mkdir()
    assert store.names() == ["b.idx", "train-000000.tar"]
    assert store.names(unfinished=True) == [".unfinished/train-000000.json"]
    assert store.read(".unfinished/train-000000.json", 9) == b"{}"
    store.delete(".unfinished/train-000000.json")
    assert not (tmp_path / "s" / ".unfinished").exists()
    store.delete("b.idx")
    store.delete("b.idx")
    assert store.names() == ["train-000000.tar"]


def test_a_put_takes_the_place_of_the_old_file_at_once(store, tmp_path):
    reader = open_store(f"file://{tmp_path}/s")
    assert reader.span("train-000000.tar", 0, 4) == store.span("train-000000.tar", 0, 4) == CONTENT[:4]
    write(store, "train-000000.tar", b"new and short")
    assert store.span("train-000000.tar", 0, 13) == b"new and short"
    assert reader.span("train-000000.tar", 9_000, 4) == CONTENT[9_000:9_004]  # what it has open is still whole
    assert reader.read("train-000000.tar", 99) == b"new and short"
    assert open_store(tmp_path / "s").span("train-000000.tar", 0, 3) == b"new"


def test_a_put_that_fails_leaves_what_was_there(store, tmp_path):
    with pytest.raises(OrqaError, match=r"train-000000\.tar: No such file"):
        store.put(tmp_path / "never made", "train-000000.tar")
    assert store.read("train-000000.tar", 10_000) == CONTENT


def test_scratch_folders_are_private_and_go(store, tmp_path):
    with store.scratch() as one, store.scratch() as two:
        assert one != two
        (one / "left").write_bytes(b"x")
        assert one.stat().st_dev == (tmp_path / "s").stat().st_dev
        assert one.is_dir()
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["train-000000.tar"]


def test_killed_writers_leave_whole_files_and_no_litter(store, tmp_path):
    size = 200_000
    for delay in (0.0, 0.01, 0.023):
        writer = multiprocessing.get_context("fork").Process(
            target=other_process.put_for_ever, args=(store, "a.tar", size)
        )
        writer.start()
        while store.size("a.tar") is None:
            time.sleep(0.001)
        time.sleep(delay)
        writer.kill()
        writer.join()
        content = store.read("a.tar", size)
        assert content == content[:1] * size
    with store.scratch():
        pass
    left = {path.name for path in (tmp_path / "s").iterdir() if not path.name.startswith(".new-")}
    assert left == {"a.tar", "train-000000.tar"}


def test_many_files_and_threads_share_few_handles(tmp_path):
    files = 2 * MAX_OPEN_FILES
    for number in range(files):
        (tmp_path / f"{number}.tar").write_bytes(number.to_bytes(4, "big") * 100)
    store = open_store(tmp_path)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None

    def read(seed):
        draw = random.Random(seed)
        for number in draw.choices(range(files), k=1_000):
            assert store.span(f"{number}.tar", 4, 8) == number.to_bytes(4, "big") * 2

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) - before <= MAX_OPEN_FILES


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_store_travels(store, start):
    store.span("train-000000.tar", 0, 1)
    args = (store, "train-000000.tar", CONTENT, 1, 50)
    process = multiprocessing.get_context(start).Process(target=other_process.reads, args=args)
    process.start()
    process.join()
    assert process.exitcode == 0
    again = pickle.loads(pickle.dumps(store))
    assert again.name == store.name
    assert again.span("train-000000.tar", 7, 9) == CONTENT[7:16]


def test_nothing_is_cached_of_a_local_file(store):
    assert store.forget("train-000000.tar", 0, 10) is False


@pytest.mark.parametrize("below", ["", "inner"])
def test_a_file_where_a_folder_is_expected_is_a_wrong_call(tmp_path, below):
    (tmp_path / "st.html").write_text("hello")
    store = open_store(tmp_path / "st.html" / below)
    for use in (
        store.names,
        lambda: store.size("a.tar"),
        lambda: store.read("a.tar", 9),
        lambda: write(store, "a", b""),
    ):
        with pytest.raises(CallError, match="html is a file, and a folder was expected"):
            use()
