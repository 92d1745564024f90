"""The order: every sample once an epoch, whoever asks, on any number of ranks; and it mixes as it promises."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from orqa_registry import CallError
from orqa_shards.sampling.shuffle import RankShare, ShuffledOrder

COUNTS = st.lists(st.integers(0, 9), max_size=30).map(tuple)


@given(COUNTS, st.integers(), st.integers(1, 40), st.booleans(), st.integers(0, 5))
def test_an_epoch_has_every_sample_once(counts, seed, window, shuffle, epoch):
    order = ShuffledOrder(counts, seed, window, shuffle)
    asked = [order.place(epoch, position) for position in range(len(order))]
    assert sorted(asked) == list(range(sum(counts)))
    assert asked == list(order.places(epoch))
    if not shuffle:
        assert asked == sorted(asked)
    for beyond in (-1, len(order)):
        with pytest.raises(IndexError):
            order.place(epoch, beyond)


@settings(max_examples=settings.default.max_examples * 3 // 10)
@given(COUNTS, st.data())
def test_a_place_does_not_depend_on_what_was_asked_before(counts, data):
    order = ShuffledOrder(counts, window=3)
    places = [(epoch, position) for epoch in range(6) for position in range(len(order))]
    expected = {place: ShuffledOrder(counts, window=3).place(*place) for place in places[:: max(1, len(places) // 20)]}
    for place in data.draw(st.permutations(sorted(expected))):
        assert order.place(*place) == expected[place]


def test_the_order_is_the_same_in_every_version():
    """What a checkpoint goes on with: to change these numbers is to change every run that was interrupted."""
    assert list(ShuffledOrder((4, 3, 5), seed=7, window=2).places(0)) == [11, 9, 10, 2, 1, 5, 4, 0, 8, 3, 7, 6]
    assert list(ShuffledOrder((4, 3, 5), seed=7, window=1).places(1)) == [6, 4, 5, 8, 7, 10, 9, 11, 3, 0, 1, 2]


def test_seeds_epochs_and_matters_have_orders_of_their_own():
    orders = [ShuffledOrder((50,) * 4, seed, about=about) for seed in (0, 1) for about in ("", "4D-OR")]
    assert len({tuple(order.places(epoch)) for order in orders for epoch in range(3)}) == 12


def test_samples_have_the_numbers_of_their_shards():
    assert sorted(ShuffledOrder((2, 0, 3), starts=(10, 0, 40)).places(0)) == [10, 11, 40, 41, 42]
    assert list(ShuffledOrder((2, 3), starts=(40, 10), shuffle=False).places(0)) == [40, 41, 10, 11, 12]


@pytest.mark.parametrize(("window", "distinct"), [(64, 17.9), (16, 11.6), (1000, 19.2)])
def test_batches_mix_takes(window, distinct):
    """20 takes of 1,000 timepoints in shards of 100, batches of 64: as simulated in streaming.md section 4."""
    epochs = [list(ShuffledOrder((100,) * 200, seed, window).places(0)) for seed in range(3)]
    batches = [places[k : k + 64] for places in epochs for k in range(0, len(places) - 63, 64)]
    mean = sum(len({place // 1000 for place in batch}) for batch in batches) / len(batches)
    assert mean == pytest.approx(distinct, abs=0.4)


@given(st.integers(1, 50), st.integers(1, 9))
def test_reads_stay_within_a_window_of_shards(shards, window):
    places = list(ShuffledOrder((5,) * shards, window=window).places(0))
    open_at_once = 0
    for k in range(len(places)):
        before, after = {p // 5 for p in places[: k + 1]}, {p // 5 for p in places[k:]}
        open_at_once = max(open_at_once, len(before & after))
    assert open_at_once < 2 * window


def test_with_one_window_every_place_is_equally_likely():
    first = [ShuffledOrder((3, 5), seed).place(0, 0) for seed in range(4000)]
    assert all(430 < first.count(sample) < 570 for sample in range(8))


def test_millions_of_shards_are_ordered_without_listing_their_samples():
    order = ShuffledOrder((1000,) * 300_000)
    assert len(order) == 300_000_000
    assert len({order.place(0, position) // 1000 for position in range(150_000_000, 150_000_500)}) > 60


def test_threads_and_processes_see_one_order():
    order = ShuffledOrder((20,) * 30, window=4)
    expected = list(ShuffledOrder((20,) * 30, window=4).places(2))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda position: order.place(2, position), range(600))) == expected
    assert list(pickle.loads(pickle.dumps(order)).places(2)) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"counts": (1,), "window": 0}, "window is 0"),
        ({"counts": (1, -2)}, "a shard has -2 samples"),
        ({"counts": (1, 2), "starts": (0,)}, "1 starts were given for 2 shards"),
    ],
)
def test_orders_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(CallError, match=message):
        ShuffledOrder(**arguments)


SHARES = {"total": st.integers(0, 200), "batch": st.integers(1, 9), "ranks": st.sampled_from([1, 2, 3, 4, 7])}


@given(**SHARES, start=st.integers(0, 200), tail=st.sampled_from(["drop", "pad"]))
def test_ranks_share_all_positions_in_equally_many_batches(total, batch, ranks, start, tail):
    start = min(start, total)
    shares = [RankShare(total, batch, rank, ranks, start, tail) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    taken = []
    for step, batches in enumerate(zip(*shares, strict=True)):
        assert all(len(one) == batch for one in batches)
        positions = [place for one in batches for place in one if place is not None]
        assert positions == list(range(shares[0].after(step), shares[0].after(step + 1)))
        taken += positions
    left = (total - start) % (ranks * batch) if tail == "drop" else 0
    assert taken == list(range(start, total - left))
    assert shares[0].after(len(shares[0])) == total - left


@given(st.integers(0, 300), st.lists(st.tuples(SHARES["ranks"], SHARES["batch"], st.integers(0, 5)), max_size=8))
def test_a_run_goes_on_with_the_next_sample_on_other_ranks(total, stretches):
    taken, position = [], 0
    for ranks, batch, steps in [*stretches, (1, 1, total)]:
        shares = [RankShare(total, batch, rank, ranks, position) for rank in range(ranks)]
        steps = min(steps, len(shares[0]))
        taken += [place for step in range(steps) for share in shares for place in share[step]]
        position = shares[0].after(steps)
    assert taken == list(range(total))


def test_a_share_has_an_end():
    share = RankShare(10, 2, 1, 2, tail="pad")
    assert list(share) == [[2, 3], [6, 7], [None, None]]
    assert list(RankShare(10, 2, 1, 2)) == [[2, 3], [6, 7]]
    for beyond in (-1, 3):
        with pytest.raises(IndexError):
            share[beyond]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "a batch is 0 samples"),
        ({"rank": 2, "ranks": 2}, "rank is 2 of 2: ranks are counted from 0"),
        ({"start": 11}, "the run has 10 samples, and cannot go on at position 11"),
        ({"tail": "keep"}, "tail is 'keep'"),
    ],
)
def test_shares_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(CallError, match=message):
        RankShare(**{"total": 10, "batch": 2, **arguments})
