"""`orqa-registry doctor`: what of a download is there, what is not, and what that costs."""

from __future__ import annotations

from pathlib import Path

import click

from orqa_registry.console import output
from orqa_registry.doctor import survey
from orqa_registry.registry import Registry

MAX_TAKES = 4
"""Takes that are named as having nothing of a piece; the others are counted."""

LEGEND = "ok: as in the whole dataset. ?: another number, as in a part or another version of it, or with files missing."


@click.command()
@click.argument("dataset")
@click.option(
    "--root", type=click.Path(file_okay=False, path_type=Path), help="Folder of the raw files. Default: ORQA_DATA/NAME."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def doctor(registry: Registry, dataset: str, root: Path | None, as_json: bool) -> None:
    """Say what of DATASET is on disk: takes, sensors, labels, and what is missing.

    Folders are listed and labels read, masks at a few timepoints of each take; no camera image is opened. What is
    missing is told with the question types that it costs, where to get it, and under which terms; counts stand beside
    the numbers that are known of the whole dataset. What is damaged is named, and the rest is told all the same: the
    exit code is 1 only where nothing of DATASET is found. A folder that an archive wrapped around the data is seen
    through, and named.

    \b
    orqa-registry doctor 4D-OR --root /data/4D-OR
    orqa-registry doctor MVOR --root /data/MVOR --json
    """
    chosen = registry.dataset(dataset)
    folder = registry.locate(chosen, root)
    with output.show_progress("takes") as advance:
        report = survey.survey_dataset(chosen, folder, registry.fitting_tasks(chosen), advance)
    if as_json:
        output.print_json(report.as_json())
    else:
        _print_report(report)


def _print_report(report: survey.Survey) -> None:
    name, total = report.dataset.name, report.timepoints
    nested = "" if report.home == report.root else " (one folder further in)"
    output.print_line(f"{name} in {report.home}{nested}: {total:,} timepoints\n")
    rows = (
        (
            split,
            len(counts.takes),
            len(report.dataset.official.get(split, ())) or "",
            counts.timepoints,
            _join_names(counts.missing),
        )
        for split, counts in report.splits.items()
    )
    columns = ("split", "takes", "official", "timepoints", "missing")
    output.print_table("Takes", columns, rows, numbers=columns[1:4])
    _print_damage(report)
    _print_pieces(report)
    if report.uneven:
        partial = (
            (name, _format_share(count, total), report.dataset.media[name]) for name, count in report.uneven.items()
        )
        heads = ("medium", "timepoints", "what it is")
        output.print_table("Sensors that are not everywhere", heads, partial, numbers=("timepoints",))
    annotated = ((task, _format_share(report.tasks[task], total)) for task in sorted(report.tasks))
    title = "Annotated for (timepoints that have what a task needs)"
    output.print_table(title, ("task", "timepoints"), annotated, numbers=("timepoints",))
    if report.checks:
        check_rows = (
            ("ok" if check.good else "?", check.what, check.found, check.expected, check.note)
            for check in report.checks
        )
        columns = ("", "known number", "found", "expected", "note")
        output.print_table("Known numbers", columns, check_rows, numbers=("found", "expected"))
        output.print_line(LEGEND + "\n")
    absent = [piece_count.piece for piece_count in report.pieces if piece_count.absent]
    if absent:
        card = report.dataset.card
        sources = ((piece.name, piece.access or card.access, piece.terms or card.licence) for piece in absent)
        output.print_table("Where to get what is missing", ("piece", "from", "terms"), sources)


def _print_damage(report: survey.Survey) -> None:
    takes_by_reason: dict[str, list[str]] = {}  # one file may be what several splits lack
    for split, counts in report.splits.items():
        for take, reason in counts.damaged.items():
            takes_by_reason.setdefault(reason, []).append(
                split if take == survey.WHOLE_SPLIT else f"{split} take {take}"
            )
    for reason, takes in takes_by_reason.items():
        output.print_line(f"damaged: {_join_names(takes)}: {reason}")
    if report.unchecked:
        output.print_line(f"damaged: known numbers were not counted to their end: {report.unchecked}")


def _print_pieces(report: survey.Survey) -> None:
    total, hint = report.timepoints, "see below" if report.checks else ""
    rows = (
        (
            _format_state(piece_count, total),
            piece_count.piece.name,
            _format_share(piece_count.timepoints, total) or (hint if piece_count.there is None else ""),
            piece_count.piece.files,
            _join_names(piece_count.lacking_in, MAX_TAKES),
            _join_names(piece_count.costs),
        )
        for piece_count in report.pieces
    )
    columns = ("", "piece", "has it", "files", "lacking in", "its lack costs")
    output.print_table("Pieces", columns, rows, numbers=("has it",))


def _format_state(piece_count: survey.PieceCount, total: int) -> str:
    if piece_count.there is not None:
        return "there" if piece_count.there else "missing"
    if piece_count.timepoints is None:
        return ""
    return "all" if piece_count.timepoints == total and total else "some" if piece_count.timepoints else "none"


def _format_share(part: int | None, total: int) -> str:
    if part is None:
        return ""
    return f"{part:,} ({part / total:.0%})" if total else "0"


def _join_names(names: list[str] | tuple[str, ...], limit: int = 8) -> str:
    return ", ".join(names[:limit]) + (f", ... ({len(names)})" if len(names) > limit else "")
