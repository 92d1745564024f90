"""`orqa-registry list`: what is installed, what is wrong with it, and which dataset gets which task."""

from __future__ import annotations

from typing import Any

import click

from orqa_registry.cli import show
from orqa_registry.registry import Registry


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def list_(registry: Registry, as_json: bool) -> None:
    """List datasets, tasks, answerers and plugins.

    The last table crosses datasets with tasks: a task fits where the dataset provides every facet that it needs.
    Nothing is read from disk but the plugins themselves.
    """
    if as_json:
        show.print_json(summary(registry))
    else:
        _print(registry)


def summary(registry: Registry) -> dict[str, Any]:
    """Return all that `list` shows, for programs."""
    return {
        "datasets": {
            name: {
                "title": one.card.title,
                "provides": sorted(one.provides),
                "splits": list(one.splits),
                "media": dict(one.media),
                "tasks": [task.name for task in registry.fitting(one)],
            }
            for name, one in sorted(registry.datasets.items())
        },
        "tasks": {
            name: {"question": one.question, "needs": sorted(one.needs), "answer_format": one.answer_format}
            for name, one in sorted(registry.tasks.items())
        },
        "answerers": {name: one.summary for name, one in sorted(registry.answerers.items())},
        "plugins": {
            name: {"distribution": one.distribution, "version": one.version, "brings": list(one.brings)}
            for name, one in sorted(registry.plugins.items())
        },
        "problems": [
            {"plugin": one.plugin, "distribution": one.distribution, "version": one.version, "error": one.error}
            for one in registry.problems
        ],
        "not_installed": dict(sorted(registry.missing.items())),
    }


def _print(registry: Registry) -> None:
    datasets = sorted(registry.datasets.items())
    tasks = sorted(registry.tasks.items())
    rows = ((name, one.card.size, ", ".join(one.splits), one.card.licence) for name, one in datasets)
    show.print_table("Datasets", ("name", "size", "splits", "licence"), rows)
    questions = ((name, one.question, ", ".join(sorted(one.needs))) for name, one in tasks)
    show.print_table("Tasks", ("name", "question", "needs"), questions)
    answerers = ((name, one.summary) for name, one in sorted(registry.answerers.items()))
    show.print_table("Answerers", ("name", "what it does"), answerers)
    plugins = (
        (name, one.distribution, one.version, ", ".join(one.brings) or "commands")
        for name, one in sorted(registry.plugins.items())
    )
    show.print_table("Plugins", ("name", "distribution", "version", "brings"), plugins)
    if registry.missing:
        rows_missing = ((name, f"pip install {one}") for name, one in sorted(registry.missing.items()))
        show.print_table("Known, not installed", ("name", "to get it"), rows_missing)
    if registry.problems:
        wrong = ((one.plugin, one.distribution, one.version, one.error) for one in registry.problems)
        show.print_table("Problems", ("plugin", "distribution", "version", "error"), wrong)
    fits = {name: {task.name for task in registry.fitting(one)} for name, one in datasets}
    cells = ((task, *("●" if task in fits[name] else "·" for name, _ in datasets)) for task, _ in tasks)
    show.print_table("Task x dataset: who can be asked what", ("task", *(name for name, _ in datasets)), cells)
