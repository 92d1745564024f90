"""`orqa-registry prompt`: what a model is shown and told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from orqa_registry.data.dataset import Dataset
from orqa_registry.data.records import Take, Timepoint
from orqa_registry.data.timeline import Timeline
from orqa_registry.errors import CallError, OrqaError, fold_name, match_name, suggest_names
from orqa_registry.prompts import build, zeroshot
from orqa_registry.prompts.change_log import change_log, compat_log, log_rows
from orqa_registry.prompts.memory import Memory
from orqa_registry.prompts.policy import PromptPolicy, find_policy
from orqa_registry.questions.ask import ask
from orqa_registry.questions.question import AskedQuestion
from orqa_registry.questions.task import Task
from orqa_registry.registry import Registry
from orqa_registry.rng import seeded_rng

ZERO_SHOT = "zero-shot"


@click.command()
@click.argument("dataset", required=False)
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the raw files; else ORQA_DATA/DATASET.")
@click.option("--split", help="The split that the take is in. Default: the first that has it.")
@click.option("--take", "wanted", help="Print prompts of this take, for instance 004_4DOR.")
@click.option("--frame", help="At this frame. Default: the first at which something is asked.")
@click.option("--task", "tasks", multiple=True, help="Of this task alone; repeat for several. Default: all that fit.")
@click.option("--policy", default="eval", show_default=True, metavar="NAME", help="How prompts are made, see above.")
@click.option("--memory", "remember", is_flag=True, help="Tell what happened before, as temporal models expect it.")
@click.option("--seed", type=int, default=0, show_default=True, help="What chance hangs on.")
@click.pass_obj
def prompt(
    registry: Registry,
    dataset: str | None,
    root: Path | None,
    split: str | None,
    wanted: str | None,
    frame: str | None,
    tasks: tuple[str, ...],
    policy: str,
    remember: bool,
    seed: int,
) -> None:
    """Print what a model is shown and told.

    Without --take: what generalist models are told before a question, made of all tasks, or of those that fit DATASET.
    With --take: prompts of DATASET as JSONL, one a task, at one frame. `images` are media in the order shown, each with
    its role and the pixels it may keep; `sensors` are other media that a model may take in; `text` is what is told,
    one <image> for each image; `answer` is what a model learns to say.

    Policies: `train` shuffles views, drops sensors, asks for a short answer or a sentence, and draws how much memory is
    told; `eval` leaves nothing to chance; `eval-grounded` asks for the scene graph first; `no-leak` and `no-leak-train`
    leave out what states answers outright: the robot's screen, and what robot and tracker say; `orqa-v1-train`,
    `orqa-v1-eval` and `orqa-v1-eval-grounded` are those of published checkpoints, whose choice of views has defects;
    `zero-shot` is `eval` after what generalist models are told.

    \b
    orqa-registry prompt
    orqa-registry prompt MM-OR --root DIR --take 001_PKA_MMOR --task tools_used
    orqa-registry prompt 4D-OR --root DIR --take 004_4DOR --frame 000120 --policy train --seed 7
    """
    chosen = registry.dataset(dataset) if dataset else None
    prompt_policy = None if fold_name(policy) == fold_name(ZERO_SHOT) else find_policy(policy)
    fitting = (
        registry.fitting_tasks(chosen, tasks) if chosen else [registry.task(name) for name in tasks or registry.tasks]
    )
    if wanted is None:
        if frame or root or split:
            raise CallError("--frame, --root and --split are about a take: name it with --take")
        sys.stdout.write(zeroshot.zero_shot_preamble(fitting, [chosen] if chosen else []) + "\n")
        return
    if chosen is None:
        raise CallError(f"--take {wanted}: of which dataset? orqa-registry prompt DATASET --take {wanted}")
    take = _find_take(chosen, registry.locate(chosen, root), registry.split(chosen, split) if split else None, wanted)
    for line in _build_lines(
        take, frame, fitting, prompt_policy or zeroshot.zero_shot_policy(fitting, [chosen]), seed, remember=remember
    ):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def _find_take(dataset: Dataset, folder: Path, split: str | None, name: str) -> Take:
    """Return a take by name, without regard to case and punctuation. Raises CallError with the nearest names."""
    names = []
    for candidate in [split] if split else dataset.splits:
        for take in dataset.takes(folder, candidate):
            if match_name(name, [take.name]):
                return take
            names.append(take.name)
    raise CallError(f"no take {name!r} in {split or dataset.name} under {folder}: {suggest_names(name, names)}")


def _build_lines(
    take: Take, frame: str | None, tasks: list[Task], policy: PromptPolicy, seed: int, *, remember: bool
) -> Iterator[Mapping[str, Any]]:
    points = list(take)
    if not points:
        raise OrqaError(f"{take.dataset}: take {take.name} has no timepoint")
    points_by_frame = {point.frame: point for point in points}
    if frame is not None and frame not in points_by_frame:
        raise CallError(f"no frame {frame!r} in take {take.name}: {suggest_names(frame, points_by_frame)}")
    timeline = Timeline((point.index, point.seconds, point.labels) for point in points)
    memory = _build_memory(points, policy) if remember else None
    for point in points if frame is None else [points_by_frame[frame]]:
        questions = list(_draw_questions(point, timeline, tasks, policy, seed))
        for task, asked in questions:
            built = build.build_prompt(asked, task, policy, seed, memory=memory)
            record = {"key": built.key, "task": built.task, "images": [asdict(picture) for picture in built.images]}
            yield {**record, "sensors": list(built.sensors), "text": built.text, "answer": built.answer}
        if questions:
            return
    location = f"frame {frame} of take {take.name}" if frame else f"take {take.name}"
    raise OrqaError(
        f"{take.dataset}: nothing is asked at {location}: none of {_join_names(tasks)} finds its labels there"
    )


def _join_names(tasks: list[Task]) -> str:
    return ", ".join(task.name for task in tasks)


def _draw_questions(
    point: Timepoint, timeline: Timeline, tasks: list[Task], policy: PromptPolicy, seed: int
) -> Iterator[tuple[Task, AskedQuestion]]:
    """Yield one question of each task."""
    for task, questions in ask(point, timeline, tasks, seed, compat=policy.compat):
        if questions:
            question = seeded_rng(seed, point.key, task.name).choice(questions)
            yield task, AskedQuestion(point, question, question.text, question.answer)


def _build_memory(points: list[Timepoint], policy: PromptPolicy) -> Memory:
    if not any(point.available_facets & {"relations", "actions"} for point in points):
        raise OrqaError(f"take {points[0].take} has no memory: nobody annotated relations or actions in it")
    try:
        return Memory(compat_log(log_rows(points)) if policy.compat else change_log(log_rows(points)))
    except ValueError as error:
        raise OrqaError(f"take {points[0].take}: {error}") from error
