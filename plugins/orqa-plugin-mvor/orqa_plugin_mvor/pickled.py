"""Writes the .npz files of MVOR: one pickled dictionary each, as numpy before 2 wrote it (datasets.md 4.3, 8)."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

PROTOCOL = 3
HOSTILE = b"\x80\x03cbuiltins\nlen\n\x85."
"""A pickle that names a function which no array needs; even to call it would do no harm."""


def pickled_dictionary(content: Mapping[str, npt.NDArray[np.float64]]) -> bytes:
    """Return a .npz file that holds a dictionary of arrays as `arr_0`."""
    held = np.array(None, dtype=object)
    held[()] = dict(content)
    # numpy 2 calls its module otherwise; the download is from before.
    return pickled_member(pickle.dumps(held, protocol=PROTOCOL).replace(b"cnumpy._core.", b"cnumpy.core."))


def pickled_member(pickled: bytes) -> bytes:
    """Return a .npz file whose `arr_0` is an array of one object with this pickle."""
    member, archive = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr(zipfile.ZipInfo("arr_0.npy"), member.getvalue() + pickled, zipfile.ZIP_DEFLATED)
    return archive.getvalue()
