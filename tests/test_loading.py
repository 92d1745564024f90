"""The loader: the same epoch by any number of workers, ranks and threads, and a run that goes on, whatever is bad."""

import json
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from attrs import evolve
from small_lab import spoil
from small_room import Room, picture

from orqa_registry import CallError, DataWarning, MissingLibraryError, OrqaError, Registry, Take, Timepoint
from orqa_shards.error_budget import ErrorBudget
from orqa_shards.read.dataset import Shards
from orqa_shards.read.image_decoder import decode_image
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.shuffle import RankShare
from orqa_shards.sampling.stream import Stream
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource
from orqa_train.training.loader import PREFETCH_BATCHES, Loader

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

MANY = 29


class Theatre(Room):
    """29 timepoints of one take, each with a picture of its own; every fourth has no labels."""

    def takes(self, root, split):
        if split == "train":
            yield Take(self.name, split, "t", partial(self.points, root, split, "t"))

    def points(self, root, split, name):
        for k in range(MANY):
            labels = {"roles": ("nurse",) * (k % 3)} if k % 4 else {}
            yield Timepoint(self.name, split, name, f"{k:02d}", k, None, {"room1.jpg": picture(f"theatre{k}")}, labels)


def written(out):
    pack(Registry.load(), [ShardSource(Theatre(), Path("/nowhere"), ("train",))], out, WriteOptions(shard_bytes=9000))
    return out


def streamed(folder, mixture=None, epochs=1):
    split = Shards.open(folder).split("train")
    return Stream.of(Registry.load(), split, mixture or Mixture(seed=5), epochs)


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    made = streamed(written(tmp_path_factory.mktemp("theatre") / "s"), epochs=2)
    assert len(made.split.entry.shards) > 3
    return made


def key(sample):
    return sample.timepoint.key


def pixels(sample):
    return sample.timepoint.key, decode_image(sample.timepoint.read("room1.jpg")).tobytes()


def number(sample):
    return int(sample.timepoint.frame)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_workers_and_ranks_give_the_same_epoch(stream, workers, ranks):
    keys = [key(sample) for sample in stream]
    shares = [RankShare(len(stream), 3, rank, ranks) for rank in range(ranks)]
    loaders = [Loader(stream, 3, transform=key, rank=rank, ranks=ranks, workers=workers) for rank in range(ranks)]
    batches = [list(loader) for loader in loaders]
    assert batches == [[[keys[place] for place in places] for places in share] for share in shares]
    steps = [one for step in zip(*batches, strict=True) for batch in step for one in batch]
    assert steps == keys[: len(steps)]
    assert len(keys) - len(steps) < 3 * ranks


def test_each_sample_comes_once_an_epoch_and_is_what_was_written(stream):
    original = {f"A%2ERoom/t/{k:02d}": decode_image(picture(f"theatre{k}")).tobytes() for k in range(MANY)}
    for threads in (1, 4):
        seen = [one for batch in Loader(stream, 1, transform=pixels, threads=threads) for one in batch]
        for epoch in (seen[:MANY], seen[MANY:]):
            assert len(epoch) == MANY
            assert dict(epoch) == original


@given(st.data())
@settings(
    max_examples=settings.default.max_examples * 2 // 5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_run_goes_on_with_the_very_next_sample(stream, data):
    keys = [key(sample) for sample in stream]
    seen, state = [], 0
    for _ in range(data.draw(st.integers(1, 4))):
        batch, ranks, threads = (data.draw(st.integers(1, most)) for most in (7, 4, 3))
        loaders = [
            Loader(stream, batch, transform=key, rank=rank, ranks=ranks, threads=threads, start=state)
            for rank in range(ranks)
        ]
        left = len(loaders[0])
        assert {len(loader) for loader in loaders} == {left}
        running = [iter(loader) for loader in loaders]
        for _ in range(data.draw(st.integers(0, left))):
            for batches in running:
                seen += next(batches)
        for batches in running:
            batches.close()
        assert len({loader.state_dict()["position"] for loader in loaders}) == 1
        state = json.loads(json.dumps(loaders[0].state_dict()))
        assert state["position"] == len(seen)
    assert seen == keys[: len(seen)]


@pytest.mark.parametrize(("before", "after"), [((2, 1), (3, 2)), ((0, 2), (1, 1)), ((3, 2), (0, 1))])
def test_a_run_goes_on_with_other_processes(stream, before, after):
    keys = [key(sample) for sample in stream]
    first = Loader(stream, 4, transform=key, workers=before[0], threads=before[1])
    batches = iter(first)
    seen = [*next(batches), *next(batches), *next(batches)]
    second = Loader(stream, 3, transform=key, workers=after[0], threads=after[1])
    second.load_state_dict(first.state_dict())
    batches.close()
    seen += [one for batch in second for one in batch]
    assert seen == keys[: len(seen)]
    assert len(seen) > len(keys) - 3


def test_what_was_made_ahead_is_not_counted(stream):
    loader = Loader(stream, 2, transform=key, threads=2)
    assert loader.state_dict()["position"] == 0
    batches = iter(loader)
    next(batches)
    time.sleep(0.05)
    assert loader.state_dict() == {**stream.state(2), "bad": {"seen": 2, "wrong": 0, "row": 0}}
    batches.close()


def test_after_its_end_a_run_begins_anew(stream):
    loader = Loader(stream, 2, transform=key, start=50)
    assert (len(loader), len(list(loader)), loader.state_dict()["position"]) == (4, 4, 58)
    assert len(list(loader)) == 29


def test_few_batches_are_made_ahead_while_the_caller_works(stream):
    made = []

    def note(sample):
        made.append((key(sample), threading.current_thread().name))
        return key(sample)

    batches = iter(Loader(stream, 2, transform=note, threads=2))
    first = next(batches)
    until = time.monotonic() + 10
    while len(made) < 2 * (1 + PREFETCH_BATCHES) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(first) == 2
    assert len(made) == 2 * (1 + PREFETCH_BATCHES)
    assert {name for _, name in made}.isdisjoint({threading.current_thread().name})
    batches.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_that_is_left_leaves_nothing_behind(stream, workers):
    import multiprocessing

    threads = threading.active_count()
    for _ in Loader(stream, 2, transform=key, threads=3, workers=workers):
        break
    until = time.monotonic() + 10
    while (threading.active_count() > threads or multiprocessing.active_children()) and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == threads
    assert not multiprocessing.active_children()


def test_padding_loses_nothing(stream):
    keys = [key(sample) for sample in stream]
    batches = [list(Loader(stream, 5, transform=key, rank=rank, ranks=3, tail="pad")) for rank in range(3)]
    assert {len(one) for one in batches} == {4}
    assert [one for step in zip(*batches, strict=True) for batch in step for one in batch] == keys


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Return a stream, its keys, and those of which the picture was damaged after writing."""
    folder = written(tmp_path_factory.mktemp("damaged") / "s")
    bad = {spoil(folder, "train", number, "room1.jpg") for number in (3, 11, 12)}
    made = streamed(folder)
    return made, [key(sample) for sample in made], bad


@pytest.mark.parametrize(("threads", "workers"), [(1, 0), (3, 0), (1, 2), (2, 2)])
def test_a_bad_sample_costs_itself_and_is_named(damaged, threads, workers):
    stream, keys, bad = damaged
    loader = Loader(stream, 4, transform=pixels, threads=threads, workers=workers)
    with pytest.warns(DataWarning, match=r"A%2ERoom/t/\d\d: .*room1.jpg is damaged: its CRC-32.*: left out") as warned:
        batches = [[one for one, _ in batch] for batch in loader]
    whole = [keys[place : place + 4] for place in range(0, 28, 4)]
    assert batches == [[one for one in batch if one not in bad] for batch in whole]
    lost = [one for batch in whole for one in batch if one in bad]
    assert [one.key for one in loader.budget.named] == lost
    assert len(warned) == len(lost)
    assert loader.state_dict()["bad"] == {"seen": 28, "wrong": len(lost), "row": loader.budget.row}


@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")
@pytest.mark.parametrize(("threads", "workers"), [(2, 0), (1, 2)])
def test_the_next_good_sample_fills_a_place(damaged, threads, workers):
    stream, keys, bad = damaged
    expected = [next(one for one in (keys + keys)[place:] if one not in bad) for place in range(len(keys))]
    loader = Loader(stream, 1, transform=pixels, fill=True, threads=threads, workers=workers)
    assert [batch[0][0] for batch in loader] == expected
    assert loader.budget.wrong == 3


def test_what_gives_nothing_gives_way_and_is_not_bad(stream):
    def labelled(sample):
        return key(sample) if sample.asked else None

    every = [labelled(sample) for sample in stream]
    assert None in every
    expected = [next(one for one in (every + every)[place:] if one) for place in range(len(every))]
    loader = Loader(stream, 1, transform=labelled, fill=True)
    assert [one for batch in loader for one in batch] == expected
    assert loader.budget.state() == {"seen": len(every) - every.count(None), "wrong": 0, "row": 0}
    assert [len(batch) for batch in Loader(stream, 1, transform=labelled)] == [int(one is not None) for one in every]
    with pytest.raises(OrqaError, match="none of the 29 samples of an epoch can be used: no question is put at any"):
        list(Loader(stream, 1, transform=lambda sample: None, fill=True))


def broken(sample):
    raise OrqaError(f"{key(sample)}.room1.jpg: no picture")


def sick(sample):
    raise ZeroDivisionError(key(sample))


def lacking(sample):
    raise MissingLibraryError("sounds need soundfile: pip install soundfile")


@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("fill", [False, True])
def test_too_much_damage_stops_the_run_with_the_list(stream, workers, fill):
    loader = Loader(stream, 2, transform=broken, fill=fill, workers=workers, budget=ErrorBudget(in_a_row=5))
    with pytest.raises(OrqaError, match=r"^5 samples in a row are bad; so far 5 of 5 samples were bad") as caught:
        list(loader)
    said = str(caught.value).splitlines()
    assert said[1:6] == [f"  {key(stream[place])}: room1.jpg: no picture" for place in range(5)]
    assert "Traceback" not in str(caught.value)
    assert loader.state_dict()["position"] == (0 if fill else 4), "batches that were handed out"


@pytest.mark.parametrize("workers", [0, 1])
def test_errors_that_are_not_of_one_sample_are_fatal(stream, workers):
    with pytest.raises(ZeroDivisionError, match=key(stream[0])):
        list(Loader(stream, 2, transform=sick, workers=workers))
    with pytest.raises(MissingLibraryError) as caught:
        list(Loader(stream, 2, transform=lacking, workers=workers))
    assert str(caught.value) == "sounds need soundfile: pip install soundfile"


def test_counts_of_damage_go_on(damaged):
    stream, _, _ = damaged
    first = Loader(stream, 29, transform=pixels)
    with pytest.warns(DataWarning):
        list(first)
    second = Loader(stream, 1, transform=pixels, start=first.state_dict())
    assert second.budget.state() == {"seen": 29, "wrong": 3, "row": first.budget.row}


def test_what_cannot_be_is_refused(stream):
    with pytest.raises(CallError, match="0 threads"):
        Loader(stream, 2, threads=0)
    with pytest.raises(CallError, match="rank is 2 of 2"):
        Loader(stream, 2, rank=2, ranks=2)
    with pytest.raises(CallError, match="cannot go on at position 59"):
        Loader(stream, 2, start=59)
    state = Loader(stream, 2).state_dict()
    other = evolve(stream, mixture=Mixture(seed=6))
    with pytest.raises(CallError, match="another mixture"):
        Loader(other, 2, start=state)
    with pytest.raises(OrqaError, match="seen >= wrong >= row"):
        Loader(stream, 2, start={**state, "bad": {"seen": 1, "wrong": 2, "row": 0}})


def test_the_chance_of_the_model_is_left_alone(stream):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    for workers in (0, 1):
        list(Loader(stream, 8, transform=key, workers=workers))
    assert torch.equal(torch.rand(2), expected)


def test_a_reader_that_is_killed_goes_on_without_loss(stream, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import kills

    (tmp_path / "log").mkdir()
    places = kills.reading(str(stream.split.store.folder), tmp_path / "log", 4, epochs=25, seed=1)
    assert len(places) == 4


def test_a_run_that_is_too_short_for_a_batch_is_refused(stream):
    with pytest.raises(CallError, match=rf"{2 * MANY} samples.*smaller batches"):
        Loader(stream, 2 * MANY + 1)
    with pytest.raises(CallError, match="none of its 3 ranks"):
        Loader(stream, MANY, ranks=3)
    assert len(list(Loader(stream, 2 * MANY + 1, tail="pad"))) == 1
