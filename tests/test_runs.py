"""Runs that write to one folder: none takes what another left for its own, and two at once are noticed."""

import os
from functools import partial

import pytest
from attrs import evolve

from orqa_registry import CallError, OrqaError, Take, Timepoint
from orqa_shards.read.dataset import Shards

pytest.importorskip("simplejpeg")

from odd_rooms import pack_one
from small_room import Room, picture, written

from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.open import open_store
from orqa_shards.storage.remote import RemoteStore
from orqa_shards.verify.verify import verify
from orqa_shards.write.run_lock import call_differences
from orqa_shards.write.transcode import Transcoder

SIZE = 20_000


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killed(write, after, method="put"):
    """Run `write` in a process that is gone, without a chance to clean up, after so many calls of a store's method."""
    pid = os.fork()
    if pid == 0:
        done, plain = 0, getattr(LocalStore, method)

        def die(self, *args):
            nonlocal done
            if done == after:
                os._exit(9)
            done += 1
            plain(self, *args)

        setattr(LocalStore, method, die)
        write()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


class Ward(Room):
    """Six timepoints, all with one role."""

    def __init__(self, role):
        self.role = role

    def takes(self, root, split):
        yield Take(self.name, split, "t", partial(self.points, root, split, "t"))

    def points(self, root, split, name):
        for k in range(6):
            yield Timepoint(
                self.name, split, name, f"{k}", k, None, {"room1.jpg": picture(f"{k}")}, {"roles": (self.role,)}
            )


@pytest.mark.parametrize("restored", [False, True])
def test_shards_of_an_earlier_run_are_not_taken_for_those_of_this_one(registry, tmp_path, restored):
    out, size = tmp_path / "s", {"shard_bytes": 9000}
    pack_one(registry, Ward("nurse"), tmp_path / "old", **size)
    pack_one(registry, Ward("patient"), tmp_path / "new", **size)
    # The plan, then tar, index and record of a shard.
    assert killed(lambda: pack_one(registry, Ward("nurse"), out, **size), 4)
    record = out / ".unfinished" / "train-000000.jsonl.zst"
    old = record.read_bytes()
    assert killed(lambda: pack_one(registry, Ward("patient"), out, force=True, **size), 4)
    assert not record.exists()
    if restored:
        record.write_bytes(old)
    pack_one(registry, Ward("patient"), out, resume=True, **size)
    assert files(out) == files(tmp_path / "new") != files(tmp_path / "old")


def test_a_shard_without_its_index_is_written_again(registry, tmp_path):
    written(registry, tmp_path / "whole", shard_bytes=SIZE)
    assert killed(partial(written, registry, tmp_path / "s", shard_bytes=SIZE), 5)
    assert (tmp_path / "s" / ".unfinished" / "lock").exists(), "and who was killed has let go of it"
    (tmp_path / "s" / ".new-0").mkdir()  # as it is left where a kill comes in the moment before it is locked
    (tmp_path / "s" / "train-000000.idx").unlink()
    written(registry, tmp_path / "s", shard_bytes=SIZE, resume=True)
    assert files(tmp_path / "s") == files(tmp_path / "whole")


def test_to_go_on_and_to_begin_anew_is_a_wrong_call(registry, tmp_path):
    assert killed(partial(written, registry, tmp_path / "s", shard_bytes=SIZE), 5)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CallError, match="--resume goes on with a run, --force begins anew"):
        written(registry, tmp_path / "s", shard_bytes=SIZE, resume=True, force=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("how", ["resume", "force"])
@pytest.mark.parametrize("survive", range(7))
def test_a_run_that_was_killed_while_it_cleared_is_gone_on_with(registry, tmp_path, survive, how):
    out = tmp_path / "s"
    written(registry, tmp_path / "whole", shard_bytes=SIZE)
    written(registry, out, shard_bytes=SIZE // 2)
    assert killed(partial(written, registry, out, shard_bytes=SIZE, force=True), survive, "delete")
    with pytest.raises(OrqaError, match="holds an unfinished run: --resume goes on with it, --force begins anew"):
        written(registry, out, shard_bytes=SIZE)
    written(registry, out, shard_bytes=SIZE, **{how: True})
    assert files(out) == files(tmp_path / "whole")


def test_what_replaces_nothing_deletes_nothing(registry, tmp_path):
    written(registry, tmp_path / "s")
    before = files(tmp_path / "s")
    twice = Ward("nurse")
    twice.points = lambda *where: iter([*Ward.points(twice, *where)] * 2)
    with pytest.raises(OrqaError, match="occurs twice"):
        pack_one(registry, twice, tmp_path / "s", force=True)
    assert files(tmp_path / "s") == before


def test_a_run_that_lacks_its_last_step_is_gone_on_with_as_it_was_called(registry, tmp_path):
    out = tmp_path / "s"
    assert killed(partial(written, registry, out, shard_bytes=SIZE), 0, "delete")
    assert (out / "manifest.json").exists()
    with pytest.raises(CallError, match="is of another call: quality: 95 then, 10 now"):
        written(registry, out, shard_bytes=SIZE, resume=True, transcoder=Transcoder(quality=10))
    written(registry, out, shard_bytes=SIZE, resume=True)
    assert not (out / ".unfinished").exists()


@pytest.mark.parametrize("where", ["near", "far"])
def test_to_go_on_where_all_is_finished_changes_nothing(registry, tmp_path, where):
    out = far(tmp_path) if where == "far" else open_store(tmp_path / "s")
    made = written(registry, out, shard_bytes=SIZE, resume=True)
    before = content(out)
    assert written(registry, out, shard_bytes=SIZE, resume=True) == made
    with pytest.raises(OrqaError, match="holds finished shards already"):
        written(registry, out, shard_bytes=SIZE)
    with pytest.raises(CallError, match=f"is of another call: shard_bytes: {SIZE} then, {2 * SIZE} now"):
        written(registry, out, shard_bytes=2 * SIZE, resume=True)
    assert content(out) == before
    assert out.names(unfinished=True) == []


def test_a_run_that_would_begin_does_not_replace_what_was_finished_meanwhile(registry, tmp_path):
    slow, meanwhile = Ward("nurse"), [lambda: pack_one(registry, Ward("patient"), far(tmp_path), shard_bytes=9000)]

    def points(*where):
        while meanwhile:
            meanwhile.pop()()
        return Ward.points(slow, *where)

    slow.points = points
    with pytest.raises(OrqaError, match="holds finished shards already"):
        pack_one(registry, slow, far(tmp_path), shard_bytes=9000, resume=True)
    pack_one(registry, Ward("patient"), tmp_path / "whole", shard_bytes=9000)
    assert content(far(tmp_path)) == files(tmp_path / "whole")


def test_all_that_was_ours_is_replaced_and_nothing_else(registry, tmp_path):
    out = tmp_path / "s"
    written(registry, out, shard_bytes=SIZE)
    for name in ("train-1000000.tar", "train-1000000.idx", "repair.json", "labels-gone.jsonl.zst"):
        (out / name).write_bytes(b"of before")
    for name in ("notes.txt", "train-00000.tar", "repair.json.bak"):
        (out / name).write_bytes(b"mine")
    written(registry, out, shard_bytes=SIZE, force=True)
    report = verify(open_store(out), 1)
    assert (report.whole, report.unknown_files) == (True, ("notes.txt", "repair.json.bak", "train-00000.tar"))


class Busy(Ward):
    """Something else happens once, while a picture is read to be written to a store."""

    def __init__(self, store, happens):
        super().__init__("nurse")
        self.store, self.happens = store, happens

    def points(self, root, split, name):
        for point in super().points(root, split, name):
            yield evolve(point, media={"room1.jpg": partial(self.read, point.read("room1.jpg"), point.index)})

    def read(self, data, index):
        if self.happens and index == 3 and self.store.size(".unfinished/plan.json"):
            happens, self.happens = self.happens, None
            happens()
        return data


def test_two_runs_at_once_are_refused(registry, tmp_path):
    out, refused = tmp_path / "s", []

    def second():
        with pytest.raises(OrqaError, match=r"s: another run writes here\. Wait until it is done, or stop it"):
            pack_one(registry, Ward("patient"), out, force=True)
        refused.append(True)

    pack_one(registry, Busy(open_store(out), second), out, shard_bytes=9000)
    pack_one(registry, Ward("nurse"), tmp_path / "alone", shard_bytes=9000)
    assert refused
    assert files(out) == files(tmp_path / "alone")


def far(tmp_path):
    return open_store(f"memory://{tmp_path.name}", cache=tmp_path / "cache")


def content(store):
    return {name: store.read(name, 1 << 24) for name in store.names()}


def test_where_nothing_can_be_locked_the_run_that_was_replaced_stops(registry, tmp_path):
    def second():
        pack_one(registry, Ward("patient"), far(tmp_path), force=True, shard_bytes=9000)

    with pytest.raises(OrqaError, match="another run writes here and has replaced this one"):
        pack_one(registry, Busy(far(tmp_path), second), far(tmp_path), shard_bytes=9000)
    pack_one(registry, Ward("patient"), tmp_path / "whole", shard_bytes=9000)
    assert content(far(tmp_path)) == files(tmp_path / "whole")


@pytest.mark.parametrize("survive", range(1, 19))
def test_a_far_run_that_was_stopped_between_two_files_is_gone_on_with(registry, tmp_path, monkeypatch, survive):
    written(registry, tmp_path / "whole", shard_bytes=SIZE)
    done = 0

    def stop(self, local, file, plain=RemoteStore.put):
        nonlocal done
        if done == survive:
            raise KeyboardInterrupt
        done += 1
        plain(self, local, file)

    with monkeypatch.context() as patch:
        patch.setattr(RemoteStore, "put", stop)
        try:
            written(registry, far(tmp_path), shard_bytes=SIZE)
        except KeyboardInterrupt:
            with pytest.raises(OrqaError, match=r"there is no manifest\.json"):
                Shards.open(far(tmp_path))
            kept = {name for name in far(tmp_path).names(unfinished=True) if "plan" not in name}
            assert len(kept) == min(len(list(tmp_path.glob("whole/*.tar"))), (survive - 1) // 3)
            patch.undo()
            written(registry, far(tmp_path), shard_bytes=SIZE, resume=True)
    assert content(far(tmp_path)) == files(tmp_path / "whole")
    assert far(tmp_path).names(unfinished=True) == []


def call_of(takes, datasets=("HybridOR",), **parameters):
    cards = {name: {"title": name} for name in datasets}
    return {"parameters": parameters, "versions": {"python": "3.11.9"}, "datasets": cards, "takes": takes}


def test_differences_between_calls_are_said_shortly():
    one = call_of([["train", "HybridOR", "h1", 24]] * 3, media=["*"], libraries={"numpy": "1"})
    other = call_of([["train", "HybridOR", "h1", 23]] * 3, ("HybridOR", "4D-OR"), media=["*"], libraries={"numpy": "2"})
    assert list(call_differences(one, one)) == []
    assert list(call_differences(one, other)) == [
        "libraries.numpy: 1 then, 2 now",
        "datasets.4D-OR: not there then, there now",
        "takes: train HybridOR h1 24 then, train HybridOR h1 23 now",
    ]
    assert list(call_differences(one, {**one, "takes": []})) == ["takes: 3 then, 0 now"]
