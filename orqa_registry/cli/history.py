"""`orqa-registry history`: what changed in a take, and what a prompt remembers of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.data.dataset import Dataset
from orqa_registry.data.records import Take, Timepoint
from orqa_registry.errors import CallError, OrqaError, match_name, suggest_names
from orqa_registry.prompts.change_log import (
    Change,
    ChangeLog,
    change_log,
    compat_log,
    log_rows,
    published_timepoint,
    to_published,
)
from orqa_registry.prompts.memory import MEMORY_STYLES, Memory
from orqa_registry.registry import Registry


@click.command()
@click.argument("dataset")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the raw files; else ORQA_DATA/DATASET.")
@click.option("--take", "wanted", required=True, help="Which take, for instance 004_4DOR.")
@click.option("--split", help="The split that the take is in. Default: the first that has it.")
@click.option("--at", "frames", multiple=True, metavar="FRAME", help="Print the memory at this frame; repeatable.")
@click.option("--all", "every", is_flag=True, help="Print the memory at every frame.")
@click.option("--style", type=click.Choice(MEMORY_STYLES), help=f"What a memory tells.  [default: {MEMORY_STYLES[0]}]")
@click.option("--compat", type=click.Choice(["orqa-v1"]), help="Log and word it as the original does.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs instead of lines.")
@click.pass_obj
def history(
    registry: Registry,
    dataset: str,
    root: Path | None,
    wanted: str,
    split: str | None,
    frames: tuple[str, ...],
    every: bool,
    style: str | None,
    compat: str | None,
    as_json: bool,
) -> None:
    """Print what changed in a take of DATASET as JSONL, or with --at or --all the memory strings made of it.

    A change is a whole triple of the scene graph, or an action where a dataset has no graphs: `+` from this frame on
    it holds, `-` from this frame on it does not. Frames that nobody annotated change nothing. The changes, replayed,
    give every graph back.

    The memory at a frame tells what changed strictly before it. `short`: the last five changes, `not` before what
    ended. `long`: all that began before those, each once. `longshort`: both, as published checkpoints expect it.

    --compat orqa-v1 is for those checkpoints, and prints changes in the shape of their surgery_sg_*.json. It loses
    triples that differ in the object alone, denies the object (`nurse,holding,not saw`), and logs an action at every
    frame.

    \b
    orqa-registry history 4D-OR --root DIR --take 004_4DOR
    orqa-registry history 4D-OR --root DIR --take 004_4DOR --at 000120 --at 000300 --style short
    orqa-registry history 4D-OR --root DIR --take 004_4DOR --compat orqa-v1 --all
    """
    if frames and every:
        raise CallError("--at names frames and --all means every frame: say one of them")
    if style and not (frames or every):
        raise CallError("--style is how memory strings are worded: say --at FRAME or --all too")
    style = style or MEMORY_STYLES[0]
    chosen = registry.dataset(dataset)
    splits = [registry.split(chosen, split)] if split else chosen.splits
    take = _find_take(chosen, registry.locate(chosen, root), splits, wanted)
    points = list(take)
    log = _build_log(take, points, compat=compat)
    if frames or every:
        kind = "memories"
        lines: Iterable[Any] = _build_memories(
            points if every else _select_timepoints(take, points, frames), log, style
        )
    else:
        kind = "changes"
        lines = to_published(log) if compat else _build_changes(points, log)
    if as_json:
        header = {"dataset": take.dataset, "split": take.split, "take": take.name, "compat": compat}
        output.print_json({**header, **({"style": style} if kind == "memories" else {}), kind: list(lines)})
        return
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def _find_take(dataset: Dataset, folder: Path, splits: Sequence[str], name: str) -> Take:
    """Return a take by name, without regard to case and punctuation. Raises CallError with the nearest names."""
    names = []
    for split in splits:
        for take in dataset.takes(folder, split):
            if match_name(name, [take.name]):
                return take
            names.append(take.name)
    location = f"{', '.join(splits)} of {dataset.name} under {folder}"
    raise CallError(f"no take {name!r} in {location}: {suggest_names(name, names)}")


def _build_log(take: Take, points: Sequence[Timepoint], *, compat: str | None) -> ChangeLog:
    if not any("relations" in point.labels or "actions" in point.labels for point in points):
        raise OrqaError(
            f"{take.dataset}: take {take.name} has no history: none of its {len(points)} timepoints is annotated with "
            f"relations or actions. What of the labels is on disk: orqa-registry doctor {take.dataset}"
        )
    try:
        return compat_log(log_rows(points, when=_parse_timepoint)) if compat else change_log(log_rows(points))
    except ValueError as error:
        raise OrqaError(f"{take.dataset}: take {take.name}: {error}") from error


def _parse_timepoint(point: Timepoint) -> int:
    return published_timepoint(point.frame)


def _select_timepoints(take: Take, points: Iterable[Timepoint], frames: Iterable[str]) -> list[Timepoint]:
    points_by_frame = {point.frame: point for point in points}
    for frame in frames:
        if frame not in points_by_frame:
            raise CallError(f"no frame {frame!r} in take {take.name}: {suggest_names(frame, points_by_frame)}")
    return [points_by_frame[frame] for frame in frames]


def _build_memories(points: Iterable[Timepoint], log: ChangeLog, style: str) -> Iterator[dict[str, str]]:
    memory = Memory(log)
    for point in points:
        timepoint = _parse_timepoint(point) if log.compat else point.index
        yield {"frame": point.frame, "memory": memory.text(timepoint, style)}


def _build_changes(points: Iterable[Timepoint], log: ChangeLog) -> Iterator[dict[str, Any]]:
    frames = {point.index: point.frame for point in points}
    for change in log.changes:
        yield {"frame": frames[change.timepoint], "timepoint": change.timepoint, **_format_change(change)}


def _format_change(change: Change) -> dict[str, str]:
    sign = {"change": "-" if change.ended else "+"}
    return sign | ({"action": change.what} if isinstance(change.what, str) else change.what._asdict())
