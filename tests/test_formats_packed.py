"""Clouds as tables: the same points in fewer bytes, or left as they are."""

import io

import numpy as np
import pytest
from damage import damaged, refused, saved, tried
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from orqa_registry.errors import OrqaError
from orqa_registry.readers.formats.clouds import cloud_from_npy, compact_cloud

FLOATS = arrays.arrays(np.float32, st.tuples(st.integers(0, 40), st.sampled_from([3, 4, 5, 6, 7])))


def cloud(columns, many=50):
    rng = np.random.default_rng(columns)
    return np.column_stack([rng.normal(0, 1e3, (many, 3)), rng.integers(0, 256, (many, columns - 3))]).astype("f4")


@pytest.mark.parametrize(("columns", "names", "each"), [(6, ("xyz", "rgb"), 15), (4, ("xyz", "id"), 13)])
@pytest.mark.parametrize("many", [0, 1, 1000])
def test_a_table_holds_the_same_points(columns, names, each, many):
    before = cloud(columns, many)
    made = compact_cloud(saved(before))
    table = np.load(io.BytesIO(made), allow_pickle=False)  # as anybody would
    assert table.dtype.names == names
    assert table.nbytes == each * many
    after = cloud_from_npy(made)
    assert (after.dtype, after.shape) == (np.float32, before.shape)
    assert after.tobytes() == before.tobytes() == cloud_from_npy(saved(before)).tobytes()
    assert after.flags.writeable
    assert compact_cloud(made) == made, "packing again changes nothing"


@given(FLOATS)
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_whatever_is_packed_comes_back_bit_by_bit(before):
    with np.errstate(invalid="ignore"):
        before[:, 3:] = np.where(before[:, 3:] < 0, before[:, 3:], before[:, 3:] % 256 // 1)
    made = compact_cloud(saved(before))
    assert cloud_from_npy(made).tobytes() == before.tobytes()


@pytest.mark.parametrize("value", [0.5, -1.0, -0.0, 256.0, 1e9, np.nan, np.inf])
def test_colours_that_are_no_small_whole_numbers_stay(value):
    before = cloud(6)
    before[7, 4] = value
    assert compact_cloud(saved(before)) == saved(before)


@pytest.mark.parametrize(
    "before", [cloud(6).astype("f8"), cloud(6).astype("i2"), cloud(5), np.zeros((4, 3), "f4")], ids=str
)
def test_other_clouds_stay(before):
    assert compact_cloud(saved(before)) == saved(before)
    np.testing.assert_array_equal(cloud_from_npy(saved(before)), before.astype(np.float32))


def test_files_in_other_orders_of_bytes_and_axes():
    for before in (cloud(6).astype(">f4"), np.asfortranarray(cloud(6))):
        np.testing.assert_array_equal(cloud_from_npy(compact_cloud(saved(before))), cloud(6))


TABLE = np.load(io.BytesIO(compact_cloud(saved(cloud(6)))))


@pytest.mark.parametrize(
    "data",
    [
        saved(np.zeros(6, "f4")),
        saved(np.zeros((2, 2), "f4")),
        saved(np.array([["a", "b", "c"]])),
        saved(np.zeros((2, 3), bool)),
        saved(TABLE.reshape(2, -1)),
        saved(TABLE[["xyz"]].copy()),
        saved(np.zeros(3, [("xyz", "<f4", (3,)), ("rgb", "O")]), allow_pickle=True),
        compact_cloud(saved(cloud(6)))[:-1],
        compact_cloud(saved(cloud(6))) + b"\0",
        b"",
        b"cloud",
    ],
)
def test_what_is_no_cloud_is_refused(data):
    for read in (cloud_from_npy, compact_cloud):
        with refused("points.npy", "expected a cloud"):
            read(data, "points.npy")


@given(damaged([compact_cloud(saved(cloud(6, 5))), compact_cloud(saved(cloud(4, 5))), saved(cloud(6, 5))]))
@settings(max_examples=settings.default.max_examples * 2)
def test_damaged_clouds(data):
    found = tried(cloud_from_npy, data)
    assert found is None or (found.ndim == 2 and found.dtype == np.float32)
    if found is not None:
        assert cloud_from_npy(compact_cloud(data)).tobytes() == found.tobytes()


def test_plain_arrays_are_no_tables():
    from orqa_registry.readers.formats.arrays import from_npy as plain

    with pytest.raises(OrqaError, match="not booleans, numbers or strings"):
        plain(compact_cloud(saved(cloud(6))))
