"""Train a recipe on a shard folder, with transformers' Trainer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import torch
from attrs import evolve
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainingArguments

from orqa_registry import Registry
from orqa_registry.readers.io import read_json
from orqa_shards.error_budget import ErrorBudget
from orqa_shards.sampling.stream import Sample, Stream, draw_questions
from orqa_train.models import build
from orqa_train.models.processor import Processor
from orqa_train.models.shared_prefix import EncodedSample, additive_mask, collate_samples, encode_sample
from orqa_train.recipe import Recipe
from orqa_train.training.callbacks import CheckpointRecord, LossLog, StepCallback, StopOnRequest
from orqa_train.training.loader import Loader
from orqa_train.training.run import ABOUT_FILE, CHECKPOINT_FOLDER, LOG_FILE, TrainingRun, whole_checkpoints


def train(
    registry: Registry,
    data: str | Path,
    recipe: Recipe,
    out: Path,
    *,
    split_name: str = "train",
    resume: bool = False,
    report: StepCallback = lambda step, steps, loss: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Train on a shard folder or URL and write a model folder to `out`; return what was done, as `run` does.

    Raises OrqaError and CallError.
    """
    return run_training(TrainingRun.of(registry, data, recipe, out, split_name, resume=resume), report, stop)


def run_training(
    job: TrainingRun, report: StepCallback = lambda step, steps, loss: None, stop: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Train and write a model folder; return what was done.

    A sample that cannot be read costs itself: it is named in a DataWarning, and the next one comes in its place.
    report(step, steps, loss) is called after each step; loss is the mean of the last few. stop: asked after each step;
    where it is true, a checkpoint is taken and KeyboardInterrupt raised. That says what is kept, also where it comes by
    itself. Raises OrqaError.
    """
    if job.done is not None:
        return job.done
    try:
        return {"out": str(job.out), **_run(job, report, stop)}
    except KeyboardInterrupt as stopped:
        saved = whole_checkpoints(job.out)
        message = f"{max(saved)} steps are kept; go on: --resume" if saved else "no step is kept"
        raise KeyboardInterrupt(message) from stopped


def _run(job: TrainingRun, report: StepCallback, stop: Callable[[], bool]) -> dict[str, Any]:
    recipe, out, stream, checkpoint = job.recipe, job.out, job.stream, job.checkpoint
    if checkpoint is None:
        job.begin()
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    model, processor = build.build_model(recipe, _learning_texts(stream))
    if checkpoint is None:
        processor.save(out)
    else:
        processor = Processor.load(str(out), recipe.pixels, recipe.views)
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    saved_state = {} if checkpoint is None else read_json(checkpoint / ABOUT_FILE)
    loader = Loader(
        stream,
        recipe.batch,
        transform=partial(_encode_sample, processor, recipe.tokens),
        collate=partial(collate_samples, processor),
        fill=True,
        threads=recipe.readers,
        budget=ErrorBudget(recipe.bad_in_a_row, recipe.bad_per_cent),
        workers=recipe.workers,
        start=saved_state.get("loader", 0),
    )
    log = LossLog(out / LOG_FILE, report, recipe.steps)
    record = CheckpointRecord(job.about, loader, saved_state.get("seconds", 0.0))
    trainer = _Trainer(loader, model=model, args=_arguments(recipe, out), callbacks=[log, record, StopOnRequest(stop)])
    trainer.remove_callback(PrinterCallback)
    steps = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint)).global_step
    if steps < recipe.steps:
        raise KeyboardInterrupt
    done = {
        "steps": steps,
        "seconds": record.seconds,
        "loss": log.loss,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "timepoints_seen": loader.state_dict()["position"],
        "left_out": loader.budget.wrong,
        "bad": [str(bad) for bad in loader.budget.named],
        **job.about,
    }
    _save(model, processor, done, out)
    shutil.rmtree(out / CHECKPOINT_FOLDER, ignore_errors=True)
    return done


def _learning_texts(stream: Stream) -> Iterator[str]:
    """Yield what a tiny model's tokenizer learns from: the tasks' own words on this split, and the names of views."""
    split, by_name = stream.split, {task.name: task for task in stream.tasks}
    all_questions = evolve(stream.mixture, questions=0)
    yield "\n".join(name.rpartition(".")[0] + ": " for name in split.entry.media)
    yield "user\nassistant\n"
    for point in split:
        for asked in draw_questions(split, point, stream.tasks, all_questions, 0):
            yield from by_name[asked.question.task].wordings(asked.question)
            yield from asked.question.answers


def _encode_sample(processor: Processor, tokens: int, sample: Sample) -> EncodedSample | None:
    """Return what is trained on; nothing where nothing is asked."""
    return encode_sample(processor, sample, tokens) if sample.asked else None


def _arguments(recipe: Recipe, out: Path) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(out / CHECKPOINT_FOLDER),
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
        logging_steps=1,
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
        inputs["attention_mask"] = additive_mask(inputs["attention_mask"], dtype)
        return super().compute_loss(model, inputs, *args, **kwargs)


def _save(model: PreTrainedModel, processor: Processor, done: dict[str, Any], out: Path) -> None:
    """Write the model folder; `config.json` comes last, so that a folder that has one is whole."""
    partial_folder = out / ".partial"
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir()
    model.save_pretrained(partial_folder)
    processor.save(partial_folder)
    (partial_folder / ABOUT_FILE).write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    for file in sorted(partial_folder.iterdir(), key=lambda file: file.name == "config.json"):
        file.replace(out / file.name)
    partial_folder.rmdir()
