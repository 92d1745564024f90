"""Writing: any number of workers, and a kill at any moment, leave the same bytes as one undisturbed run."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError
from orqa_registry.cli.main import run
from orqa_shards.read.dataset import Shards

pytest.importorskip("simplejpeg")

from small_room import Room, written

from orqa_shards.cli.shard import SizeType
from orqa_shards.storage.local import LocalStore
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import PlannedTake, ShardSource, TakeSlice, plan_shards


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    out = tmp_path_factory.mktemp("raw")
    synth = ["synth", "--out", str(out), "--takes", "4", "--timepoints", "6", "--size", "112", "--json"]
    assert run(synth) == 0
    return out


def command(raw, out, *options):
    return ["shard", "HybridOR", "--root", str(raw), "--out", str(out), "--shard-size", "0.2MB", *options]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "s"
    assert run(command(raw, out, "--workers", "1", "--json")) == 0
    assert sum(name.endswith(".tar") for name in files(out)) > 8
    return files(out)


def test_workers_write_the_same_bytes(raw, undisturbed, tmp_path, capsys):
    assert run(command(raw, tmp_path / "s", "--workers", "2", "--json")) == 0
    assert files(tmp_path / "s") == undisturbed
    assert sum(split["timepoints"] for split in json.loads(capsys.readouterr().out)["splits"]) == 24


def test_ray_writes_the_same_bytes(raw, undisturbed, tmp_path):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    call = [sys.executable, "-m", "orqa_registry", *command(raw, tmp_path / "s", "--engine", "ray", "--workers", "2")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "s") == undisturbed


def killed(call, seconds):
    """Run a command and kill it, with all that it began, after so many seconds; return whether it had not ended."""
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.wait() != 0


@pytest.mark.parametrize("workers", [1, 2])
def test_kills_at_random_moments_lose_and_change_nothing(raw, undisturbed, tmp_path, workers):
    """`benchmarks/kills.py` does this fifty times."""
    rng, out = random.Random(workers), tmp_path / "s"
    call = [sys.executable, "-m", "orqa_registry", *command(raw, out, "--workers", str(workers), "--resume")]
    begun, kills = out / ".unfinished" / "plan.json", 0
    while begun.exists() or not (out / "manifest.json").exists():
        kills += killed(call, rng.uniform(0.3, 1.0) if kills < 4 else 100)
        assert kills < 6, "it goes on where it was stopped"
        for tar in out.glob("*.tar"):
            assert tar.read_bytes() == undisturbed[tar.name], "a shard is whole or not there"
    assert files(out) == undisturbed
    assert kills, "not one kill came in time"


@pytest.mark.parametrize("survive", range(9))
def test_a_kill_before_any_rename_is_gone_on_with(registry, tmp_path, survive):
    """Without a chance to clean up: the process is gone after any number of files were given their place."""
    written(registry, tmp_path / "whole", shard_bytes=20_000)
    out = tmp_path / "s"
    pid = os.fork()
    if pid == 0:
        done = 0

        def die(self, local, file, plain=LocalStore.put):
            nonlocal done
            if done == survive:
                os._exit(9)
            done += 1
            plain(self, local, file)

        LocalStore.put = die
        written(registry, out, shard_bytes=20_000)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    with pytest.raises(OrqaError, match=r"there is no manifest\.json"):
        Shards.open(out)
    written(registry, out, shard_bytes=20_000, resume=survive > 0)
    assert files(out) == files(tmp_path / "whole")


def stopped(call, out, signum):
    """Run a command until a shard is whole, send it a signal, and return its exit code and what it said."""
    process = subprocess.Popen(
        call, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("*.tar")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signum)
    _, said = process.communicate(timeout=30)
    return process.returncode, said


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_says_how_to_go_on_and_nothing_else(raw, tmp_path, signum):
    out = tmp_path / "s"
    call = [sys.executable, "-m", "orqa_registry", *command(raw, out, "--workers", "2")]
    code, said = stopped(call, out, signum)
    how = "stopped: shards that are whole are kept, and the same call with --resume goes on\n"
    assert (code, said) == ((-9, "") if signum == signal.SIGKILL else (1, how))


def test_the_same_call_begins_goes_on_and_leaves_what_is_finished(raw, undisturbed, tmp_path, capsys):
    call = command(raw, tmp_path / "s", "--workers", "1", "--resume")
    assert run([*call, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert files(tmp_path / "s") == undisturbed
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()}
    assert run([*call, "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (first["finished_before"], second["finished_before"]) == (False, True)
    assert first["splits"] == second["splits"]
    assert run(call) == 0
    said = capsys.readouterr().out
    assert "was finished before" in said
    assert said.splitlines()[-1] == f"Next: orqa-registry inspect {tmp_path / 's'}"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "s").iterdir()} == before


def test_another_call_than_that_which_finished_is_told_in_what_it_differs(raw, undisturbed, tmp_path, capsys):
    out = tmp_path / "s"
    out.mkdir()
    for name, data in undisturbed.items():
        (out / name).write_bytes(data)
    call = command(raw, out, "--workers", "1", "--resume", "--media", "*.jpg", "--quality", "90", "--split", "train")
    assert run(call) == 2
    said = capsys.readouterr().err
    assert "media: * then, *.jpg now; quality: 95 then, 90 now; takes: 4 then, " in said
    assert files(out) == undisturbed


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("1000000", 10**6),
        ("0.2MB", 200_000),
        ("1.5 kib", 1536),
        ("3MiB", 3 << 20),
        ("2GB", 2 * 10**9),
        ("1GiB", 1 << 30),
    ],
)
def test_sizes_of_shards_are_bytes_or_have_a_unit(said, size):
    assert SizeType().convert(said, None, None) == size


@pytest.mark.parametrize("said", ["256", "1e9", "5TB", "-1MB", "MB", "9" * 400, "0", "\u0665MB"])
def test_what_is_no_size_of_a_shard_is_refused(raw, tmp_path, capsys, said):
    assert run(["shard", "HybridOR", "--root", str(raw), "--out", str(tmp_path / "s"), f"--shard-size={said}"]) == 2
    error = capsys.readouterr().err
    known = "KB, MB, GB, KiB, MiB or GiB" if not said.isascii() or not said.isdigit() else "1KB to 1000GB was expected"
    assert known in error
    assert not (tmp_path / "s").exists()


def test_a_dataset_that_is_named_twice_is_a_wrong_call(raw, tmp_path, capsys):
    call = ["shard", "HybridOR", "hybridor", "--root", f"HybridOR={raw}", "--out", str(tmp_path / "s")]
    assert run(call) == 2
    assert "HybridOR is named twice" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_that_is_full_is_mended_and_the_run_goes_on(raw, undisturbed, tmp_path, workers):
    """Here no file may be larger than so much, which writing notices at the same place."""
    call = [sys.executable, "-m", "orqa_registry", *command(raw, tmp_path / "s", "--workers", workers)]
    limits = (resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = subprocess.run(call, capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(*limits))
    how = "File too large. Shards that are whole are kept: mend this, and --resume goes on"
    assert (done.returncode, done.stderr) == (1, f"error: {tmp_path / 's'}: {how}\n")
    assert run([*call[3:], "--resume"]) == 0
    assert files(tmp_path / "s") == undisturbed


def test_a_worker_that_was_left_alone_ends(raw, tmp_path):
    call = [sys.executable, "-m", "orqa_registry", *command(raw, tmp_path / "s", "--workers", "2")]
    with subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not (own := children(process.pid)) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in own) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in own if Path(f"/proc/{pid}").exists()]


def children(pid):
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def test_an_unfinished_run_is_neither_lost_nor_mixed_up(registry, tmp_path, monkeypatch):
    def full(self, local, file, plain=LocalStore.put):
        if file == "manifest.json":
            raise OSError(28, "No space left on device")
        plain(self, local, file)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "put", full)
        with pytest.raises(OrqaError, match=r"No space left on device.*whole are kept.*--resume goes on"):
            written(registry, tmp_path / "s")
    with pytest.raises(OrqaError, match="--resume goes on with it, --force begins anew"):
        written(registry, tmp_path / "s")
    with pytest.raises(
        CallError, match=r"another call: shard_bytes: 256000000 then, 5000 now\. Call it as it was called"
    ):
        written(registry, tmp_path / "s", resume=True, shard_bytes=5000)
    written(registry, tmp_path / "s", resume=True)
    assert not (tmp_path / "s" / ".unfinished").exists()


def test_a_dataset_that_cannot_travel_is_named(registry, tmp_path):
    class Local(Room):
        pass

    source = ShardSource(Local(), tmp_path, ("train",))
    with pytest.raises(CallError, match=r"cannot travel.*--workers 1"):
        pack(registry, [source], tmp_path / "s", WriteOptions(workers=2))


def take(name, timepoints, source=0, split="train"):
    return PlannedTake(source, split, 0, f"d{source}", name, timepoints)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 2000))
def test_shards_hold_every_timepoint_once_and_in_order(counts, shard_bytes):
    takes = [take(f"{number}", many) for number, many in enumerate(counts)]
    tried = []
    made = plan_shards(takes, shard_bytes, lambda places: tried.extend(places) or [100] * len(places))
    held = [(part.take, k) for job in made for part in job.parts for k in range(part.start, part.stop)]
    assert held == [(one, k) for one in takes for k in range(one.timepoints)]
    assert max(job.timepoints for job in made) - min(job.timepoints for job in made) <= 1
    assert tried == [held[len(held) * k // len(tried)] for k in range(len(tried))]


def test_shards_are_of_one_size_and_of_one_dataset():
    takes = [take("a", 7), take("b", 1), take("c", 12), take("x", 3, source=1), take("a", 2, split="test")]
    made = plan_shards(takes, 400, lambda places: [100] * len(places))
    assert [(job.name, job.timepoints) for job in made] == [
        *((f"train-00000{k}", 4) for k in range(5)),
        ("train-000005", 3),
        ("test-000000", 2),
    ]
    assert [(part.take.name, part.start, part.stop) for part in made[1].parts] == [("a", 4, 7), ("b", 0, 1)]
    assert all(len({part.take.dataset for part in job.parts}) == 1 for job in made)
    assert made[5].parts == (TakeSlice(takes[3], 0, 3),)
