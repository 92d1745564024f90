"""Questions that share a sequence: each must see the views and itself, and nothing else."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

torch = pytest.importorskip("torch")

from orqa_registry import AskedQuestion, OrqaError, Question, Timepoint  # noqa: E402
from orqa_shards.sampling.stream import Sample  # noqa: E402
from orqa_train import recipe  # noqa: E402
from orqa_train.answering.local_model import LocalModel  # noqa: E402
from orqa_train.models import build  # noqa: E402
from orqa_train.models.processor import Processor, rope_positions  # noqa: E402
from orqa_train.models.shared_prefix import (  # noqa: E402
    additive_mask,
    collate_samples,
    encode_sample,
)

OURS = {"labels", "attention_mask", "position_ids"}
QUESTIONS = [
    ("How many people are in the OR?", "4"),
    ("Who is in the OR?", "nurse, patient"),
    ("What happens?", "sawing"),
]


def picture(colour: tuple[int, int, int], size: tuple[int, int] = (56, 84)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "PNG")
    return content.getvalue()


def sample(views: int, questions: int = 3, frame: str = "0") -> Sample:
    media = {f"room{view}.png": picture((60 * view, 200 - 50 * view, 90 + 30 * int(frame))) for view in range(views)}
    point = Timepoint("d", "train", "t", frame, int(frame), media=media)
    asked = (
        AskedQuestion(point, Question("task", text, (answer,)), text, answer) for text, answer in QUESTIONS[:questions]
    )
    return Sample(point, tuple(asked))


@pytest.fixture(scope="module")
def tiny() -> tuple[torch.nn.Module, Processor]:
    made = recipe.load_recipe("tiny", ["tiny.init_std=0.2"])
    model, processor = build.build_model(made, [word for pair in QUESTIONS for word in pair])
    return model.eval(), processor


def logits(model, batch):
    given = {name: value for name, value in batch.items() if name != "labels"}
    given["attention_mask"] = additive_mask(given["attention_mask"], torch.float32)
    with torch.inference_mode():
        return model(**given).logits


@pytest.mark.parametrize("views", [0, 1, 3])
def test_a_branch_has_the_logits_of_a_sequence_of_its_own(tiny, views):
    model, processor = tiny
    whole = sample(views)
    together = collate_samples(
        processor, [encode_sample(processor, whole, 4096), encode_sample(processor, sample(1, 2, "1"), 4096)]
    )
    shared = logits(model, together)[0][together["labels"][0].roll(-1) != -100]
    alone = []
    for asked in whole.asked:
        batch = collate_samples(processor, [encode_sample(processor, Sample(whole.timepoint, (asked,)), 4096)])
        alone.append(logits(model, batch)[0][batch["labels"][0].roll(-1) != -100])
    torch.testing.assert_close(shared, torch.cat(alone), atol=2e-5, rtol=2e-5)


def test_a_sequence_alone_has_the_logits_of_the_plain_model(tiny):
    """One question, no mask and no positions of ours: what transformers computes by itself."""
    model, processor = tiny
    batch = collate_samples(processor, [encode_sample(processor, sample(2, 1), 4096)])
    ours = logits(model, batch)
    plain = {name: value for name, value in batch.items() if name not in OURS}
    with torch.inference_mode():
        theirs = model(**plain, attention_mask=torch.ones_like(batch["input_ids"])).logits
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=2e-5)


def test_positions_are_those_of_the_library(tiny):
    model, processor = tiny
    prefix = processor.prefix(sample(3).timepoint)
    ids = prefix.ids[None]
    expected, delta = model.model.get_rope_index(
        ids, mm_token_type_ids=(ids == processor.image_token_id).int(), image_grid_thw=prefix.grids
    )
    assert torch.equal(expected[:, 0], prefix.positions)
    assert prefix.next_position == len(prefix.ids) + int(delta)


def test_positions_of_words_alone_count_on():
    positions, following = rope_positions([False] * 4, [], 2)
    assert positions.tolist() == [[0, 1, 2, 3]] * 3
    assert following == 4


def test_answers_are_those_of_plain_generation(tiny):
    """All questions at once, decoded with a shared cache, against `generate` for each question alone."""
    model, processor = tiny
    reader = LocalModel(model, processor, longest=8)
    asked = [one for part in (sample(2), sample(1, 2, "1"), sample(0, 1, "2")) for one in part.asked]
    expected = []
    for one in asked:
        prefix = processor.prefix(one.timepoint)
        ids = torch.cat([prefix.ids, torch.tensor(processor.ask(one.text))])[None]
        views = {} if prefix.pixels is None else {"pixel_values": prefix.pixels, "image_grid_thw": prefix.grids}
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=(ids == processor.image_token_id).int(),
            max_new_tokens=8,
            do_sample=False,
            **views,
        )
        expected.append(processor.text(out[0, ids.shape[1] :].tolist()))
    assert reader.answer(asked) == expected
    assert len(set(expected)) > 1


def test_questions_that_do_not_fit_are_left_out_but_never_the_first(tiny):
    _, processor = tiny
    whole = encode_sample(processor, sample(1), 4096)
    assert encode_sample(processor, sample(1), 1).answering.segments.max() == 1
    assert whole.answering.segments.max() == 3
    assert len(encode_sample(processor, sample(1), len(whole))) == len(whole)
    assert len(encode_sample(processor, sample(1), len(whole) - 1)) < len(whole)


def test_loss_is_on_answers_alone(tiny):
    _, processor = tiny
    one = encode_sample(processor, sample(1), 4096)
    learnt = [int(label) for label in one.labels if label != -100]
    assert learnt == [token for _, answer in QUESTIONS for token in processor.answer(answer)]
    assert processor.text(learnt[: len(processor.answer("4"))]) == "4"


def test_a_saved_folder_loads_again(tiny, tmp_path: Path):
    model, processor = tiny
    model.save_pretrained(tmp_path)
    processor.save(tmp_path)
    again, loaded = build.load_model(str(tmp_path), processor.pixels)
    batch = collate_samples(processor, [encode_sample(processor, sample(2), 4096)])
    reloaded = collate_samples(loaded, [encode_sample(loaded, sample(2), 4096)])
    torch.testing.assert_close(logits(again.eval(), reloaded), logits(model, batch))


def test_blank_views_are_grey(tiny):
    _, processor = tiny
    blind = Processor(processor.tokenizer, processor.images, processor.pixels, blank=True)
    pixels = blind.prefix(sample(2).timepoint).pixels
    assert pixels is not None
    assert all(len(channel.unique()) == 1 for channel in pixels.unflatten(1, (3, -1)).unbind(1))


def colourful(size: tuple[int, int]) -> Image.Image:
    return Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * k).resize(size) for k in range(3)])


def shown(name: str, content: bytes) -> Timepoint:
    return Timepoint("d", "train", "t", "0", 0, media={name: content})


@pytest.mark.parametrize(("suffix", "kind", "close"), [("png", "PNG", 0), ("jpg", "JPEG", 0.05)])
def test_pixels_are_those_of_the_library(tiny, suffix, kind, close):
    """Its own reading of the same picture: order of colours, of rows and of patches."""
    _, processor = tiny
    made, image = io.BytesIO(), colourful((84, 56))
    image.save(made, kind)
    ours = processor.prefix(shown(f"room1.{suffix}", made.getvalue()))
    theirs = processor.images([Image.open(made)], size={"shortest_edge": 784, "longest_edge": 12544})
    assert ours.grids.tolist() == theirs["image_grid_thw"].tolist()
    torch.testing.assert_close(ours.pixels, torch.tensor(theirs["pixel_values"]), atol=close, rtol=0)


def test_a_large_picture_is_that_picture_made_smaller(tiny):
    _, processor = tiny
    large, small = io.BytesIO(), io.BytesIO()
    image = colourful((840, 560)).filter(ImageFilter.GaussianBlur(8))
    image.save(large, "JPEG", quality=95)
    image.resize((137, 91)).save(small, "PNG")
    one, other = (
        processor.prefix(shown(*given)) for given in (("a.jpg", large.getvalue()), ("a.png", small.getvalue()))
    )
    assert one.grids.tolist() == other.grids.tolist()
    assert (one.pixels - other.pixels).abs().mean() < 0.03


def test_blank_views_take_as_many_tokens(tiny):
    _, processor = tiny
    blind = Processor(processor.tokenizer, processor.images, processor.pixels, blank=True)
    made = io.BytesIO()
    colourful((700, 411)).save(made, "JPEG")
    point = shown("room1.jpg", made.getvalue())
    assert blind.prefix(point).grids.tolist() == processor.prefix(point).grids.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not an image", "expected a whole JPEG or PNG"),
        (picture((9, 9, 9), (1, 300)), "300 pixels by 1, and at most 200"),
    ],
)
def test_a_view_that_cannot_be_shown_is_named(tiny, content, said):
    _, processor = tiny
    with pytest.raises(OrqaError, match=rf"^d/t/0\.room1\.jpg: .*{said}"):
        processor.prefix(shown("room1.jpg", content))


def test_threads_encode_as_one_does(tiny):
    _, processor = tiny
    point = sample(2).timepoint
    asked = [
        AskedQuestion(point, Question("task", text, (text,)), text, text)
        for text in (f"Is tool number {k} there, and where was it {k * k} seconds ago?" for k in range(60))
    ]
    samples = [Sample(point, tuple(asked[k : k + 3])) for k in range(0, 60, 3)] * 3
    alone, shared = (Processor(processor.tokenizer, processor.images, processor.pixels) for _ in range(2))
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda one: encode_sample(shared, one, 4096), samples))
    for one, other in zip(made, (encode_sample(alone, one, 4096) for one in samples), strict=True):
        assert torch.equal(one.answering.ids, other.answering.ids)
        assert torch.equal(one.asking.ids, other.asking.ids)
