"""A model answers: all questions of a timepoint at once, as they are trained, with the views read once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from attrs import define, frozen
from transformers import PreTrainedModel

from orqa_registry import Asked, Timepoint
from orqa_registry.reading import read_json
from orqa_train import models
from orqa_train.processor import Processor, batch_pixels
from orqa_train.sequences import VIEWS, branch_mask
from orqa_train.training import ABOUT, additive

PIXELS = 112_896
"""Budget of an image for a model that says nothing else (336 x 336, training.md 3)."""


@define
class Reader:
    """A model with its processor. longest: tokens of an answer."""

    model: PreTrainedModel
    processor: Processor
    longest: int = 48

    @classmethod
    def load(cls, folder: str, *, blank: bool = False) -> Reader:
        """Return the model in a folder, on a GPU where there is one. Raises OrqaError."""
        path = Path(folder) / ABOUT
        about = read_json(path) if path.is_file() else {}
        cuda = torch.cuda.is_available()
        model, processor = models.load(
            folder,
            int(about.get("pixels", PIXELS)),
            tuple(about.get("views", ())),
            precision="bfloat16" if cuda and not about else "float32",
        )
        processor.blank = blank
        return cls(model.eval().to("cuda" if cuda else "cpu"), processor)

    def answer(self, batch: Sequence[Asked]) -> list[str]:
        """Return an answer to each question; questions of one timepoint must stand together."""
        groups = [list(group) for _, group in groupby(batch, key=lambda asked: asked.timepoint.key)]
        answers = self._answer([(group[0].timepoint, [asked.text for asked in group]) for group in groups])
        return [answer for group in answers for answer in group]

    @torch.inference_mode()
    def _answer(self, groups: Sequence[tuple[Timepoint, Sequence[str]]]) -> list[list[str]]:
        """Decode greedily, a token of every question at each step.

        The cache holds views, questions and answers in whatever order they came: who sees what is up to the segments,
        and what comes after what is up to the positions.
        """
        page = lay_out(self.processor, groups)
        step = self._step(page.inputs, branch_mask(page.segments), None)
        chosen = step.logits.argmax(-1).cpu().gather(1, page.last)
        segments, position, writing = page.segments, page.next_position, page.asked
        mine = torch.arange(1, writing.shape[1] + 1).expand(len(groups), -1)
        tokens: list[torch.Tensor] = []
        for _ in range(self.longest):
            writing = writing & (chosen != self.processor.end_id)
            if not writing.any():
                break
            tokens.append(torch.where(writing, chosen, self.processor.pad_id))
            segments = torch.cat([segments, mine], dim=1)
            allowed = (segments[:, None, :] == VIEWS) | (segments[:, None, :] == mine[:, :, None])
            inputs = {"input_ids": tokens[-1], "position_ids": position.expand(3, -1, -1)}
            step = self._step(inputs, allowed[:, None], step.past_key_values)
            chosen = step.logits.argmax(-1).cpu()
            position = position + 1
        written = torch.stack(tokens, dim=-1).tolist() if tokens else [[[]] * writing.shape[1]] * len(groups)
        return [
            [self.processor.text(written[row][branch]) for branch in range(len(texts))]
            for row, (_, texts) in enumerate(groups)
        ]

    def _step(self, inputs: dict[str, torch.Tensor], mask: torch.Tensor, cache: Any) -> Any:
        device = self.model.device
        return self.model(
            **{name: value.to(device) for name, value in inputs.items()},
            attention_mask=additive(mask, self.model.dtype).to(device),
            past_key_values=cache,
            use_cache=True,
        )


@frozen
class Page:
    """Views and questions of B timepoints, up to K questions each, ready to be answered.

    segments: (B, L), see `sequences`. last: (B, K) places of the questions' last tokens. next_position: (B, K).
    asked: (B, K), false where a timepoint has fewer questions than the others.
    """

    inputs: dict[str, torch.Tensor]
    segments: torch.Tensor
    last: torch.Tensor
    next_position: torch.Tensor
    asked: torch.Tensor


def lay_out(processor: Processor, groups: Sequence[tuple[Timepoint, Sequence[str]]]) -> Page:
    """Return the views and questions of several timepoints as one batch, padded on the right."""
    prefixes = [processor.prefix(point) for point, _ in groups]
    branches = [[processor.ask(text) for text in texts] for _, texts in groups]
    length = max(len(p.ids) + sum(map(len, b)) for p, b in zip(prefixes, branches, strict=True))
    size, width = len(groups), max(map(len, branches))
    ids = torch.full((size, length), processor.pad_id)
    segments = torch.full((size, length), -1)
    positions = torch.zeros((3, size, length), dtype=torch.long)
    last, next_position = torch.zeros((2, size, width), dtype=torch.long)
    asked = torch.zeros((size, width), dtype=torch.bool)
    for row, (prefix, questions) in enumerate(zip(prefixes, branches, strict=True)):
        end = len(prefix.ids)
        ids[row, :end], segments[row, :end], positions[:, row, :end] = prefix.ids, VIEWS, prefix.positions
        for branch, question in enumerate(questions):
            start, end = end, end + len(question)
            ids[row, start:end], segments[row, start:end] = torch.tensor(question), branch + 1
            positions[:, row, start:end] = torch.arange(len(question)) + prefix.next_position
            last[row, branch], asked[row, branch] = end - 1, True
            next_position[row, branch] = prefix.next_position + len(question)
    inputs = {
        "input_ids": ids,
        "position_ids": positions,
        "mm_token_type_ids": (ids == processor.image_token_id).int(),
        **batch_pixels(prefixes),
    }
    return Page(inputs, segments, last, next_position, asked)
