"""`orqa-registry mixture`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import fields

from orqa_registry import CallError, Registry
from orqa_registry.cli import show
from orqa_registry.reading import needing
from orqa_shards.mixture import NO_TASK, OTHERS, Mixture

if TYPE_CHECKING:
    from orqa_shards.forecast import Forecast


def keys(record: type) -> list[tuple[str, str]]:
    """Return every field of a record with what it means, as its documentation has it."""
    names = "|".join(one.name for one in fields(record))
    _, *parts = re.split(rf"(?:^|\s)({names}):\s", cleandoc(record.__doc__ or "").partition("\nRaises ")[0])
    return [(name, " ".join(said.split())) for name, said in zip(parts[::2], parts[1::2], strict=True)]


class Explained(click.Command):
    """A command whose help ends with the keys of the file."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them as a list."""
        with formatter.section("Keys of FILE"):
            formatter.write_dl(keys(Mixture), col_max=12)


@click.command("mixture", cls=Explained)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--data", metavar="DIR|URL", help="Shards: say what an epoch of them would hold.")
@click.option("--split", default="train", show_default=True, help="Split to train on.")
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a key, as --set questions=2; repeatable."
)
@click.option("--looked", type=click.IntRange(min=1), default=500, show_default=True, help="Samples to look at.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def mixture(
    registry: Registry,
    file: Path | None,
    data: str | None,
    split: str,
    changes: tuple[str, ...],
    looked: int,
    as_json: bool,
) -> None:
    """Print a mixture, what a run is fed with, and what an epoch of it would hold.

    FILE is TOML; what it does not name stays as it is without one. Equal mixtures have one digest, which checkpoints
    record. Samples by dataset are exact; questions, tasks and media come from some samples of the first epoch.

    \b
    questions = 4
    paraphrase = 0.5
    [datasets]
    4D-OR = 1
    MM-OR = 2
    [tasks]
    distance_3d = 0.25
    [drop]
    "points.npy" = 0.5
    "room*.jpg" = 0.2

    \b
    orqa-registry mixture --data demo/shards
    orqa-registry mixture mix.toml --data demo/shards --set tasks.where_2d=0 --set 'drop.room*.jpg=0.1'
    """
    made = Mixture() if file is None else Mixture.load(file)
    for change in changes:
        made = made.changed(change, f"--set {change}")
    with _blamed(file):
        _check_tasks(registry, made)
    found = None
    if data is not None:
        with needing("mixture", "orqa-registry[shards]"):
            from orqa_shards.forecast import forecast
            from orqa_shards.read import Shards
            from orqa_shards.stream import Stream
        there = Shards.open(data).split(split)
        with show.progress("samples") as advance, _blamed(file):
            found = forecast(Stream.of(registry, there, made), looked, advance)
    if as_json:
        said = {"digest": made.digest, "mixture": tomllib.loads(made.to_toml())}
        show.print_json({**said, **({} if found is None else {"data": data, "split": split, **found.as_json()})})
        return
    show.print_line(f"{made.to_toml()}# digest {made.digest}\n")
    if found is not None:
        _print(found, f"An epoch of {data}, split {split}: {found.samples:,} samples")


@contextmanager
def _blamed(file: Path | None) -> Iterator[None]:
    """Name the file in what is wrong with its mixture."""
    try:
        yield
    except CallError as error:
        raise CallError(f"{file}: {error}" if file else str(error)) from error


def _check_tasks(registry: Registry, made: Mixture) -> None:
    """Raise CallError where a mixture weighs a task that is not installed, or leaves out all that are."""
    for name, _ in made.tasks:
        if name != OTHERS:
            registry.task(name)
    if not any(map(made.weight, registry.tasks)):
        raise CallError(NO_TASK)


def _print(found: Forecast, title: str) -> None:
    quotas = (
        (
            one.dataset,
            f"{one.samples:,.0f}",
            f"{one.samples / found.samples:.1%}",
            f"{one.there:,}",
            f"{one.passes:.2f}",
        )
        for one in found.quotas
    )
    columns = ["dataset", "samples", "share", "timepoints", "passes"]
    show.print_table(title, columns, quotas, numbers=columns[1:])
    whole, looked = found.tasks.total(), found.looked
    tasks = (
        (task, f"{many / whole:.1%}", f"{many / looked:.3f}", f"{many / looked * found.samples:,.0f}")
        for task, many in found.tasks.most_common()
    )
    title = (
        f"{found.questions:.2f} questions a timepoint, {found.questions * found.samples:,.0f} an epoch; "
        f"{found.silent / looked:.1%} of the timepoints have none ({looked} were looked at)"
    )
    columns = ["task", "share", "a timepoint", "an epoch"]
    show.print_table(title, columns, tasks, numbers=columns[1:])
    if found.dropped:
        media = (
            (name, f"{found.media[name] / looked:.0%}", f"{dropped / found.media[name]:.1%}")
            for name, dropped in sorted(found.dropped.items())
        )
        columns = ["medium", "timepoints that have it", "of which dropped"]
        show.print_table("Media left out", columns, media, numbers=columns[1:])
