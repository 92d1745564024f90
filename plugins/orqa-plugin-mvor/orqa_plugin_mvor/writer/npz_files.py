"""Writes the .npz files of MVOR: one pickled dictionary each, as numpy before 2 wrote it (datasets.md 4.3, 8)."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

PICKLE_PROTOCOL = 3
HOSTILE_PICKLE = b"\x80\x03cbuiltins\nlen\n\x85."
"""A pickle that names a function which no array needs; even to call it would do no harm."""


def dictionary_npz(content: Mapping[str, npt.NDArray[np.float64]]) -> bytes:
    """Return a .npz file that holds a dictionary of arrays as `arr_0`."""
    array = np.array(None, dtype=object)
    array[()] = dict(content)
    # numpy 2 calls its module otherwise; the download is from before.
    return object_npz(pickle.dumps(array, protocol=PICKLE_PROTOCOL).replace(b"cnumpy._core.", b"cnumpy.core."))


def object_npz(pickled: bytes) -> bytes:
    """Return a .npz file whose `arr_0` is an array of one object with this pickle."""
    member, content = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("arr_0.npy"), member.getvalue() + pickled, zipfile.ZIP_DEFLATED)
    return content.getvalue()
