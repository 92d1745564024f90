"""Does the tiny model look? Compares it with the most common answer and with itself blind, for several seeds.

    python benchmarks/look.py --data demo/shards --out demo/look

Scores are macro over the tasks that need looking, on the held-out takes of split test.
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from orqa_registry import Registry
from orqa_shards.sampling.mixture import Mixture
from orqa_train import recipe as recipes
from orqa_train.evaluation.evaluate import evaluate
from orqa_train.training.trainer import train

LOOKING = ("count_people", "role_people", "current_action", "tools_used", "current_robot_step")


def run(registry: Registry, data: Path, out: Path, name: str, seed: int, changes: list[str]) -> dict[str, Any]:
    """Train and evaluate one seed; return scores, 0 to 1, and seconds."""
    started = perf_counter()
    train(registry, data, recipes.load_recipe(name, changes).with_seed(seed), out)
    trained = perf_counter()
    report = evaluate(registry, data, "test", [str(out), "blind"], Mixture(), tasks=LOOKING)
    by_name = {outcome.name: outcome for outcome in report.outcomes}
    model, blind, majority = (by_name[key] for key in (out.name, "blind", "majority"))
    return {
        "seed": seed,
        "model": model.macro,
        "blind": blind.macro,
        "majority": majority.macro,
        "tasks": {task: fmean(scores) for task, scores in model.by_task().items()},
        "train_seconds": trained - started,
        "eval_seconds": perf_counter() - trained,
    }


def main() -> None:
    """Print a row a seed, and the smallest margins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    registry = Registry.load()
    rows = [run(registry, args.data, args.out / f"seed{seed}", args.recipe, seed, args.changes) for seed in args.seeds]
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'seed':>4} {'model':>7} {'majority':>9} {'blind':>7} {'train s':>8}  by task")
    for row in rows:
        tasks = "  ".join(f"{task} {score:.2f}" for task, score in row["tasks"].items())
        line = f"{row['seed']:>4} {row['model']:>7.3f} {row['majority']:>9.3f} {row['blind']:>7.3f}"
        print(f"{line} {row['train_seconds']:>8.0f}  {tasks}")
    for other in ("majority", "blind"):
        print(f"smallest margin over {other}: {100 * min(row['model'] - row[other] for row in rows):+.1f} points")


if __name__ == "__main__":
    main()
