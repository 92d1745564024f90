"""A recipe: what to train and how, as a TOML file. Behaviour is Python, configuration is data."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from attrs import asdict, evolve, field, fields, frozen

from orqa_registry import CallError
from orqa_registry.errors import suggest_names
from orqa_shards.error_budget import ErrorBudget
from orqa_shards.sampling import toml_text
from orqa_shards.sampling.mixture import OTHER_TASKS, Mixture

RECIPE_CHOICES = {
    "attention": ("sdpa", "eager"),  # those that take a mask of our own
    "precision": ("float32", "bfloat16"),
    "schedule": ("constant", "constant_with_warmup", "cosine", "linear"),
}


def _check_positive(record: object, *keys: str) -> None:
    for key in keys:
        if getattr(record, key) <= 0:
            raise ValueError(f"{key} is {getattr(record, key)}, and more than 0 was expected")


@frozen
class TinyModelSize:
    """Size of the random model that is built when `model` is "tiny". `init_std` near 1/sqrt(hidden) lets it bind."""

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    vision_hidden: int = 64
    vision_layers: int = 1
    patch: int = 14
    init_std: float = 0.06
    vocabulary: int = 1024

    def __attrs_post_init__(self) -> None:
        _check_positive(
            self, "hidden", "layers", "heads", "vision_hidden", "vision_layers", "patch", "init_std", "vocabulary"
        )
        for width in ("hidden", "vision_hidden"):
            if getattr(self, width) % (8 * self.heads) and getattr(self, width) // self.heads < 8:
                raise ValueError(
                    f"{width} is {getattr(self, width)}: at least 8 for each of {self.heads} heads is needed"
                )


@frozen
class Recipe:
    """Everything that decides what a training run does.

    model: "tiny", or the name or folder of a Qwen2-VL or Qwen2.5-VL.
    seed: of the weights of a tiny model, and of what training leaves to chance.
    steps: how many, each with one change of the weights. batch: timepoints that go through the model at once.
    accumulate: so many batches make one step.
    rate: peak learning rate. warmup: share of the steps, 0 to 1, in which it rises. schedule: how it goes on: constant,
    constant_with_warmup, cosine or linear. weight_decay: as of AdamW. clip: longest gradient.
    pixels: budget of one image in pixels; larger ones are scaled down. views: use these views alone, all if empty.
    tokens: longest sequence.
    attention: one that takes a mask of our own, sdpa or eager. precision: float32, or bfloat16 for computing alone, on
    a GPU; weights stay float32. gradient_checkpointing: compute activations twice rather than keep them.
    save_every: steps from one checkpoint to the next; Ctrl-C takes one too.
    readers: threads that read and decode while the model learns. workers: processes that do, each with so many
    threads; 0 for none. threads: CPU threads of the model itself, 0 for what torch chooses.
    bad_in_a_row: so many samples in a row that cannot be read stop the run; fewer cost themselves. bad_per_cent: so
    many of all stop it too.
    tiny: table of the size of a tiny model.
    mixture: table of what is asked, how often and in which order; its seed is not that of the weights.
    """

    model: str = "tiny"
    seed: int = 0
    steps: int = 1000
    batch: int = 16
    accumulate: int = 1
    rate: float = 2e-3
    warmup: float = 0.05
    weight_decay: float = 0.0
    clip: float = 1.0
    schedule: str = "cosine"
    pixels: int = 112 * 112
    views: tuple[str, ...] = ()
    tokens: int = 2048
    attention: str = "sdpa"
    precision: str = "float32"
    gradient_checkpointing: bool = False
    save_every: int = 200
    readers: int = 1
    workers: int = 0
    threads: int = 0
    bad_in_a_row: int = 100
    bad_per_cent: float = 1.0
    tiny: TinyModelSize = field(factory=TinyModelSize)
    mixture: Mixture = field(factory=Mixture)

    def __attrs_post_init__(self) -> None:
        _check_positive(
            self, "steps", "batch", "accumulate", "rate", "pixels", "tokens", "save_every", "clip", "readers"
        )
        for key, choices in RECIPE_CHOICES.items():
            if getattr(self, key) not in choices:
                raise ValueError(f"{key} is {getattr(self, key)!r}: {suggest_names(getattr(self, key), choices)}")
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup is {self.warmup}, and 0 to 1 was expected")
        ErrorBudget(self.bad_in_a_row, self.bad_per_cent)  # says what is wrong with them

    def to_toml(self) -> str:
        """Return the recipe as TOML that `load` reads back."""
        values = asdict(self, filter=lambda attribute, _: attribute.name != "mixture")
        tiny = values.pop("tiny")
        mixture = re.sub(r"(?m)^\[", "[mixture.", self.mixture.to_toml())
        lines = [f"{key} = {toml_text.toml_value(value)}" for key, value in values.items()]
        sizes = [f"{key} = {toml_text.toml_value(value)}" for key, value in tiny.items()]
        lines += ["", "[tiny]", *sizes, "", "[mixture]", mixture]
        return "\n".join(lines)

    def with_seed(self, seed: int) -> Recipe:
        """Return the recipe with another seed, of the weights and of the mixture."""
        return evolve(self, seed=seed, mixture=evolve(self.mixture, seed=seed))

    def with_tasks(self, tasks: Iterable[str]) -> Recipe:
        """Return the recipe with these tasks alone."""
        return evolve(self, mixture=evolve(self.mixture, tasks={OTHER_TASKS: 0.0, **dict.fromkeys(tasks, 1.0)}))


RecipePart = TypeVar("RecipePart", Recipe, TinyModelSize)


def recipe_names() -> list[str]:
    """Return the recipes that come with the package."""
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load_recipe(name: str, changes: Sequence[str] = (), mixture: Path | None = None) -> Recipe:
    """Return the recipe called `name`, or read from the file `name`, with changes `key=value`. Raises CallError.

    mixture: a file that replaces the recipe's own; changes come after it.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise CallError(f"there is no recipe file {name}; those that come along: {', '.join(recipe_names())}")
        text, where = path.read_text(encoding="utf-8"), name
    elif name in recipe_names():
        text, where = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"), f"recipe {name}"
    else:
        raise CallError(
            f"unknown recipe {name!r}: {suggest_names(name, recipe_names())} A file of your own ends in .toml"
        )
    recipe = _fill_record(Recipe(), _parse_toml(text, where), where)
    if mixture is not None:
        recipe = evolve(recipe, mixture=Mixture.load(mixture))
    for change in changes:
        recipe = _apply_change(recipe, change)
    return recipe


def _folder() -> Any:
    return resources.files("orqa_train").joinpath("recipes")


def _parse_toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CallError(f"{where}: not TOML: {error}") from error


def _apply_change(recipe: Recipe, change: str) -> Recipe:
    where = f"--set {change}"
    key, equals, value = change.partition("=")
    table, dot, rest = change.partition(".")
    if table.strip() == "mixture" and dot:
        return evolve(recipe, mixture=recipe.mixture.with_change(rest, where))
    if not equals:
        raise CallError(f"{where}: expected KEY=VALUE, for instance --set steps=200")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value  # a bare word is a string
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return _fill_record(recipe, parsed, where)


def _fill_record(record: RecipePart, values: Mapping[str, Any], where: str) -> RecipePart:
    """Return a record with values put in, each checked against the type of what it replaces."""
    known_keys = [attribute.name for attribute in fields(type(record))]
    filled: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known_keys:
            raise CallError(f"{where}: unknown key {key!r}: {suggest_names(key, known_keys)}")
        current = getattr(record, key)
        if isinstance(current, TinyModelSize):
            if not isinstance(value, Mapping):
                raise CallError(f"{where}: {key} is a table")
            filled[key] = _fill_record(current, value, f"{where}: {key}")
        elif isinstance(current, Mixture):
            filled[key] = current.merged(value, f"{where}: {key}")
        elif isinstance(current, tuple):
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise CallError(f"{where}: {key} is a list of names, not {value!r}")
            filled[key] = tuple(value)
        elif isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
            filled[key] = float(value)
        elif type(value) is type(current):
            filled[key] = value
        else:
            raise CallError(f"{where}: {key} is {type(current).__name__}, not {value!r}")
    try:
        return evolve(record, **filled)
    except ValueError as error:
        raise CallError(f"{where}: {error}") from error
