"""Labels that are damaged or hostile: one bad line costs its sample, with an OrqaError, and little memory."""

import json
import tracemalloc

import pytest

pytest.importorskip("webdataset")

import zstandard
from hypothesis import given
from hypothesis import strategies as st
from small_labels import rewrite
from spoiling import checked, edit

from orqa_registry import OrqaError, Timepoint
from orqa_shards.format import label_file, label_line
from orqa_shards.read.dataset import Shards
from orqa_shards.report import describe
from orqa_shards.sampling.stream import Stream


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


WRONG = {
    "another take": {"take": "other"},
    "another dataset": {"dataset": "B"},
    "another split": {"split": "test"},
    "a frame that is a number": {"frame": 5},
    "a split that is a list": {"split": ["train"]},
    "a name that is nothing": {"take": None},
    "media, one of them a list": {"media": [["a"]]},
    "media, one of them a number": {"media": [5]},
    "media that are a text": {"media": "room1.jpg"},
    "media that are nothing": {"media": None},
    "media thrice": {"media": ["room1.jpg"] * 3},
    "an index that is a text": {"index": "3"},
    "an index that is true": {"index": True},
    "an index beyond numbers": {"index": 2**70},
    "a time that is a text": {"seconds": "nan"},
    "a time that is true": {"seconds": True},
    "a size that is a number": {"sizes": {"room1.jpg": 5}},
    "a size of one": {"sizes": {"room1.jpg": [5]}},
    "a size of texts": {"sizes": {"room1.jpg": ["5", "6"]}},
    "a size of nothing": {"sizes": {"room1.jpg": [0, 6]}},
    "a size that is not whole": {"sizes": {"room1.jpg": [5.5, 6]}},
    "sizes that are a list": {"sizes": [1]},
    "labels that are a list": {"labels": [1]},
}


@pytest.mark.parametrize("way", WRONG)
def test_a_line_that_is_wrong_costs_its_sample(registry, folder, way):
    rewrite(folder, lambda said: said.update(WRONG[way]) if said["frame"] == "001" else None)
    split = Shards.open(folder).split("train")
    with pytest.raises(OrqaError, match=r"labels-train.*timepoint 1 of take one: .*orqa-registry verify"):
        split[1]
    assert [split[number].frame for number in (0, 2, 3)] == ["000", "002", "003"]
    stream = Stream.of(registry, split, shuffle=False)
    good = 0
    for place in range(len(stream)):
        try:
            good += stream[place].timepoint is not None
        except OrqaError:
            continue
    assert 4 <= good < 8
    assert not checked(folder).whole


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b"null\n", b"\xff\xfe" * 40 + b"\n", b"{}\n"])
def test_a_line_that_says_nothing_costs_its_sample(folder, line):
    line = line.rjust(70)
    rewrite(folder, lambda said: line if said["frame"] == "001" else None)
    split = Shards.open(folder).split("train")
    with pytest.raises(OrqaError, match="timepoint 1 of take one"):
        split[1]
    assert split.find("A%2ERoom/one/002") == 2
    with pytest.raises(OrqaError, match="not timepoints"):
        split.timeline(split[2])


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@given(name=st.sampled_from(["dataset", "split", "take", "frame", "index", "seconds", "media", "sizes"]), value=values)
def test_whatever_a_line_says_a_timepoint_is_of_its_kinds(name, value):
    said = json.loads(
        label_line.encode_line(Timepoint("d", "s", "t", "f", 0, 1.5, {"a.jpg": b""}, {}, {"a.jpg": (2, 3)}))
    )
    said[name] = value
    try:
        point = label_line.timepoint_from_json(said)
    except label_line.LINE_ERRORS:
        return
    assert all(type(one) is str for one in (point.dataset, point.split, point.take, point.frame, *point.media))
    assert type(point.index) is int
    assert point.seconds is None or abs(point.seconds) < float("inf")
    assert all(type(one) is int and one > 0 for size in point.sizes.values() for one in size)


def test_a_label_too_deep_for_the_interpreter_is_damage(registry, folder):
    rewrite(folder, lambda said: said["labels"].update({"acme:x": deep(700)}))
    split = Shards.open(folder).split("train")
    with pytest.raises(OrqaError, match="labels of another shape"):
        describe.describe_sample(registry, split, 0)


def hostile_line(said, size):
    """Return a line with a label of so many bytes, most of which are empty lists."""
    said["labels"]["acme:x"] = 0
    return json.dumps(said).encode().replace(b'"acme:x": 0', b'"acme:x": [' + b"[]," * (size // 3) + b"[]]") + b"\n"


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_line_of_megabytes_is_refused_before_it_is_parsed(folder):
    rewrite(folder, lambda said: hostile_line(said, 9_000_000) if said["frame"] == "001" else None)
    split = Shards.open(folder).split("train")
    assert split[0].frame == "000"  # the take is in memory

    def read():
        with pytest.raises(OrqaError, match="bytes, and a timepoint may have"):
            split[1]

    assert peak(read) < 1_000_000
    found = checked(folder).problems
    assert any("a timepoint may have" in one.why for one in found)


def test_the_largest_line_is_read(folder):
    rewrite(
        folder, lambda said: hostile_line(said, label_line.MAX_LINE_BYTES - 1_000) if said["frame"] == "001" else None
    )
    assert len(Shards.open(folder).split("train")[1].labels["acme:x"]) > label_line.MAX_LINE_BYTES // 4


def test_a_take_that_is_too_large_is_neither_read_nor_written(folder, monkeypatch):
    frame = zstandard.ZstdCompressor().compress(bytes(label_file.MAX_TAKE_BYTES + 1))
    assert len(frame) < 100_000

    def read():
        with pytest.raises(OrqaError, match="at most"):
            label_file.unpack_take(frame, "x")

    assert peak(read) < 1_000_000
    line = label_line.encode_line(Timepoint("d", "train", "t", "0", 0))
    monkeypatch.setattr(label_file, "MAX_TAKE_BYTES", 3 * len(line) - 1)
    assert len(label_file.unpack_take(label_file.pack_take([line] * 2), "x")) == 2
    with pytest.raises(OrqaError, match=r"take t: .* at most .* Divide it"):
        label_file.pack_take([line] * 3)


def test_an_entry_that_would_fill_the_memory_is_refused(folder):
    with (folder / "labels-train.jsonl.zst").open("r+b") as raw:
        raw.truncate(label_file.MAX_TAKE_BYTES * 2)
    edit(folder, lambda raw: raw["splits"]["train"]["takes"][0].update(bytes=label_file.MAX_TAKE_BYTES + 1))
    split = Shards.open(folder).split("train")

    def read():
        with pytest.raises(OrqaError, match="at most"):
            split[0]

    assert peak(read) < 1_000_000


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["splits"]["train"]["shards"].append({**raw["splits"]["train"]["shards"][0], "timepoints": 0}),
        lambda raw: raw["splits"]["train"]["takes"].append({**raw["splits"]["train"]["takes"][0], "timepoints": 0}),
        lambda raw: raw["splits"]["train"]["media"].update({"room1.jpg": "a"}),
        lambda raw: raw["splits"]["train"]["facets"].update({"roles": -1}),
        lambda raw: raw["datasets"].update({"A.Room": 5}),
    ],
    ids=["shard of nothing", "take of nothing", "media", "facets", "card"],
)
def test_a_manifest_that_cannot_be_is_refused_and_mended(folder, change):
    edit(folder, change)
    with pytest.raises(OrqaError, match="not a manifest of schema"):
        Shards.open(folder)
    assert not checked(folder).whole
