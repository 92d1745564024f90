"""Tars of others as one run: each sample once an epoch, whatever reads it, and gone on with exactly."""

import io
import json
import pickle
import tarfile

import pytest

pytest.importorskip("numpy")

from orqa_registry import CallError, DataWarning, OrqaError
from orqa_shards.sampling.tar_stream import TarStream

SIZES = (5, 7, 3)
KEYS = [f"of {tar}/{k:04d}" for tar, many in enumerate(SIZES) for k in range(many)]


@pytest.fixture
def others(tmp_path):
    """Return a folder of tars as anybody might write them, with a file in each that belongs to no sample."""
    for number, many in enumerate(SIZES):
        with tarfile.open(tmp_path / f"{number}.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("README"))
            for k in range(many):
                for suffix, data in (("cls", f"{k}".encode()), ("txt", f"{number}.{k}".encode() * 300)):
                    member = tarfile.TarInfo(f"of {number}/{k:04d}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return tmp_path


def keys(batches):
    return [sample["__key__"] for batch in batches for sample in batch]


def test_an_epoch_has_every_sample_once_and_as_it_was_written(others):
    tars = TarStream.open(others, epochs=2, seed=3)
    assert len(tars) == 2 * tars.length == 30
    epochs = [[one["__key__"] for one in tars[start : start + 15]] for start in (0, 15)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(KEYS)
    assert epochs[0] != epochs[1]
    for one in tars:
        tar, k = one["__key__"].removeprefix("of ").split("/")
        assert one == {"__key__": one["__key__"], "cls": b"%d" % int(k), "txt": f"{tar}.{int(k)}".encode() * 300}
    assert [one["__key__"] for one in TarStream.open(others, shuffle=False)] == KEYS
    assert [one["__key__"] for one in TarStream.open(others, ["2.tar"], shuffle=False)] == KEYS[-3:]
    assert pickle.loads(pickle.dumps(tars))[7] == tars[7]
    with pytest.raises(IndexError):
        tars[30]


def test_a_run_of_them_is_loaded_by_any_number_of_ranks_and_workers_and_goes_on(others):
    pytest.importorskip("torch")
    from orqa_train.training.loader import Loader

    tars = TarStream.open(others, epochs=2)
    expected = [one["__key__"] for one in tars]
    first = iter(loaders := Loader(tars, 4, threads=2))
    seen = keys([next(first), next(first)])
    state = json.loads(json.dumps(loaders.state_dict()))
    ranks = [list(Loader(tars, 2, rank=rank, ranks=2, workers=rank, start=state, tail="pad")) for rank in (0, 1)]
    seen += keys(batch for step in zip(*ranks, strict=True) for batch in step)
    assert seen == expected


def test_a_run_goes_on_with_its_own_tars_and_order_alone(others):
    state = TarStream.open(others).state(4)
    assert TarStream.open(others).position(state) == 4
    with pytest.raises(CallError, match="had seed 0, and this one has 1"):
        TarStream.open(others, seed=1).position(state)
    with pytest.raises(CallError, match="read other data"):
        TarStream.open(others, ["0.tar", "1.tar"]).position(state)


def test_a_damaged_sample_costs_itself(others):
    pytest.importorskip("torch")
    from orqa_train.training.loader import Loader

    tars = TarStream.open(others, shuffle=False)
    path = others / "1.tar"
    path.write_bytes(path.read_bytes().replace(b"1.3" * 300, b"1.X" * 300))
    with pytest.warns(DataWarning, match=r"1\.tar: of 1/0003\.txt is damaged"):
        assert keys(Loader(tars, 5)) == [key for key in KEYS if key != "of 1/0003"]


def test_a_folder_without_any_is_refused(tmp_path):
    with pytest.raises(OrqaError, match="there is no tar"):
        TarStream.open(tmp_path)


def test_a_run_of_tars_is_told_in_a_line(others):
    assert repr(TarStream.open(others, epochs=2)) == "<TarStream: 15 samples an epoch, 2 epochs>"
