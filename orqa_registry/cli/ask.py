"""`orqa-registry ask`: every question that can be asked of a dataset, as JSONL."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from orqa_registry.errors import OrqaError
from orqa_registry.questions.ask import ask as ask_all
from orqa_registry.registry import Registry


@click.command()
@click.argument("dataset")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the raw files; else ORQA_DATA/DATASET.")
@click.option("--split", required=True, help="Which split, for instance validation.")
@click.option("--task", "tasks", multiple=True, help="Ask this task alone; repeat for several. Default: all that fit.")
@click.option("--compat", type=click.Choice(["orqa-v1"]), help="Ask as the original does, defects and all.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many lines.")
@click.pass_obj
def ask(
    registry: Registry,
    dataset: str,
    root: Path | None,
    split: str,
    tasks: tuple[str, ...],
    compat: str | None,
    limit: int | None,
) -> None:
    """Print every question that can be asked of DATASET as JSONL, a line an answer.

    A question with several right answers takes several lines. `weight` is the chance that a draw keeps the question:
    those whose answer is nothing are rare in the benchmark.

    --compat orqa-v1 is for comparing with published numbers: it counts roles rather than persons, knows the last box of
    a class alone, doubles distances that are in mm already, and takes a pause of the robot for its last step.

    \b
    orqa-registry ask 4D-OR --root DIR --split validation --task tools_used --limit 3
    orqa-registry ask MM-OR --root DIR --split validation --compat orqa-v1
    """
    for line in islice(_build_lines(registry, dataset, root, split, tasks, compat is not None), limit):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def _build_lines(
    registry: Registry, name: str, root: Path | None, split_name: str, task_names: tuple[str, ...], compat: bool
) -> Iterator[dict[str, Any]]:
    dataset = registry.dataset(name)
    split = registry.split(dataset, split_name)
    tasks = registry.fitting_tasks(dataset, task_names)
    folder = registry.locate(dataset, root)
    has_timepoints = has_questions = False
    for take in dataset.takes(folder, split):
        timeline = take.timeline()
        for point in take:
            has_timepoints = True
            for task, questions in ask_all(point, timeline, tasks, compat=compat):
                has_questions = True
                for question in questions:
                    for answer in question.answers:
                        yield {
                            "dataset": point.dataset,
                            "split": point.split,
                            "take": point.take,
                            "frame": point.frame,
                            "task": task.name,
                            "arguments": list(question.arguments.values()),
                            "question": question.text,
                            "answer": answer,
                            "view": question.view,
                            "weight": question.weight,
                        }
    if not has_timepoints:
        other_splits = [other for other in dataset.splits if next(iter(dataset.takes(folder, other)), None)]
        hint = f"there are takes of {', '.join(other_splits)}" if other_splits else dataset.card.access
        raise OrqaError(f"{dataset.name}: no timepoint of split {split} under {folder}: {hint}")
    if not has_questions:
        needs = sorted({facet for task in tasks for facet in task.needs})
        notes = " ".join(f"{note}." for note in dataset.card.notes)
        raise OrqaError(
            f"{dataset.name}: no timepoint of split {split} under {folder} is annotated with {', '.join(needs)}. "
            f"About its labels: {notes or dataset.card.access}"
        )
