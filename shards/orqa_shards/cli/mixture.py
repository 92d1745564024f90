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
from orqa_registry.console import output
from orqa_registry.optional_imports import requiring
from orqa_shards.sampling.mixture import NO_TASK_LEFT, OTHER_TASKS, Mixture

if TYPE_CHECKING:
    from orqa_shards.sampling.preview import EpochPreview


def record_keys(record: type) -> list[tuple[str, str]]:
    """Return every field of a record with what it means, as its documentation has it."""
    names = "|".join(attribute.name for attribute in fields(record))
    _, *parts = re.split(rf"(?:^|\s)({names}):\s", cleandoc(record.__doc__ or "").partition("\nRaises ")[0])
    return [(name, " ".join(text.split())) for name, text in zip(parts[::2], parts[1::2], strict=True)]


class MixtureCommand(click.Command):
    """A command whose help ends with the keys of the file."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them as a list."""
        with formatter.section("Keys of FILE"):
            formatter.write_dl(record_keys(Mixture), col_max=12)


@click.command("mixture", cls=MixtureCommand)
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
    mix = Mixture() if file is None else Mixture.load(file)
    for change in changes:
        mix = mix.with_change(change, f"--set {change}")
    with _name_file(file):
        _check_tasks(registry, mix)
    report = None
    if data is not None:
        with requiring("mixture", "orqa-registry[shards]"):
            from orqa_shards.read.dataset import Shards
            from orqa_shards.sampling.preview import preview_epoch
            from orqa_shards.sampling.stream import Stream
        shards_split = Shards.open(data).split(split)
        with output.show_progress("samples") as advance, _name_file(file):
            report = preview_epoch(Stream.of(registry, shards_split, mix), looked, advance)
    if as_json:
        payload = {"digest": mix.digest, "mixture": tomllib.loads(mix.to_toml())}
        output.print_json({**payload, **({} if report is None else {"data": data, "split": split, **report.as_json()})})
        return
    output.print_line(f"{mix.to_toml()}# digest {mix.digest}\n")
    if report is not None:
        _print_forecast(report, f"An epoch of {data}, split {split}: {report.samples:,} samples")


@contextmanager
def _name_file(file: Path | None) -> Iterator[None]:
    """Name the file in what is wrong with its mixture."""
    try:
        yield
    except CallError as error:
        raise CallError(f"{file}: {error}" if file else str(error)) from error


def _check_tasks(registry: Registry, mix: Mixture) -> None:
    """Raise CallError where a mixture weighs a task that is not installed, or leaves out all that are."""
    for name, _ in mix.tasks:
        if name != OTHER_TASKS:
            registry.task(name)
    if not any(map(mix.weight, registry.tasks)):
        raise CallError(NO_TASK_LEFT)


def _print_forecast(report: EpochPreview, title: str) -> None:
    quotas = (
        (
            quota.dataset,
            f"{quota.samples:,.0f}",
            f"{quota.samples / report.samples:.1%}",
            f"{quota.there:,}",
            f"{quota.passes:.2f}",
        )
        for quota in report.quotas
    )
    columns = ["dataset", "samples", "share", "timepoints", "passes"]
    output.print_table(title, columns, quotas, numbers=columns[1:])
    total, looked = report.tasks.total(), report.looked
    tasks = (
        (task, f"{count / total:.1%}", f"{count / looked:.3f}", f"{count / looked * report.samples:,.0f}")
        for task, count in report.tasks.most_common()
    )
    title = (
        f"{report.questions:.2f} questions a timepoint, {report.questions * report.samples:,.0f} an epoch; "
        f"{report.silent / looked:.1%} of the timepoints have none ({looked} were looked at)"
    )
    columns = ["task", "share", "a timepoint", "an epoch"]
    output.print_table(title, columns, tasks, numbers=columns[1:])
    if report.dropped:
        media = (
            (name, f"{report.media[name] / looked:.0%}", f"{dropped / report.media[name]:.1%}")
            for name, dropped in sorted(report.dropped.items())
        )
        columns = ["medium", "timepoints that have it", "of which dropped"]
        output.print_table("Media left out", columns, media, numbers=columns[1:])
