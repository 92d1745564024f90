"""Question sets for LLaMA-Factory: its ShareGPT format with the role names of OpenAI, several images a message.

Checked against llamafactory 0.9.5 (data/README.md, data/parser.py, data/converter.py): images are looked for under
`media_dir`, which is `dataset_dir` unless it is set, so that names from this folder and full names both work; a
message has one `<image>` for each image, and the markers of the other media would be taken for media.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orqa_registry.errors import CallError
from orqa_registry.exchange.export_set import ExportSet, write_lines, write_object
from orqa_registry.readers.io import read_json

DATASET_INFO = "dataset_info.json"
IMAGE_TAG = "<image>"

_MARKER = re.compile(r"<(?=(?:image|video|audio)>)")


def write_llama_factory(questions: ExportSet) -> list[Path]:
    """Write NAME.jsonl, and its entry in dataset_info.json; other entries there are kept.

    Raises CallError where dataset_info.json holds something else.
    """
    path, info = questions.file(".jsonl"), questions.folder / DATASET_INFO
    entries = read_json(info) if info.exists() else {}
    if not isinstance(entries, dict):
        raise CallError(f"{info}: an object of data sets was expected: choose another --out")
    write_lines(path, _build_rows(questions))
    write_object(info, {**entries, questions.name: dataset_info_entry(path.name)})
    return [path, info]


def dataset_info_entry(file: str) -> dict[str, Any]:
    """Return what dataset_info.json says about a file of ours."""
    return {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "images": "images"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }


def _build_rows(questions: ExportSet) -> Iterator[dict[str, Any]]:
    for item in questions.drawn.items:
        prompt, reply = (_MARKER.sub("< ", text) for text in questions.turn(item))
        images = questions.images(item)
        yield {
            "messages": [
                {"role": "user", "content": IMAGE_TAG * len(images) + prompt},
                {"role": "assistant", "content": reply},
            ],
            "images": images,
        }
