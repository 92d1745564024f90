"""Train a recipe on a shard folder, with transformers' Trainer."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import metadata
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from orqa_registry import CallError, OrqaError, Registry, Task
from orqa_registry.errors import nearest
from orqa_registry.reading import read_json
from orqa_registry.records import is_view
from orqa_shards.read import Shards, Split
from orqa_shards.stream import Draw, Stream, askable, draw
from orqa_train import models
from orqa_train.processor import Processor
from orqa_train.recipe import Recipe
from orqa_train.sequences import Sequences, collate

LOG = "log.jsonl"
RECIPE = "recipe.toml"
ABOUT = "orqa.json"
CHECKPOINTS = "checkpoints"
STATE = "trainer_state.json"


def train(
    registry: Registry,
    data: Path,
    recipe: Recipe,
    out: Path,
    *,
    split_name: str = "train",
    resume: bool = False,
    report: Callable[[int, int, float | None], None] = lambda step, steps, loss: None,
) -> dict[str, Any]:
    """Train and write a model folder to `out`; return what was done.

    report(step, steps, loss) is called after each step. Raises OrqaError and CallError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise CallError("training over several processes is to come: run one process, on one GPU")
    split = Shards.open(data).split(split_name)
    tasks = askable(registry, split, recipe.tasks)
    _check_views(split, recipe.views)
    about = {
        "tasks": [task.name for task in tasks],
        "views": list(recipe.views),
        "pixels": recipe.pixels,
        "data": {"split": split.name, "timepoints": len(split), "labels_sha256": split.entry.labels.sha256},
        "versions": {name: metadata.version(name) for name in ("orqa-registry", "torch", "transformers")},
    }
    checkpoint = _prepare(out, recipe, about, resume=resume)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    model, processor = models.build(recipe, _texts(split, tasks, recipe))
    if checkpoint is None:
        processor.save(out)
    else:
        processor = Processor.load(str(out), recipe.pixels, recipe.views)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    samples = recipe.steps * recipe.batch * recipe.accumulate
    how = Draw(recipe.seed, recipe.questions or None, recipe.paraphrase)
    stream = Stream(split, tasks, how, epochs=max(1, ceil(samples / len(split))))
    trainer = _Trainer(
        model=model,
        args=_arguments(recipe, out),
        train_dataset=Sequences(stream, processor, recipe.tokens),
        data_collator=partial(collate, processor),
        callbacks=[_Log(out / LOG, report, recipe.steps)],
    )
    trainer.remove_callback(PrinterCallback)
    try:
        done = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except OrqaError as error:
        # From a reading process it comes with that process's traceback around it.
        last = str(error).strip().splitlines()[-1].removeprefix(f"{OrqaError.__module__}.OrqaError: ")
        raise OrqaError(last) from error
    _save(model, processor, out)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return {
        "out": str(out),
        "steps": done.global_step,
        "seconds": done.metrics["train_runtime"],
        "loss": done.training_loss,
        "parameters": sum(one.numel() for one in model.parameters()),
        "timepoints_seen": samples,
        **about,
    }


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
    # The library writes the trainer's state last: a checkpoint without it was cut short.
    whole = {int(path.parent.name.rpartition("-")[2]): path.parent for path in out.glob(f"{CHECKPOINTS}/*/{STATE}")}
    if not resume:
        if whole:
            raise OrqaError(f"{out} holds checkpoints of an unfinished run: --resume goes on with it")
        out.mkdir(parents=True, exist_ok=True)
        for name, text in ((RECIPE, recipe.to_toml()), (ABOUT, json.dumps(about, indent=2) + "\n"), (LOG, "")):
            (out / name).write_text(text, encoding="utf-8")
        return None
    if not whole:
        raise CallError(f"--resume: there is no checkpoint in {out / CHECKPOINTS}")
    if (out / RECIPE).read_text(encoding="utf-8") != recipe.to_toml():
        raise CallError(f"--resume: the run in {out} began with another recipe: --recipe {out / RECIPE} is that one")
    if read_json(out / ABOUT)["data"] != about["data"]:
        raise CallError(f"--resume: the run in {out} began with other data")
    return whole[max(whole)]


def _texts(split: Split, tasks: Sequence[Task], recipe: Recipe) -> Iterator[str]:
    """Yield what a tiny model's tokenizer learns from: the tasks' own words on this split, and the names of views."""
    by_name = {task.name: task for task in tasks}
    yield "\n".join(name.rpartition(".")[0] + ": " for name in split.entry.media)
    yield "user\nassistant\n"
    for point in split.timepoints:
        for asked in draw(split, point, tasks, Draw(recipe.seed), 0):
            yield from by_name[asked.question.task].wordings(asked.question)
            yield from asked.question.answers


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
        dataloader_num_workers=recipe.workers,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
    )
    # One GPU of several: the library would split a batch over all of them, and cut our positions, (3, B, L), in three.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class _Trainer(Trainer):
    """The library's trainer, but for three things: our stream is shuffled already, our mask has four dimensions, and a
    checkpoint is read with the names that it was written with.
    """

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        # Position i of the stream is drawn by seed and epoch: shuffling it again would lose that.
        stream: Any = self.train_dataset if train_dataset is None else train_dataset
        return SequentialSampler(stream)

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
