"""Shards: what is written comes back, plain webdataset reads it, and nothing half written looks whole."""

import gc
import json
import warnings
from pathlib import Path

import pytest

pytest.importorskip("webdataset")

import webdataset as wds
from attrs import evolve
from small_room import LABELS, Room, picture, written

from orqa_registry import CallError, OrqaError, Take, Timepoint
from orqa_shards.format import label_line
from orqa_shards.format.manifest import SCHEMA
from orqa_shards.read.dataset import Shards
from orqa_shards.read.image_decoder import image_dimensions
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource
from orqa_shards.write.transcode import Transcoder


def test_what_is_written_comes_back(registry, tmp_path):
    written(registry, tmp_path / "s")
    original = [point for take in Room().takes(Path("/nowhere"), "train") for point in take]
    split = Shards.open(tmp_path / "s").split("train")
    assert len(split) == 8
    for before, after in zip(original, split, strict=True):
        assert (after.key, after.index, after.seconds) == (before.key, before.index, before.seconds)
        assert after.labels == before.labels
        assert set(after.media) == {"room1.jpg", "speech.txt"}
        assert after.read("room1.jpg") == before.read("room1.jpg")
    with pytest.raises(KeyError):
        split[0].read("room2.jpg")


def test_plain_webdataset_reads_the_tars(registry, tmp_path):
    manifest = written(registry, tmp_path / "s")
    (shard,) = manifest.splits["train"].shards
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files open
        samples = list(wds.WebDataset(str(tmp_path / "s" / shard.name), shardshuffle=False))
        gc.collect()
    assert [one["__key__"] for one in samples][4] == "A%2ERoom/two%2Eb/000"
    assert samples[0]["room1.jpg"] == picture("one0")
    assert label_line.timepoint_from_json(json.loads(samples[0]["json"])).labels == LABELS[0]


def test_the_same_input_gives_the_same_bytes(registry, tmp_path):
    for name in ("a", "b"):
        written(registry, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_a_small_shard_size_makes_many_whole_shards(registry, tmp_path):
    manifest = written(registry, tmp_path / "s", shard_bytes=1)
    assert [one.timepoints for one in manifest.splits["train"].shards] == [1] * 8
    assert Shards.open(tmp_path / "s").split("train")[7].read("room1.jpg") == picture("two.b3")


def test_media_can_be_chosen(registry, tmp_path):
    manifest = written(registry, tmp_path / "s", media=["*.txt"])
    assert manifest.splits["test"].media == {"speech.txt": 4}


def test_a_file_that_cannot_be_read_costs_itself_and_is_named(registry, tmp_path):
    manifest = written(registry, tmp_path / "s")
    assert len(manifest.skipped) == 12
    assert manifest.skipped[0] == "A%2ERoom/one/000.room2.jpg: No such file or directory"


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
        pack(registry, [ShardSource(Empty(), tmp_path, ("train",))], tmp_path / "s", WriteOptions(force=True))
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
        pack(registry, [ShardSource(room, tmp_path, ("train",))], tmp_path / "s")


def test_a_disk_that_is_gone_stops_the_run(registry, tmp_path):
    gone = {"room1.jpg": tmp_path / "gone.jpg"}
    room = room_of(*(Timepoint("d", "train", "t", f"{k}", k, media=gone) for k in range(200)))
    with pytest.raises(OrqaError, match="100 media in a row"):
        pack(registry, [ShardSource(room, tmp_path, ("train",))], tmp_path / "s", WriteOptions(strict=False))


def test_finished_shards_are_not_lost(registry, tmp_path):
    written(registry, tmp_path / "s")
    with pytest.raises(OrqaError, match="--force"):
        written(registry, tmp_path / "s")
    written(registry, tmp_path / "s", force=True)


def test_a_newer_schema_is_refused_with_both_versions(registry, tmp_path):
    written(registry, tmp_path / "s")
    path = tmp_path / "s" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": SCHEMA + 4}))
    with pytest.raises(OrqaError, match=f"schema {SCHEMA + 4}.* reads {SCHEMA}"):
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


def damage_a_byte_of_labels(folder):
    path = folder / "labels-train.jsonl.zst"
    data = bytearray(path.read_bytes())
    data[40] ^= 8
    path.write_bytes(data)


def damage_size(folder):
    (folder / "train-000000.tar").write_bytes(b"")


def damage_a_picture(folder):
    path = folder / "train-000000.tar"
    data = path.read_bytes()
    place = data.index(picture("one0")) + 900
    path.write_bytes(data[:place] + bytes(64) + data[place + 64 :])


def damage_index(folder):
    path = folder / "train-000000.idx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def other_index(folder):
    (folder / "train-000000.idx").write_bytes((folder / "test-000000.idx").read_bytes())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_labels, "labels-train.*cut short"),
        (damage_a_byte_of_labels, "labels-train.*take one: damaged"),
        (damage_size, "train-000000.tar: .*cut short"),
        (damage_a_picture, "one/000.room1.jpg is damaged: its CRC-32"),
        (damage_index, "train-000000.idx: not a whole index.*--repair"),
        (other_index, "train-000000.idx: of another train-000000.tar"),
    ],
)
def test_damage_is_named(registry, tmp_path, damage, said):
    written(registry, tmp_path / "s")
    damage(tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    with pytest.raises(OrqaError, match=said):
        [point.read("room1.jpg") for point in split]


def test_a_timepoint_that_occurs_twice_is_refused(registry, tmp_path):
    class Twice(Room):
        def takes(self, root, split):
            return iter([*super().takes(root, split)] * 2)

    with pytest.raises(OrqaError, match="occurs twice"):
        pack(registry, [ShardSource(Twice(), tmp_path, ("train",))], tmp_path / "s")


def test_a_split_is_found_or_the_nearest_offered(registry, tmp_path):
    written(registry, tmp_path / "s")
    with pytest.raises(CallError, match="did you mean 'train'"):
        Shards.open(tmp_path / "s").split("trian")


def test_labels_keep_absent_and_empty_apart():
    point = Timepoint("d", "train", "t", "0", 0, None, {}, {"actions": (), "robot_phase": None})
    again = label_line.timepoint_from_json(json.loads(label_line.encode_line(point)))
    assert again.labels == {"actions": (), "robot_phase": None}
    assert "roles" not in again.labels
    assert evolve(again, media=point.media) == point


WHOLE = picture("a picture")
PICTURES = {
    "whole.jpg": WHOLE,
    "broken.jpg": WHOLE[:-300],
    "zeroed.jpg": WHOLE[:900] + bytes(64) + WHOLE[964:],
    "other.png": WHOLE[2:],
    "empty.jpg": b"",
    "notes.txt": b"\xff\xd8 no picture",
}


def test_a_picture_that_is_damaged_is_left_out_and_named(registry, tmp_path):
    point = Timepoint("A.Room", "train", "t", "0", 0, None, PICTURES, {"roles": ()})
    source = ShardSource(room_of(point), tmp_path, ("train",))
    manifest = pack(registry, [source], tmp_path / "s", WriteOptions(strict=False))
    assert set(Shards.open(tmp_path / "s").split("train")[0].media) == {"whole.jpg", "notes.txt"}
    assert [line.partition(": ")[0].rpartition("/")[2] for line in manifest.skipped] == [
        "0.broken.jpg",
        "0.zeroed.jpg",
        "0.other.png",
        "0.empty.jpg",
    ]


def test_a_large_view_is_made_smaller_and_its_size_kept(registry, tmp_path):
    media = {"room1.jpg": picture("large", (800, 600)), "screen.jpg": picture("screen", (800, 600))}
    point = Timepoint("A.Room", "train", "t", "0", 0, None, media, {"roles": ()})
    pack(registry, [ShardSource(room_of(point), tmp_path, ("train",))], tmp_path / "s")
    (found,) = Shards.open(tmp_path / "s").split("train")
    assert found.sizes == {"room1.jpg": (800, 600), "screen.jpg": (800, 600)}
    assert image_dimensions(found.read("room1.jpg")) == (387, 290)
    assert image_dimensions(found.read("screen.jpg")) == (591, 443)


def test_a_full_view_stays_byte_for_byte(registry, tmp_path):
    media = {"room1.jpg": picture("large", (800, 600))}
    point = Timepoint("A.Room", "train", "t", "0", 0, None, media, {"roles": ()})
    source = ShardSource(room_of(point), tmp_path, ("train",))
    pack(registry, [source], tmp_path / "s", WriteOptions(transcoder=Transcoder(None)))
    (found,) = Shards.open(tmp_path / "s").split("train")
    assert (found.sizes, found.read("room1.jpg")) == ({}, media["room1.jpg"])


def test_a_timepoint_is_found_by_its_key(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    assert [split.find(point.key) for point in split] == list(range(8))
    with pytest.raises(CallError, match="has no frame '7'"):
        split.find("A%2ERoom/one/7")
    with pytest.raises(CallError, match="did you mean"):
        split.find("A%2ERoom/onee/000")


def test_a_pattern_that_matches_nothing_is_a_wrong_call(registry, tmp_path):
    room = Room()
    room.media = {"room1.jpg": "a camera"}
    with pytest.raises(CallError, match=r"'?\*\.jgp'? matches no medium: there is room1\.jpg"):
        pack(registry, [ShardSource(room, tmp_path, ("train",))], tmp_path / "s", WriteOptions(media=("*.jgp",)))
    assert not (tmp_path / "s").exists()
