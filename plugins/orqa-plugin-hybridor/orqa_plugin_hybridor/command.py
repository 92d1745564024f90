"""The command `orqa-registry synth`. Whatever is heavy is imported once it runs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from orqa_plugin_hybridor.files.names import SPLITS, split_of
from orqa_registry import CallError, Registry
from orqa_registry.console import output

DATASET_DEFAULTS = {"takes": 12, "timepoints": 40, "size": 336}
"""What is written where nobody says how much."""

COPY_DEFAULTS = {"takes": 6, "timepoints": 12, "size": 112}
"""The same, with --layout: enough for everything that is irregular in a dataset to be there."""


def _default_text(name: str) -> str:
    return f"[default: {DATASET_DEFAULTS[name]}; with --layout {COPY_DEFAULTS[name]}]"


@click.command(short_help="Write a procedural operating-room dataset (HybridOR), or in the layout of another.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@click.option("--layout", help="Write a small copy in the real layout of this dataset, 4D-OR for instance.")
@click.option("--takes", type=click.IntRange(1, 100_000), help=f"How many procedures.  {_default_text('takes')}")
@click.option(
    "--timepoints", type=click.IntRange(1, 100_000), help=f"Timepoints a take.  {_default_text('timepoints')}"
)
@click.option("--size", type=click.IntRange(32, 4096), help=f"Pixels a side.  {_default_text('size')}")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other takes.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one a core; with --layout one]")
@click.option("--force", is_flag=True, help="Replace what synth wrote before; files that are not ours stay.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as one JSON object on stdout.")
@click.pass_obj
def synth(
    registry: Registry | None,
    out: Path,
    layout: str | None,
    takes: int | None,
    timepoints: int | None,
    size: int | None,
    seed: int,
    workers: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write HybridOR: simulated robotic knee procedures, seen by four cameras and on the robot's screen.

    Pictures, masks, depth, points, sound, speech, robot log and every label come from one simulation, so they agree.
    The same arguments give the same bytes. An interrupted run goes on where it stopped when it is repeated.

    With --layout the same procedures are written as the files of another dataset, with its sensors and all that is
    irregular about them: to try readers, tasks and training before the download is there. It holds nothing of that
    dataset but names and numbers. The folder appears when all is written, and is replaced by --force if unchanged.

    \b
    Examples:
      orqa-registry synth --out data/HybridOR
      orqa-registry synth --out tiny --takes 4 --timepoints 12 --size 112
      orqa-registry synth --layout 4D-OR --out copies/4D-OR
      orqa-registry ask HybridOR --root data/HybridOR --split train --limit 5
    """
    defaults = DATASET_DEFAULTS if layout is None else COPY_DEFAULTS
    timepoints, size = timepoints or defaults["timepoints"], size or defaults["size"]
    if layout is None:
        written, lines = _write_dataset(
            out, takes or defaults["takes"], timepoints, size, seed, workers=workers, force=force
        )
    else:
        registry = registry or Registry.load()
        written, lines = _write_copy(registry, layout, out, takes, timepoints, size, seed, force=force)
    if as_json:
        output.print_json(written)
    else:
        click.echo("\n".join(lines))


def _write_dataset(
    out: Path, takes: int, timepoints: int, size: int, seed: int, *, workers: int | None, force: bool
) -> tuple[dict[str, Any], list[str]]:
    """Write HybridOR; return what was written, for programs and for people."""
    from orqa_plugin_hybridor.recording.dataset_writer import DatasetOptions, prepare_folder, write_dataset

    options = DatasetOptions(takes, timepoints, size, seed)
    missing = prepare_folder(out, options, force)
    began = time.perf_counter()
    with output.show_progress("timepoints") as advance:
        total = len(missing) * timepoints
        write_dataset(
            out, options, missing, workers or os.cpu_count() or 1, lambda done: advance("rendering", done, total)
        )
    seconds = time.perf_counter() - began
    from orqa_plugin_hybridor.scene.camera_placement import VIEWS

    views = len(missing) * timepoints * len(VIEWS)
    by_split = {split: sum(split_of(number, takes) == split for number in range(1, takes + 1)) for split in SPLITS}
    written = {
        "out": str(out),
        "takes": by_split,
        "takes_written": len(missing),
        "takes_kept": takes - len(missing),
        "timepoints": takes * timepoints,
        "views": views,
        "seconds": round(seconds, 3),
        "views_per_second": round(views / seconds, 1) if views else None,
    }
    kept = f", {written['takes_kept']} kept" if written["takes_kept"] else ""
    counts = f"{takes} take{'s' * (takes != 1)} ({len(missing)} written{kept}), {takes * timepoints} timepoints"
    return written, [
        f"{out}: {counts}, in {seconds:.1f} s",
        "  " + ", ".join(f"{split} {count}" for split, count in by_split.items()),
        f"Next: orqa-registry ask HybridOR --root {out} --split train --limit 5",
    ]


def _write_copy(
    registry: Registry, name: str, out: Path, takes: int | None, timepoints: int, size: int, seed: int, *, force: bool
) -> tuple[dict[str, Any], list[str]]:
    """Write a copy in another layout; return what was written, for programs and for people.

    Raises CallError where the dataset has no layout, or fewer takes than wanted.
    """
    dataset = registry.dataset(name)
    layout = dataset.layout()
    if layout is None:
        writable = ", ".join(
            sorted(item for item, candidate in registry.datasets.items() if candidate.layout() is not None)
        )
        raise CallError(
            f"nobody wrote down how {dataset.name} is written; synth --layout can write: {writable or 'none'}"
        )
    takes = takes or min(COPY_DEFAULTS["takes"], len(layout.takes))
    if takes > len(layout.takes):
        raise CallError(f"{dataset.name} has {len(layout.takes)} takes to be written, not {takes}")
    from orqa_plugin_hybridor.copies.copied_take import CopyOptions, copy_takes, frame_ids
    from orqa_plugin_hybridor.copies.folder_writer import atomic_folder

    chosen = layout.takes[:takes]
    total = sum(len(frame_ids(layout, take, timepoints)) for _, take in chosen)
    by_split = {split: sum(item == split for item, _ in chosen) for split in dataset.splits}
    about = {"layout": dataset.name, "takes": takes, "timepoints": timepoints, "size": size, "seed": seed}
    began = time.perf_counter()
    with output.show_progress("timepoints") as advance, atomic_folder(out, about, force=force) as folder:
        done: set[tuple[str, int]] = set()

        def count_rendered(take: str, index: int) -> None:
            done.add((take, index))
            advance("rendering", len(done), total)

        layout.write(folder, copy_takes(dataset, layout, CopyOptions(takes, timepoints, size, seed), count_rendered))
    seconds = time.perf_counter() - began
    written = {"out": str(out), **about, "takes": by_split, "timepoints": total, "seconds": round(seconds, 3)}
    return written, [
        f"{out}: a copy of {dataset.name}, {takes} take{'s' * (takes != 1)}, {total} timepoints, in {seconds:.1f} s",
        "  " + ", ".join(f"{split} {count}" for split, count in by_split.items() if count),
        f"Next: orqa-registry doctor {dataset.name} --root {out}",
    ]
