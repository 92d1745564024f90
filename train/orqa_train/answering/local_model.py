"""A model answers: all questions of a timepoint at once, as they are trained, with the views read once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from attrs import define, frozen
from transformers import PreTrainedModel

from orqa_registry import AskedQuestion, Timepoint
from orqa_registry.readers.io import read_json
from orqa_train.models import build
from orqa_train.models.processor import Processor
from orqa_train.models.shared_prefix import (
    PREFIX_SEGMENT,
    TokenSpan,
    additive_mask,
    concatenate_spans,
    model_inputs,
    pad_spans,
    text_span,
)
from orqa_train.training.run import ABOUT_FILE

MODEL_PIXELS = 112_896
"""Budget of an image for a model that says nothing else (336 x 336, training.md 3)."""


@define
class LocalModel:
    """A model with its processor. longest: tokens of an answer."""

    model: PreTrainedModel
    processor: Processor
    longest: int = 48

    @classmethod
    def load(cls, folder: str, *, blank: bool = False) -> LocalModel:
        """Return the model in a folder, on a GPU where there is one. Raises OrqaError."""
        path = Path(folder) / ABOUT_FILE
        about = read_json(path) if path.is_file() else {}
        cuda = torch.cuda.is_available()
        model, processor = build.load_model(
            folder,
            int(about.get("pixels", MODEL_PIXELS)),
            tuple(about.get("views", ())),
            precision="bfloat16" if cuda and not about else "float32",
        )
        processor.blank = blank
        return cls(model.eval().to("cuda" if cuda else "cpu"), processor)

    def answer(self, batch: Sequence[AskedQuestion]) -> list[str]:
        """Return an answer to each question; questions of one timepoint must stand together."""
        groups = [list(group) for _, group in groupby(batch, key=lambda asked: asked.timepoint.key)]
        answers = self._generate([(group[0].timepoint, [asked.text for asked in group]) for group in groups])
        return [answer for group in answers for answer in group]

    @torch.inference_mode()
    def _generate(self, groups: Sequence[tuple[Timepoint, Sequence[str]]]) -> list[list[str]]:
        """Decode greedily, a token of every question at each step.

        The cache holds views, questions and answers in whatever order they came: who sees what is up to the segments,
        and what comes after what is up to the positions.
        """
        page = collate_questions(self.processor, groups)
        step = self._forward(page.inputs, None)
        next_tokens = step.logits.argmax(-1).cpu().gather(1, page.last)
        segments, position, active = page.segments, page.next_position, page.asked
        branches = torch.arange(1, active.shape[1] + 1).expand(len(groups), -1)
        tokens: list[torch.Tensor] = []
        for _ in range(self.longest):
            active = active & (next_tokens != self.processor.end_id)
            if not active.any():
                break
            tokens.append(torch.where(active, next_tokens, self.processor.pad_id))
            segments = torch.cat([segments, branches], dim=1)
            allowed = (segments[:, None, :] == PREFIX_SEGMENT) | (segments[:, None, :] == branches[:, :, None])
            step_inputs = {"input_ids": tokens[-1], "position_ids": position.expand(3, -1, -1)}
            step = self._forward({**step_inputs, "attention_mask": allowed[:, None]}, step.past_key_values)
            next_tokens = step.logits.argmax(-1).cpu()
            position = position + 1
        token_ids = torch.stack(tokens, dim=-1).tolist() if tokens else [[[]] * active.shape[1]] * len(groups)
        return [
            [self.processor.text(token_ids[row][branch]) for branch in range(len(texts))]
            for row, (_, texts) in enumerate(groups)
        ]

    def _forward(self, step_inputs: dict[str, Any], cache: Any) -> Any:
        moved = {name: value.to(self.model.device) for name, value in step_inputs.items()}
        moved["attention_mask"] = additive_mask(moved["attention_mask"], self.model.dtype)
        return self.model(**moved, past_key_values=cache, use_cache=True)


@frozen
class QuestionBatch:
    """Views and questions of B timepoints, up to K questions each, ready to be answered.

    segments: (B, L), see `shared_prefix`. last: (B, K) places of the questions' last tokens. next_position: (B, K).
    asked: (B, K), false where a timepoint has fewer questions than the others.
    """

    inputs: dict[str, Any]
    segments: torch.Tensor
    last: torch.Tensor
    next_position: torch.Tensor
    asked: torch.Tensor


def collate_questions(processor: Processor, groups: Sequence[tuple[Timepoint, Sequence[str]]]) -> QuestionBatch:
    """Return the views and questions of several timepoints as one batch, padded on the right."""
    prefixes = [processor.prefix(point) for point, _ in groups]
    last, next_position = torch.zeros((2, len(groups), max(len(texts) for _, texts in groups)), dtype=torch.long)
    asked = torch.zeros(last.shape, dtype=torch.bool)
    rows = []
    for row, (prefix, (_, texts)) in enumerate(zip(prefixes, groups, strict=True)):
        parts = [TokenSpan(prefix.ids, torch.full_like(prefix.ids, PREFIX_SEGMENT), prefix.positions)]
        length = len(prefix.ids)
        for branch, text in enumerate(texts):
            question = processor.ask(text)
            parts.append(text_span(question, branch + 1, prefix.next_position))
            length += len(question)
            last[row, branch], asked[row, branch] = length - 1, True
            next_position[row, branch] = prefix.next_position + len(question)
        rows.append(concatenate_spans(parts))
    padded = pad_spans(processor, rows)
    return QuestionBatch(model_inputs(processor, padded, prefixes), padded.segments, last, next_position, asked)
