"""How fast questions are asked and answers scored: python benchmarks/questions.py --labels FILE --roots SCRIPT

One core, CPU time, medians. The table is every question of the types that scene graphs give, at every timepoint, after
the labels were read. The original, on the same work: 67 s for the table, 557,000 scores a second without
monitor_reading. Memory strings have a benchmark of their own, memory.py.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orqa_registry import Registry, Take, ask

REPEATS = 7
ORIGINAL_TABLE, ORIGINAL_SCORES = 67.0, 557_000


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median CPU time of several calls."""
    durations = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        durations.append(time.process_time() - started)
    return statistics.median(durations)


def table(registry: Registry, roots: Path, split: str) -> list[tuple[str, str]]:
    """Print how long the whole table of a split takes; return task and answer of each row."""
    takes = []
    for name in ("4D-OR", "MM-OR"):
        dataset = registry.dataset(name)
        for take in dataset.takes(roots / name, split):
            points = list(take)
            takes.append(
                (Take(name, split, take.name, lambda points=points: iter(points)), registry.fitting_tasks(dataset))
            )

    def asked() -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = []
        for take, tasks in takes:
            timeline = take.timeline()
            for point in take:
                for task, questions in ask(point, timeline, tasks):
                    for question in questions:
                        rows.extend((task.name, answer) for answer in question.answers)
        return rows

    rows, seconds = asked(), median_seconds(asked)
    sys.stdout.write(f"table: {len(rows):,} rows in {seconds:.2f} s, {ORIGINAL_TABLE / seconds:.0f} x the original\n")
    return rows


def scores(registry: Registry, what: str, cases: list[tuple[str, str, str]]) -> None:
    """Print how many answers are scored a second, by the scorers alone and through the registry."""
    plain = [(registry.task(task).score, truth, answer) for task, truth, answer in cases]
    alone = len(cases) / median_seconds(lambda: [score(truth, answer) for score, truth, answer in plain])
    through = median_seconds(lambda: [registry.score(task, answer, truth) for task, truth, answer in cases])
    sys.stdout.write(
        f"{what}: {alone:,.0f} scores a second, {alone / ORIGINAL_SCORES:.2f} x the original; "
        f"{len(cases) / through:,.0f} with the checks of the registry\n"
    )


def against(rows: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return each answer of the table against itself, and against the one before it of its task."""
    previous: dict[str, str] = {}
    cases = []
    for task, answer in rows:
        cases += [(task, answer, answer), (task, answer, previous.get(task, ""))]
        previous[task] = answer
    return cases


def malformed(registry: Registry, path: Path) -> list[tuple[str, str, str]]:
    """Return cases of a file, many of them malformed, some with 89,000 characters."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    known = [
        row for row in rows if row["question_type"] in registry.tasks and row["question_type"] != "monitor_reading"
    ]
    return [(row["question_type"], row["gt"], row["pred"]) for row in known] * 20


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True, help="relationships_SPLIT.json of ORQA")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--roots", type=Path, required=True, help="script that lays labels out as roots")
    parser.add_argument("--cases", type=Path, help="JSONL.gz of question_type, gt, pred")
    arguments = parser.parse_args()
    registry = Registry.load()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(arguments.roots), str(arguments.labels), arguments.split, folder]
        subprocess.run(command, check=True)
        rows = table(registry, Path(folder), arguments.split)
    scores(registry, "answers of the table", against(rows))
    if arguments.cases:
        scores(registry, "malformed answers", malformed(registry, arguments.cases))


if __name__ == "__main__":
    main()
