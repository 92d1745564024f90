"""Prompts: which views a model is shown, what it is told, and the answer to learn (protocol.md 7 and 9).

    prompt = build_prompt(asked, task, "train", seed, epoch, memory=memory)
    prompt.images   # media to show, in order, each with its role and the pixels it may keep
    prompt.text     # <image><image><speech_transcript_start>: ... Which tools are in use? Answer concisely.
    prompt.answer   # Drill

A policy is a record of names and chances: `attrs.evolve(find_policy("train"), drop=0.2, without=LEAKING_SOURCES)`
makes a new one. The same seed gives the same prompt. Views and sensors are drawn once a timepoint, so that its
questions can share them.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve, frozen

from orqa_registry.data import scenegraph
from orqa_registry.data.records import Timepoint, Triplet, is_view
from orqa_registry.errors import CallError, OrqaError
from orqa_registry.prompts.memory import LONG_MARK, SHORT_MARK, TASKS_WITHOUT_MEMORY, Memory
from orqa_registry.prompts.policy import (
    CONCISE_SUFFIX,
    GRAPH_TAG,
    GROUNDED_SUFFIX,
    IMAGE_MARK,
    SAMPLED_MEMORY,
    SENSORS,
    PromptPolicy,
    find_policy,
)
from orqa_registry.prompts.sensor_text import TEXT_SENSORS, sensor_text
from orqa_registry.prompts.views import VIEW_POLICIES, view_role
from orqa_registry.questions.question import AskedQuestion
from orqa_registry.questions.task import Task
from orqa_registry.readers import synthetic_scenes
from orqa_registry.readers.io import read_or_warn
from orqa_registry.rng import seeded_rng


@frozen
class PromptImage:
    """An image to show. medium: its name at the timepoint. role: what it shows. pixels: width times height to keep."""

    medium: str
    role: str
    pixels: int


@frozen
class Prompt:
    """One turn of a user and its answer, in pieces; a piece that is absent is empty.

    images: in order; one may come twice. sensors: other media that a model may take in, `points.npy`, `clap.npy`.
    question: with its suffixes, never shortened. answer: what to learn, with the scene graph before it where grounded.
    """

    key: str
    task: str
    question: str
    answer: str
    images: tuple[PromptImage, ...] = ()
    sensors: tuple[str, ...] = ()
    memory: str = ""
    speech: str = ""
    tracker: str = ""
    robot: str = ""
    preamble: str = ""

    @property
    def words(self) -> str:
        """What is told, without the marks of images, in the order of protocol 7.3."""
        text = f"{self.preamble}\n\n" if self.preamble else ""
        text += f"<memory_start>: {self.memory}<memory_end>. " if self.memory else ""
        text += f"<speech_transcript_start>: {self.speech} <speech_transcript_end>. " if self.speech else ""
        text += f"<tracker_metadata_start>: {self.tracker} <tracker_metadata_end>. " if self.tracker else ""
        text += f"<robot_metadata_start>: {self.robot} <robot_metadata_end>. " if self.robot else ""
        return (text + self.question).replace(IMAGE_MARK, "image")

    @property
    def text(self) -> str:
        """The turn of the user: the mark of each image, then the words; without images the words alone (D22)."""
        return IMAGE_MARK * len(self.images) + self.words


def build_prompt(
    asked: AskedQuestion,
    task: Task,
    policy: PromptPolicy | str,
    *seed: object,
    memory: Memory | None = None,
    at: int | None = None,
    graph: Sequence[Triplet] | None = None,
    count: Callable[[str], int] | None = None,
) -> Prompt:
    """Return the prompt of a question.

    memory: that of the take, looked up at `at`, or else at the timepoint's index. graph: what answers are grounded in,
    or else the timepoint's own. count: tokens of a text, image marks included; needed where the policy has a budget.
    What a sensor wrote and cannot be read is warned of and left out. Raises CallError for an unknown policy or a budget
    without `count`, and OrqaError where a sentence of the task asks for an argument that the question lacks.
    """
    prompt_policy = find_policy(policy) if isinstance(policy, str) else policy
    if prompt_policy.budget is not None and count is None:
        raise CallError("a prompt with a budget needs `count`, the function that counts the tokens of a text")
    point = asked.timepoint
    timepoint_rng = partial(seeded_rng, *seed, point.key)
    question_rng = partial(timepoint_rng, task.name, asked.question.text)
    question, answer = _word_question(asked, task, prompt_policy, question_rng("form"))
    if (graph_text := _ground_answer(point, task, prompt_policy, graph, question_rng("graph"))) is not None:
        question += GROUNDED_SUFFIX
        answer = f"{graph_text} {answer}" if graph_text else answer
    sensors = [
        name
        for name in SENSORS
        if name not in prompt_policy.without and timepoint_rng("drop", name).random() >= prompt_policy.drop
    ]
    prompt = Prompt(
        point.key,
        task.name,
        question,
        answer,
        _choose_pictures(point, asked.question.view, prompt_policy, timepoint_rng("views")),
        tuple(
            medium
            for medium in point.media
            if any(medium in SENSORS[name] for name in sensors if name not in TEXT_SENSORS)
        ),
        _recall_memory(memory, point.index if at is None else at, task, prompt_policy, question_rng("memory")),
        **{name: read_or_warn(sensor_text, point, name) or "" for name in TEXT_SENSORS if name in sensors},
        preamble=prompt_policy.preamble,
    )
    return (
        prompt if prompt_policy.budget is None or count is None else fit_to_budget(prompt, prompt_policy.budget, count)
    )


def _choose_pictures(
    point: Timepoint, view: str | None, policy: PromptPolicy, rng: random.Random
) -> tuple[PromptImage, ...]:
    media: dict[str, str] = {}
    for medium in filter(is_view, point.media):
        media.setdefault(medium.rpartition(".")[0], medium)
    if view is not None:
        chosen = [view] if view in media else []
    else:
        present = [name for name in media if name not in policy.without]
        chosen = VIEW_POLICIES[policy.views](
            present, point.dataset, rng, policy.compat and not point.take.endswith(synthetic_scenes.SCENE_TAKE_SUFFIX)
        )
    return tuple(
        PromptImage(media[name], view_role(name), policy.pixels_by_role.get(view_role(name), policy.pixels))
        for name in chosen
    )


def _word_question(asked: AskedQuestion, task: Task, policy: PromptPolicy, rng: random.Random) -> tuple[str, str]:
    """Return question and answer in one of two forms (protocol R6); a task without sentences has the bare one."""
    text, answer = asked.text, asked.answer
    try:
        if rng.random() < policy.concise or not (sentences := task.answer_sentences(asked.question, answer)):
            text = text if CONCISE_SUFFIX.strip(" .") in text else text + CONCISE_SUFFIX
        else:
            answer = rng.choice(sentences)
    except (IndexError, KeyError) as error:
        raise OrqaError(f"task {task.name}: a sentence asks for an argument that a question lacks: {error}") from error
    return text, answer[:1].upper() + answer[1:]


def _ground_answer(
    point: Timepoint, task: Task, policy: PromptPolicy, graph: Sequence[Triplet] | None, rng: random.Random
) -> str | None:
    """Return the graph to begin the answer with, empty where there is none, or None where it is not asked for."""
    if rng.random() >= policy.grounding or (task.answer_format.startswith(GRAPH_TAG) and not policy.compat):
        return None
    if graph is None and point.has("relations"):
        graph = point.labels["relations"]
    if graph is None:
        return "" if policy.everywhere else None
    return scenegraph.graph_to_text(rng.sample(graph, len(graph)))


def _recall_memory(memory: Memory | None, at: int, task: Task, policy: PromptPolicy, rng: random.Random) -> str:
    if memory is None or task.name in TASKS_WITHOUT_MEMORY:
        return ""
    return memory.sampled(at, rng) if policy.memory == SAMPLED_MEMORY else memory.text(at, policy.memory)


def fit_to_budget(prompt: Prompt, budget: int, count: Callable[[str], int]) -> Prompt:
    """Return a prompt of at most `budget` tokens, as `count` counts them in its text (defect D23).

    Its memory loses its oldest items first; then speech, tracker and robot go. The question is never touched: where it
    alone is too long, it alone is left.
    """
    if count(prompt.text) <= budget:
        return prompt
    steps = [evolve(prompt, memory=memory) for memory in _fade_memory(prompt.memory)]
    steps.append(evolve(steps[-1], speech=""))
    steps.append(evolve(steps[-1], tracker=""))
    steps.append(evolve(steps[-1], robot=""))
    index = bisect_left(steps, True, key=lambda step: count(step.text) <= budget)
    return steps[min(index, len(steps) - 1)]


def _fade_memory(memory: str) -> list[str]:
    """Return a memory with one item less each time, the oldest first, until it is empty; each is as `Memory` has it."""
    ends_bare = memory.endswith((LONG_MARK.strip(": "), SHORT_MARK.strip(": ")))
    long_part, separator, short_part = (memory + (": " if ends_bare else "; ")).partition(SHORT_MARK)
    parts = [(LONG_MARK, long_part.removeprefix(LONG_MARK).split("; ")[:-1])] if long_part.startswith(LONG_MARK) else []
    if separator:
        parts.append((SHORT_MARK, short_part.split("; ")[:-1]))
    faded = []
    for _, items in parts:
        while items:
            items.pop(0)
            faded.append("".join(mark + "".join(f"{item}; " for item in remaining) for mark, remaining in parts)[:-2])
    return [*faded[:-1], ""]
