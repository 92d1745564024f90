"""Functions of an lmms-eval task that `orqa-registry export --format lmms-eval` wrote. This file was copied there.

It needs orqa-registry, for the scorers, and Pillow. Answers are scored as the benchmark does: 0 to 1, against each of
the right answers, without a scene graph that precedes the answer.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from orqa_registry import Registry, scoring

HERE = Path(__file__).resolve().parent


def doc_to_visual(doc: dict[str, Any]) -> list[Any]:
    """Return the images of a question, RGB."""
    from PIL import Image

    images = []
    for name in doc["images"]:
        with Image.open(HERE / name) as image:
            images.append(image.convert("RGB"))
    return images


def doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict[str, Any] | None = None) -> str:
    """Return the question, between what the model wants before and after it."""
    kwargs = lmms_eval_specific_kwargs or {}
    return f"{kwargs.get('pre_prompt', '')}{doc['prompt']}{kwargs.get('post_prompt', '')}"


def process_results(doc: dict[str, Any], results: list[Any]) -> dict[str, Any]:
    """Return the score of an answer, for the mean over all questions, over the tasks, and of its task."""
    answer = results[0] if results else ""
    answer = answer[0] if isinstance(answer, list) else answer
    score = _load_registry().score(doc["task"], scoring.without_graph(str(answer)).strip(), *doc["truths"])
    return {"orqa_score": score, "orqa_macro": {"task": doc["task"], "score": score}, metric(doc["task"]): score}


def macro(results: list[dict[str, Any]]) -> float:
    """Return the mean of the means of the tasks."""
    scores: dict[str, list[float]] = {}
    for result in results:
        scores.setdefault(result["task"], []).append(result["score"])
    return sum(sum(task_scores) / len(task_scores) for task_scores in scores.values()) / len(scores) if scores else 0.0


def metric(task: str) -> str:
    """Return the name under which the mean of a task is reported."""
    return f"orqa_{task}"


@lru_cache(maxsize=1)
def _load_registry() -> Registry:
    return Registry.load()
