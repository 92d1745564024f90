"""Several questions of one timepoint in one sequence: the views are read once, and no question sees another.

A sequence is the views, then each question with its answer as a branch. A branch attends to the views and to itself,
and its positions go on from the views, so that its logits are those of a sequence of its own. A test holds this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from attrs import frozen
from torch.utils.data import Dataset

from orqa_shards.stream import Sample, Stream
from orqa_train.processor import Prefix, Processor, batch_pixels

IGNORED = -100
"""Label of a token that is not learnt."""
VIEWS = 0
"""Segment of the shared views; branches count from 1, padding is -1."""


@frozen
class Encoded:
    """One timepoint with its questions. ids, labels, segments: (L,). positions: (3, L)."""

    prefix: Prefix
    ids: torch.Tensor
    labels: torch.Tensor
    segments: torch.Tensor
    positions: torch.Tensor


def encode(processor: Processor, sample: Sample, tokens: int) -> Encoded:
    """Return the sequence of a sample; questions that no longer fit into `tokens` are left out, at least one stays."""
    prefix = processor.prefix(sample.timepoint)
    ids, labels = [prefix.ids], [torch.full_like(prefix.ids, IGNORED)]
    segments, positions = [torch.full_like(prefix.ids, VIEWS)], [prefix.positions]
    length = len(prefix.ids)
    for branch, asked in enumerate(sample.asked, 1):
        question, answer = processor.ask(asked.text), processor.answer(asked.answer)
        size = len(question) + len(answer)
        if branch > 1 and length + size > tokens:
            break
        length += size
        ids.append(torch.tensor(question + answer))
        labels.append(torch.tensor([IGNORED] * len(question) + answer))
        segments.append(torch.full((size,), branch))
        positions.append(torch.arange(prefix.next_position, prefix.next_position + size).expand(3, -1))
    return Encoded(prefix, torch.cat(ids), torch.cat(labels), torch.cat(segments), torch.cat(positions, dim=1))


def collate(processor: Processor, sequences: Sequence[Encoded]) -> dict[str, Any]:
    """Return a batch, padded on the right. `attention_mask` is (B, 1, L, L) and true where a token may look."""
    length = max(len(one.ids) for one in sequences)
    rows = len(sequences)
    ids = torch.full((rows, length), processor.pad_id)
    labels = torch.full((rows, length), IGNORED)
    segments = torch.full((rows, length), -1)
    positions = torch.zeros((3, rows, length), dtype=torch.long)
    for row, one in enumerate(sequences):
        size = len(one.ids)
        ids[row, :size], labels[row, :size], segments[row, :size] = one.ids, one.labels, one.segments
        positions[:, row, :size] = one.positions
    return {
        "input_ids": ids,
        "labels": labels,
        "position_ids": positions,
        "attention_mask": branch_mask(segments),
        "mm_token_type_ids": (ids == processor.image_token_id).int(),
        **batch_pixels([one.prefix for one in sequences]),
    }


def branch_mask(segments: torch.Tensor) -> torch.Tensor:
    """Return (B, 1, L, L), true where token i may look at token j: earlier, and of the views or of its own branch."""
    length = segments.shape[1]
    mine, theirs = segments[:, :, None], segments[:, None, :]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    return (earlier & ((theirs == VIEWS) | (theirs == mine)))[:, None]


class Sequences(Dataset[Encoded]):
    """A stream as the sequences that are trained on."""

    def __init__(self, stream: Stream, processor: Processor, tokens: int) -> None:
        self._stream, self._processor, self._tokens = stream, processor, tokens

    def __len__(self) -> int:
        return len(self._stream)

    def __getitem__(self, place: int) -> Encoded:
        """Return sequence `place` of the run."""
        return encode(self._processor, self._stream[place], self._tokens)
