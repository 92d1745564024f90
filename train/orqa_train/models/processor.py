"""Views and words -> tensors, for the Qwen2-VL family, without the torchvision that its own processor asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from attrs import define, field, frozen
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2VLImageProcessorPil

from orqa_registry import OrqaError, Timepoint
from orqa_shards.read.image_decoder import Pixels, decode_image, fit_within, image_dimensions

IMAGE_TOKEN = "<|image_pad|>"  # noqa: S105 - a token of text, not a secret
QUESTION_MARK, ANSWER_MARK = "\x02question\x03", "\x02answer\x03"
BLANK_GREY = 127
MAX_ASPECT = 200
"""How many times longer than wide an image may be; the library refuses others."""
MAX_CACHED_TEXTS = 10_000
"""Texts whose tokens are kept."""
_TOKENIZER_LOCK = Lock()
"""Tokenizers lend themselves to one thread at a time."""


@frozen
class Prefix:
    """What all questions of a timepoint share: the views.

    ids: (L,) tokens. positions: (3, L) time, row, column as multimodal RoPE counts them. next_position: int.
    pixels: (patches, patch values) or None without views. grids: (views, 3).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    next_position: int
    pixels: torch.Tensor | None
    grids: torch.Tensor | None


@define(slots=False)
class Processor:
    """Turns timepoints and questions into tokens. `pixels` is the budget of one image."""

    tokenizer: PreTrainedTokenizerBase
    images: Qwen2VLImageProcessorPil
    pixels: int
    views: tuple[str, ...] = ()
    blank: bool = False
    _token_cache: dict[str, list[int]] = field(factory=dict, init=False, repr=False)

    @classmethod
    def load(cls, folder: str, pixels: int, views: tuple[str, ...] = ()) -> Processor:
        """Return the processor of a model by name or folder."""
        return cls(
            AutoTokenizer.from_pretrained(folder), Qwen2VLImageProcessorPil.from_pretrained(folder), pixels, views
        )

    def save(self, folder: Path) -> None:
        """Write tokenizer and image settings as `from_pretrained` and AutoProcessor read them."""
        self.tokenizer.save_pretrained(folder)
        self.images.save_pretrained(folder)

    @cached_property
    def _turn_texts(self) -> tuple[str, str]:
        """The template's text between question and answer, and after the answer up to the end of the turn."""
        _, between, after = self._render([])
        return between, after

    def _render(self, views: Sequence[str]) -> tuple[str, str, str]:
        content: list[dict[str, str]] = []
        for view in views:
            content += [{"type": "text", "text": f"{view}: "}, {"type": "image"}]
        content.append({"type": "text", "text": QUESTION_MARK})
        turns: Any = [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": ANSWER_MARK}]},
        ]
        text = str(self.tokenizer.apply_chat_template(turns, tokenize=False))
        before, _, rest = text.partition(QUESTION_MARK)
        between, _, after = rest.partition(ANSWER_MARK)
        return before, between, after

    def prefix(self, point: Timepoint) -> Prefix:
        """Return what the questions of a timepoint share. Raises OrqaError that names a view which is no image."""
        views = [view for view in point.views if not self.views or view in self.views]
        text, _, _ = self._render(views)
        if not views:
            ids = self._tokenize(text)
            return Prefix(torch.tensor(ids), torch.arange(len(ids)).expand(3, -1), len(ids), None, None)
        features = self.images(
            [self._load_image(point, view) for view in views],
            size={"shortest_edge": self._cell_size**2, "longest_edge": max(self.pixels, self._cell_size**2)},
            do_convert_rgb=False,
            input_data_format="channels_last",
            return_tensors="pt",
        )
        grids = features["image_grid_thw"]
        counts = (grids.prod(-1) // self.images.merge_size**2).tolist()
        parts = text.split(IMAGE_TOKEN)
        ids = self._tokenize(parts[0])
        is_image = [False] * len(ids)
        for count, part in zip(counts, parts[1:], strict=True):
            following = self._tokenize(part)
            ids += [self.image_token_id] * count + following
            is_image += [True] * count + [False] * len(following)
        positions, next_position = rope_positions(is_image, grids.tolist(), self.images.merge_size)
        return Prefix(torch.tensor(ids), positions, next_position, features["pixel_values"], grids)

    def ask(self, question: str) -> list[int]:
        """Return the tokens from the question to where the answer begins."""
        return self._tokenize(question + self._turn_texts[0])

    def answer(self, answer: str) -> list[int]:
        """Return the tokens of an answer and of the end of the turn."""
        return [*self._tokenize(answer), *self._tokenize(self._turn_texts[1])[:1]]

    def text(self, ids: Sequence[int]) -> str:
        """Return the answer that generated tokens spell."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    @cached_property
    def image_token_id(self) -> int:
        """The token that stands for one patch of an image."""
        return self.token_id(IMAGE_TOKEN)

    @property
    def end_id(self) -> int:
        """The token that ends a turn."""
        return self._tokenize(self._turn_texts[1])[0]

    def token_id(self, token: str) -> int:
        """Return the number of a token."""
        number = self.tokenizer.convert_tokens_to_ids(token)
        if not isinstance(number, int):
            raise OrqaError(f"the tokenizer has no token {token}: is this a model of the Qwen2-VL family?")
        return number

    @property
    def pad_id(self) -> int:
        """The token that fills a batch."""
        return int(self.tokenizer.pad_token_id)

    @property
    def _cell_size(self) -> int:
        return int(self.images.patch_size * self.images.merge_size)

    def _tokenize(self, text: str) -> list[int]:
        """Return the tokens of a text; the same few questions come again and again."""
        ids = self._token_cache.get(text)
        if ids is None:
            with _TOKENIZER_LOCK:
                ids = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if len(self._token_cache) > MAX_CACHED_TEXTS:
                self._token_cache.clear()
            self._token_cache[text] = ids
        return list(ids)

    def _load_image(self, point: Timepoint, view: str) -> Pixels:
        name = next(medium for medium in point.media if medium.rpartition(".")[0] == view)
        where = f"{point.key}.{name}"
        data = point.read(name)
        if self.blank:
            width, height = fit_within(image_dimensions(data, where), self.pixels)
            image = np.full((height, width, 3), BLANK_GREY, dtype=np.uint8)
        else:
            image = decode_image(data, self.pixels, where=where)
        short, long = sorted(image.shape[:2])
        if long > MAX_ASPECT * short:
            raise OrqaError(f"{where}: {long} pixels by {short}, and at most {MAX_ASPECT} times as many were expected")
        return image


def rope_positions(is_image: Sequence[bool], grids: Sequence[Sequence[int]], merge: int) -> tuple[torch.Tensor, int]:
    """Return (3, L) positions of a sequence of words and images, and the next free one (Qwen2-VL paper, M-RoPE).

    Words count on in all three; the patches of an image share one time and have their row and column. After an image
    the count goes on from the largest of its positions. grids: (time, rows, columns) in patches before merging.
    """
    columns: list[np.ndarray] = []
    next_position, index, image_grids = 0, 0, iter(grids)
    while index < len(is_image):
        if is_image[index]:
            time, rows, cols = next(image_grids)
            shape = (time, rows // merge, cols // merge)
            columns.append(np.indices(shape).reshape(3, -1) + next_position)
            index += shape[0] * shape[1] * shape[2]
            next_position += max(shape)
        else:
            columns.append(np.full((3, 1), next_position))
            index += 1
            next_position += 1
    return torch.from_numpy(np.concatenate(columns, axis=1)), next_position


def batch_pixels(prefixes: Sequence[Prefix]) -> dict[str, Any]:
    """Return the views of several timepoints as the model takes them; nothing where there is none."""
    pixels = [prefix.pixels for prefix in prefixes if prefix.pixels is not None]
    grids = [prefix.grids for prefix in prefixes if prefix.grids is not None]
    return {"pixel_values": torch.cat(pixels), "image_grid_thw": torch.cat(grids)} if pixels else {}
