"""Shards: what is written comes back, plain webdataset reads it, and nothing half written looks whole."""

import json
import os
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("webdataset")

import webdataset as wds
from attrs import evolve
from small_room import LABELS, Room, written

from orqa_registry import CallError, OrqaError, Take, Timepoint
from orqa_shards import labels
from orqa_shards.manifest import SCHEMA
from orqa_shards.read import Shards
from orqa_shards.write import Source, pack


def test_what_is_written_comes_back(registry, tmp_path):
    written(registry, tmp_path / "s")
    original = [point for take in Room().takes(Path("/nowhere"), "train") for point in take]
    split = Shards.open(tmp_path / "s").split("train")
    assert len(split) == 8
    for before, after in zip(original, split.timepoints, strict=True):
        assert (after.key, after.index, after.seconds) == (before.key, before.index, before.seconds)
        assert after.labels == before.labels
        assert set(after.media) == {"room1.jpg", "speech.txt"}
        assert after.read("room1.jpg") == before.read("room1.jpg")
    with pytest.raises(KeyError):
        split.timepoints[0].read("room2.jpg")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_plain_webdataset_reads_the_tars(registry, tmp_path):
    manifest = written(registry, tmp_path / "s")
    (shard,) = manifest.splits["train"].shards
    samples = list(wds.WebDataset(str(tmp_path / "s" / shard.name), shardshuffle=False))
    assert [one["__key__"] for one in samples][4] == "A%2ERoom/two%2Eb/000"
    assert samples[0]["room1.jpg"] == b"one0" * 50
    assert labels.from_json(json.loads(samples[0]["json"])).labels == LABELS[0]


def test_the_same_input_gives_the_same_bytes(registry, tmp_path):
    for name in ("a", "b"):
        written(registry, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_small_shard_size_makes_many_whole_shards(registry, tmp_path):
    manifest = written(registry, tmp_path / "s", shard_bytes=1)
    assert [one.timepoints for one in manifest.splits["train"].shards] == [1] * 8
    assert len(Shards.open(tmp_path / "s").split("train").timepoints[7].read("room1.jpg")) == 300


def test_media_can_be_chosen(registry, tmp_path):
    manifest = written(registry, tmp_path / "s", media=["*.txt"])
    assert manifest.splits["test"].media == {"speech.txt": 4}


def test_a_file_that_cannot_be_read_costs_itself_and_is_named(registry, tmp_path):
    manifest = written(registry, tmp_path / "s")
    assert len(manifest.skipped) == 12
    assert manifest.skipped[0] == "A%2ERoom/one/000.room2.jpg: No such file or directory"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("after", [0, 3])
def test_what_is_interrupted_does_not_look_whole(registry, tmp_path, monkeypatch, error, after):
    out = tmp_path / "s"
    calls = iter(range(100))

    def failing(self, obj, plain=wds.TarWriter.write):
        if next(calls) >= after:
            raise error
        return plain(self, obj)

    with monkeypatch.context() as patch:
        patch.setattr(wds.TarWriter, "write", failing)
        with pytest.raises(type(error)):
            written(registry, out, shard_bytes=1)
    assert not list(out.glob(".*.partial")), "nothing half written is left"
    with pytest.raises(OrqaError, match=r"there is no manifest\.json"):
        Shards.open(out)
    written(registry, out)
    assert len(Shards.open(out).split("train")) == 8


def test_a_kill_at_any_moment_leaves_nothing_that_looks_whole(registry, tmp_path, monkeypatch):
    """Without a chance to clean up: the process is gone after any number of renames."""
    renames = 0

    def count(self, target, plain=Path.replace):
        nonlocal renames
        renames += 1
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", count)
    written(registry, tmp_path / "whole")
    for survive in range(renames):
        out = tmp_path / f"killed{survive}"
        pid = os.fork()
        if pid == 0:
            done = 0

            def die(self, target, plain=os.replace, last=survive):
                nonlocal done
                if done == last:
                    os._exit(9)
                done += 1
                plain(self, target)

            Path.replace = die
            written(registry, out)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        with pytest.raises(OrqaError, match=r"there is no manifest\.json"):
            Shards.open(out)
        written(registry, out)
        assert {f.name for f in out.iterdir()} == {f.name for f in (tmp_path / "whole").iterdir()}


def test_what_is_not_ours_is_not_touched(registry, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "train-000000.tar").write_bytes(b"somebody's")
    with pytest.raises(OrqaError, match="no shards of ours"):
        written(registry, tmp_path / "s")
    assert (tmp_path / "s" / "train-000000.tar").read_bytes() == b"somebody's"


def test_finished_shards_outlive_a_wrong_call(registry, tmp_path):
    class Empty(Room):
        def takes(self, root, split):
            return iter(())

    written(registry, tmp_path / "s")
    with pytest.raises(OrqaError, match="nothing to write"):
        pack(registry, [Source(Empty(), tmp_path, ("train",))], tmp_path / "s", force=True)
    assert len(Shards.open(tmp_path / "s").split("train")) == 8


def room_of(*points):
    class Odd(Room):
        def takes(self, root, split):
            yield Take(self.name, split, "t", lambda: iter(points))

    return Odd()


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([{"labels": {"roles": "nurse"}}], "d/t/0: facet 'roles'"),
        ([{"labels": {"roles": {1, 2}}}], "d/t/0"),
        ([{"index": 1}, {"index": 1, "frame": "1"}], "d/t/1: out of order"),
        ([{"media": {"x.jpg": "/a/string"}}], "d/t/0: medium x.jpg is no Path, bytes or function"),
        ([{"media": {"_depth.png": b""}}], "cannot be a medium"),
        ([{"media": {"Room.jpg": b""}}], "cannot be a medium"),
        ([{"media": {"../x.jpg": b""}}], "cannot be a medium"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(registry, tmp_path, points, said):
    plain = {"dataset": "d", "split": "train", "take": "t", "frame": "0", "index": 0}
    room = room_of(*(Timepoint(**{**plain, **one}) for one in points))
    with pytest.raises(OrqaError, match=said):
        pack(registry, [Source(room, tmp_path, ("train",))], tmp_path / "s")


def test_a_disk_that_is_gone_stops_the_run(registry, tmp_path):
    gone = {"room1.jpg": tmp_path / "gone.jpg"}
    room = room_of(*(Timepoint("d", "train", "t", f"{k}", k, media=gone) for k in range(200)))
    with pytest.raises(OrqaError, match="100 media in a row"):
        pack(registry, [Source(room, tmp_path, ("train",))], tmp_path / "s")


def test_finished_shards_are_not_lost(registry, tmp_path):
    written(registry, tmp_path / "s")
    with pytest.raises(OrqaError, match="--force"):
        written(registry, tmp_path / "s")
    written(registry, tmp_path / "s", force=True)


def test_a_newer_schema_is_refused_with_both_versions(registry, tmp_path):
    written(registry, tmp_path / "s")
    path = tmp_path / "s" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": SCHEMA + 4}))
    with pytest.raises(OrqaError, match=f"schema {SCHEMA + 4}.*up to {SCHEMA}"):
        Shards.open(tmp_path / "s")


@pytest.mark.parametrize("name", ["../x.tar", "/etc/passwd", "a/b.tar"])
def test_a_manifest_that_names_files_elsewhere_is_refused(registry, tmp_path, name):
    written(registry, tmp_path / "s")
    path = tmp_path / "s" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["splits"]["train"]["shards"][0]["name"] = name
    path.write_text(json.dumps(manifest))
    with pytest.raises(OrqaError, match="outside its folder"):
        Shards.open(tmp_path / "s")


def damage_labels(folder):
    path = folder / "labels-train.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-20])


def damage_size(folder):
    with (folder / "train-000000.tar").open("ab") as tar:
        tar.write(b"\0" * 512)


def damage_link(folder):
    path = folder / "train-000000.tar"
    size = path.stat().st_size
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("A%2ERoom/one/000.room1.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path.write_bytes(path.read_bytes().ljust(size, b"\0"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [(damage_labels, "labels-train.*SHA-256"), (damage_size, "the manifest says"), (damage_link, "no plain file")],
)
def test_damage_is_named(registry, tmp_path, damage, said):
    written(registry, tmp_path / "s")
    damage(tmp_path / "s")
    with pytest.raises(OrqaError, match=said):
        Shards.open(tmp_path / "s").split("train").timepoints[0].read("room1.jpg")


def test_a_timepoint_that_occurs_twice_is_refused(registry, tmp_path):
    class Twice(Room):
        def takes(self, root, split):
            return iter([*super().takes(root, split)] * 2)

    with pytest.raises(OrqaError, match="occurs twice"):
        pack(registry, [Source(Twice(), tmp_path, ("train",))], tmp_path / "s")


def test_a_split_is_found_or_the_nearest_offered(registry, tmp_path):
    written(registry, tmp_path / "s")
    with pytest.raises(CallError, match="did you mean 'train'"):
        Shards.open(tmp_path / "s").split("trian")


def test_labels_keep_absent_and_empty_apart():
    point = Timepoint("d", "train", "t", "0", 0, None, {}, {"actions": (), "robot_phase": None})
    again = labels.from_json(json.loads(labels.encode(point)))
    assert again.labels == {"actions": (), "robot_phase": None}
    assert "roles" not in again.labels
    assert evolve(again, media=point.media) == point


PICTURES = {
    "whole.jpg": b"\xff\xd8 a picture \xff\xd9",
    "broken.jpg": b"\xff\xd8 a picture that breaks o",
    "broken.png": b"\x89PNG a picture that breaks o",
    "empty.jpg": b"",
    "notes.txt": b"\xff\xd8 no picture",
}


def test_a_picture_that_breaks_off_is_left_out_and_named(registry, tmp_path):
    point = Timepoint("A.Room", "train", "t", "0", 0, None, PICTURES, {"roles": ()})
    manifest = pack(registry, [Source(room_of(point), tmp_path, ("train",))], tmp_path / "s")
    assert set(Shards.open(tmp_path / "s").split("train").timepoints[0].media) == {"whole.jpg", "notes.txt"}
    assert [line.partition(": ")[0].rpartition("/")[2] for line in manifest.skipped] == [
        "0.broken.jpg",
        "0.broken.png",
        "0.empty.jpg",
    ]


def test_a_pattern_that_matches_nothing_is_a_wrong_call(registry, tmp_path):
    room = Room()
    room.media = {"room1.jpg": "a camera"}
    with pytest.raises(CallError, match=r"'?\*\.jgp'? matches no medium: there is room1\.jpg"):
        pack(registry, [Source(room, tmp_path, ("train",))], tmp_path / "s", media=("*.jgp",))
    assert not (tmp_path / "s").exists()
