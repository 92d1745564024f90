"""Our own lines: what `orqa-registry ask` prints, with the wording drawn, all right answers, and images."""

from __future__ import annotations

from pathlib import Path

from orqa_registry.exchange.export_set import ExportSet, question_line, write_lines


def write_jsonl(questions: ExportSet) -> list[Path]:
    """Write NAME.jsonl: `text`, `said`, `concise`, `truths` and `images` stand beside the fields of `ask`."""
    path = questions.file(".jsonl")
    rows = (
        {**question_line(item), "truths": questions.truths(item), "images": questions.images(item)}
        for item in questions.drawn.items
    )
    write_lines(path, rows)
    return [path]
