"""`orqa-registry info`: everything about one dataset or task."""

from __future__ import annotations

from typing import Any

import click

from orqa_registry.console import output
from orqa_registry.data import facets
from orqa_registry.data.dataset import Dataset
from orqa_registry.errors import CallError, fold_name, suggest_names
from orqa_registry.questions.task import Task
from orqa_registry.registry import Registry


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@click.pass_obj
def info(registry: Registry, name: str, as_json: bool) -> None:
    """Tell everything about a dataset or a task called NAME.

    \b
    orqa-registry info 4D-OR
    orqa-registry info tools_used
    """
    description = _describe(registry, name)
    if as_json:
        output.print_json(description)
        return
    rows = ((key, _format_value(value)) for key, value in description.items() if value not in ("", [], {}))
    output.print_table(description["name"], ("", ""), rows)


def _describe(registry: Registry, name: str) -> dict[str, Any]:
    for dataset in registry.datasets.values():
        if fold_name(dataset.name) == fold_name(name):
            return _describe_dataset(registry, dataset)
    for task in registry.tasks.values():
        if fold_name(task.name) == fold_name(name):
            return _describe_task(registry, task)
    raise CallError(
        f"no dataset or task is called {name!r}: {suggest_names(name, {*registry.datasets, *registry.tasks})}"
    )


def _describe_dataset(registry: Registry, dataset: Dataset) -> dict[str, Any]:
    card = dataset.card
    return {
        "kind": "dataset",
        "name": dataset.name,
        "title": card.title,
        "size": card.size,
        "licence": card.licence,
        "access": card.access,
        "homepage": card.homepage,
        "citation": card.citation,
        "splits": list(dataset.splits),
        "media": dict(dataset.media),
        "facets": {name: _describe_facet(name) for name in sorted(dataset.provides)},
        "tasks": [task.name for task in registry.fitting_tasks(dataset)],
        "notes": list(card.notes),
    }


def _describe_task(registry: Registry, task: Task) -> dict[str, Any]:
    return {
        "kind": "task",
        "name": task.name,
        "question": task.question,
        "paraphrases": list(task.paraphrases),
        "answer_format": task.answer_format,
        "needs": {name: _describe_facet(name) for name in sorted(task.needs)},
        "datasets": [name for name, dataset in sorted(registry.datasets.items()) if task.needs <= dataset.provides],
    }


def _describe_facet(name: str) -> str:
    facet = facets.FACETS.get(name)
    if facet is None:
        return "a facet of a plugin's own"
    return f"{facet.meaning} [{facet.unit}]" if facet.unit else facet.meaning


def _format_value(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    return "\n".join(value) if isinstance(value, list) else str(value)
