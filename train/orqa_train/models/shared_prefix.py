"""Several questions of one timepoint in one sequence: the views are read once, and no question sees another.

A sequence is the views, then each question with its answer as a branch. A branch attends to the views and to itself,
and its positions go on from the views, so that its logits are those of a sequence of its own. A test holds this.

Because segments and positions alone say what belongs together, tokens may stand in any order: all answers stand last,
and the model's head, a fifth of the work of a small model and most of the memory of a large one, runs on them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from attrs import frozen

from orqa_shards.sampling.stream import Sample
from orqa_train.models.processor import Prefix, Processor, batch_pixels

IGNORE_INDEX = -100
"""Label of a token that is not learnt."""
PREFIX_SEGMENT = 0
"""Segment of the shared views; branches count from 1, padding is -1."""


@frozen
class TokenSpan:
    """Tokens in a row. ids and segments: (L,). positions: (3, L)."""

    ids: torch.Tensor
    segments: torch.Tensor
    positions: torch.Tensor

    def __len__(self) -> int:
        return len(self.ids)


@frozen
class EncodedSample:
    """One timepoint with its questions: the views and questions, then the answers, each behind the last token of its
    question, which predicts the first of it. labels: those of the answers, (L of answering,).
    """

    prefix: Prefix
    asking: TokenSpan
    answering: TokenSpan
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.asking) + len(self.answering)


def encode_sample(processor: Processor, sample: Sample, tokens: int) -> EncodedSample:
    """Return the sequence of a sample, of which at least one question is asked.

    Questions that no longer fit into `tokens` are left out, but for the first. Raises OrqaError that names a view which
    cannot be used.
    """
    prefix = processor.prefix(sample.timepoint)
    asking = [TokenSpan(prefix.ids, torch.full_like(prefix.ids, PREFIX_SEGMENT), prefix.positions)]
    answering: list[TokenSpan] = []
    labels: list[int] = []
    length = len(prefix.ids)
    for branch, asked in enumerate(sample.asked, 1):
        question, answer = processor.ask(asked.text), processor.answer(asked.answer)
        length += len(question) + len(answer)
        if branch > 1 and length > tokens:
            break
        middle = len(question) - 1
        asking.append(text_span(question[:middle], branch, prefix.next_position))
        answering.append(text_span([question[middle], *answer], branch, prefix.next_position + middle))
        labels += [IGNORE_INDEX, *answer]
    return EncodedSample(prefix, concatenate_spans(asking), concatenate_spans(answering), torch.tensor(labels))


def text_span(ids: Sequence[int], segment: int, position: int) -> TokenSpan:
    """Return words of one segment that count on from `position`."""
    positions = torch.arange(position, position + len(ids)).expand(3, -1)
    return TokenSpan(torch.tensor(ids, dtype=torch.long), torch.full((len(ids),), segment), positions)


def concatenate_spans(parts: Sequence[TokenSpan]) -> TokenSpan:
    """Return several parts as one."""
    return TokenSpan(
        torch.cat([piece.ids for piece in parts]),
        torch.cat([piece.segments for piece in parts]),
        torch.cat([piece.positions for piece in parts], dim=1),
    )


def pad_spans(processor: Processor, parts: Sequence[TokenSpan]) -> TokenSpan:
    """Return parts under one another, padded on the right. ids and segments: (B, L). positions: (3, B, L)."""
    rows, length = len(parts), max(map(len, parts))
    ids = torch.full((rows, length), processor.pad_id)
    segments = torch.full((rows, length), -1)
    positions = torch.zeros((3, rows, length), dtype=torch.long)
    for row, piece in enumerate(parts):
        ids[row, : len(piece)], segments[row, : len(piece)] = piece.ids, piece.segments
        positions[:, row, : len(piece)] = piece.positions
    return TokenSpan(ids, segments, positions)


def model_inputs(processor: Processor, padded: TokenSpan, prefixes: Sequence[Prefix]) -> dict[str, Any]:
    """Return what the model is given. `attention_mask` is (B, 1, L, L) and true where a token may look."""
    return {
        "input_ids": padded.ids,
        "position_ids": padded.positions,
        "attention_mask": branch_mask(padded.segments),
        "mm_token_type_ids": (padded.ids == processor.image_token_id).int(),
        **batch_pixels(prefixes),
    }


def collate_samples(processor: Processor, encoded: Sequence[EncodedSample]) -> dict[str, Any]:
    """Return a batch. `labels` are those of the last `logits_to_keep` tokens, the answers."""
    asking = pad_spans(processor, [sequence.asking for sequence in encoded])
    answering = pad_spans(processor, [sequence.answering for sequence in encoded])
    joined = TokenSpan(
        torch.cat([asking.ids, answering.ids], dim=1),
        torch.cat([asking.segments, answering.segments], dim=1),
        torch.cat([asking.positions, answering.positions], dim=2),
    )
    labels = torch.full(answering.ids.shape, IGNORE_INDEX)
    for row, sequence in enumerate(encoded):
        labels[row, : len(sequence.labels)] = sequence.labels
    return {
        **model_inputs(processor, joined, [sequence.prefix for sequence in encoded]),
        "labels": labels,
        "logits_to_keep": labels.shape[1],
    }


def branch_mask(segments: torch.Tensor) -> torch.Tensor:
    """Return (B, 1, L, L), true where token i may look at token j: earlier, and of the views or of its own branch."""
    length = segments.shape[1]
    query_segments, key_segments = segments[:, :, None], segments[:, None, :]
    earlier = torch.ones(length, length, dtype=torch.bool).tril()
    return (earlier & ((key_segments == PREFIX_SEGMENT) | (key_segments == query_segments)))[:, None]


def additive_mask(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask that is true where one may look as one that is added to attention scores."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
