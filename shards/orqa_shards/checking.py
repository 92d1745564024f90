"""`orqa-registry verify`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import click
from attrs import asdict

from orqa_registry.cli import show
from orqa_registry.reading import needing
from orqa_shards.command import cores

if TYPE_CHECKING:
    from orqa_shards.repair import Repaired
    from orqa_shards.verify import Report

SHOWN = 50
"""Findings that are shown; --json has all."""


@click.command()
@click.argument("folder", metavar="DIR|URL")
@click.option("--workers", type=click.IntRange(min=1), help="Files that are read at once. Default: one a core.")
@click.option("--repair", "mend", is_flag=True, help="Make anew what can be, and drop the rest into repair.json.")
@click.option("--decode", is_flag=True, help="Decode every picture too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_context
def verify(ctx: click.Context, folder: str, workers: int | None, mend: bool, decode: bool, as_json: bool) -> None:
    """Check that the shards in DIR are whole, and repair them.

    Sizes and SHA-256 of all files, headers and CRC-32 of every member, indexes, labels and manifest are held against
    each other; nothing is written. --repair makes indexes, labels and manifest anew from the tars, and leaves out what
    is damaged: a medium costs itself, a timepoint goes when its labels are damaged in both places. Copy damaged files
    again first, if there is another copy. Tars that somebody else wrote are looked through, and stay as they are.
    The exit code is 0 where all is whole, 1 where something is wrong.

    \b
    orqa-registry verify demo/shards
    orqa-registry verify s3://bucket/shards --workers 16 --decode
    orqa-registry verify demo/shards --repair
    """
    with needing("verify", "orqa-registry[shards]"):
        from orqa_shards import repair as repairing
        from orqa_shards import verify as verifying
        from orqa_shards.store import open_store

    store = open_store(folder)
    many = workers or cores()
    started = perf_counter()
    repaired = None
    with show.progress("MB") as advance:
        report = verifying.verify(store, many, decode=decode, advance=advance)
    if mend and not report.whole:
        with show.progress("shards") as advance:
            repaired = repairing.repair(store, report, decode=decode, advance=advance)
        before, report = report, verifying.verify(open_store(folder), many, decode=decode)
        if not as_json:
            _print(folder, before, perf_counter() - started)
    if as_json:
        show.print_json(_as_json(folder, report, repaired, perf_counter() - started))
    else:
        if repaired is not None:
            _print_repaired(folder, repaired)
        _print(folder, report, perf_counter() - started)
    if not report.whole:
        ctx.exit(1)


def _as_json(folder: str, report: Report, repaired: Repaired | None, seconds: float) -> dict[str, object]:
    return {
        "folder": folder,
        "whole": report.whole,
        "seconds": seconds,
        "files": report.files,
        "bytes": report.bytes,
        "timepoints": report.timepoints,
        "findings": [asdict(one) for one in report.findings],
        "strays": list(report.strays),
        "repaired": None if repaired is None else asdict(repaired),
    }


def _print(folder: str, report: Report, seconds: float) -> None:
    about = f"{report.files} files, {report.bytes / 1e6:.1f} MB, {report.timepoints} timepoints, in {seconds:.1f} s"
    if report.whole:
        show.print_line(f"{folder}: whole: {about}")
    else:
        rows = [(one.file, one.key or "", one.why, one.remedy) for one in report.findings[:SHOWN]]
        show.print_table(f"{folder}: {about}", ("file", "about", "what is wrong", "by --repair"), rows)
        if len(report.findings) > SHOWN:
            show.print_line(f"... {len(report.findings)} findings in all; --json has them")
    for name in report.strays[:SHOWN]:
        show.print_line(f"warning: {name} belongs to nothing here, and is not read", err=True)


def _print_repaired(folder: str, repaired: Repaired) -> None:
    show.print_line(f"{folder}: made anew: {', '.join(repaired.rebuilt)}")
    if repaired.dropped:
        show.print_line(f"{folder}: dropped: {len(repaired.dropped)} in all, named in repair.json")
