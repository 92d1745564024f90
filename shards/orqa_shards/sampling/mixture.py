"""A mixture: what a run is fed with, as a small TOML file. It decides nothing by itself: all chance hangs on its seed.

The same mixture, epoch and key give the same choice, whoever asks and in whatever order (see `orqa_registry.rng`).
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import asdict, field, fields, frozen

from orqa_registry import CallError
from orqa_registry.data.records import is_view
from orqa_registry.errors import suggest_names
from orqa_registry.rng import uniform_draws
from orqa_shards.sampling import toml_text

OTHER_TASKS = "*"
"""In [tasks]: every task that is not named."""

NO_TASK_LEFT = "[tasks] every weight is 0: nothing is left to ask"

WeightTable = tuple[tuple[str, float], ...]


def _sort_table(values: Mapping[str, float] | Iterable[tuple[str, float]]) -> WeightTable:
    """Return a table as pairs in the order of names, so that the same table is the same mixture."""
    return tuple(sorted((name, _normalize_number(value)) for name, value in dict(values).items()))


def _normalize_number(value: float) -> float:
    """Return 1 as 1.0, and -0.0 as 0.0: what is equal is written alike."""
    return value + 0.0


@frozen
class Mixture:
    """How datasets, tasks, wordings and media are mixed.

    seed: everything hangs on it. questions: at most so many a timepoint, 0 for one of each task.
    paraphrase: chance, 0 to 1, of a wording other than the canonical one. sentences: chance of an answer in a full
    sentence instead of the concise one. window: shards of which the samples are shuffled together.
    length: samples of an epoch, 0 for as many as there are timepoints. compat: ask as the original does, for comparing
    with published checkpoints.
    datasets: weights, relative to each other; a dataset that is not named is left out. Without any, each timepoint
    comes once an epoch.
    tasks: weights, 1 where not named, or what "*" says. With `questions`, a task of weight 2 is chosen as often as two
    of weight 1; 0 leaves a task out, with or without.
    drop: name or pattern of media -> chance that they are left out at a timepoint, each by itself. The name itself
    counts before patterns, and a longer pattern before a shorter one.
    Raises CallError for values that cannot be.
    """

    seed: int = 0
    questions: int = 0
    paraphrase: float = field(default=0.0, converter=_normalize_number)
    sentences: float = field(default=0.0, converter=_normalize_number)
    window: int = 64
    length: int = 0
    compat: bool = False
    datasets: WeightTable = field(default=(), converter=_sort_table)
    tasks: WeightTable = field(default=(), converter=_sort_table)
    drop: WeightTable = field(default=(), converter=_sort_table)

    def __attrs_post_init__(self) -> None:
        for key, minimum in (("questions", 0), ("window", 1), ("length", 0)):
            if getattr(self, key) < minimum:
                raise CallError(f"{key} is {getattr(self, key)}, and {minimum} or more was expected")
        chances = [(key, getattr(self, key)) for key in ("paraphrase", "sentences")]
        for key, chance in [*chances, *((f"[drop] {name}", chance) for name, chance in self.drop)]:
            if not 0 <= chance <= 1:
                raise CallError(f"{key} is {chance}, and a chance from 0 to 1 was expected")
        for key in ("datasets", "tasks"):
            for name, weight in getattr(self, key):
                if not (weight >= 0 and math.isfinite(weight)):
                    raise CallError(f"[{key}] {name} is {weight}, and a weight of 0 or more was expected")
        if self.datasets and not any(weight for _, weight in self.datasets):
            raise CallError("[datasets] every weight is 0: nothing is left to train on")

    @classmethod
    def load(cls, path: Path) -> Mixture:
        """Return the mixture in a file. Raises CallError that names the file and the key."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise CallError(f"{path}: cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise CallError(f"{path}: not a mixture: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "mixture") -> Mixture:
        """Return the mixture that a TOML text says; `where` is how errors name it. Raises CallError."""
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise CallError(f"{where}: not TOML: {error}") from error
        return cls.of(values, where)

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str = "mixture") -> Mixture:
        """Return the mixture that a table of TOML says, each value checked against its kind. Raises CallError."""
        known = {attribute.name: attribute for attribute in fields(cls)}
        for key, value in values.items():
            if key not in known:
                raise CallError(f"{where}: unknown key {key!r}: {suggest_names(key, known)}")
            _check_kind(value, known[key].default, key, where)
        try:
            return cls(**values)
        except CallError as error:
            raise CallError(f"{where}: {error}") from error

    def merged(self, values: Any, where: str) -> Mixture:
        """Return the mixture with values of TOML put in; those of a table join what it has. Raises CallError."""
        if not isinstance(values, Mapping):
            raise CallError(f"{where} is a table, not {values!r}")
        merged: dict[str, Any] = tomllib.loads(self.to_toml())
        for key, value in values.items():
            current = merged.get(key, {})
            merged[key] = {**current, **value} if isinstance(current, dict) and isinstance(value, Mapping) else value
        return Mixture.of(merged, where)

    def with_change(self, change: str, where: str) -> Mixture:
        """Return the mixture with a change `KEY=VALUE` or `TABLE.NAME=VALUE`; a name may hold dots and `=`.

        Raises CallError that begins with `where`.
        """
        for match in re.finditer("=", change):
            with suppress(ValueError, RecursionError):  # what is no value yet is a part of the name
                value = tomllib.loads(f"value = {change[match.end() :]}")["value"]
                table, dot, name = change[: match.start()].strip().partition(".")
                return self.merged({table: {name.strip('"'): value} if dot else value}, where)
        _, equals, value = change.partition("=")
        problem = f"{value!r} is no value of TOML" if equals else "expected KEY=VALUE, for instance --set questions=2"
        raise CallError(f"{where}: {problem}")

    def to_toml(self) -> str:
        """Return the mixture as TOML that `parse` reads back: every key, in one order, so equal mixtures are equal."""
        values = asdict(self)
        tables = {key: values.pop(key) for key in ("datasets", "tasks", "drop")}
        lines = [f"{key} = {toml_text.toml_value(value)}" for key, value in values.items()]
        for key, table in tables.items():
            if table:
                lines += [
                    "",
                    f"[{key}]",
                    *(f"{toml_text.toml_key(name)} = {toml_text.toml_value(value)}" for name, value in table),
                ]
        return "\n".join(lines) + "\n"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the mixture as TOML, in hex: recorded in checkpoints."""
        return sha256(self.to_toml().encode()).hexdigest()

    def check(self, tasks: Iterable[str], media: Iterable[str]) -> None:
        """Raise CallError where [tasks] weighs a task that is not there, or a pattern of [drop] fits no medium."""
        known_tasks = set(tasks) | {OTHER_TASKS}
        for name, weight in self.tasks:
            if weight and name not in known_tasks:
                raise CallError(f"[tasks] {name}: unknown task: {suggest_names(name, known_tasks)}")
        names = list(media)
        for pattern, _ in self.drop:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise CallError(f"[drop] {pattern}: no medium is called that: {suggest_names(pattern, names)}")

    def weight(self, task: str) -> float:
        """Return the weight of a task; 0 leaves it out."""
        return self._task_weights.get(task, self._task_weights.get(OTHER_TASKS, 1.0))

    def task_order(self, luck: Mapping[str, float]) -> list[str]:
        """Return the tasks in the order in which they are asked at a timepoint until `questions` are drawn.

        luck: task -> a number from 0 up to 1 of its own, so that its place never depends on the others.
        So that many are chosen by weight without replacement (Efraimidis and Spirakis 2006): each waits for a time that
        is exponential at the rate of its weight. As given where there is nothing to choose.
        """
        candidates = [task for task in luck if self.weight(task)]
        if not self.questions or len(candidates) <= self.questions:
            return candidates
        waits = {task: (-math.log1p(-luck[task]) / self.weight(task), luck[task]) for task in candidates}
        return sorted(candidates, key=waits.__getitem__)

    def dropped_media(self, media: Iterable[str], epoch: int, key: str) -> set[str]:
        """Return the media that are left out at a timepoint; of the camera views, at least one stays."""
        names = list(media)
        draws: dict[str, float] = {}
        for name in names:
            chance = self._drop_chance(name)
            if chance:
                draw = uniform_draws(self.seed, epoch, key, name, "drop")[0]
                if draw < chance:
                    draws[name] = draw
        views = [name for name in names if is_view(name)]
        if views and all(name in draws for name in views):
            del draws[max(views, key=draws.__getitem__)]
        return set(draws)

    def _drop_chance(self, name: str) -> float:
        matches = [
            (pattern == name, len(pattern), pattern) for pattern in self._drop_chances if fnmatchcase(name, pattern)
        ]
        return self._drop_chances[max(matches)[-1]] if matches else 0.0

    @cached_property
    def _task_weights(self) -> dict[str, float]:
        return dict(self.tasks)

    @cached_property
    def _drop_chances(self) -> dict[str, float]:
        return dict(self.drop)


def _check_kind(value: Any, default: Any, key: str, where: str) -> None:
    """Raise CallError where a value of TOML is not of the kind of the default."""
    if isinstance(default, tuple):
        if not isinstance(value, Mapping):
            raise CallError(f"{where}: {key} is a table, not {value!r}")
        for name, number in value.items():
            if isinstance(number, Mapping):
                raise CallError(f'{where}: [{key}] {name}: a name with a dot stands in quotes, as "points.npy" = 0.5')
            _check_kind(number, 0.0, f"[{key}] {name}", where)
        return
    kinds = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool):
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise CallError(f"{where}: {key} is {value!r}, and {expected} was expected")
    if isinstance(value, int) and value.bit_length() > 63:
        raise CallError(f"{where}: {key} has {value.bit_length()} bits, and numbers of TOML have 64")
