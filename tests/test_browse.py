"""What `inspect` says of folders, samples and anybody's tars; what it saves stays in its folder."""

import io
import json
import struct
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("simplejpeg")

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_room import LABELS, Room, picture, written
from small_root import call

from orqa_registry import CallError, OrqaError, Registry, Take, Timepoint, Triplet, ask
from orqa_shards.cli.inspect import inspect
from orqa_shards.read.dataset import Shards
from orqa_shards.read.tar_reader import Tar
from orqa_shards.report import describe
from orqa_shards.storage.open import open_store
from orqa_shards.write.pack import pack
from orqa_shards.write.shard_plan import ShardSource


class Several(Room):
    """Media of several kinds, one of them scaled down, and a text that a terminal would obey."""

    def takes(self, root, split):
        yield Take(self.name, split, f"of {split}", lambda: self.points(root, split, f"of {split}"))

    def points(self, root, split, name):
        array = io.BytesIO()
        np.save(array, np.zeros((5, 3), np.float32))
        media = {
            "room1.jpg": picture("a", (800, 600)),
            "room1.mask.png": picture("b"),
            "forces.npy": array.getvalue(),
            "speech.txt": b"hello\x1b[31m there " * 20,
            "robot.json": b'{"a": 1}',
            "odd.bin": b"\0",
        }
        for k in range(3):
            yield Timepoint(self.name, split, name, f"f.{k}", k, None, media, {**LABELS[0], "screen_text": "a\x1b[2J"})


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    out = tmp_path_factory.mktemp("several")
    pack(Registry.load(), [ShardSource(Several(), Path("/nowhere"), ("train", "test"))], out)
    return out


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    out = tmp_path_factory.mktemp("room")
    written(Registry.load(), out)
    return out


@pytest.fixture
def other_tar(tmp_path):
    """Return a tar as anybody might write it, by tarfile."""
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as tar:
        for name, data in (("a/0001.jpg", picture("x")), ("a/0001.cls", b"3"), ("0.cls", b"4"), ("9.txt", b"last")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return path


def test_a_folder_says_what_it_holds_and_how_it_was_made(registry, room):
    found = json.loads(call(registry, inspect, room, "--json"))
    manifest = Shards.open(room).manifest
    assert {name: one["timepoints"] for name, one in found["splits"].items()} == {"train": 8, "test": 4}
    assert found["splits"]["train"]["datasets"] == {"A.Room": 8}
    assert found["splits"]["train"]["media"] == dict(manifest.splits["train"].media)
    assert found["parameters"] == manifest.parameters
    assert found["skipped"] == list(manifest.skipped)
    assert found["datasets"]["A.Room"]["licence"] == "l"
    text = call(registry, inspect, room)
    assert "room1.jpg" in text
    assert "quality" in text
    assert f"skipped media               {len(manifest.skipped)}".split()[-1] in text


def test_a_sample_says_all_of_itself(registry, several):
    found = json.loads(call(registry, inspect, several, "A.Room/of train/f.1", "--json"))
    split = Shards.open(several).split("train")
    assert (found["key"], found["number"], found["split"]) == (split[1].key, 1, "train")
    members = {one["name"]: one for one in found["members"]}
    assert members["room1.jpg"]["original"] == [800, 600]
    wide, high = map(int, members["room1.jpg"]["about"].split(" x "))
    assert wide * high <= 112896
    assert members["room1.mask.png"]["about"] == "64 x 48"
    assert members["forces.npy"]["about"] == "5 x 3 of float32"
    assert members["robot.json"]["about"] == '{"a": 1}'
    assert len(members["speech.txt"]["about"]) <= describe.MAX_TEXT
    tar = (several / found["tar"]).read_bytes()
    for name, one in members.items():
        data = tar[one["offset"] : one["offset"] + one["bytes"]]
        assert name == "json" or data == split[1].read(name)
    assert found["labels"]["relations"] == [["nurse", "closeTo", "patient"]]
    asked = [
        (task.name, one.text, list(one.answers))
        for task, questions in ask(split[1], split.timeline(split[1]), sorted_tasks(registry))
        for one in questions
    ]
    assert [(one["task"], one["question"], one["answers"]) for one in found["questions"]] == asked


def sorted_tasks(registry):
    return [task for _, task in sorted(registry.tasks.items())]


def test_a_sample_for_people_gives_the_terminal_no_orders(registry, several):
    text = call(registry, inspect, several, "0", "--split", "train")
    assert "of 800 x 600" in text
    assert "nurse closeTo patient" in text
    assert "How many people" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("key", "options", "place"),
    [
        ("A.Room/of test/f.2", (), ("test", 2)),
        ("A%2ERoom/of%20test/f%2E2", (), ("test", 2)),
        ("2", ("--split", "test"), ("test", 2)),
    ],
)
def test_keys_however_they_are_written(registry, several, key, options, place):
    found = json.loads(call(registry, inspect, several, key, *options, "--json"))
    assert (found["split"], found["number"]) == place


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("2",), "2 of which split? Say --split: train has 3, test has 3"),
        (("99",), "no split has a timepoint 99: train has 3, test has 3"),
        (("3", "--split", "test"), "0 to 2"),
        (("A.Room/of test/f.9",), "f.2"),
        (("A.Room/of toast/f.2",), "of test"),
        (("A.Room/of test",), "no frame"),
        (("A.Room/of test/f.2", "--split", "train"), "no take"),
        (("--split", "none"), "no split 'none': there is: train, test"),
        (("--save", "x"), "KEY"),
    ],
)
def test_wrong_keys_offer_the_right_ones(registry, several, arguments, said):
    call(registry, inspect, several, *arguments, fails=said)


def test_what_is_saved_is_what_was_written(registry, several, tmp_path):
    out = json.loads(call(registry, inspect, several, "0", "--split", "test", "--save", tmp_path / "look", "--json"))
    files = sorted((tmp_path / "look").iterdir())
    assert sorted(out["saved"]) == [str(file) for file in files]
    point = Shards.open(several).split("test")[0]
    by_suffix = {file.name.partition(".")[2]: file.read_bytes() for file in files}
    assert json.loads(by_suffix.pop("json"))["take"] == "of test"
    assert by_suffix == {name: point.read(name) for name in point.media}


@given(st.text(), st.lists(st.text(min_size=1), unique=True, max_size=3))
def test_nothing_is_saved_outside_the_folder(key, names):
    import tempfile

    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer) / "in"
        try:
            saved = describe.save_members(folder, key, dict.fromkeys(names, b"x"))
        except OrqaError:
            saved = []  # two that would be one file
        assert {path.name for path in Path(outer).iterdir()} <= {"in"}
        assert sorted(saved) == sorted(folder.iterdir() if folder.is_dir() else [])


def test_damage_is_told_and_costs_its_medium_alone(registry, tmp_path):
    pack(registry, [ShardSource(Several(), Path("/nowhere"), ("train",))], tmp_path)
    about = describe.describe_sample(registry, Shards.open(tmp_path).split("train"), 1)
    where = next(one for one in about["members"] if one["name"] == "forces.npy")
    file = tmp_path / about["tar"]
    data = bytearray(file.read_bytes())
    data[where["offset"]] ^= 1
    file.write_bytes(data)
    text = call(registry, inspect, tmp_path, "1", "--json")
    assert "is damaged" in text
    assert "64 x 48" in text
    call(registry, inspect, tmp_path, "1", "--save", tmp_path / "look", fails="damaged")
    assert not (tmp_path / "look").exists()


def test_anybodys_tar(registry, other_tar, tmp_path):
    found = json.loads(call(registry, inspect, other_tar, "--json"))
    assert [one["key"] for one in found["samples"]] == ["a/0001", "0", "9"]
    assert found["samples"][0]["members"] == ["jpg", "cls"]
    assert "link" in str(found["damages"])
    sample = json.loads(call(registry, inspect, other_tar, "a/0001", "--save", tmp_path / "look", "--json"))
    assert [one["about"] for one in sample["members"]] == ["64 x 48", ""]
    assert {file.name for file in (tmp_path / "look").iterdir()} == {"a_0001.jpg", "a_0001.cls"}
    assert json.loads(call(registry, inspect, other_tar, "0", "--json"))["key"] == "0", "a key before a number"
    assert json.loads(call(registry, inspect, other_tar, "2", "--json"))["key"] == "9"
    assert "a/0001" in call(registry, inspect, other_tar)
    call(registry, inspect, other_tar, "a/0002", fails="a/0001")
    call(registry, inspect, other_tar, "--split", "train", fails="a tar has none")
    call(registry, inspect, tmp_path / "none.tar", fails="no such file")


def test_our_own_tars_are_tars_too(registry, several):
    store = open_store(several)
    tar = Tar.open(store, "train-000000.tar")
    assert [one["key"] for one in describe.describe_tar(tar)["samples"]] == [
        point.key for point in Shards.open(several).split("train")
    ]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jpg", b"\xff\xd8", "damaged"),
        ("a.npy", b"\x93NUMPY", "damaged"),
        ("a.wav", b"RIFF", "damaged"),
        ("a.txt", b"\xff\xfe", "�"),
        ("a.b", b"", ""),
    ],
)
def test_what_cannot_be_described_is_no_error(name, data, said):
    found = describe.describe_medium(name, data)
    assert found == said or (said and said in found)


def test_a_sound_is_described():
    body = bytes(2 * 8000)
    head = (
        b"RIFF"
        + struct.pack("<I", 36 + len(body))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    )
    assert describe.describe_medium("audio.wav", head + b"data" + struct.pack("<I", len(body)) + body).startswith(
        "1.00 s"
    )


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ((), ["none"]),
        ({}, ["none"]),
        (None, ["none"]),
        (True, ["yes"]),
        (("a", "b"), ["a, b"]),
        ((Triplet("a", "near", "b"),), ["a near b"]),
        ({"x": 1.5, "y": {"z": ("a",)}}, ["x: 1.5", "y: z: a"]),
        ({"x": {"a": 1, "b": 2}}, ["x:", "  a: 1", "  b: 2"]),
    ],
)
def test_labels_are_readable(value, lines):
    assert list(describe.label_lines(value)) == lines


def test_two_names_that_would_be_one_file(tmp_path):
    with pytest.raises(OrqaError, match="same name"):
        describe.save_members(tmp_path, "k", {"a b": b"", "a/b": b""})
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_looked_for_in_every_split(several):
    shards = Shards.open(several)
    split, number = describe.find_timepoint(shards, "A.Room/of test/f.0", None)
    assert (split.name, number) == ("test", 0)
    with pytest.raises(CallError, match="no take"):
        describe.find_timepoint(shards, "nothing", None)


def test_a_split_is_shown_alone(registry, several):
    found = json.loads(call(registry, inspect, several, "--split", "test", "--json"))
    assert list(found["splits"]) == ["test"]
    assert list(found["datasets"]) == ["A.Room"]


def test_names_of_tasks_stay_whole_where_a_terminal_is_narrow(registry, several, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = call(registry, inspect, several, "0", "--split", "train")
    asked = {
        one["task"] for one in describe.describe_sample(registry, Shards.open(several).split("train"), 0)["questions"]
    }
    assert max(map(len, asked)) > 15
    assert all(f" {task} " in text for task in asked)
