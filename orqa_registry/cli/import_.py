"""`orqa-registry import`: a published question set as lines of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.console.root_option import parse_roots
from orqa_registry.errors import CallError
from orqa_registry.exchange.export_set import write_lines
from orqa_registry.exchange.published_set import ImportCounts, KnownTimepoints, PublishedSet
from orqa_registry.registry import Registry


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the lines, .jsonl."
)
@click.option("--root", "roots", multiple=True, metavar="NAME=DIR", help="Folder of a dataset; repeat for several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def import_(registry: Registry, file: Path, out: Path, roots: tuple[str, ...], as_json: bool) -> None:
    """Turn FILE, a published final_qa_pairs_SPLIT_SIZE.json, into lines as `export --format jsonl` writes them.

    The arguments of a question are read from its canonical wording; the answer is the bare one; `text` and `said` are
    question and answer as they were worded. Frames that wrongly hold their take as well are repaired and counted.
    Questions about synthetic scenes go to the take TAKE_HybridOR of the training split, and `report` names the dataset
    as reports of the benchmark do, 4D-OR_train. A damaged record is named and left out; where most are, nothing is
    written. With --root it is looked up which split and view a record is about, and whether its timepoint is there.

    \b
    orqa-registry import final_qa_pairs_val_1000.json --out val.jsonl
    orqa-registry import final_qa_pairs_val_1000.json --root 4D-OR=/data/4D-OR --out val.jsonl
    """
    if out.exists() and out.samefile(file):
        raise CallError(f"--out {out} is FILE itself")
    known = {
        name: _index_timepoints(registry, name, folder) for name, folder in parse_roots(registry, roots, ()).items()
    }
    total = max(1, file.stat().st_size >> 20)
    with output.show_progress("MB") as advance:
        source = PublishedSet(file, registry, known, lambda read: advance(file.name, read >> 20, total))
        out.parent.mkdir(parents=True, exist_ok=True)
        write_lines(out, source.lines())
    _print_report(source.tally, out, as_json=as_json, looked=bool(known))


def _index_timepoints(registry: Registry, name: str, root: Path) -> KnownTimepoints:
    """Return the timepoints of a dataset; no label is looked at."""
    dataset = registry.dataset(name)
    folder = registry.locate(dataset, root)
    takes = (take for split in dataset.splits for take in dataset.takes(folder, split))
    return {(point.take, point.frame): point for take in takes for point in take}


def _print_report(tally: ImportCounts, out: Path, *, as_json: bool, looked: bool) -> None:
    if as_json:
        output.print_json({"out": str(out), **tally.as_json()})
        return
    rows: list[tuple[Any, ...]] = [(*cell, f"{count:,}") for cell, count in sorted(tally.records.items())]
    written = tally.records.total()
    output.print_table(f"{written:,} records in {out}", ("dataset", "task", "records"), rows, numbers=("records",))
    remarks = [
        ("frames repaired, which held their take", tally.repaired),
        ("damaged, left out", tally.damaged),
        *((f"{reason}: no plugin has it, left out", count) for reason, count in sorted(tally.unknown.items())),
        *([("of timepoints that are not in the folder", tally.absent)] if looked else []),
    ]
    counts = ((reason, f"{count:,}") for reason, count in remarks)
    output.print_table(f"of {tally.read:,} read", ("what", "records"), counts, numbers=("records",))
