"""A blend: exact quotas an epoch, complete passes through each dataset, one arithmetic from any position."""

import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from orqa_registry import CallError
from orqa_shards.sampling import blend as blending
from orqa_shards.sampling.blend import Blend, BlendSlot, apportion
from orqa_shards.sampling.mixture import Mixture

WEIGHTS = st.dictionaries(st.sampled_from("abcd"), st.floats(0.5, 5), min_size=1)


@st.composite
def splits(draw):
    """Return the dataset and the size of each shard; each of four datasets has samples."""
    datasets = draw(st.lists(st.sampled_from("abcd"), max_size=12)) + list("abcd")
    return datasets, [draw(st.integers(1, 7)) for _ in datasets]


def owners(datasets, counts):
    return [name for name, count in zip(datasets, counts, strict=True) for _ in range(count)]


@given(st.lists(st.integers(0, 50), min_size=1).filter(any), st.integers(0, 500))
def test_seats_are_shared_out_by_largest_remainder(weights, seats):
    given = apportion(weights, seats)
    assert sum(given) == seats
    assert all(
        abs(got * sum(weights) - weight * seats) < sum(weights) for got, weight in zip(given, weights, strict=True)
    )


@pytest.mark.parametrize("block", [7, 1 << 16])
@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(split=splits(), weights=WEIGHTS, length=st.integers(60, 120), scale=st.sampled_from([1, 0.5, 8]))
def test_each_epoch_has_exact_quotas_and_each_dataset_complete_passes(split, weights, length, scale, block):
    datasets, counts = split
    owner = owners(datasets, counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blending, "BLEND_BLOCK", block)
        scaled = {name: weight * scale for name, weight in weights.items()}
        blend = Blend.of(Mixture(seed=5, length=length, datasets=scaled), datasets, counts)
        assert len(blend) == length
        slots = [blend.place(position) for position in range(3 * length)]
        shares = {name: weight / sum(weights.values()) * length for name, weight in weights.items()}
        for epoch in range(3):
            seen = Counter(owner[slot.sample] for slot in slots[epoch * length : (epoch + 1) * length])
            assert all(abs(seen[name] - share) < 1 + 1e-9 for name, share in shares.items())
            assert sum(seen.values()) == length
            assert sorted(seen.items()) == sorted(zip(sorted(weights), blend.quotas, strict=True))
        for part, name in enumerate(sorted(weights)):
            own = [number for number, one in enumerate(owner) if one == name]
            taken = [slot for slot in slots if slot.part == part]
            for turn in range(len(taken) // len(own)):
                one = taken[turn * len(own) : (turn + 1) * len(own)]
                assert {slot.epoch for slot in one} == {turn}
                assert sorted(slot.sample for slot in one) == own
        again = pickle.loads(pickle.dumps(blend))
        assert [again.place(position) for position in range(3 * length)[::-17]] == slots[::-17]


@given(splits(), st.integers(0, 30))
def test_without_weights_each_timepoint_comes_once(split, length):
    datasets, counts = split
    total = sum(counts)
    blend = Blend.of(Mixture(length=length), datasets, counts)
    assert len(blend) == (length or total)
    for turn in range(2):
        slots = [blend.place(position) for position in range(turn * total, (turn + 1) * total)]
        assert sorted(slot.sample for slot in slots) == list(range(total))
        assert {(slot.part, slot.epoch) for slot in slots} == {(0, turn)}


def test_without_shuffling_samples_come_as_they_lie():
    blend = Blend.of(Mixture(), ["a", "b"], [3, 2], shuffle=False)
    assert [blend.place(position) for position in range(6)] == [
        *(BlendSlot(0, 0, sample) for sample in range(5)),
        BlendSlot(0, 1, 0),
    ]


def test_a_dataset_without_a_weight_is_left_out():
    blend = Blend.of(Mixture(datasets={"a": 1, "c": 3, "b": 0}), ["a", "b", "c", "d"], [4, 4, 4, 4])
    assert blend.quotas == (2, 6)
    assert {blend.place(position).sample // 4 for position in range(80)} == {0, 2}


def test_datasets_are_mixed_all_along_an_epoch(monkeypatch):
    monkeypatch.setattr(blending, "BLEND_BLOCK", 100)
    blend = Blend.of(Mixture(length=10_000, datasets={"a": 0.2, "b": 0.8}), ["a", "b"], [500, 100])
    parts = [blend.place(position).part for position in range(10_000)]
    assert {parts[begin : begin + 100].count(0) for begin in range(0, 10_000, 100)} == {20}
    assert len({tuple(parts[begin : begin + 100]) for begin in range(0, 10_000, 100)}) == 100


def test_the_blend_is_the_same_in_every_version():
    blend = Blend.of(Mixture(seed=7, datasets={"a": 1, "b": 2}), ["a", "b"], [4, 5])
    assert [blend.place(position).sample for position in range(9)] == [0, 7, 8, 6, 4, 1, 5, 2, 8]


@pytest.mark.parametrize(
    ("mixture", "datasets", "counts", "message"),
    [
        ({"datasets": {"4D_OR": 1}}, ["4D-OR"], [3], r"\[datasets\] 4D_OR: it is not among .* did you mean '4D-OR'"),
        ({"datasets": {"a": 1, "e": 0}}, ["a"], [3], r"\[datasets\] e: it is not among the shards"),
        ({"datasets": {"a": 1}}, ["a"], [0], "dataset a has no timepoints"),
        ({}, [], [], "the split has no timepoints"),
        ({"datasets": {"a": 1, "b": 1e-9}}, ["a", "b"], [3, 3], r"\[datasets\] b: its weight is too small .* of 6"),
    ],
)
def test_blends_that_cannot_be_are_refused(mixture, datasets, counts, message):
    with pytest.raises(CallError, match=message):
        Blend.of(Mixture(**mixture), datasets, counts)
