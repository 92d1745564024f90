"""Kill -9 at random moments, then go on: is every sample there, once, in its place, and the same?

    python benchmarks/kills.py --data demo/shards --root demo/raw --kills 50

Writing: `orqa-registry shard` is killed at random moments of its run and gone on with, by 1, 2 or 3 processes, until it
is done; shards that are there meanwhile, and all files at the end, must be those of an undisturbed run.
Reading: a process reads all media of a run, batch after batch, and notes keys and checksums; it is killed and begun
anew from its last state, each time with other numbers of samples a batch, threads and processes.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from zlib import crc32

from orqa_registry import Registry
from orqa_registry.readers.io import atomic_write
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.stream import Sample, Stream
from orqa_train.training.loader import Loader

LONGEST = 0.02
"""Seconds that a process works on, at most, once it is as far as it was to come: a moment within some batch."""


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["orqa_train.training.loader"])


def line(sample: Sample) -> str:
    """Return what is noted of a sample: its key, a checksum of its media, and its questions."""
    media = crc32(b"".join(sample.timepoint.read(name) for name in sample.timepoint.media))
    return json.dumps([sample.timepoint.key, media, [asked.text for asked in sample.asked]]) + "\n"


def stream_of(data: str, split_name: str, epochs: int) -> Stream:
    """Return the run that is read."""
    split = Shards.open(data).split(split_name)
    return Stream.of(Registry.load(), split, Mixture(seed=7, questions=2), epochs)


def read(data: str, split: str, epochs: int, folder: Path, batch: int, threads: int, workers: int) -> None:
    """Read on from where `state.json` in the folder says; only what it counts of `log.jsonl` was read."""
    os.setsid()  # so that its own processes are killed with it
    state: dict[str, Any] = {"loader": 0, "bytes": 0}
    if (folder / "state.json").exists():
        state = json.loads((folder / "state.json").read_text())
    stream = stream_of(data, split, epochs)
    options = {"threads": threads, "workers": workers, "start": state["loader"], "tail": "pad"}
    loader = Loader(stream, batch, transform=line, **options)
    with (folder / "log.jsonl").open("ab") as log:
        log.truncate(state["bytes"])
        for lines in loader:
            log.write("".join(lines).encode())
            log.flush()
            os.fsync(log.fileno())
            with atomic_write(folder / "state.json") as partial:
                partial.write_text(json.dumps({"loader": loader.state_dict(), "bytes": log.tell()}))


def reading(data: str, folder: Path, kills: int, split: str = "train", epochs: int = 1, seed: int = 0) -> list[int]:
    """Read a run in a process that is killed so many times; return how far it was each time, in samples.

    Raises SystemExit where a sample is lost, doubled, changed or out of order.
    """
    rng = random.Random(seed)
    stream = stream_of(data, split, epochs)
    positions: list[int] = []
    while True:
        before, remaining = _read_position(folder), kills - len(positions)
        batch, threads = 2 ** rng.randrange(4), rng.choice((1, 2, 4))
        workers = rng.choice((1, 2)) if remaining % 3 == 1 else 0
        target = (
            before + rng.uniform(0, 1.5 * (len(stream) - before) / (remaining + 1)) if remaining else len(stream) + 1
        )
        process = CONTEXT.Process(target=read, args=(data, split, epochs, folder, batch, threads, workers))
        process.start()
        while process.is_alive() and _read_position(folder) <= target:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, LONGEST))
        if process.is_alive():
            os.killpg(process.pid or 0, signal.SIGKILL)
            positions.append(_read_position(folder))
        process.join()
        if process.exitcode == 0:
            break
        if process.exitcode != -signal.SIGKILL:
            raise SystemExit(f"the reader failed after {len(positions)} kills")
    lines = (folder / "log.jsonl").read_text().splitlines(keepends=True)
    for position, (actual, expected) in enumerate(zip(lines, map(line, stream), strict=False)):
        if actual != expected:
            raise SystemExit(f"sample {position} is {actual}, and {expected} was expected")
    if len(lines) != len(stream):
        raise SystemExit(f"{len(lines)} samples were read of {len(stream)}")
    return positions


def _read_position(folder: Path) -> int:
    """Return how many samples were read for good."""
    state = folder / "state.json"
    return int(json.loads(state.read_text())["loader"]["position"]) if state.exists() else 0


def writing(root: str, folder: Path, kills: int, seed: int = 0) -> tuple[int, int]:
    """Write shards of HybridOR in a process that is killed so many times; return kills and shards.

    Raises SystemExit where a byte differs from what an undisturbed run writes.
    """
    rng = random.Random(seed)
    call = [sys.executable, "-m", "orqa_registry", "shard", "HybridOR", "--root", root, "--shard-size", "0.5MB"]
    duration = _run_command([*call, "--out", str(folder / "whole"), "--workers", "1"], None)
    expected, killed, turn = _read_files(folder / "whole"), 0, 0
    while killed < kills:
        out = folder / f"s{turn}"
        turn += 1
        while _is_unfinished(out):
            resume = ["--resume"] if (out / ".unfinished" / "plan.json").exists() else []
            workers = str(rng.choice((1, 2, 3)))
            after = rng.uniform(0.2, 0.8) * duration if killed < kills else None
            killed += _run_command([*call, *resume, "--out", str(out), "--workers", workers], after) is None
            for tar in out.glob("*.tar"):
                if tar.read_bytes() != expected[tar.name]:
                    raise SystemExit(f"{tar.name} is not what an undisturbed run writes, after {killed} kills")
        if _read_files(out) != expected:
            raise SystemExit(f"after {killed} kills, files differ from those of an undisturbed run")
    return killed, sum(name.endswith(".tar") for name in expected)


def _is_unfinished(out: Path) -> bool:
    return (out / ".unfinished" / "plan.json").exists() or not (out / "manifest.json").exists()


def _run_command(call: list[str], after: float | None) -> float | None:
    """Run a command, and kill it after so many seconds; return how long it took, None where it was killed."""
    started = time.perf_counter()
    with subprocess.Popen(call, stdout=subprocess.DEVNULL) as process:
        try:
            code = process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    if code:
        raise SystemExit(f"{' '.join(call)} failed")
    return time.perf_counter() - started


def _read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def main() -> None:
    """Print how far the process was at each kill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="Shards to read.")
    parser.add_argument("--root", help="Raw files of HybridOR to write shards of.")
    parser.add_argument("--split", default="train")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        positions = reading(args.data, Path(folder), args.kills, args.split, args.epochs, args.seed)
    seconds = time.perf_counter() - started
    if args.root:
        with tempfile.TemporaryDirectory() as folder:
            killed, shards = writing(args.root, Path(folder), args.kills, args.seed)
        print(f"writing: killed {killed} times, {shards} shards each, every file the same as of an undisturbed run")
    if args.json:
        print(json.dumps({"reading": {"kills": len(positions), "places": positions, "seconds": seconds}}))
        return
    print(f"reading: killed {len(positions)} times at samples {', '.join(map(str, positions))}, in {seconds:.0f} s")
    print("every sample was read once, in its place, and unchanged")


if __name__ == "__main__":
    main()
