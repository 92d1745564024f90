"""Writing what is damaged: each medium costs itself and is named, too many stop the run, and nothing vanishes."""

import io
import json
import os
import warnings
from functools import partial
from pathlib import Path

import pytest
from odd_rooms import Damaged, Deadly, Gone, HalfGone, Unreadable, pack_one
from small_room import Room
from small_root import write_root

from orqa_registry import CallError, DataWarning, OrqaError, Take, Timepoint
from orqa_registry.cli.main import run
from orqa_shards.cli.options import available_cores
from orqa_shards.read.dataset import Shards
from orqa_shards.write.pack import WriteOptions

soundfile = pytest.importorskip("soundfile")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("workers", [1, 2])
def test_media_in_a_row_stop_the_run_over_all_its_shards(registry, tmp_path, workers):
    out, how = tmp_path / "s", {"shard_bytes": 60_000, "workers": workers}
    lost = r"(?s)^1\d\d media in a row are bad; .*\.room1\.jpg: No such file.*--resume goes on"
    with pytest.raises(OrqaError, match=lost):
        pack_one(registry, Gone(), out, **how)
    assert 2 < len(list(out.glob("*.tar"))) < 10, "some more may be done meanwhile"
    with pytest.raises(OrqaError, match="more than 1 % of the media are bad; so far 1,"):
        pack_one(registry, Gone(), out, resume=True, bad_in_a_row=10**6, **how)
    manifest = pack_one(registry, Gone(), out, resume=True, bad_in_a_row=10**6, bad_per_cent=100, **how)
    assert len(manifest.skipped) == Gone.many - 1
    assert manifest.splits["train"].media == {"room1.jpg": 1}


def test_a_percentage_of_all_media_stops_the_run_and_a_larger_one_goes_on(registry, tmp_path):
    out = tmp_path / "s"
    with pytest.raises(OrqaError, match=r"more than 49\.9 % of the media are bad; so far 600 of 1,200"):
        pack_one(registry, HalfGone(), out, bad_per_cent=49.9)
    assert not (out / "manifest.json").exists()
    written = (out / "train-000000.tar").stat().st_mtime_ns
    with pytest.raises(OrqaError, match=r"more than 49\.9 % of the media are bad"):
        pack_one(registry, HalfGone(), out, bad_per_cent=49.9, resume=True)
    pack_one(registry, HalfGone(), out, bad_per_cent=50, resume=True)
    assert (out / "train-000000.tar").stat().st_mtime_ns == written, "it was not written again"


@pytest.mark.parametrize("limits", [{"bad_in_a_row": 0}, {"bad_per_cent": 101}])
def test_limits_that_cannot_be_are_a_wrong_call(registry, tmp_path, limits):
    with pytest.raises(CallError, match="was expected"):
        pack_one(registry, Room(), tmp_path / "s", **limits)
    assert not (tmp_path / "s").exists()


WARNED = ("A%2ERoom/t: index.csv: cut short", "A%2ERoom/t: labels/2.json: not JSON")


def test_what_readers_warn_of_is_in_the_manifest_whoever_reads(registry, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        one = pack_one(registry, Damaged(), tmp_path / "one", tmp_path, shard_bytes=6000)
        pack_one(registry, Damaged(), tmp_path / "two", tmp_path, shard_bytes=6000, workers=2)
    assert one.skipped == WARNED
    assert len(one.splits["train"].shards) > 2
    assert files(tmp_path / "one") == files(tmp_path / "two")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("room", "said"), [(Damaged(), r"index\.csv: cut short"), (Gone(), r"t/\d+\.room1\.jpg: No such file")]
)
def test_what_is_damaged_is_an_error_where_it_is_to_be(registry, tmp_path, workers, room, said):
    with pytest.raises(DataWarning, match=said):
        pack_one(registry, room, tmp_path / "s", tmp_path, workers=workers, strict=True, shard_bytes=60_000)
    assert not list(tmp_path.glob("s/*.tar"))


def test_damage_is_an_error_by_default_where_its_warning_is():
    assert WriteOptions().strict, "pytest makes it one, as --strict does"
    with warnings.catch_warnings():
        warnings.simplefilter("default", DataWarning)
        assert not WriteOptions().strict


def cut(path):
    """Leave the first 500 bytes of a file, as a copy that was stopped does."""
    path.write_bytes(path.read_bytes()[:500])


@pytest.fixture
def rendered(tmp_path):
    """Return a rendered root of one take with frames 000000, 000254 and 000508."""
    root = tmp_path / "raw"
    assert run(["synth", "--out", str(root), "--takes", "1", "--timepoints", "3", "--size", "112", "--json"]) == 0
    return root


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("medium", ["room1.jpg", "points.npy"])
def test_the_command_stops_at_a_medium_that_is_cut_short_where_it_is_strict(
    rendered, tmp_path, capfd, monkeypatch, workers, medium
):
    cut(rendered / "hybrid001" / medium.replace(".", "/000254."))
    out = tmp_path / "s"
    call = ["shard", "HybridOR", "--root", str(rendered), "--out", str(out), "--workers", workers]
    assert run(["--strict", *call]) == 1
    said = capfd.readouterr().err
    assert said.startswith("error: HybridOR/"), said
    assert f".{medium}: " in said
    monkeypatch.setenv("ORQA_STRICT", "1")
    assert run(call) == 1
    assert capfd.readouterr().err == said
    monkeypatch.delenv("ORQA_STRICT")
    assert run(call) == 0
    assert f"warning: skipped {said.removeprefix('error: ')}" in capfd.readouterr().err
    assert run(["--strict", *call, "--resume"]) == 1, "though it is finished: it was written by a run that was not"
    assert capfd.readouterr().err == said


def test_what_a_run_was_warned_of_is_an_error_when_it_is_gone_on_with(registry, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(OrqaError, match="1 media in a row"):
            pack_one(registry, Unreadable(), tmp_path / "s", shard_bytes=6000, bad_in_a_row=1)
    with pytest.raises(DataWarning, match="index"):
        pack_one(registry, Unreadable(), tmp_path / "s", shard_bytes=6000, resume=True, strict=True)


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_left_out_is_shown_once_by_the_command(tmp_path, capfd, options, workers):
    root = write_root(tmp_path / "raw")
    (root / "relationships_train.json").write_text("[")
    call = ["shard", "4D-OR", "--root", str(root), "--split", "train", "--workers", workers, *options]
    assert run([*call, "--out", str(tmp_path / "s")]) == 0
    said = capfd.readouterr().err
    assert said.count("relationships_train.json: not JSON") == 1, said
    assert json.loads((tmp_path / "s" / "manifest.json").read_text())["skipped"][0].startswith("4D-OR: relation")
    assert run([*call, "--out", str(tmp_path / "t"), "--strict"]) == 1
    assert "relationships_train.json: not JSON" in capfd.readouterr().err


def test_one_take_is_no_takes(tmp_path, capsys):
    assert run(["synth", "--out", str(tmp_path / "raw"), "--takes", "1", "--timepoints", "2", "--size", "64"]) == 0
    assert "raw: 1 take (1 written), 2 timepoints" in capsys.readouterr().out
    call = ["shard", "HybridOR", "--root", str(tmp_path / "raw"), "--out", str(tmp_path / "s"), "--workers", "1"]
    assert run(call) == 0
    assert run(["stats", str(tmp_path / "s")]) == 0
    assert "split train: 1 take, 2 timepoints" in capsys.readouterr().out


def sound(form):
    made = io.BytesIO()
    soundfile.write(made, [0.25] * 400, 16_000, format=form)
    return made.getvalue()


def room_of(**about):
    class Odd(Room):
        def takes(self, root, split):
            point = Timepoint(**{"dataset": "d", "split": split, "take": "t", "frame": "0", "index": 0, **about})
            yield Take(self.name, split, "t", lambda: iter([point]))

    return Odd()


def test_a_flac_beside_a_wav_is_not_replaced(registry, tmp_path):
    media = {"audio.wav": sound("WAV"), "audio.flac": sound("FLAC"), "other.wav": sound("WAV")}
    manifest = pack_one(registry, room_of(media=media), tmp_path / "s")
    (found,) = Shards.open(tmp_path / "s").split("train")
    assert set(found.media) == {"audio.wav", "audio.flac", "other.flac"}
    assert all(found.read(name) == media[name] for name in ("audio.wav", "audio.flac"))
    assert manifest.skipped == ()


def test_a_frame_without_a_name_is_refused(registry, tmp_path):
    with pytest.raises(OrqaError, match=r"A\.Room: take t of split train: the frame of index 7 has an empty name"):
        pack_one(registry, room_of(frame="", index=7), tmp_path / "s")
    assert not (tmp_path / "s" / "train-000000.tar").exists()


def test_folders_are_found_from_anywhere(registry, tmp_path, monkeypatch):
    """A worker of another machine is in a folder of its own."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.txt").write_bytes(b"here")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    class Away(Room):
        def takes(self, root, split):
            yield Take(self.name, split, "t", partial(self.points, root, split, "t"))

        def points(self, root, split, name):
            os.chdir(elsewhere)
            yield Timepoint(self.name, split, name, "0", 0, None, {"speech.txt": root / "a.txt"}, {"roles": ()})

    monkeypatch.chdir(tmp_path)  # and back, afterwards
    manifest = pack_one(registry, Away(), "s", Path("raw"))
    assert manifest.skipped == ()
    assert Shards.open(tmp_path / "s").split("train")[0].read("speech.txt") == b"here"


def test_a_worker_that_is_killed_stops_the_run_which_is_gone_on_with(registry, tmp_path, monkeypatch):
    flag = tmp_path / "flag"
    monkeypatch.setenv("ORQA_TEST_FLAG", str(flag))
    how = {"shard_bytes": 20_000, "workers": 2}
    pack_one(registry, Deadly(), tmp_path / "whole", **how)
    flag.touch()
    with pytest.raises(OrqaError, match=r"a worker process was killed.*--resume goes on"):
        pack_one(registry, Deadly(), tmp_path / "s", **how)
    assert not flag.exists()
    pack_one(registry, Deadly(), tmp_path / "s", resume=True, **how)
    assert files(tmp_path / "s") == files(tmp_path / "whole")


def test_as_many_write_as_there_are_cores_unless_it_is_said(monkeypatch):
    assert available_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores() == os.cpu_count()


def test_workers_are_as_many_as_asked_for_everywhere(tmp_path, monkeypatch):
    seen = []
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(
        "orqa_shards.write.executors.start_executor", lambda name, worker, workers: seen.append(workers)
    )
    run(["shard", "4D-OR", "--root", str(write_root(tmp_path / "raw")), "--out", str(tmp_path / "s"), "--workers", "3"])
    assert seen == [3]
