"""How long the command line takes to answer: wall and CPU seconds, median and smallest of N runs, and its imports.

python benchmarks/start.py
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from statistics import median

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "orqa-registry --help": ["-c", "from orqa_registry.cli.main import main; main(['--help'])"],
    "orqa-registry list": ["-c", "from orqa_registry.cli.main import main; main(['list'])"],
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of one run."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(arguments: list[str]) -> int:
    """Return how many modules are imported: it depends on no machine, and on nobody else's work there."""
    command = [sys.executable, "-X", "importtime", *arguments]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    return sum(line.startswith("import time:") for line in lines) - 1  # the first is the head


def main() -> None:
    """Print a row a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows: dict[str, dict[str, float | int]] = {}
    for name, arguments in COMMANDS.items():
        walls, cpus = zip(*(measure(arguments) for _ in range(args.runs)), strict=True)
        rows[name] = {"wall": median(walls), "wall_min": min(walls), "cpu": median(cpus), "cpu_min": min(cpus)}
        rows[name]["imports"] = imports(arguments)
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    for name, row in rows.items():
        shown = (f"{key} {value:.3f} s" if isinstance(value, float) else f"{key} {value}" for key, value in row.items())
        print(f"{name:24} " + "  ".join(shown))


if __name__ == "__main__":
    main()
