"""Question sets for lmms-eval: a folder for its --include_path, with data, task and functions.

Checked against lmms_eval 0.7.3 (docs/guides/task_guide.md, utils.py, api/task.py): data of the builder `json` are
found beside the task file; versions before find them when they are started in this folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orqa_registry.exchange import lmms_task
from orqa_registry.exchange.export_set import ExportSet, write_lines
from orqa_registry.readers.io import atomic_write

TASK_MODULE = "orqa_lmms"
MAX_ANSWER_TOKENS = 300
"""Tokens of an answer (protocol 9.6)."""


def write_lmms_eval(questions: ExportSet) -> list[Path]:
    """Write NAME.jsonl, the task NAME.yaml, and the functions that the task names."""
    data, task, functions = questions.file(".jsonl"), questions.file(".yaml"), questions.folder / f"{TASK_MODULE}.py"
    write_lines(data, _build_rows(questions))
    with atomic_write(functions) as partial:
        partial.write_bytes(Path(lmms_task.__file__).read_bytes())
    tasks = sorted({item.question.task for item in questions.drawn.items})
    with atomic_write(task) as partial:
        partial.write_text(task_yaml(questions.name, data.name, tasks), encoding="utf-8")
    return [data, task, functions]


def _build_rows(questions: ExportSet) -> Iterator[dict[str, Any]]:
    for index, item in enumerate(questions.drawn.items):
        prompt, _ = questions.turn(item)
        # Every column is there in every line and of one type: the loader settles types by the first lines.
        yield {
            "id": f"{item.timepoint.key}/{index}",
            "dataset": item.timepoint.dataset,
            "take": item.timepoint.take,
            "frame": item.timepoint.frame,
            "task": item.question.task,
            "prompt": prompt,
            "answer": item.answer,
            "truths": questions.truths(item),
            "images": questions.images(item),
        }


def task_yaml(name: str, data: str, tasks: list[str]) -> str:
    """Return the task file. A JSON string is a YAML string, so names need no other care."""
    metrics = [("orqa_score", "mean"), ("orqa_macro", f"!function {TASK_MODULE}.macro")]
    metrics += [(lmms_task.metric(task), "mean") for task in tasks]
    head = f"""\
# Written by orqa-registry export. In this folder: python -m lmms_eval --include_path . --tasks {name} --model ...
task: {json.dumps(name)}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {json.dumps(data)}
test_split: test
output_type: generate_until
doc_to_visual: !function {TASK_MODULE}.doc_to_visual
doc_to_text: !function {TASK_MODULE}.doc_to_text
doc_to_target: answer
process_results: !function {TASK_MODULE}.process_results
generation_kwargs:
  max_new_tokens: {MAX_ANSWER_TOKENS}
  temperature: 0
  do_sample: false
lmms_eval_specific_kwargs:
  default:
    pre_prompt: ""
    post_prompt: ""
metadata:
  - version: 1
metric_list:
"""
    return head + "".join(
        f"  - metric: {json.dumps(metric)}\n    aggregation: {aggregation}\n    higher_is_better: true\n"
        for metric, aggregation in metrics
    )
