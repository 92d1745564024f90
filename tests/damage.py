"""Damaged files for the tests of readers: made from sound ones, and what has to come of reading them."""

import io
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

from orqa_registry.errors import OrqaError


@st.composite
def damaged(draw, sound):
    """Draw bytes: one of the sound files with some bytes changed, cut, repeated or added; or no such file at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 4))):
        # Headers decide what happens, so half of the changes are in the first bytes.
        place = draw(st.integers(0, min(len(data), 150)) | st.integers(0, len(data)))
        length = draw(st.integers(0, 4))
        data[place : place + length] = draw(st.binary(min_size=length, max_size=length) | st.binary(max_size=12))
    cut = draw(st.none() | st.integers(0, len(data)))
    return bytes(data[:cut]) + draw(st.just(b"") | st.binary(max_size=20))


def tried(read, *arguments):
    """Return what a reader returns, or None where it raises OrqaError; any other error fails the test."""
    try:
        return read(*arguments)
    except OrqaError:
        return None


@contextmanager
def refused(path, match=None, most=32 << 20):
    """Expect an OrqaError that names the file, `match` in it, and no more memory in between than `most` bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(OrqaError, match=match) as caught:
            yield
        assert str(path) in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def saved(array, **how):
    """Return .npy bytes as numpy writes them."""
    made = io.BytesIO()
    np.save(made, array, **how)
    return made.getvalue()


def zipped(content, name="arr_0.npy", how=zipfile.ZIP_DEFLATED):
    """Return a zip archive of one member."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def write(path, data):
    """Return the path of a file with these bytes."""
    path.write_bytes(data)
    return path


def small(value):
    """Tell whether everything in it is plain and no larger than a damaged file could honestly hold."""
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and small(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(small, value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufcSU" and value.nbytes < 1 << 20
    return value is None or isinstance(value, bool | int | float | complex | str | bytes)
