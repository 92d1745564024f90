"""`orqa-registry list`: what is installed, what is wrong with it, and which dataset gets which task."""

from __future__ import annotations

from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.registry import Registry


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.option("--timings", is_flag=True, help="Say how long each plugin took to import, the slowest first.")
@click.pass_obj
def list_(registry: Registry, as_json: bool, timings: bool) -> None:
    """List datasets, tasks, answerers and plugins.

    The last table crosses datasets with tasks: a task fits where the dataset provides every facet that it needs.
    Nothing is read from disk but the plugins themselves. Every command imports them first: --timings says what each
    adds to the start of the command line.
    """
    if as_json:
        seconds = {"import_seconds": dict(sorted(registry.import_seconds.items()))} if timings else {}
        output.print_json({**list_summary(registry), **seconds})
    elif timings:
        _print_timings(registry)
    else:
        _print_tables(registry)


def list_summary(registry: Registry) -> dict[str, Any]:
    """Return all that `list` shows, for programs."""
    return {
        "datasets": {
            name: {
                "title": dataset.card.title,
                "provides": sorted(dataset.provides),
                "splits": list(dataset.splits),
                "media": dict(dataset.media),
                "tasks": [task.name for task in registry.fitting_tasks(dataset)],
            }
            for name, dataset in sorted(registry.datasets.items())
        },
        "tasks": {
            name: {"question": task.question, "needs": sorted(task.needs), "answer_format": task.answer_format}
            for name, task in sorted(registry.tasks.items())
        },
        "answerers": {name: answerer.summary for name, answerer in sorted(registry.answerers.items())},
        "plugins": {
            name: {"distribution": plugin.distribution, "version": plugin.version, "brings": list(plugin.brings)}
            for name, plugin in sorted(registry.plugins.items())
        },
        "problems": [
            {
                "plugin": problem.plugin,
                "distribution": problem.distribution,
                "version": problem.version,
                "error": problem.error,
            }
            for problem in registry.problems
        ],
        "not_installed": dict(sorted(registry.missing.items())),
    }


def _print_timings(registry: Registry) -> None:
    slowest = sorted(registry.import_seconds.items(), key=lambda item: -item[1])
    rows = [(name, registry.plugins[name].module, f"{1000 * seconds:.1f}") for name, seconds in slowest]
    rows.append(("all", "", f"{1000 * sum(registry.import_seconds.values()):.1f}"))
    output.print_table("Import of plugins", ("plugin", "module", "ms"), rows, numbers=("ms",))


def _print_tables(registry: Registry) -> None:
    datasets = sorted(registry.datasets.items())
    tasks = sorted(registry.tasks.items())
    rows = ((name, dataset.card.size, ", ".join(dataset.splits), dataset.card.licence) for name, dataset in datasets)
    output.print_table("Datasets", ("name", "size", "splits", "licence"), rows)
    questions = ((name, task.question, ", ".join(sorted(task.needs))) for name, task in tasks)
    output.print_table("Tasks", ("name", "question", "needs"), questions)
    answerers = ((name, answerer.summary) for name, answerer in sorted(registry.answerers.items()))
    output.print_table("Answerers", ("name", "what it does"), answerers)
    plugins = (
        (name, plugin.distribution, plugin.version, ", ".join(plugin.brings) or "commands")
        for name, plugin in sorted(registry.plugins.items())
    )
    output.print_table("Plugins", ("name", "distribution", "version", "brings"), plugins)
    if registry.missing:
        rows_missing = (
            (name, f"pip install {distribution}") for name, distribution in sorted(registry.missing.items())
        )
        output.print_table("Known, not installed", ("name", "to get it"), rows_missing)
    if registry.problems:
        problems = (
            (problem.plugin, problem.distribution, problem.version, problem.error) for problem in registry.problems
        )
        output.print_table("Problems", ("plugin", "distribution", "version", "error"), problems)
    fits = {name: {task.name for task in registry.fitting_tasks(dataset)} for name, dataset in datasets}
    cells = ((task, *("●" if task in fits[name] else "·" for name, _ in datasets)) for task, _ in tasks)
    output.print_table("Task x dataset: who can be asked what", ("task", *(name for name, _ in datasets)), cells)
