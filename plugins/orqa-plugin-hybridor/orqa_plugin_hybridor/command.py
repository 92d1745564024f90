"""The command `orqa-registry synth`. Whatever is heavy is imported once it runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from orqa_plugin_hybridor.layout import SPLITS, split_of
from orqa_registry.cli import show


@click.command(short_help="Write a procedural operating-room dataset (HybridOR).")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write.")
@click.option("--takes", type=click.IntRange(1, 100_000), default=12, show_default=True, help="How many procedures.")
@click.option("--timepoints", type=click.IntRange(1, 100_000), default=40, show_default=True, help="Timepoints a take.")
@click.option("--size", type=click.IntRange(32, 4096), default=336, show_default=True, help="Pixels a side.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other takes.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: one a core]")
@click.option("--force", is_flag=True, help="Replace takes of other parameters; files that are not ours stay.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as one JSON object on stdout.")
def synth(
    out: Path, takes: int, timepoints: int, size: int, seed: int, workers: int | None, force: bool, as_json: bool
) -> None:
    """Write HybridOR: simulated robotic knee procedures, seen by four cameras and on the robot's screen.

    Pictures, masks, depth, points, sound, speech, robot log and every label come from one simulation, so they agree.
    The same arguments give the same bytes. An interrupted run goes on where it stopped when it is repeated.

    \b
    Examples:
      orqa-registry synth --out data/HybridOR
      orqa-registry synth --out tiny --takes 4 --timepoints 12 --size 112
      orqa-registry ask HybridOR --root data/HybridOR --split train --limit 5
    """
    from orqa_plugin_hybridor.synthesis import Order, prepare, synthesise

    order = Order(takes, timepoints, size, seed)
    missing = prepare(out, order, force)
    began = time.perf_counter()
    with show.progress("timepoints") as advance:
        total = len(missing) * timepoints
        synthesise(out, order, missing, workers or os.cpu_count() or 1, lambda done: advance("rendering", done, total))
    seconds = time.perf_counter() - began
    from orqa_plugin_hybridor.cameras import VIEWS

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
    if as_json:
        show.print_json(written)
        return
    kept = f", {written['takes_kept']} kept" if written["takes_kept"] else ""
    counts = f"{takes} takes ({len(missing)} written{kept}), {takes * timepoints} timepoints"
    click.echo(f"{out}: {counts}, in {seconds:.1f} s")
    click.echo("  " + ", ".join(f"{split} {count}" for split, count in by_split.items()))
    click.echo(f"Next: orqa-registry ask HybridOR --root {out} --split train --limit 5")
