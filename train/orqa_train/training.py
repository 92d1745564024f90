"""Train a recipe on a shard folder, with transformers' Trainer."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from math import ceil
from pathlib import Path
from typing import Any

import torch
from attrs import evolve
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from orqa_registry import CallError, OrqaError, Registry
from orqa_registry.errors import nearest
from orqa_registry.reading import read_json
from orqa_registry.records import is_view
from orqa_registry.writing import whole_file
from orqa_shards.budget import Budget
from orqa_shards.read import Shards, Split
from orqa_shards.stream import Sample, Stream, draw
from orqa_train import models
from orqa_train.loading import Loader
from orqa_train.processor import Processor
from orqa_train.recipe import Recipe, load
from orqa_train.sequences import Encoded, collate, encode

LOG = "log.jsonl"
RECIPE = "recipe.toml"
ABOUT = "orqa.json"
CHECKPOINTS = "checkpoints"
FREE = ("readers", "workers", "threads", "bad_in_a_row", "bad_per_cent")
"""Keys of a recipe that may change when a run goes on: how fast it is and what it bears, not what it does."""


def train(
    registry: Registry,
    data: str | Path,
    recipe: Recipe,
    out: Path,
    *,
    split_name: str = "train",
    resume: bool = False,
    report: Callable[[int, int, float | None], None] = lambda step, steps, loss: None,
) -> dict[str, Any]:
    """Train on a shard folder or URL and write a model folder to `out`; return what was done.

    A sample that cannot be read costs itself: it is named in a DataWarning, and the next one comes in its place.
    report(step, steps, loss) is called after each step. Raises OrqaError and CallError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise CallError("training over several processes is to come: run one process, on one GPU")
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
    checkpoint = _prepare(out, recipe, about, resume=resume)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    model, processor = models.build(recipe, _texts(stream))
    if checkpoint is None:
        processor.save(out)
    else:
        processor = Processor.load(str(out), recipe.pixels, recipe.views)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    loader = Loader(
        stream,
        recipe.batch,
        transform=partial(_sequence, processor, recipe.tokens),
        collate=partial(collate, processor),
        fill=True,
        threads=recipe.readers,
        budget=Budget(recipe.bad_in_a_row, recipe.bad_per_cent),
        workers=recipe.workers,
        start=0 if checkpoint is None else read_json(checkpoint / ABOUT)["loader"],
    )
    trainer = _Trainer(
        loader,
        model=model,
        args=_arguments(recipe, out),
        callbacks=[_Log(out / LOG, report, recipe.steps), _Record(about, loader)],
    )
    trainer.remove_callback(PrinterCallback)
    done = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    _save(model, processor, out)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return {
        "out": str(out),
        "steps": done.global_step,
        "seconds": done.metrics["train_runtime"],
        "loss": done.training_loss,
        "parameters": sum(one.numel() for one in model.parameters()),
        "timepoints_seen": loader.state_dict()["position"],
        "left_out": loader.budget.wrong,
        "bad": [str(one) for one in loader.budget.named],
        **about,
    }


def _stream(registry: Registry, split: Split, recipe: Recipe) -> Stream:
    """Return the stream of a recipe, long enough for its steps. Raises CallError for a task that cannot be asked."""
    stream = Stream.of(registry, split, recipe.mixture)
    stream.epochs = ceil(recipe.steps * recipe.batch * recipe.accumulate / len(stream))
    return stream


def _check_views(split: Split, wanted: Sequence[str]) -> None:
    """Raise CallError where a recipe names a view that no timepoint has: a typing error would go unseen."""
    there = {name.rpartition(".")[0] for name in split.entry.media if is_view(name)}
    for view in wanted:
        if view not in there:
            raise CallError(f"split {split.name} has no view {view!r}: {nearest(view, there)}")


def _prepare(out: Path, recipe: Recipe, about: dict[str, Any], *, resume: bool) -> Path | None:
    """Make the folder ready and return the checkpoint to go on from, None for a fresh start.

    A run goes on with the recipe and the data that it began with, or not at all.
    """
    if (out / "config.json").exists():
        raise OrqaError(f"{out} holds a trained model already: name another folder, or remove it")
    # It is written last: a checkpoint without it was cut short.
    whole = {int(path.parent.name.rpartition("-")[2]): path.parent for path in out.glob(f"{CHECKPOINTS}/*/{ABOUT}")}
    if not resume:
        if whole:
            raise OrqaError(f"{out} holds checkpoints of an unfinished run: --resume goes on with it")
        out.mkdir(parents=True, exist_ok=True)
        for name, text in ((RECIPE, recipe.to_toml()), (ABOUT, json.dumps(about, indent=2) + "\n"), (LOG, "")):
            (out / name).write_text(text, encoding="utf-8")
        return None
    if not whole:
        raise CallError(f"--resume: there is no checkpoint in {out / CHECKPOINTS}")
    begun = evolve(load(str(out / RECIPE)), **{key: getattr(recipe, key) for key in FREE})
    if begun != recipe:
        what = "mixture" if begun.mixture != recipe.mixture else "recipe"
        raise CallError(f"--resume: the run in {out} began with another {what}: --recipe {out / RECIPE} has that one")
    if read_json(out / ABOUT)["data"] != about["data"]:
        raise CallError(f"--resume: the run in {out} began with other data")
    return whole[max(whole)]


def _texts(stream: Stream) -> Iterator[str]:
    """Yield what a tiny model's tokenizer learns from: the tasks' own words on this split, and the names of views."""
    split, by_name = stream.split, {task.name: task for task in stream.tasks}
    every = evolve(stream.mixture, questions=0)
    yield "\n".join(name.rpartition(".")[0] + ": " for name in split.entry.media)
    yield "user\nassistant\n"
    for point in split:
        for asked in draw(split, point, stream.tasks, every, 0):
            yield from by_name[asked.question.task].wordings(asked.question)
            yield from asked.question.answers


def _sequence(processor: Processor, tokens: int, sample: Sample) -> Encoded | None:
    """Return what is trained on; nothing where nothing is asked."""
    return encode(processor, sample, tokens) if sample.asked else None


def _arguments(recipe: Recipe, out: Path) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(out / CHECKPOINTS),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.rate,
        warmup_steps=ceil(recipe.warmup * recipe.steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        lr_scheduler_type=recipe.schedule,
        bf16=recipe.precision == "bfloat16" and cuda,
        use_cpu=not cuda,
        seed=recipe.seed,
        logging_steps=10,
        save_steps=recipe.save_every,
        save_total_limit=2,
        ignore_data_skip=True,  # our loader knows where it was
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
    )
    # One GPU of several: the library would split a batch over all of them, and cut our positions, (3, B, L), in three.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class _Trainer(Trainer):
    """The library's trainer, but for three things: the loader is ours, the mask has four dimensions, and a checkpoint
    is read with the names that it was written with.
    """

    def __init__(self, loader: Loader, **options: Any) -> None:
        super().__init__(**options)
        self._loader = loader

    def get_train_dataloader(self) -> Loader:
        # As it is: ranks are its own business, and `skip_first_batches` would make another of it.
        return self._loader

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # Checkpoints carry the names of the hub's files. The library's own method (5.23) takes those for unknown
        # weights, says so in a warning, and goes on from a fresh model.
        target: Any = model or self.model
        loaded = type(target).from_pretrained(resume_from_checkpoint, dtype=target.dtype)
        target.load_state_dict(loaded.state_dict())

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        # Attention adds a mask in the dtype it computes in, and that is known here alone.
        dtype = torch.bfloat16 if self.args.bf16 else next(model.parameters()).dtype
        inputs["attention_mask"] = additive(inputs["attention_mask"], dtype)
        return super().compute_loss(model, inputs, *args, **kwargs)


def additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask that is true where one may look as one that is added to attention scores."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)


class _Log(TrainerCallback):
    """Writes the loss as JSONL and tells about each step."""

    def __init__(self, path: Path, report: Callable[[int, int, float | None], None], steps: int) -> None:
        self._path, self._report, self._steps = path, report, steps
        self._loss: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # What was logged after the checkpoint is about to be logged again.
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line for line in lines if json.loads(line)["step"] <= state.global_step)
        self._path.write_text("".join(kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self._loss = float(logs["loss"])
            line = {"step": state.global_step, "loss": self._loss, "rate": float(logs.get("learning_rate", 0.0))}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report(state.global_step, self._steps, self._loss)


class _Record(TrainerCallback):
    """Completes each checkpoint with what it is trained on, and where the loader is."""

    def __init__(self, about: Mapping[str, Any], loader: Loader) -> None:
        self._about, self._loader = about, loader

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        with whole_file(Path(args.output_dir) / f"checkpoint-{state.global_step}" / ABOUT) as partial_file:
            about = {**self._about, "loader": self._loader.state_dict()}
            partial_file.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _save(model: PreTrainedModel, processor: Processor, out: Path) -> None:
    """Write the model folder; `config.json` comes last, so that a folder that has one is whole."""
    partial_folder = out / ".partial"
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir()
    model.save_pretrained(partial_folder)
    processor.save(partial_folder)
    for file in sorted(partial_folder.iterdir(), key=lambda file: file.name == "config.json"):
        file.replace(out / file.name)
    partial_folder.rmdir()
