"""A split in memory: what is kept of its labels, what threads and forks do to it, and what travels of a sample."""

import os
import pickle
import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import pytest

pytest.importorskip("webdataset")

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from small_labels import LABELS, rewrite, split_of
from spoiling import spoil

from orqa_registry import OrqaError
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.format import label_file, label_line
from orqa_shards.format.manifest import TakeEntry
from orqa_shards.read import dataset
from orqa_shards.read.dataset import Shards
from orqa_shards.storage.bounded_cache import BoundedCache
from orqa_shards.storage.local import LocalStore
from orqa_shards.verify.checked_labels import CheckedLabels, CheckedTake, check_line


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=60), most=st.integers(1, 40))
def test_what_is_kept_is_bounded_and_the_last_is_there(weights, most):
    made = []
    recent = BoundedCache(lambda name: made.append(name) or weights[name], most, lambda weight: weight)
    for name, weight in enumerate(weights):
        assert recent(name) == weight
        assert made == list(range(name + 1))
        assert recent(name) == weight
        assert made == list(range(name + 1))
        assert sum(recent._kept.values()) <= max(most, weight)


def test_many_threads_may_share_what_is_kept():
    recent = BoundedCache(lambda name: (name,), 50)

    def hammer(seed):
        chance = random.Random(seed)
        return all(recent(name) == (name,) for name in chance.choices(range(80), k=5_000))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(hammer, range(8)))
    for name in range(100, 200):
        recent(name)
    assert len(recent._kept) <= 50


def in_a_fork(use):
    """Tell whether `use` ends in a forked child within seconds."""
    child = os.fork()
    if not child:
        threading.Timer(5, os._exit, (7,)).start()
        use()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("what", ["weighing", "making", "a property"])
def test_a_fork_in_the_midst_of_it_leaves_nothing_locked(what):
    begun, gate = threading.Event(), threading.Event()

    def wait(slow):
        if slow:
            begun.set()
            gate.wait(20)
        return 1

    class Some:
        def __init__(self, slow):
            self.slow = slow

        @ForkSafeProperty
        def value(self):
            return wait(self.slow)

    recent = {
        "weighing": BoundedCache(lambda name: name, 2, lambda name: wait(name == "slow")),
        "making": BoundedCache(lambda name: wait(name == "slow"), 2),
        "a property": lambda name: Some(name == "slow").value,
    }[what]
    thread = threading.Thread(target=recent, args=("slow",))
    thread.start()
    begun.wait(20)
    try:
        assert in_a_fork(lambda: recent("quick"))
    finally:
        gate.set()
        thread.join()


def test_a_property_is_computed_once_and_knows_its_meaning():
    class Some:
        @ForkSafeProperty
        def value(self):
            """How many."""
            seen.append(1)
            return len(seen)

    seen = []
    one, two = Some(), Some()
    assert [one.value, one.value, two.value, one.value] == [1, 1, 2, 1]
    assert Some.value.__doc__ == "How many."


def test_a_window_of_takes_is_read_once_in_whatever_order(tmp_path, monkeypatch):
    """As many timepoints as a window of 64 tars reaches into, where tars are not cut where takes are."""
    split = split_of(tmp_path, 1, 700)
    entry = split.entry
    takes = tuple(evolve(entry.takes[0], dataset=f"D{number}") for number in range(100))
    split = dataset.Split(
        split.store,
        "train",
        evolve(entry, takes=takes, labels=evolve(entry.labels, timepoints=70_000), shards=entry.shards * 100),
    )
    asked = []
    span = split.store.span
    monkeypatch.setattr(LocalStore, "span", lambda store, *where: asked.append(where) or span(*where))
    for _ in range(2):
        for number in range(100):
            split._takes(number)
    assert len(asked) == 100


def test_labels_in_memory_weigh_what_is_said(tmp_path):
    relations = tuple(("nurse", "closeTo", f"thing{k}") for k in range(12))
    split = split_of(tmp_path, 10, 200, lambda number: {**LABELS, "relations": relations[number % 7 :]})
    for number in range(0, 2000, 200):
        split.timeline(split[number]).track("actions")
        split.timeline(split[number]).track("roles")
    split._takes = BoundedCache(split._read_take, label_file.MAX_CACHED_LABELS, lambda take: take.weight)
    tracemalloc.start()
    try:
        for number in range(2000):
            point = split[number]
            assert dict(point.labels)["relations"] == relations[number % 200 % 7 :]
            for facet in ("actions", "roles"):
                assert split.timeline(point).track(facet).span("sawing" if facet == "actions" else "nurse", 3)
        del point
        said = sum(split._takes(number).weight for number in range(10))
        assert 0.7 < tracemalloc.get_traced_memory()[0] / said < 1.2
    finally:
        tracemalloc.stop()


def test_tracks_are_of_the_labels(tmp_path):
    split = split_of(
        tmp_path, 2, 5, lambda number: [LABELS, {"actions": ()}, {}, {"actions": ("a", "sawing")}, LABELS][number]
    )
    timeline = split.timeline(split[7])
    assert timeline is split.timeline(split[5])
    track = timeline.track("actions")
    assert track.values == ("a", "sawing")
    assert (track.span("sawing", 3).first, track.span("sawing", 3).last) == (3, 4)
    assert track.span("sawing", 1) is track.span("sawing", 2) is None
    assert len(timeline) == 5
    assert timeline.track("robot_phase").values == ()


def test_a_timepoint_is_found_in_its_take_alone(folder):
    rewrite(folder, lambda said: b"{".rjust(70) + b"\n" if said["frame"] == "001" else None)
    split = Shards.open(folder).split("train")

    class Counted(tuple):
        passes = 0

        def __iter__(self):
            Counted.passes += 1
            return super().__iter__()

    split = dataset.Split(split.store, "train", evolve(split.entry, takes=Counted(split.entry.takes)))
    assert split.find("A%2ERoom/one/003") == 3
    before = Counted.passes
    assert split.find("A%2ERoom/two%2Eb/002") == 6
    assert Counted.passes == before


class Counting(list):
    """A list that counts how often somebody looks into it."""

    looks = 0

    def __getitem__(self, place):
        self.looks += 1
        return super().__getitem__(place)


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=12), data=st.data())
def test_labels_are_found_by_their_place(tmp_path_factory, lengths, data):
    known = CheckedLabels(
        LocalStore(tmp_path_factory.getbasetemp(), "x"),
        "train",
        "f",
        [TakeEntry("D", f"{k}", many, 0, 0) for k, many in enumerate(lengths)],
    )
    keys = [f"{take}/{row}" for take, many in enumerate(lengths) for row in range(many)]
    ends = list(accumulate(lengths))
    known.take = lambda number: CheckedTake(
        keys[ends[number] - lengths[number] : ends[number]], {key: key.encode() for key in keys}
    )
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(keys) + 2), st.integers(0, len(keys) + 2))))
    assert known.between(start, stop) == [(key, key.encode()) for key in keys[start:stop]]


def test_labels_are_found_without_a_look_at_all_takes(tmp_path):
    takes = Counting(TakeEntry("D", f"{k}", 10, 0, 0) for k in range(5_000))
    known = CheckedLabels(LocalStore(tmp_path, "x"), "train", "f", takes)
    known.take = lambda number: CheckedTake([f"{number}/{row}" for row in range(10)])
    takes.looks = 0
    assert len(known.between(30_005, 30_015)) == 10
    assert takes.looks < 10


def test_a_line_is_parsed_once_to_be_judged(monkeypatch):
    parsed = []
    plain = label_line.orjson.loads
    monkeypatch.setattr(label_line.orjson, "loads", lambda line: parsed.append(1) or plain(line))
    line = (
        b'{"dataset":"d","split":"s","take":"t","frame":"0","index":0,"seconds":null,"media":[],"sizes":{},"labels":{}}'
    )
    assert check_line(line)[0] == "d/t/0"
    assert parsed == [1]


def test_a_sample_travels_as_bytes_without_its_split(folder):
    spoil(folder)
    split = Shards.open(folder).split("train")
    many = tuple(evolve(split.entry.takes[0], name=f"take {k}", timepoints=1) for k in range(2_000))
    shards = tuple(evolve(split.entry.shards[0], timepoints=1) for _ in many)
    file = evolve(split.entry.labels, timepoints=len(split) + len(many))
    entry = evolve(split.entry, labels=file, takes=(*split.entry.takes, *many), shards=(*split.entry.shards, *shards))
    split = dataset.Split(split.store, "train", entry)
    sent = pickle.dumps(split[0])
    assert len(sent) < 2_000 + sum(len(split[0].read(name)) for name in split[0].media)
    came = pickle.loads(sent)
    assert came == evolve(split[0], media=came.media)
    assert list(came.media) == list(split[0].media)
    assert all(came.read(name) == split[0].read(name) for name in came.media)
    damaged = pickle.loads(pickle.dumps(split[1]))
    assert damaged.read("speech.txt") == b"hello"
    with pytest.raises(OrqaError, match=r"one/001\.room1\.jpg is damaged: its CRC-32"):
        damaged.read("room1.jpg")


def test_a_split_and_a_timepoint_are_shown_in_a_line(written_once):
    split = Shards.open(written_once).split("train")
    assert repr(split) == f"Split({str(written_once)!r}, 'train', timepoints=8, shards=4)"
    assert repr(split[0]) == (
        "Timepoint('A%2ERoom/one/000', media=['room1.jpg', 'speech.txt'], "
        "labels=['actions', 'clock', 'relations', 'roles'])"
    )


def test_a_medium_that_is_not_there_is_said_with_those_that_are(written_once):
    point = Shards.open(written_once).split("train")[0]
    with pytest.raises(
        KeyError, match=r"A%2ERoom/one/000 has no medium 'points\.npy': there is: room1\.jpg, speech\.txt"
    ):
        point.read("points.npy")
