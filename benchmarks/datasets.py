"""How fast labels are read, and whether anything is opened that nobody asked for: python benchmarks/datasets.py

Writes label-only copies of each layout with as many timepoints as it takes (25,000, or all frames that a dataset has),
then, in a fresh process each, iterates all labels that need no image, three times. CPU seconds, medians; peak memory.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orqa_registry import Box, Dataset, Layout, Registry, Take, Timepoint, Triplet
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES, ROBOT_PHASES

REPEATS = 3
IMAGES = (".jpg", ".jpeg", ".png")


def labels(dataset: Dataset, rng: random.Random) -> dict[str, Any]:
    """Return labels as rich as real ones: eight relations, ten boxes."""
    facets: dict[str, Any] = {}
    if "relations" in dataset.provides:
        pairs = {(rng.choice(ENTITIES), rng.choice(ENTITIES)): rng.choice(PREDICATES) for _ in range(8)}
        facets |= scenegraph.graph_facets(
            tuple(Triplet(subject, predicate, target) for (subject, target), predicate in sorted(pairs.items()))
        )
    elif "actions" in dataset.provides:
        facets["actions"] = (rng.choice(("closure", "dissection", "incision")),)
    if "gaze" in dataset.provides:
        boxes = [Box(rng.choice(("forceps", "own hands left")), 10, 20, 10 + k, 30) for k in range(1, 11)]
        facets |= {"gaze": (rng.random(), rng.random()), "boxes": {"ego": {"size": (1920, 1080), "boxes": boxes}}}
        facets["tools"] = ("forceps",)
    if "robot_phase" in dataset.provides:
        facets |= {"robot_phase": rng.choice((*ROBOT_PHASES, None)), "sterility_breach": (), "tracked_tools": ()}
    return facets


def takes(dataset: Dataset, layout: Layout, timepoints: int) -> Iterator[Take]:
    """Yield takes that together have so many timepoints, or all that the layout has frames for."""
    take_length = -(-timepoints // len(layout.takes))
    for split, name in layout.takes:
        frames = layout.frames.get(name) or [f"{k:06d}" for k in range(take_length)]
        rng = random.Random(name)
        points = [
            Timepoint(dataset.name, split, name, frame, k, float(k), {}, labels(dataset, rng))
            for k, frame in enumerate(frames[:take_length])
        ]
        yield Take(dataset.name, split, name, lambda points=points: iter(points))


def read(name: str, root: Path) -> dict[str, Any]:
    """Iterate every label that needs no image; say how long it took and what was opened."""
    opened: list[str] = []
    sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
    dataset = Registry.load().dataset(name)
    before = len(opened)
    seconds, points, facets = [], 0, 0
    for _ in range(REPEATS):
        started = time.process_time()
        points = facets = 0
        for split in dataset.splits:
            for take in dataset.takes(root, split):
                for point in take:
                    points += 1
                    facets += sum(1 for facet in point.available_facets if point.has(facet))
        seconds.append(time.process_time() - started)
    return {
        "timepoints": points,
        "facets": facets,
        "seconds": statistics.median(seconds),
        "per_25000": statistics.median(seconds) / max(1, points) * 25_000,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "images_opened": sum(path.endswith(IMAGES) for path in opened[before:]),
    }


def looking(name: str) -> int:
    """Return how many files of a dataset's root `list` and `info` open: they are given none, and look for none."""
    code = (
        "import sys; opened = []; sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None);"
        f"from orqa_registry.cli.main import run; run(['info', {name!r}, '--json']); run(['list', '--json']);"
        "print(sum('ORQA_ROOT' in path for path in opened), file=sys.stderr)"
    )
    with tempfile.TemporaryDirectory(suffix="ORQA_ROOT") as root:
        environ = {"ORQA_DATA": root}
        completed = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
        )
    return int(completed.stderr.splitlines()[-1])


def main() -> None:
    """Print a line for each dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timepoints", type=int, default=25_000)
    parser.add_argument("--read", nargs=2, metavar=("NAME", "ROOT"), help="what the subprocesses are called with")
    arguments = parser.parse_args()
    if arguments.read:
        sys.stdout.write(json.dumps(read(arguments.read[0], Path(arguments.read[1]))))
        return
    for name in Registry.load().datasets:
        sys.stdout.write(f"list and info {name}: {looking(name)} files of its root opened\n")
    sys.stdout.write(f"{'':12} {'timepoints':>10} {'seconds':>8} {'of 25,000':>9} {'MB':>5} {'images opened':>14}\n")
    for name, dataset in sorted(Registry.load().datasets.items()):
        layout = dataset.layout()
        if layout is None or not dataset.official:
            continue
        with tempfile.TemporaryDirectory() as folder:
            layout.write(Path(folder), list(takes(dataset, layout, arguments.timepoints)))
            command = [sys.executable, __file__, "--read", name, folder]
            report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        sys.stdout.write(
            f"{name:12} {report['timepoints']:10,} {report['seconds']:8.2f} {report['per_25000']:9.2f} "
            f"{report['megabytes']:5.0f} {report['images_opened']:14}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
