"""Question sets as other tools load them, and the published ones read back.

    from orqa_registry.exchange import FORMATS, QuestionSet

    questions = QuestionSet(drawn, out, "orqa_train", Pictures(out))
    files = write(questions, "llama-factory", drawn.manifest(registry))

A format is one module with one function; what it is called and what it is for stands in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_registry.exchange import jsonl, llama_factory, lmms_eval, orqa
from orqa_registry.exchange.pictures import HOW, Pictures
from orqa_registry.exchange.sets import QuestionSet, Render, plain, write_object

__all__ = ["FORMATS", "HOW", "Format", "Pictures", "QuestionSet", "Render", "plain", "write"]


@frozen
class Format:
    """A way to write a question set. write: puts its files into the folder of the set and returns which they are."""

    summary: str
    write: Callable[[QuestionSet], list[Path]]
    named: Callable[[str, int], str] = lambda split, _size: f"orqa_{split}"
    """Split and size -> the name that its files begin with."""


FORMATS: Mapping[str, Format] = {
    "orqa": Format("the schema of the published final_qa_pairs_SPLIT_SIZE.json", orqa.write, orqa.named),
    "llama-factory": Format("messages and images, with the entry of dataset_info.json", llama_factory.write),
    "lmms-eval": Format("a task for --include_path, scored as the benchmark scores", lmms_eval.write),
    "jsonl": Format("lines as `orqa-registry ask` prints them, with wording and images", jsonl.write),
}
"""Name -> format, in the order in which they are offered."""


def write(questions: QuestionSet, form: str, about: Mapping[str, Any]) -> list[Path]:
    """Write a question set in a format of FORMATS, and last NAME.manifest.json, which tells `about` it.

    Returns the files. Raises CallError where one is there already that is not of a finished set of this name.
    """
    files = FORMATS[form].write(questions)
    write_object(questions.manifest, {"format": form, **about, "images_missing": questions.pictures.missing})
    return [*files, questions.manifest]
