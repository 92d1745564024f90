"""`orqa-registry doctor`: what of a download is there, what is not, and what that costs."""

from __future__ import annotations

from pathlib import Path

import click

from orqa_registry import survey
from orqa_registry.cli import show
from orqa_registry.registry import Registry

LACKING = 4
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
    with show.progress("takes") as advance:
        found = survey.examine(chosen, folder, registry.fitting(chosen), advance)
    if as_json:
        show.print_json(found.as_json())
    else:
        _print(found)


def _print(found: survey.Survey) -> None:
    name, many = found.dataset.name, found.timepoints
    taken = "" if found.home == found.root else " (one folder further in)"
    show.print_line(f"{name} in {found.home}{taken}: {many:,} timepoints\n")
    rows = (
        (split, len(one.takes), len(found.dataset.official.get(split, ())) or "", one.timepoints, _list(one.missing))
        for split, one in found.splits.items()
    )
    columns = ("split", "takes", "official", "timepoints", "missing")
    show.print_table("Takes", columns, rows, numbers=columns[1:4])
    _print_damage(found)
    _print_pieces(found)
    if found.uneven:
        rare = ((name, _share(has, many), found.dataset.media[name]) for name, has in found.uneven.items())
        heads = ("medium", "timepoints", "what it is")
        show.print_table("Sensors that are not everywhere", heads, rare, numbers=("timepoints",))
    asked = ((task, _share(found.tasks[task], many)) for task in sorted(found.tasks))
    title = "Annotated for (timepoints that have what a task needs)"
    show.print_table(title, ("task", "timepoints"), asked, numbers=("timepoints",))
    if found.checks:
        known = (("ok" if one.good else "?", one.what, one.found, one.expected, one.note) for one in found.checks)
        columns = ("", "known number", "found", "expected", "note")
        show.print_table("Known numbers", columns, known, numbers=("found", "expected"))
        show.print_line(LEGEND + "\n")
    absent = [one.piece for one in found.pieces if one.absent]
    if absent:
        card = found.dataset.card
        get = ((one.name, one.access or card.access, one.terms or card.licence) for one in absent)
        show.print_table("Where to get what is missing", ("piece", "from", "terms"), get)


def _print_damage(found: survey.Survey) -> None:
    where: dict[str, list[str]] = {}  # one file may be what several splits lack
    for split, one in found.splits.items():
        for take, why in one.damaged.items():
            where.setdefault(why, []).append(split if take == survey.WHOLE else f"{split} take {take}")
    for why, places in where.items():
        show.print_line(f"damaged: {_list(places)}: {why}")
    if found.unchecked:
        show.print_line(f"damaged: known numbers were not counted to their end: {found.unchecked}")


def _print_pieces(found: survey.Survey) -> None:
    many, below = found.timepoints, "see below" if found.checks else ""
    rows = (
        (
            _state(one, many),
            one.piece.name,
            _share(one.timepoints, many) or (below if one.there is None else ""),
            one.piece.files,
            _list(one.lacking_in, LACKING),
            _list(one.costs),
        )
        for one in found.pieces
    )
    columns = ("", "piece", "has it", "files", "lacking in", "its lack costs")
    show.print_table("Pieces", columns, rows, numbers=("has it",))


def _state(one: survey.PieceCount, whole: int) -> str:
    if one.there is not None:
        return "there" if one.there else "missing"
    if one.timepoints is None:
        return ""
    return "all" if one.timepoints == whole and whole else "some" if one.timepoints else "none"


def _share(part: int | None, whole: int) -> str:
    if part is None:
        return ""
    return f"{part:,} ({part / whole:.0%})" if whole else "0"


def _list(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")
