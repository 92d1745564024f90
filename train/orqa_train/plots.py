"""Pictures of numbers: the loss over the steps, the scores by task."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from orqa_train.training.run import LOSS_WINDOW

matplotlib.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})

PLOT_COLOURS = ("#1b6ca8", "#e08e2b", "#9aa5ab", "#5b8c5a", "#b34d4d", "#7a5ba6")


def loss_curve(log: Path, out: Path) -> None:
    """Draw the loss that a run logged, each point the mean of a window of steps."""
    steps = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    windows = [steps[first : first + LOSS_WINDOW] for first in range(0, len(steps), LOSS_WINDOW)]
    lines = [{"step": window[-1]["step"], "loss": fmean(step["loss"] for step in window)} for window in windows]
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([line["step"] for line in lines], [line["loss"] for line in lines], color=PLOT_COLOURS[0], linewidth=1.6)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if _is_near(tick, lines)])
    axes.set_xlabel("step")
    axes.set_ylabel("loss on answers (nats a token)")
    axes.grid(axis="y", alpha=0.25)
    figure.savefig(out, dpi=130)


def _is_near(tick: float, lines: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether a tick is near the values that are drawn."""
    losses = [line["loss"] for line in lines if line["loss"] > 0] or [1.0]
    return min(losses) / 2 <= tick <= max(losses) * 2


def score_chart(tasks: Sequence[str], scores: Mapping[str, Sequence[float]]) -> bytes:
    """Return a PNG of bars: for each task the score, 0 to 1, of each answerer."""
    figure = Figure(figsize=(8.6, 0.8 + (0.14 + 0.11 * len(scores)) * len(tasks)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / max(1, len(scores))
    for index, (name, values) in enumerate(scores.items()):
        centres = [row + (index - (len(scores) - 1) / 2) * height for row in range(len(tasks))]
        axes.barh(centres, values, height * 0.92, label=name, color=PLOT_COLOURS[index % len(PLOT_COLOURS)])
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("score")
    axes.grid(axis="x", alpha=0.25)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
