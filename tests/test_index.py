"""The index beside a tar: every byte of it counts, and hostile ones are refused in little memory."""

import struct
import tracemalloc
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError
from orqa_shards.format.tar_index import INDEX_MAGIC, TarIndex
from orqa_shards.format.tar_writer import MAX_MEMBER_BYTES, TarMember, TarWriter
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store

NAME = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20)


def sealed(samples=1, members=1, tar_bytes=1000, firsts=(0, 1), rows=((0, 512, 3, 7),), names=b"txt\n\na"):
    """Return an index with a checksum that fits, whatever it says."""
    body = struct.pack("<8sIIIQ", INDEX_MAGIC, samples, members, len(names), tar_bytes)
    body += struct.pack(f"<{len(firsts)}I", *firsts) + b"".join(struct.pack("<HQQI", *row) for row in rows) + names
    return body + struct.pack("<I", crc32(body))


@given(
    samples=st.dictionaries(
        NAME, st.lists(st.tuples(NAME, st.integers(0, 9999)), min_size=1, max_size=5, unique_by=lambda one: one[0])
    )
)
def test_what_is_written_comes_back(samples):
    offset, rows = 0, []
    for key, members in samples.items():
        own = []
        for name, size in members:
            own.append(TarMember(name, offset + 512, size, size * 7))
            offset += 512 + size
        rows.append((key, own))
    made = TarIndex.of(rows, offset)
    again = TarIndex.from_bytes(made.to_bytes(), "x.idx")
    assert (again.keys, again.suffixes, again.tar_bytes, len(again)) == (
        list(samples),
        made.suffixes,
        offset,
        len(rows),
    )
    assert [(key, again.members(again.place[key])) for key in again.keys] == rows
    assert again.to_bytes() == made.to_bytes()


def test_every_byte_counts():
    data = TarIndex.of(
        [("a", [TarMember("json", 512, 5, 1), TarMember("jpg", 1536, 9, 2)]), ("b", [TarMember("jpg", 2560, 0, 0)])],
        4000,
    )
    sound = data.to_bytes()
    for place in range(len(sound)):
        with pytest.raises(OrqaError, match=r"x\.idx"):
            TarIndex.from_bytes(sound[:place] + bytes([sound[place] ^ 1 << place % 8]) + sound[place + 1 :], "x.idx")
        with pytest.raises(OrqaError, match=r"x\.idx"):
            TarIndex.from_bytes(sound[:place], "x.idx")
    with pytest.raises(OrqaError, match="whole index"):
        TarIndex.from_bytes(sound + b"\0", "x.idx")


def test_the_sealed_index_is_one():
    assert TarIndex.from_bytes(sealed(), "x").members(0) == [TarMember("txt", 512, 3, 7)]


HOSTILE = {
    "samples": {"samples": (1 << 32) - 1},
    "members": {"members": (1 << 32) - 1},
    "keys": {"names": b"txt\n\na\nb"},
    "same key": {
        "samples": 2,
        "members": 2,
        "firsts": (0, 1, 2),
        "rows": ((0, 0, 1, 0), (0, 9, 1, 0)),
        "names": b"t\n\na\na",
    },
    "no key": {"names": b"txt"},
    "first": {"firsts": (1, 1)},
    "last": {"firsts": (0, 0)},
    "backwards": {"samples": 2, "firsts": (0, 7, 1), "names": b"txt\n\na\nb"},
    "suffix": {"rows": ((1, 512, 3, 7),)},
    "behind the end": {"rows": ((0, 998, 3, 7),)},
    "far behind": {"rows": ((0, (1 << 64) - 1, 3, 7),)},
    "wraps around": {"rows": ((0, (1 << 64) - 2, 3, 7),)},
    "large": {"tar_bytes": 1 << 40, "rows": ((0, 0, MAX_MEMBER_BYTES + 1, 7),)},
    "in one another": {"members": 2, "firsts": (0, 2), "rows": ((0, 10, 20, 0), (0, 20, 20, 0))},
    "sample": {"members": 2, "tar_bytes": 1 << 40, "firsts": (0, 2), "rows": ((0, 0, 1, 0), (0, 1 << 35, 1, 0))},
    "escape": {"names": b"txt\n\n\x1b[2Ja"},
    "many names": {"names": b"\n" * 30_000_000},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_numbers_are_refused_in_little_memory(what):
    data = sealed(**HOSTILE[what])
    tracemalloc.start()
    try:
        with pytest.raises(OrqaError, match=r"x\.idx: .*--repair"):
            TarIndex.from_bytes(data, "x.idx")
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + (1 << 20)
    finally:
        tracemalloc.stop()


@given(data=st.binary(max_size=300))
def test_any_bytes_at_all(data):
    for one in (data, INDEX_MAGIC + data, INDEX_MAGIC + data + struct.pack("<I", crc32(INDEX_MAGIC + data))):
        with pytest.raises(OrqaError):
            TarIndex.from_bytes(one, "x")


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 1 << 64), st.integers(0, 1 << 64), st.just(0)), max_size=4
    ),
    firsts=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    tar_bytes=st.integers(0, 5000),
)
def test_what_is_accepted_lies_in_the_tar(rows, firsts, tar_bytes):
    rows = [tuple(min(value, (1 << 64) - 1) for value in row) for row in rows]
    names = b"t\nu\n\n" + b"\n".join(b"%d" % k for k in range(len(firsts) - 1))
    try:
        found = TarIndex.from_bytes(sealed(len(firsts) - 1, len(rows), tar_bytes, firsts, rows, names), "x")
    except OrqaError:
        return
    members = [one for number in range(len(found)) for one in found.members(number)]
    assert all(one.offset + one.size <= tar_bytes for one in members)
    assert len(members) == len(rows)


@pytest.fixture
def store(tmp_path):
    with (tmp_path / "x.tar").open("wb") as raw:
        writer = TarWriter(raw)
        for key in ("a", "b", "c"):
            writer.write(key, {"txt": key.encode() * 100, "json": b"{}"})
        writer.close()
    return open_store(tmp_path)


def test_an_index_is_made_on_first_use_and_kept(store, tmp_path):
    assert Tar.open(store, "x.tar")["b"]["txt"] == b"b" * 100
    kept = (tmp_path / "x.idx").read_bytes()
    assert TarIndex.from_bytes(kept, "x").keys == ["a", "b", "c"]
    Tar.open(store, "x.tar")
    assert (tmp_path / "x.idx").read_bytes() == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.idx", "x.tar"]


def test_a_tar_is_opened_by_its_path_in_one_word(store, tmp_path, monkeypatch):
    whole = Tar.open(store, "x.tar")
    monkeypatch.chdir(tmp_path)
    for where in (tmp_path / "x.tar", str(tmp_path / "x.tar"), f"file://{tmp_path}/x.tar", "x.tar"):
        assert Tar.open(where)["b"] == whole["b"]
    assert repr(Tar.open("../" + tmp_path.name + "/x.tar")) == f"Tar('../{tmp_path.name}/x.tar', samples=3)"
    with pytest.raises(CallError, match="which tar"):
        Tar.open(store)


def test_where_one_cannot_write_the_index_is_made_anew(store, monkeypatch):
    def cannot(*_):
        raise OrqaError("read-only")

    monkeypatch.setattr(type(store), "put", cannot)
    assert len(Tar.open(store, "x.tar")) == 3


def test_an_index_of_the_tar_as_it_was_is_not_overwritten(store, tmp_path):
    Tar.open(store, "x.tar")
    kept = (tmp_path / "x.idx").read_bytes()
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:2600])
    tar = Tar.open(open_store(tmp_path), "x.tar")
    assert tar.index.keys == ["a"]
    assert tar.damages
    assert (tmp_path / "x.idx").read_bytes() == kept


@pytest.mark.parametrize("member", ["txt", "json"])
def test_bytes_that_are_not_those_of_the_index_are_named(store, tmp_path, member):
    made = Tar.open(store, "x.tar").index
    (at,) = (one.offset for one in made.members(1) if one.name == member)
    with (tmp_path / "x.tar").open("r+b") as raw:
        raw.seek(at)
        raw.write(bytes(2))
    tar = Tar.open(open_store(tmp_path), "x.tar")
    with pytest.raises(OrqaError, match=rf"x\.tar: b\.{member} is damaged"):
        tar["b"]
    assert (len(tar["a"]), len(tar["c"])) == (2, 2)
    assert np.array_equal(tar.index.rows, made.rows)
