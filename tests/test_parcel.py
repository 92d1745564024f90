"""Batches between processes: arrays in shared memory come out as they went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from small_room import written

from orqa_registry import Registry
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.stream import Stream
from orqa_train.training.loader import Loader
from orqa_train.training.shared_memory import MIN_SHARED_BYTES, SharedBatch, from_shared_memory, to_shared_memory

SIZES = st.sampled_from([0, 1, MIN_SHARED_BYTES - 1, MIN_SHARED_BYTES, MIN_SHARED_BYTES + 1, 3 * MIN_SHARED_BYTES + 7])
ARRAYS = st.builds(
    lambda size, kind: np.arange(size).astype(kind), SIZES, st.sampled_from(["u1", "<i8", ">f4", "?", "M8[s]"])
)
VALUES = st.recursive(
    ARRAYS | st.integers() | st.text() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for own, its in zip(one, other, strict=True):
            same(own, its)
    else:
        assert one == other


@given(VALUES)
def test_what_is_packed_comes_out_again(value):
    same(from_shared_memory(to_shared_memory(value)), value)


def test_arrays_of_any_layout():
    picture = np.arange(90 * 80 * 3, dtype=np.uint8).reshape(90, 80, 3)
    views = [picture, picture[::-1], picture.transpose(2, 0, 1), np.asfortranarray(picture), picture[:, ::2]]
    there = to_shared_memory({"views": views, "words": "nothing to copy"})
    assert isinstance(there, SharedBatch)
    same(from_shared_memory(there), {"views": views, "words": "nothing to copy"})


def test_arrays_can_be_written_to_and_outlive_the_parcel():
    made = from_shared_memory(
        to_shared_memory([np.zeros(MIN_SHARED_BYTES, np.uint8), np.ones(MIN_SHARED_BYTES, np.uint8)])
    )
    made[0][:] = 7
    assert (made[0] == 7).all()
    assert (made[1] == 1).all()


def test_small_and_strange_values_stay_as_they_are():
    small = [np.zeros(3), np.array([None] * MIN_SHARED_BYTES), "word"]
    assert to_shared_memory(small) is small


def noise(sample):
    """Return an array that tells its sample."""
    return np.random.default_rng(sum(sample.timepoint.key.encode())).integers(
        0, 256, 3 * MIN_SHARED_BYTES, dtype=np.uint8
    )


def test_arrays_of_processes_are_those_of_threads(tmp_path):
    registry = Registry.load()
    written(registry, tmp_path / "s")
    stream = Stream.of(registry, Shards.open(tmp_path / "s").split("train"))
    here, there = (list(Loader(stream, 3, transform=noise, workers=workers)) for workers in (0, 2))
    same(there, here)
    assert all(one.flags.writeable for batch in there for one in batch)
