"""The hooks of orqa-registry: what a plugin may bring. Hooks take nothing and yield typed objects.

A plugin is a module, found through an entry point in the group `orqa_registry`:

    [project.entry-points.orqa_registry]
    knots = "orqa_plugin_knots"
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from orqa_registry.answerer import Answerer
    from orqa_registry.data.dataset import Dataset
    from orqa_registry.questions.task import Task

PROJECT = "orqa_registry"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def orqa_datasets() -> Iterable[Dataset]:
    """Yield datasets.

    Example:
        import json
        from functools import partial
        from orqa_registry import Card, Dataset, Take, Timepoint, hookimpl

        class KnotLab(Dataset):
            name = "KnotLab"
            card = Card(title="Knot tying lab", licence="CC BY 4.0", access="open download")
            provides = {"actions", "clock"}
            splits = ("train", "test")

            def takes(self, root, split):
                for folder in sorted((root / split).iterdir()):
                    yield Take(self.name, split, folder.name, partial(self.read, folder, split))

            def read(self, folder, split):
                for index, (frame, action) in enumerate(json.loads((folder / "actions.json").read_text()).items()):
                    yield Timepoint(self.name, split, folder.name, frame, index, float(index),
                                    {"room1.jpg": folder / f"{frame}.jpg"}, {"actions": (action,)})

        @hookimpl
        def orqa_datasets():
            yield KnotLab()
    """
    raise AssertionError("a specification is never called")


@hookspec
def orqa_tasks() -> Iterable[Task]:
    """Yield question types.

    Example:
        from orqa_registry import Task, hookimpl, scoring

        class KnotsLeft(Task):
            name = "knots_left"
            needs = {"knots:left"}
            question = "How many knots are left to tie?"
            answer_format = "one integer"

            def ask(self, moment):
                yield self.pose(str(moment.labels["knots:left"]))

            def score(self, truth, answer):
                return scoring.count(truth, answer)

        @hookimpl
        def orqa_tasks():
            yield KnotsLeft()
    """
    raise AssertionError("a specification is never called")


@hookspec
def orqa_answerers() -> Iterable[Answerer]:
    """Yield who can answer questions: baselines, models, services. Each is opened when an evaluation names it.

    Example:
        from orqa_registry import Answerer, hookimpl

        class Always(Answerer):
            name = "always"
            summary = "always:WORD answers every question with WORD"

            def open(self, setting):
                return lambda batch: [setting.argument or "yes" for _ in batch]

        @hookimpl
        def orqa_answerers():
            yield Always()
    """
    raise AssertionError("a specification is never called")


@hookspec
def orqa_commands(cli: click.Group) -> None:
    """Add commands to the command line. Import what is heavy inside the command, never at the top of the module.

    `orqa_registry.console.lazy_command.LazyCommand` adds a command whose module is imported once somebody calls it.

    Example:
        import click
        from orqa_registry import hookimpl

        @click.command()
        def tie() -> None:
            "Tie a knot."
            click.echo("tied")

        @hookimpl
        def orqa_commands(cli):
            cli.add_command(tie)
    """
    raise AssertionError("a specification is never called")


@hookspec(firstresult=True)
def orqa_locate(dataset: str) -> Path | None:
    """Return where the raw files of a dataset lie on this machine, or None. Asked before `ORQA_DATA`, after `--root`.

    Example:
        from pathlib import Path
        from orqa_registry import hookimpl

        @hookimpl
        def orqa_locate(dataset):
            folder = Path("/data") / dataset
            return folder if folder.is_dir() else None
    """
    raise AssertionError("a specification is never called")
