"""The registry: which plugins are here, what they bring, and what is wrong with those that bring nothing."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any, TypeVar

import pluggy
from attrs import frozen

from orqa_registry import hooks
from orqa_registry.answerer import Answerer
from orqa_registry.data.dataset import Dataset
from orqa_registry.errors import CallError, OrqaError, describe_error, fold_name, match_name, suggest_names
from orqa_registry.plugin_discovery import InstalledPlugin, find_plugins
from orqa_registry.questions.task import Task
from orqa_registry.validation import check_attributes


@frozen
class Problem:
    """What keeps a plugin out. Fatal only for a command that needs that plugin."""

    plugin: str
    distribution: str
    version: str
    error: str

    def __str__(self) -> str:
        return f"plugin {self.plugin} ({self.distribution} {self.version}): {self.error}"


@frozen
class LoadedPlugin:
    """A plugin that is loaded, and the names of what it brings."""

    name: str
    module: str
    distribution: str
    version: str
    brings: tuple[str, ...] = ()


Contribution = TypeVar("Contribution", Dataset, Task, Answerer)


class Registry:
    """Datasets, tasks and answerers by name. An object: tests and notebooks build their own."""

    def __init__(self, *, strict: bool = False) -> None:
        self.datasets: dict[str, Dataset] = {}
        self.tasks: dict[str, Task] = {}
        self.answerers: dict[str, Answerer] = {}
        self.plugins: dict[str, LoadedPlugin] = {}
        self.problems: list[Problem] = []
        self.missing: dict[str, str] = {}
        self.import_seconds: dict[str, float] = {}
        self.strict = strict
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Registry:
        """Return a registry of all that is installed.

        `ORQA_PLUGINS=a,b` admits these plugins alone; `ORQA_STRICT=1` re-raises what a plugin raises.
        Known first-party plugins come first, then everybody else's, each in the order of their names.
        """
        registry = cls(strict=environ.get("ORQA_STRICT") == "1")
        allowed = {name.strip() for name in environ.get("ORQA_PLUGINS", "").split(",") if name.strip()}
        installed = find_plugins()
        for plugin in installed:
            if not allowed or plugin.name in allowed:
                registry._import_plugin(plugin)
        for name in sorted(allowed - {plugin.name for plugin in installed}):
            registry.problems.append(Problem(name, "?", "?", "ORQA_PLUGINS names it, and nothing of that name is here"))
        return registry

    def _import_plugin(self, plugin: InstalledPlugin) -> None:
        started = perf_counter()
        try:
            module = importlib.import_module(plugin.module)
        except (Exception, SystemExit) as error:
            if plugin.known and isinstance(error, ModuleNotFoundError) and error.name == plugin.module:
                self.missing[plugin.name] = f"orqa-plugin-{plugin.name}"
            else:
                message = f"importing {plugin.module} failed: {describe_error(error)}"
                self._record_problem(plugin.name, plugin.distribution, plugin.version, message, error)
            return
        self.register(plugin.name, module, plugin.distribution, plugin.version)
        if plugin.name in self.plugins:
            self.import_seconds[plugin.name] = perf_counter() - started

    def register(self, name: str, module: ModuleType | object, distribution: str = "-", version: str = "-") -> None:
        """Add one plugin: all that it brings, or nothing and a Problem."""
        try:
            if name in self.plugins:
                raise OrqaError(f"the name is taken by {self.plugins[name].distribution}")
            self._manager.register(module, name=name)
            brings = self._admit(name)
        except (Exception, SystemExit) as error:
            if self._manager.has_plugin(name) and name not in self.plugins:
                self._manager.unregister(name=name)
            self._record_problem(name, distribution, version, describe_error(error), error)
            return
        module_name = module.__name__ if isinstance(module, ModuleType) else type(module).__name__
        self.plugins[name] = LoadedPlugin(name, module_name, distribution, version, brings)

    def _admit(self, plugin: str) -> tuple[str, ...]:
        """Check all that a plugin yields before any of it is let in."""
        self._manager.check_pending()
        datasets = self._collect(plugin, "orqa_datasets", Dataset, self.datasets)
        tasks = self._collect(plugin, "orqa_tasks", Task, self.tasks)
        answerers = self._collect(plugin, "orqa_answerers", Answerer, self.answerers)
        for group in (datasets, tasks, answerers):
            for item in group:
                check_attributes(item)
        self.datasets.update((dataset.name, dataset) for dataset in datasets)
        self.tasks.update((task.name, task) for task in tasks)
        self.answerers.update((answerer.name, answerer) for answerer in answerers)
        return tuple(item.name for group in (datasets, tasks, answerers) for item in group)

    def _collect(
        self, plugin: str, hook: str, kind: type[Contribution], known: Mapping[str, Any]
    ) -> list[Contribution]:
        items: list[Contribution] = []
        taken = {fold_name(name): name for name in known}
        for results in self._isolate_hook(plugin, hook)():
            for item in results:
                if not isinstance(item, kind):
                    raise OrqaError(f"{hook} yielded {item!r}, which is not a {kind.__name__}")
                if not isinstance(getattr(item, "name", None), str) or not fold_name(item.name):
                    raise OrqaError(f"{hook} yielded a {kind.__name__} without a name: {type(item).__name__}")
                if fold_name(item.name) in taken:
                    raise OrqaError(
                        f"{kind.__name__.lower()} {item.name!r} is taken: "
                        f"{self._name_owner(taken[fold_name(item.name)])}"
                    )
                taken[fold_name(item.name)] = item.name
                items.append(item)
        return items

    def _name_owner(self, name: str) -> str:
        owners = [
            f"by {plugin.name} of {plugin.distribution}" for plugin in self.plugins.values() if name in plugin.brings
        ]
        return owners[0] if owners else "by this plugin itself"

    def _isolate_hook(self, plugin: str, hook: str) -> Callable[..., Any]:
        """Return the hook as one plugin implements it, so that what it raises costs nobody else."""
        others = [module for name, module in self._manager.list_name_plugin() if name != plugin]
        return self._manager.subset_hook_caller(hook, others)

    def versions_of(self, names: Collection[str]) -> dict[str, str]:
        """Return plugin -> distribution and version, of the plugins that brought some of these datasets and tasks."""
        return {
            plugin.name: f"{plugin.distribution} {plugin.version}"
            for plugin in self.plugins.values()
            if not set(plugin.brings).isdisjoint(names)
        }

    def _record_problem(self, name: str, distribution: str, version: str, message: str, error: BaseException) -> None:
        if self.strict:
            raise error
        self.problems.append(Problem(name, distribution, version, message))

    def add_commands(self, cli: Any) -> None:
        """Let every plugin add its commands to a click group; a plugin that raises adds none and is a Problem.

        Nor does one that takes the name of a command that is there.
        """
        for plugin in list(self.plugins.values()):
            commands = dict(cli.commands)
            try:
                self._isolate_hook(plugin.name, "orqa_commands")(cli=cli)
                replaced = [name for name, command in commands.items() if cli.commands.get(name) is not command]
                if replaced:
                    raise OrqaError(f"command {replaced[0]!r} is taken")
            except (Exception, SystemExit) as error:
                cli.commands.clear()
                cli.commands.update(commands)
                self._record_problem(
                    plugin.name, plugin.distribution, plugin.version, f"orqa_commands: {describe_error(error)}", error
                )

    def dataset(self, name: str) -> Dataset:
        """Return a dataset by name, without regard to case and punctuation. Raises CallError with the nearest names."""
        return self._find("dataset", name, self.datasets)

    def task(self, name: str) -> Task:
        """Return a task by name. Raises CallError with the nearest names."""
        return self._find("task", name, self.tasks)

    def answerer(self, name: str) -> Answerer:
        """Return an answerer by name. Raises CallError with the nearest names."""
        return self._find("answerer", name, self.answerers)

    def _find(self, kind: str, name: str, known: Mapping[str, Contribution]) -> Contribution:
        known_name = name if name in known else match_name(name, known)
        if known_name is not None:
            return known[known_name]
        message = f"unknown {kind} {name!r}: {suggest_names(name, known)}"
        if self.missing:
            message += f" Known but not installed: {', '.join(self.missing.values())}."
        for problem in self.problems:
            message += f"\n  not loaded: {problem}"
        raise CallError(message)

    def split(self, dataset: Dataset, name: str) -> str:
        """Return a split of a dataset as the dataset names it; `val` finds `validation`. Raises CallError."""
        split = match_name(name, dataset.splits)
        if split is None:
            raise CallError(f"unknown split {name!r} of {dataset.name}: {suggest_names(name, dataset.splits)}")
        return split

    def locate(self, dataset: Dataset, root: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
        """Return the folder of a dataset's raw files: `root`, else what a plugin says, else `ORQA_DATA/NAME`.

        Raises CallError where nobody knows and OrqaError where there is no such folder.
        """
        folder = root or self._ask_plugins(dataset.name)
        if folder is None and environ.get("ORQA_DATA"):
            folder = Path(environ["ORQA_DATA"]) / dataset.name
        if folder is None:
            raise CallError(
                f"where is {dataset.name}? Say --root DIR, or set ORQA_DATA to the folder that holds {dataset.name}/. "
                f"To get it: {dataset.card.access}"
            )
        if not Path(folder).is_dir():
            raise OrqaError(f"{dataset.name}: there is no folder {folder}. To get it: {dataset.card.access}")
        return Path(folder)

    def _ask_plugins(self, dataset: str) -> Path | None:
        for plugin in list(self.plugins.values()):
            try:
                folder = self._isolate_hook(plugin.name, "orqa_locate")(dataset=dataset)
            except (Exception, SystemExit) as error:
                self._record_problem(
                    plugin.name, plugin.distribution, plugin.version, f"orqa_locate: {describe_error(error)}", error
                )
                continue
            if folder is not None:
                return Path(folder)
        return None

    def fitting_tasks(self, dataset: Dataset, wanted: Sequence[str] = ()) -> list[Task]:
        """Return the tasks whose needs a dataset meets, by name; of `wanted` alone where given.

        Raises CallError where a wanted task is unknown or its needs are not met.
        """
        if not wanted:
            return [task for _, task in sorted(self.tasks.items()) if task.needs <= dataset.provides]
        tasks = [self.task(name) for name in wanted]
        for task in tasks:
            if lacking := sorted(task.needs - dataset.provides):
                raise CallError(f"{dataset.name} cannot be asked {task.name}: it does not provide {', '.join(lacking)}")
        return tasks

    def score(self, task: str, answer: str, *truths: str, fair: bool = False) -> float:
        """Return the score of an answer against the right answer that it meets best.

        As the benchmark publishes it, or `fair`: without what that is known to get wrong (`Task.score_fairly`). Raises
        CallError where the task is unknown and OrqaError where its scorer fails.
        """
        try:
            scored_task = self.task(task)
            score = scored_task.score_fairly if fair else scored_task.score
            best = max(float(score(truth, answer)) for truth in truths)
            if not 0.0 <= best <= 1.0:
                raise OrqaError(f"a score is 0 to 1, not {best}")
            return best
        except CallError:
            raise
        except Exception as error:
            raise OrqaError(
                f"task {task} failed to score {answer!r} against {truths!r}: {describe_error(error)}"
            ) from error
