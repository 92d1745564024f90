"""What happens beside the steps of a training run: its log, its checkpoints, and its end when somebody asks for it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Any

from transformers import TrainerCallback

from orqa_registry.readers.io import atomic_write
from orqa_train.training.loader import Loader
from orqa_train.training.run import ABOUT_FILE, LOSS_WINDOW

StepCallback = Callable[[int, int, float | None], None]


class LossLog(TrainerCallback):
    """Writes the loss of each step as JSONL and tells about each step.

    A run that goes on reads its window from the log: what it says of its loss is what it would have said in one go.
    """

    def __init__(self, path: Path, report: StepCallback, steps: int) -> None:
        self._path, self._report, self._steps = path, report, steps
        self._losses: deque[float] = deque(maxlen=LOSS_WINDOW)

    @property
    def loss(self) -> float | None:
        """The mean loss of the last steps."""
        return fmean(self._losses) if self._losses else None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep of the log what was logged before the checkpoint."""
        # What was logged after the checkpoint is about to be logged again.
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = [line for line in lines if _parse_step(line) <= state.global_step]
        self._losses.extend(json.loads(line)["loss"] for line in kept)
        with atomic_write(self._path) as partial_file:
            partial_file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Write a line."""
        if logs and "loss" in logs:
            self._losses.append(float(logs["loss"]))
            line = {"step": state.global_step, "loss": self._losses[-1], "rate": float(logs.get("learning_rate", 0.0))}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell about the step; its own loss is logged after this."""
        self._report(state.global_step, self._steps, self.loss)


def _parse_step(line: str) -> float:
    """Return the step of a line of the log; one that was cut short when its run was killed comes after all others."""
    try:
        return float(json.loads(line)["step"])
    except (KeyError, TypeError, ValueError):
        return inf


class CheckpointRecord(TrainerCallback):
    """Completes each checkpoint with what it is trained on, where the loader is, and how long it took.

    before: seconds that the run took until it was stopped.
    """

    def __init__(self, about: Mapping[str, Any], loader: Loader, before: float) -> None:
        self._about, self._loader = about, loader
        self._began = monotonic() - before

    @property
    def seconds(self) -> float:
        """Seconds that the run has taken, all its starts together."""
        return monotonic() - self._began

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Complete a checkpoint; one that lacks this was cut short."""
        with atomic_write(Path(args.output_dir) / f"checkpoint-{state.global_step}" / ABOUT_FILE) as partial_file:
            about = {**self._about, "loader": self._loader.state_dict(), "seconds": self.seconds}
            partial_file.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


class StopOnRequest(TrainerCallback):
    """Ends the run after a step with a checkpoint of it, once `asked` is true."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        self._asked = asked

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask."""
        if self._asked():
            control.should_save = control.should_training_stop = True
