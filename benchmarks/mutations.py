"""Shard folders that something happened to: bits flipped, parts cut, blocks exchanged, hostile headers put in.

    python benchmarks/mutations.py --count 1000

Each is read, verified and repaired, and what comes of it is held against the folder as it was (tests/mutating.py says
how): nothing but OrqaError, nothing hangs, nothing outside the folder is touched, damage is named, what is not damaged
comes out, and a repaired folder is whole and loses nothing that it does not name.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutating import chance_of, harm, prove
from small_room import written

from orqa_registry import Registry


def main() -> None:
    """Print how often what happened, and what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="The first seed.")
    parser.add_argument("--harms", type=int, default=1, help="How many things happen to a folder.")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    ways: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    slowest, failures = 0.0, []
    with tempfile.TemporaryDirectory() as base:
        sound, folder = Path(base) / "sound", Path(base) / "harmed"
        written(Registry.load(), sound, shard_bytes=12_000)
        for seed in range(args.first, args.first + args.count):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(sound, folder)
            rng = chance_of(seed)
            harms = [harm(folder, rng) for _ in range(args.harms)]
            ways.update(way for way, _ in harms)
            kinds.update(Path(file).suffix for _, file in harms)
            started = time.perf_counter()
            try:
                outcome, damaged, nameless = prove(folder, sound, harms)
            except Exception as error:
                failures.append(f"seed {seed}, {harms}: {type(error).__name__}: {error}"[:2000])
                continue
            slowest = max(slowest, time.perf_counter() - started)
            outcomes.update(
                {outcome: 1, "members kept though damaged": damaged, "timepoints lost without name": nameless}
            )
    rows = {
        "folders": args.count,
        "failures": failures,
        "slowest_seconds": round(slowest, 2),
        "what_happened": dict(ways.most_common()),
        "to_files": dict(kinds.most_common()),
        "what_came_of_it": dict(outcomes.most_common()),
    }
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{name.replace('_', ' '):18} {value}")


if __name__ == "__main__":
    main()
