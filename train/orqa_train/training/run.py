"""A training run before torch is there: what is wrong with a call is said at once, and what goes on is found."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib import metadata
from math import ceil
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from orqa_registry import CallError, OrqaError, Registry
from orqa_registry.data.records import is_view
from orqa_registry.errors import suggest_names
from orqa_registry.readers.io import read_json
from orqa_shards.format import manifest
from orqa_shards.read.dataset import Shards, Split
from orqa_shards.sampling.stream import Stream
from orqa_train.recipe import Recipe, load_recipe

LOG_FILE = "log.jsonl"
RECIPE_FILE = "recipe.toml"
ABOUT_FILE = "orqa.json"
CHECKPOINT_FOLDER = "checkpoints"
CHANGEABLE_KEYS = ("readers", "workers", "threads", "bad_in_a_row", "bad_per_cent")
"""Keys of a recipe that may change when a run goes on: how fast it is and what it bears, not what it does."""
LOSS_WINDOW = 10
"""Steps of which the loss is told together: that of one says little."""


@frozen
class TrainingRun:
    """A run that can be begun. about: what is trained on what. checkpoint: where it goes on, None for a fresh start.

    done: what was done, where the model in `out` is finished and nothing is left to do.
    """

    recipe: Recipe
    out: Path
    stream: Stream
    about: dict[str, Any]
    checkpoint: Path | None = None
    done: dict[str, Any] | None = None

    @classmethod
    def of(
        cls, registry: Registry, data: str | Path, recipe: Recipe, out: Path, split_name: str, *, resume: bool
    ) -> TrainingRun:
        """Return the run of a recipe on a shard folder or URL; nothing is written yet. Raises OrqaError and CallError.

        A run goes on with the recipe, the data and the tasks that it began with, or not at all.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise CallError("training over several processes is to come: run one process, on one GPU")
        refuse_shard_folder(out)
        split = Shards.open(data).split(split_name)
        _check_views(split, recipe.views)
        stream = _stream(registry, split, recipe)
        about = {
            "tasks": [task.name for task in stream.tasks],
            "views": list(recipe.views),
            "pixels": recipe.pixels,
            "mixture": recipe.mixture.to_toml(),
            "data": {"split": split.name, "timepoints": len(split), "sha256": split.entry.digest},
            "versions": {name: metadata.version(name) for name in ("orqa-registry", "torch", "transformers")},
        }
        job = cls(recipe, out, stream, about)
        if (out / "config.json").exists():
            return evolve(job, done=_load_finished(job, resume=resume))
        return evolve(job, checkpoint=_find_checkpoint(job, resume=resume))

    def begin(self) -> None:
        """Write what a run that goes on has to find. Raises OSError."""
        self.out.mkdir(parents=True, exist_ok=True)
        for name, text in (
            (RECIPE_FILE, self.recipe.to_toml()),
            (ABOUT_FILE, json.dumps(self.about, indent=2) + "\n"),
            (LOG_FILE, ""),
        ):
            (self.out / name).write_text(text, encoding="utf-8")


def refuse_shard_folder(out: Path) -> None:
    """Raise CallError where `out` holds shards, finished or not: a model or results would lie among them."""
    if any((out / name).exists() for name in (manifest.MANIFEST, manifest.PLAN_FILE)):
        raise CallError(f"--out {out} holds shards: name another folder")


def whole_checkpoints(out: Path) -> dict[int, Path]:
    """Return step -> checkpoint, of those that are whole."""
    # It is written last: a checkpoint without it was cut short.
    return {
        int(path.parent.name.rpartition("-")[2]): path.parent
        for path in out.glob(f"{CHECKPOINT_FOLDER}/*/{ABOUT_FILE}")
    }


def _stream(registry: Registry, split: Split, recipe: Recipe) -> Stream:
    """Return the stream of a recipe, long enough for its steps. Raises CallError for a task that cannot be asked."""
    stream = Stream.of(registry, split, recipe.mixture)
    stream.epochs = ceil(recipe.steps * recipe.batch * recipe.accumulate / stream.length)
    return stream


def _check_views(split: Split, names: Sequence[str]) -> None:
    """Raise CallError where a recipe names a view that no timepoint has: a typing error would go unseen."""
    views = {name.rpartition(".")[0] for name in split.entry.media if is_view(name)}
    for name in names:
        if name not in views:
            raise CallError(f"split {split.name} has no view {name!r}: {suggest_names(name, views)}")


def _find_checkpoint(job: TrainingRun, *, resume: bool) -> Path | None:
    """Return the checkpoint to go on from, None for a fresh start. Raises OrqaError and CallError."""
    saved = whole_checkpoints(job.out)
    if not resume:
        if saved:
            raise OrqaError(f"{job.out} holds checkpoints of an unfinished run: --resume goes on with it")
        return None
    if not saved:
        raise CallError(f"--resume: there is no checkpoint in {job.out / CHECKPOINT_FOLDER}")
    _check_recipe(job)
    last = saved[max(saved)]
    job.stream.position(read_json(last / ABOUT_FILE)["loader"])  # or it says what is another now
    return last


def _load_finished(job: TrainingRun, *, resume: bool) -> dict[str, Any]:
    """Return what was done in a folder that holds a model; --resume finds it so where a job is run again."""
    if not resume or not (job.out / RECIPE_FILE).exists():
        raise OrqaError(f"{job.out} holds a trained model already: name another folder, or remove it")
    _check_recipe(job)
    done = {"out": str(job.out), **read_json(job.out / ABOUT_FILE)}
    if done["data"] != job.about["data"]:
        raise CallError(f"--resume: the model in {job.out} is finished, and was trained on other data")
    return done


def _check_recipe(job: TrainingRun) -> None:
    """Raise CallError where a run began with another recipe."""
    begun_recipe = evolve(
        load_recipe(str(job.out / RECIPE_FILE)), **{key: getattr(job.recipe, key) for key in CHANGEABLE_KEYS}
    )
    if begun_recipe != job.recipe:
        what = "mixture" if begun_recipe.mixture != job.recipe.mixture else "recipe"
        raise CallError(
            f"--resume: the run in {job.out} began with another {what}: --recipe {job.out / RECIPE_FILE} has that one"
        )
