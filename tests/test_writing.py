"""Writing: any number of workers, and a kill at any moment, leave the same bytes as one undisturbed run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orqa_registry import CallError, OrqaError
from orqa_registry.cli import run
from orqa_shards.read import Shards

pytest.importorskip("simplejpeg")

from small_room import Room, written

from orqa_shards.plan import Part, Source, TakeAt, jobs
from orqa_shards.store import LocalStore
from orqa_shards.write import Options, pack


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
    call = [sys.executable, "-m", "orqa_registry", *command(raw, out, "--workers", str(workers))]
    begun, kills = out / ".unfinished" / "plan.json", 0
    while begun.exists() or not (out / "manifest.json").exists():
        patience = rng.uniform(0.3, 1.0) if kills < 4 else 100
        kills += killed([*call, *(["--resume"] if begun.exists() else [])], patience)
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
        with pytest.raises(OSError, match="No space"):
            written(registry, tmp_path / "s")
    with pytest.raises(OrqaError, match="--resume goes on with it, --force begins anew"):
        written(registry, tmp_path / "s")
    with pytest.raises(CallError, match="began with other parameters"):
        written(registry, tmp_path / "s", resume=True, shard_bytes=5000)
    written(registry, tmp_path / "s", resume=True)
    assert not (tmp_path / "s" / ".unfinished").exists()
    with pytest.raises(CallError, match="no unfinished run"):
        written(registry, tmp_path / "t", resume=True)


def test_a_dataset_that_cannot_travel_is_named(registry, tmp_path):
    class Local(Room):
        pass

    source = Source(Local(), tmp_path, ("train",))
    with pytest.raises(CallError, match=r"cannot travel.*--workers 1"):
        pack(registry, [source], tmp_path / "s", Options(workers=2))


def take(name, timepoints, source=0, split="train"):
    return TakeAt(source, split, 0, f"d{source}", name, timepoints)


def test_shards_are_of_one_size_and_of_one_dataset():
    takes = [take("a", 7), take("b", 1), take("c", 12), take("x", 3, source=1), take("a", 2, split="test")]
    made = jobs(takes, 400, lambda places: [100] * len(places))
    assert [(job.name, job.timepoints) for job in made] == [
        *((f"train-00000{k}", 4) for k in range(5)),
        ("train-000005", 3),
        ("test-000000", 2),
    ]
    assert [(part.take.name, part.start, part.stop) for part in made[1].parts] == [("a", 4, 7), ("b", 0, 1)]
    assert all(len({part.take.dataset for part in job.parts}) == 1 for job in made)
    assert made[5].parts == (Part(takes[3], 0, 3),)
