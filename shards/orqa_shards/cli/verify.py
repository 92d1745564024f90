"""`orqa-registry verify`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import click
from attrs import asdict

from orqa_registry import CallError, Registry
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring
from orqa_shards.cli.options import available_cores

if TYPE_CHECKING:
    from orqa_shards.verify.repair import RepairResult
    from orqa_shards.verify.verify import VerifyReport

MAX_SHOWN = 50
"""Findings that are shown; --json has all."""

REMEDY_TEXT = {"rebuilt": "made anew", "dropped": "left out", "left": "nothing", "missing": "nothing: copy it again"}
"""What a repair does, by the remedy of a finding."""


@click.command()
@click.argument("folder", metavar="DIR|URL")
@click.option("--workers", type=click.IntRange(min=1), help="Files that are read at once. Default: one a core.")
@click.option("--repair", "mend", is_flag=True, help="Make anew what can be, and drop the rest into repair.json.")
@click.option("--without-missing", is_flag=True, help="With --repair: drop what was in tars that are missing or empty.")
@click.option("--decode", is_flag=True, help="Decode every picture too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_context
def verify(
    ctx: click.Context,
    folder: str,
    workers: int | None,
    mend: bool,
    without_missing: bool,
    decode: bool,
    as_json: bool,
) -> None:
    """Check that the shards in DIR are whole, and repair them.

    Sizes and SHA-256 of all files, headers and CRC-32 of every member, indexes, labels and manifest are held against
    each other; nothing is written. --repair makes indexes, labels and manifest anew from the tars, and leaves out what
    is damaged: a medium costs itself, a timepoint goes when its labels are damaged in both places. Copy damaged files
    again first, if there is another copy. A tar that is missing or empty may be on its way, or on a disk that is not
    mounted: nothing is repaired without it, but with --without-missing. Tars that somebody else wrote are looked
    through, and stay as they are. The exit code is 0 where all is whole, 1 where something is wrong.

    \b
    orqa-registry verify demo/shards
    orqa-registry verify s3://bucket/shards --workers 16 --decode
    orqa-registry verify demo/shards --repair
    """
    if without_missing and not mend:
        raise CallError("--without-missing says what --repair leaves out: say both")
    with requiring("verify", "orqa-registry[shards]"):
        from orqa_shards.storage.open import open_store
        from orqa_shards.verify import repair as repairing
        from orqa_shards.verify import verify as verifying

    store = open_store(folder)
    worker_count = workers or available_cores()
    started = perf_counter()
    repaired = None
    with output.show_progress("MB") as advance:
        report = verifying.verify(store, worker_count, decode=decode, advance=advance)
    if mend and not report.whole and (without_missing or not report.missing):
        registry: Registry = ctx.obj
        with output.show_progress("shards") as advance:
            repaired = repairing.repair(
                store,
                report,
                decode=decode,
                without_missing=without_missing,
                datasets=registry.datasets,
                advance=advance,
            )
        first_report, report = report, verifying.verify(open_store(folder), worker_count, decode=decode)
        if not as_json:
            _print_report(folder, first_report, perf_counter() - started)
    if as_json:
        output.print_json(_to_json(folder, report, repaired, perf_counter() - started))
    else:
        if repaired is not None:
            _print_repaired(folder, repaired)
        _print_report(folder, report, perf_counter() - started)
    if report.missing:
        prefix = "nothing was changed: " if mend else ""
        output.print_line(f"{folder}: {prefix}{report.advice(folder)}", err=True)
    if not report.whole:
        ctx.exit(1)


def _to_json(folder: str, report: VerifyReport, repaired: RepairResult | None, seconds: float) -> dict[str, object]:
    return {
        "folder": folder,
        "whole": report.whole,
        "seconds": seconds,
        "files": report.files,
        "indexes": report.indexes,
        "bytes": report.bytes,
        "timepoints": report.timepoints,
        "findings": [asdict(finding) for finding in report.problems],
        "strays": list(report.unknown_files),
        "repaired": None if repaired is None else asdict(repaired),
    }


def _print_report(folder: str, report: VerifyReport, seconds: float) -> None:
    files = f"{report.files} tars and label files, {_format_count(report.indexes, 'index', 'indexes')}"
    summary = (
        f"{files}, {report.bytes / 1e6:.1f} MB, {_format_count(report.timepoints, 'timepoint')}, in {seconds:.1f} s"
    )
    output.print_line(f"{folder}: whole: {summary}" if report.whole else f"{folder}: {summary}")
    file = None
    for finding in report.problems[:MAX_SHOWN]:  # no table: it would break keys that people copy
        if finding.file != file:
            file = finding.file
            output.print_line(f"\n{file}")
        output.print_line(
            f"  {'' if finding.key is None else f'{finding.key}: '}{finding.why} "
            f"(--repair: {REMEDY_TEXT[finding.remedy]})"
        )
    if len(report.problems) > MAX_SHOWN:
        output.print_line(f"... {len(report.problems)} problems in all; --json has them")
    if report.problems:
        output.print_line("")
    for name in report.unknown_files[:MAX_SHOWN]:
        output.print_line(f"warning: {name} belongs to nothing here, and is not read", err=True)


def _print_repaired(folder: str, repaired: RepairResult) -> None:
    output.print_line(f"{folder}: made anew: {', '.join(repaired.rebuilt)}")
    if repaired.dropped:
        lost = (
            f"{_format_count(repaired.timepoints, 'timepoint')} and "
            f"{_format_count(repaired.media, 'medium', 'media')} of others"
        )
        output.print_line(f"{folder}: lost: {lost}, named in repair.json")
    if repaired.unproven:
        output.print_line(
            f"{folder}: kept, and may be damaged, since no checksum is left: {', '.join(repaired.unproven)}"
        )
    if repaired.forgotten:
        output.print_line(f"{folder}: could not be restored in manifest.json: {'; '.join(repaired.forgotten)}")


def _format_count(count: int, singular: str, plural: str = "") -> str:
    return f"{count} {singular if count == 1 else plural or f'{singular}s'}"
