"""Models: a tiny one built on the spot, or one of the Qwen2-VL family by name or folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)
from transformers.utils import logging

from orqa_registry import OrqaError
from orqa_train.models.processor import IMAGE_TOKEN, Processor
from orqa_train.recipe import Recipe, TinyModelSize

logging.disable_progress_bar()  # bars of other libraries would lie across ours

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl")
"""Model types whose prompts and positions the processor knows."""

PAD_TOKEN, END_TOKEN = "<|endoftext|>", "<|im_end|>"
SPECIAL_TOKENS = (
    PAD_TOKEN,
    "<|im_start|>",
    END_TOKEN,
    "<|vision_start|>",
    "<|vision_end|>",
    IMAGE_TOKEN,
    "<|video_pad|>",
)

CHAT_TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% if turn.content is string %}{{ turn.content }}{% else %}{% for part in turn.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML as the family writes it, without its system turn."""


def build_model(recipe: Recipe, texts: Iterable[str]) -> tuple[PreTrainedModel, Processor]:
    """Return the model that a recipe names, and its processor. `texts` teach a tiny model's tokenizer.

    Raises OrqaError where a model cannot be loaded or is of another family.
    """
    if recipe.model == "tiny":
        torch.manual_seed(recipe.seed)
        processor = _tiny_processor(recipe, texts)
        return _tiny_model(recipe.tiny, processor), processor
    return load_model(recipe.model, recipe.pixels, recipe.views, recipe.attention)


def load_model(
    name: str, pixels: int, views: tuple[str, ...] = (), attention: str = "sdpa", precision: str = "float32"
) -> tuple[PreTrainedModel, Processor]:
    """Return a model by name or folder, and its processor. Raises OrqaError where it is not there or not known."""
    try:
        kind = AutoConfig.from_pretrained(name).model_type
        if kind not in MODEL_TYPES:
            raise OrqaError(f"{name} is a {kind} model; this trainer knows {', '.join(MODEL_TYPES)}")
        model = AutoModelForImageTextToText.from_pretrained(
            name, attn_implementation=attention, dtype=getattr(torch, precision), use_safetensors=True
        )
        return model, Processor.load(name, pixels, views)
    except (OSError, ValueError, SafetensorError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise OrqaError(f"model {name!r} cannot be loaded: {first}") from error


def _tiny_processor(recipe: Recipe, texts: Iterable[str]) -> Processor:
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=recipe.tiny.vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(sorted(set(texts)), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END_TOKEN, pad_token=PAD_TOKEN, chat_template=CHAT_TEMPLATE
    )
    images = Qwen2VLImageProcessorPil(patch_size=recipe.tiny.patch, temporal_patch_size=1, merge_size=2)
    return Processor(tokenizer, images, recipe.pixels, recipe.views)


def _tiny_model(size: TinyModelSize, processor: Processor) -> PreTrainedModel:
    token = processor.token_id
    head_size = size.hidden // size.heads
    # The sections of multimodal RoPE sum to half a head: time gets a quarter of it, rows and columns share the rest.
    time = head_size // 8
    rows = (head_size // 2 - time) // 2
    text_config: dict[str, Any] = {
        "vocab_size": len(processor.tokenizer),
        "hidden_size": size.hidden,
        "intermediate_size": 4 * size.hidden,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [head_size // 2 - 2 * rows, rows, rows],
        },
        "tie_word_embeddings": True,
        "initializer_range": size.init_std,
        "pad_token_id": processor.pad_id,
        "eos_token_id": processor.end_id,
        "bos_token_id": processor.end_id,
    }
    vision_config = {
        "depth": size.vision_layers,
        "embed_dim": size.vision_hidden,
        "hidden_size": size.hidden,
        "num_heads": size.heads,
        "mlp_ratio": 4,
        "patch_size": size.patch,
        "temporal_patch_size": 1,
        "spatial_merge_size": 2,
        "initializer_range": size.init_std,
    }
    config = Qwen2VLConfig(
        text_config=text_config,
        vision_config=vision_config,
        image_token_id=token(IMAGE_TOKEN),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    # The family's classes read it from the top, where their configuration has no field for it.
    config.initializer_range = size.init_std
    return Qwen2VLForConditionalGeneration(config)
