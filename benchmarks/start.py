"""How long the command line takes to answer: wall and CPU seconds, median and smallest of N runs.

python benchmarks/start.py
"""

import argparse
import json
import os
import subprocess
import sys
import time
from statistics import median

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "orqa-registry --help": ["-c", "from orqa_registry.cli import main; main(['--help'])"],
    "orqa-registry list": ["-c", "from orqa_registry.cli import main; main(['list'])"],
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one run."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print a row a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = {}
    for name, arguments in COMMANDS.items():
        walls, cpus = zip(*(measure(arguments) for _ in range(given.runs)), strict=True)
        rows[name] = {"wall": median(walls), "wall_min": min(walls), "cpu": median(cpus), "cpu_min": min(cpus)}
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    for name, row in rows.items():
        print(f"{name:24} " + "  ".join(f"{key} {value:.3f} s" for key, value in row.items()))


if __name__ == "__main__":
    main()
