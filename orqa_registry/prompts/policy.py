"""Prompt policies: which views and sensors a prompt has, how question and answer are worded (protocol.md 7 and 9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import evolve, field, frozen, validators

from orqa_registry.errors import CallError, match_name, suggest_names
from orqa_registry.prompts.memory import MEMORY_STYLES, NO_MEMORY
from orqa_registry.prompts.views import DEFAULT_PIXELS, PIXELS_BY_ROLE, VIEW_POLICIES

IMAGE_MARK = "<image>"


CONCISE_SUFFIX = " Answer concisely."


GROUNDED_SUFFIX = " Use the scene graph to guide your answer."


GRAPH_TAG = "<SG>"
"""What scene graphs begin with in answers."""


SAMPLED_MEMORY = "drawn"
"""The memory of training: of a style that is drawn, with items dropped (protocol 8.4)."""


SENSORS: Mapping[str, Collection[str]] = {
    "points": ("points.npy",),
    "audio": ("clap.npy", "audio.mp3", "audio.flac"),
    "speech": ("speech.txt",),
    "tracker": ("tracker.json",),
    "robot": ("robot.json",),
}
"""Modality that training may drop as a whole -> its media. Images are never dropped, masks never given."""


LEAKING_SOURCES = frozenset({"screen", "tracker", "robot"})
"""What states answers outright: the robot's steps, and whether its base array is in sight (defect D19)."""


def _define_chance(default: float) -> Any:
    return field(default=default, validator=[validators.ge(0.0), validators.le(1.0)])


@frozen
class PromptPolicy:
    """How prompts are made. The defaults are those of evaluation (protocol 9).

    views: one of VIEW_POLICIES; a question about one view shows that one alone. without: views and SENSORS left out
    always. drop: the chance that a sensor is left out. concise: the chance of a bare answer instead of a sentence (R6).
    grounding: the chance that the scene graph comes before the answer, where there is one; everywhere: is asked for
    where there is none too (defect D26). memory: SAMPLED_MEMORY, a style of `memory`, or `none`.
    pixels, pixels_by_role: what an image may keep. budget: tokens that the text may have. preamble: what is told first.
    compat: choose views by their place among those there, as the original does (defects D15 and D16).
    """

    views: str = "eval"
    without: frozenset[str] = frozenset()
    drop: float = _define_chance(0.0)
    concise: float = _define_chance(1.0)
    grounding: float = _define_chance(0.0)
    everywhere: bool = False
    memory: str = MEMORY_STYLES[0]
    pixels: int = DEFAULT_PIXELS
    pixels_by_role: Mapping[str, int] = PIXELS_BY_ROLE
    budget: int | None = None
    preamble: str = ""
    compat: bool = False

    def __attrs_post_init__(self) -> None:
        if self.views not in VIEW_POLICIES:
            raise CallError(f"unknown choice of views {self.views!r}: {suggest_names(self.views, VIEW_POLICIES)}")
        if self.memory not in (modes := (SAMPLED_MEMORY, NO_MEMORY, *MEMORY_STYLES)):
            raise CallError(f"unknown memory {self.memory!r}: {suggest_names(self.memory, modes)}")


EVAL_POLICY = PromptPolicy()


TRAIN_POLICY = PromptPolicy("train", drop=0.5, concise=0.5, grounding=0.5, memory=SAMPLED_MEMORY)


POLICIES: Mapping[str, PromptPolicy] = {
    "train": TRAIN_POLICY,
    "eval": EVAL_POLICY,
    "eval-grounded": evolve(EVAL_POLICY, grounding=1.0),
    "no-leak": evolve(EVAL_POLICY, without=LEAKING_SOURCES),
    "no-leak-train": evolve(TRAIN_POLICY, without=LEAKING_SOURCES),
    "orqa-v1-train": evolve(TRAIN_POLICY, compat=True),
    "orqa-v1-eval": evolve(EVAL_POLICY, compat=True),
    "orqa-v1-eval-grounded": evolve(EVAL_POLICY, grounding=1.0, everywhere=True, compat=True),
}
"""The policies that have a name."""


def find_policy(policy: str) -> PromptPolicy:
    """Return a policy by name, without regard to case and punctuation. Raises CallError with the nearest names."""
    name = match_name(policy, POLICIES)
    if name is None:
        raise CallError(f"unknown prompt policy {policy!r}: {suggest_names(policy, POLICIES)}")
    return POLICIES[name]
