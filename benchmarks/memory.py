"""How fast memory strings are made: longshort, at every timepoint of published histories, on one core.

    python benchmarks/memory.py --histories DIR      (DIR holds surgery_sg_*.json and take_timepoints_with_ids_*.json)

CPU time, medians over runs. The last rate is a floor of the machine: joining two halves that are there already.
"""

import argparse
import json
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

from orqa_registry.prompts.change_log import ChangeLog, read_published
from orqa_registry.prompts.memory import Memory


def seconds(work: Callable[[], Any], runs: int) -> float:
    """Return the median CPU seconds of some work, after one run that does not count."""
    work()
    spent = []
    for _ in range(runs):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return median(spent)


def read(folder: Path) -> list[tuple[ChangeLog, list[int]]]:
    """Return the published log and the timepoints of each take."""
    takes = []
    for path in sorted(folder.glob("surgery_sg_*.json")):
        timepoints_path = path.with_name(path.name.replace("surgery_sg", "take_timepoints_with_ids"))
        takes.append((read_published(path), [timepoint for timepoint, _ in json.loads(timepoints_path.read_text())]))
    return takes


def strings(memories: list[Memory], takes: list[tuple[ChangeLog, list[int]]]) -> None:
    """Make every string and keep none."""
    for memory, (_, timepoints) in zip(memories, takes, strict=True):
        text = memory.text
        for timepoint in timepoints:
            text(timepoint)


def main() -> None:
    """Print strings a second: looked up in order, shuffled, with items dropped, and from the log."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    takes = read(args.histories)
    if not takes:
        parser.error(f"no surgery_sg_*.json in {args.histories}")
    tracemalloc.start()
    memories = [Memory(log) for log, _ in takes]
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    queries = [
        (memory, timepoint) for memory, (_, timepoints) in zip(memories, takes, strict=True) for timepoint in timepoints
    ]
    shuffled = random.Random(0).sample(queries, len(queries))
    keep = random.Random(0).random
    texts = [memory.text(timepoint) for memory, timepoint in queries]
    halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in texts]
    count, runs = len(queries), args.runs
    rows = {
        "takes": len(takes),
        "changes": sum(len(log.changes) for log, _ in takes),
        "strings": count,
        "characters_a_string": mean(map(len, texts)),
        "kb_held_a_take": held / 1000 / len(takes),
        "strings_a_second": count / seconds(lambda: strings(memories, takes), runs),
        "shuffled_a_second": count
        / seconds(lambda: [None for memory, timepoint in shuffled if not memory.text(timepoint)], runs),
        "log_to_string_a_second": count / seconds(lambda: strings([Memory(log) for log, _ in takes], takes), runs),
        "dropping_a_second": count
        / seconds(
            lambda: [None for memory, timepoint in queries if not memory.text(timepoint, keep=lambda: keep() < 0.5)],
            runs,
        ),
        "joins_a_second": count / seconds(lambda: [None for long, short in halves if not long + short], runs),
    }
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        print(f"{name.replace('_', ' '):24} {value:12,.0f}")


if __name__ == "__main__":
    main()
