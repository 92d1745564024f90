"""Question sets as other tools load them, and the published ones read back.

    from orqa_registry.exchange import ExportSet, ImageFiles, write_export

    questions = ExportSet(drawn, out, "orqa_train", ImageFiles(out))
    files = write_export(questions, "llama-factory", drawn.manifest(registry.versions_of(drawn.names)))

A format is one module with one function; what it is called and what it is for stands in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_registry.exchange import jsonl, llama_factory, lmms_eval, orqa_json
from orqa_registry.exchange.export_set import ExportSet, TurnRenderer, plain_turn, write_object
from orqa_registry.exchange.image_files import IMAGE_MODES, ImageFiles

__all__ = [
    "FORMATS",
    "IMAGE_MODES",
    "ExportFormat",
    "ExportSet",
    "ImageFiles",
    "TurnRenderer",
    "plain_turn",
    "write_export",
]


@frozen
class ExportFormat:
    """A way to write a question set. write: puts its files into the folder of the set and returns which they are."""

    summary: str
    write: Callable[[ExportSet], list[Path]]
    named: Callable[[str, int], str] = lambda split, _size: f"orqa_{split}"
    """Split and size -> the name that its files begin with."""


FORMATS: Mapping[str, ExportFormat] = {
    "orqa": ExportFormat(
        "the schema of the published final_qa_pairs_SPLIT_SIZE.json",
        orqa_json.write_orqa_json,
        orqa_json.published_name,
    ),
    "llama-factory": ExportFormat(
        "messages and images, with the entry of dataset_info.json", llama_factory.write_llama_factory
    ),
    "lmms-eval": ExportFormat("a task for --include_path, scored as the benchmark scores", lmms_eval.write_lmms_eval),
    "jsonl": ExportFormat("lines as `orqa-registry ask` prints them, with wording and images", jsonl.write_jsonl),
}
"""Name -> format, in the order in which they are offered."""


def write_export(questions: ExportSet, form: str, about: Mapping[str, Any]) -> list[Path]:
    """Write a question set in a format of FORMATS, and last NAME.manifest.json, which tells `about` it.

    Returns the files. Raises CallError where one is there already that is not of a finished set of this name.
    """
    files = FORMATS[form].write(questions)
    write_object(questions.manifest, {"format": form, **about, "images_missing": questions.pictures.missing})
    return [*files, questions.manifest]
