"""One tar: what is written every tool reads, and what any tool wrote is read."""

import io
import subprocess
import tarfile
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("webdataset")
import webdataset as wds
from small_tar import END, SAMPLES, contents, plain, reader, written

from orqa_registry import OrqaError
from orqa_shards.format.tar_index import TarIndex, index_tar
from orqa_shards.format.tar_writer import MAX_MEMBER_BYTES, tar_header
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store

PART = st.text(st.characters(codec="utf-8", categories=["L", "N", "Pd", "S"]), min_size=1, max_size=60)
KEYS = st.lists(PART, min_size=1, max_size=4).map("/".join).filter(lambda key: key[1:2] != ":")
SUFFIXES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}(\.[a-z0-9][a-z0-9_-]{0,9}){0,2}", fullmatch=True)


@given(samples=st.dictionaries(KEYS, st.dictionaries(SUFFIXES, st.binary(max_size=1500), min_size=1, max_size=4)))
def test_what_is_written_comes_back_here_and_from_tarfile(samples):
    data, made = written(samples.items())
    found, damages = contents(data)
    assert (found, damages) == (samples, [])
    assert index_tar(reader(data), len(data))[0].to_bytes() == made.to_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = {one.name: tar.extractfile(one).read() for one in tar}
        assert all(one.isreg() and (one.mode, one.mtime, one.uid) == (0o444, 0, 0) for one in tar.getmembers())
    assert members == {f"{key}.{suffix}": one for key, own in samples.items() for suffix, one in own.items()}


@pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 995, 1000, 4000])
def test_names_of_any_length(length, tmp_path):
    key = "k" * (length - 4)
    data, _ = written([(key, {"txt": b"x"})])
    assert contents(data) == ({key: {"txt": b"x"}}, [])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == [f"{key}.txt"]


def test_a_header_is_what_tarfile_writes():
    info = tarfile.TarInfo("d/t/0.json")
    info.size, info.mode = 1234, 0o444
    theirs = info.tobuf(tarfile.USTAR_FORMAT)
    assert tar_header("d/t/0.json", 1234) == theirs


@pytest.mark.parametrize(("name", "size"), [("x" * 5000, 1), ("x", MAX_MEMBER_BYTES + 1), ("x", -1)])
def test_what_could_not_be_read_back_is_not_written(name, size):
    with pytest.raises(OrqaError):
        tar_header(name, size)


@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", "a\0b.txt", "a\nb.txt", "\ud800.txt", "a\\b.txt"])
def test_names_that_would_be_refused_are_not_written(name):
    with pytest.raises(OrqaError):
        tar_header(name, 1)


def test_plain_webdataset_reads_ours(tmp_path):
    (tmp_path / "x.tar").write_bytes(written(SAMPLES)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        read = [
            {name: one[name] for name in ("__key__", "json", "room1.jpg")}
            for one in wds.WebDataset(str(tmp_path / "x.tar"), shardshuffle=False)
        ]
    assert read == [{"__key__": key, **members} for key, members in SAMPLES]


def by_tar_writer(folder):
    with wds.TarWriter(str(folder / "x.tar")) as writer:
        for key, members in SAMPLES:
            writer.write({"__key__": key, **members})


def by_shard_writer(folder):
    with wds.ShardWriter(str(folder / "x%d.tar"), maxcount=1000, verbose=0) as writer:
        for key, members in SAMPLES:
            writer.write({"__key__": key, **members})
    (folder / "x0.tar").rename(folder / "x.tar")


def by_tarfile(form):
    def make(folder):
        with tarfile.open(folder / "x.tar", "w", format=form) as tar:
            for key, members in SAMPLES:
                for suffix, data in members.items():
                    info = tarfile.TarInfo(f"{key}.{suffix}")
                    info.size, info.mtime = len(data), 1.5 if form == tarfile.PAX_FORMAT else 1
                    tar.addfile(info, io.BytesIO(data))

    return make


def by_command(*options):
    def make(folder):
        for key, members in SAMPLES:
            for suffix, data in members.items():
                path = folder / "in" / f"{key}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        call = ["tar", *options, "--sort=name", "-cf", folder / "x.tar", "-C", folder / "in", "d"]
        subprocess.run(call, check=True)

    return make


@pytest.mark.parametrize(
    "make",
    [
        by_tar_writer,
        by_shard_writer,
        by_tarfile(tarfile.USTAR_FORMAT),
        by_tarfile(tarfile.GNU_FORMAT),
        by_tarfile(tarfile.PAX_FORMAT),
        by_command(),
        by_command("--format=posix"),
        by_command("--format=v7"),
    ],
)
def test_what_others_wrote_is_read_and_its_index_kept(make, tmp_path):
    make(tmp_path)
    tar = Tar.open(open_store(tmp_path), "x.tar")
    assert not tar.damages
    assert {key: tar[key] for key in tar.index.keys} == dict(SAMPLES)
    assert TarIndex.from_bytes((tmp_path / "x.idx").read_bytes(), "x").keys == tar.index.keys


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_others(form):
    key = "/".join(["deep" * 10] * (3 if form == tarfile.USTAR_FORMAT else 6)) + "/k"
    data = plain(f"{key}.txt", form=form) + plain("z.txt", form=form) + END
    assert contents(data) == ({key: {"txt": b"abc"}, "z": {"txt": b"abc"}}, [])
