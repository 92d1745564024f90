"""Training: what is written loads again, what is stopped goes on, and a model of one's own is taken by its folder."""

import io
import json
from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from attrs import evolve  # noqa: E402
from PIL import Image  # noqa: E402

from orqa_registry import Answerer, CallError, Card, Dataset, OrqaError, Registry, Take, Timepoint  # noqa: E402
from orqa_shards.stream import Draw  # noqa: E402
from orqa_shards.write import Source, pack  # noqa: E402
from orqa_train import evaluation, plots, recipe, report, training  # noqa: E402

SMALL = ("workers=0", "pixels=3136", "batch=2", "tiny.hidden=32", "tiny.vision_hidden=32", "tiny.vocabulary=600")


WRONG_CHANGES = (
    ("steps", "KEY=VALUE"),
    ("tiny=3", "table"),
    ("views=room1", "list of names"),
    ("seed=x", "int"),
    ("steps=0", "more than 0"),
    ("warmup=2.0", "0 to 1"),
    ("precision=bf16", "did you mean 'bfloat16'"),
    ("schedule=cosin", "did you mean 'cosine'"),
    ("attention=flash_attention_2", "sdpa"),
    ("tiny.hidden=16", "at least 8"),
)


class Lab(Dataset):
    """Two takes of six timepoints, one of them without any view."""

    name = "Lab"
    card = Card("t", "l", "a")
    provides = {"roles", "actions"}
    splits = ("train", "test")

    def takes(self, root, split):
        yield Take(self.name, split, split, partial(self.points, split))

    def points(self, split):
        for k in range(6):
            image = io.BytesIO()
            Image.new("RGB", (70, 56), (40 * k, 100, 50)).save(image, "PNG")
            media = {"room1.png": image.getvalue(), "room1.mask.png": b"never read"} if k != 3 else {}
            labels = {"roles": ("nurse", "patient")[: k % 3], "actions": ("sawing", "drilling")[k % 2 : k % 2 + 1]}
            yield Timepoint(self.name, split, split, f"{k}", k, float(k), media, labels)


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


@pytest.fixture(scope="module")
def data(registry, tmp_path_factory):
    out = tmp_path_factory.mktemp("lab") / "shards"
    pack(registry, [Source(Lab(), Path(), ("train", "test"))], out)
    return out


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def trained(registry, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "model"
    steps = []
    made = recipe.load("tiny", [*SMALL, "steps=12"])
    done = training.train(registry, data, made, out, report=lambda step, total, loss: steps.append((step, total)))
    assert steps == [(k, 12) for k in range(1, 13)]
    assert done["steps"] == 12
    return out


def test_a_model_folder_loads_with_from_pretrained(trained):
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    model = AutoModelForImageTextToText.from_pretrained(trained)
    tokenizer = AutoTokenizer.from_pretrained(trained)
    assert type(model).__name__ == "Qwen2VLForConditionalGeneration"
    assert tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False).startswith("<|im_start|>")
    assert AutoImageProcessor.from_pretrained(trained, use_fast=False).merge_size == 2
    assert {file.name for file in trained.iterdir()} >= {"recipe.toml", "log.jsonl", "orqa.json"}
    assert not (trained / training.CHECKPOINTS).exists()


def test_the_loss_falls_and_is_drawn(trained, tmp_path):
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert lines[0]["loss"] > 0
    plots.loss_curve(trained / "log.jsonl", tmp_path / "loss.png")
    with Image.open(tmp_path / "loss.png") as curve:
        assert curve.size[0] > 300


def test_the_same_seed_gives_the_same_model(registry, data, trained, tmp_path):
    training.train(registry, data, recipe.load("tiny", [*SMALL, "steps=12"]), tmp_path / "again")
    first, second = weights(trained), weights(tmp_path / "again")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_stopped_run_goes_on_where_it_was(registry, data, trained, tmp_path):
    out = tmp_path / "stopped"
    made = recipe.load("tiny", [*SMALL, "steps=12", "save_every=5"])

    def stop(step, total, loss):
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(registry, data, made, out, report=stop)
    with pytest.raises(OrqaError, match="--resume"):
        training.train(registry, data, made, out)
    with pytest.raises(CallError, match="another recipe"):
        training.train(registry, data, evolve(made, rate=0.5), out, resume=True)
    (out / training.CHECKPOINTS / "checkpoint-9").mkdir()  # was being written when the run was killed
    seen = []
    training.train(registry, data, made, out, resume=True, report=lambda step, total, loss: seen.append(step))
    assert seen == list(range(6, 13))
    first, second = weights(trained), weights(out)
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    logs = [[json.loads(line)["step"] for line in (f / "log.jsonl").read_text().splitlines()] for f in (trained, out)]
    assert logs[0] == logs[1]


def test_a_damaged_view_is_named_without_a_traceback(registry, tmp_path):
    """Also where another process reads it."""

    class Damaged(Lab):
        def points(self, split):
            for point in super().points(split):
                yield evolve(point, media={"room1.png": b"no picture"})

    pack(registry, [Source(Damaged(), Path(), ("train",))], tmp_path / "s")
    for workers in (0, 1):
        made = recipe.load("tiny", [*SMALL, "steps=2", f"workers={workers}"])
        with pytest.raises(OrqaError) as caught:
            training.train(registry, tmp_path / "s", made, tmp_path / f"out{workers}")
        assert str(caught.value).startswith("Lab/train/")
        assert "not a JPEG or PNG" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_view_that_nobody_has_is_named(registry, data, tmp_path):
    with pytest.raises(CallError, match="no view 'room9': did you mean 'room1'"):
        training.train(registry, data, recipe.load("tiny", [*SMALL, "views=['room9']"]), tmp_path / "out")


def test_several_processes_are_refused(registry, data, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CallError, match="several processes"):
        training.train(registry, data, recipe.load("tiny", SMALL), tmp_path / "out")


def test_what_cannot_be_resumed_or_would_be_lost_is_refused(registry, data, trained, tmp_path):
    made = recipe.load("tiny", [*SMALL, "steps=1"])
    with pytest.raises(OrqaError, match="holds a trained model"):
        training.train(registry, data, made, trained)
    with pytest.raises(CallError, match="no checkpoint"):
        training.train(registry, data, made, tmp_path, resume=True)


def test_a_model_of_ones_own_is_taken_by_its_folder(registry, data, trained, tmp_path):
    made = recipe.load("tiny", [*SMALL, f"model={trained}", "steps=1", "rate=1e-9"])
    training.train(registry, data, made, tmp_path / "more")
    first, second = weights(trained), weights(tmp_path / "more")
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


def test_another_family_is_refused_and_a_missing_model_named(registry, data, tmp_path):
    from transformers import LlamaConfig

    LlamaConfig(hidden_size=8, num_attention_heads=1).save_pretrained(tmp_path / "llama")
    with pytest.raises(OrqaError, match=r"llama model.*qwen2_vl"):
        training.train(registry, data, recipe.load("tiny", [f"model={tmp_path / 'llama'}"]), tmp_path / "a")
    with pytest.raises(OrqaError, match="cannot be loaded"):
        training.train(registry, data, recipe.load("tiny", [f"model={tmp_path / 'nothing'}"]), tmp_path / "b")


def test_qwen2_5_vl_is_of_the_family(registry, data, trained, tmp_path):
    """Another member with the same words and positions: built tiny, saved, and trained by its folder."""
    from transformers import AutoConfig, AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
    from transformers import Qwen2VLImageProcessorPil as Images

    like = AutoConfig.from_pretrained(trained)
    text = {**like.text_config.to_dict(), "model_type": "qwen2_5_vl_text"}
    vision = {"depth": 1, "hidden_size": 32, "out_hidden_size": 32, "num_heads": 2, "intermediate_size": 32}
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config={**vision, "patch_size": 14, "temporal_patch_size": 1, "fullatt_block_indexes": [0]},
        **{name: getattr(like, name) for name in ("image_token_id", "video_token_id", "vision_start_token_id")},
    )
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(tmp_path / "base")
    AutoTokenizer.from_pretrained(trained).save_pretrained(tmp_path / "base")
    Images.from_pretrained(trained).save_pretrained(tmp_path / "base")
    made = recipe.load("tiny", [*SMALL, f"model={tmp_path / 'base'}", "steps=2"])
    assert training.train(registry, data, made, tmp_path / "out")["steps"] == 2


def test_evaluation_compares_and_shows(registry, data, trained, tmp_path):
    found = evaluation.evaluate(registry, data, "test", [str(trained), "blind", "truth"], Draw())
    scores = found.summary()["answerers"]
    assert set(scores) == {"model", "blind", "truth", "majority"}
    assert scores["truth"]["macro"] == scores["truth"]["micro"] == 1.0
    evaluation.write(found, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "answers-model.jsonl").read_text().splitlines()]
    assert len(lines) == found.summary()["questions"]
    assert all(line["score"] == registry.score(line["task"], line["answer"], *line["truths"]) for line in lines)
    assert json.loads((tmp_path / "results.json").read_text()) == found.summary()
    report.write_page(found, tmp_path / "index.html", examples=6)
    page = (tmp_path / "index.html").read_text()
    assert page.count("<section>") == 6
    assert page.count("data:image/png") == 1 + 5, "the plot, and the view of every timepoint that has one"
    assert "no view" in page
    assert "<script" not in page


def test_answers_do_not_depend_on_the_batch(registry, data, trained):
    outcomes = [evaluation.evaluate(registry, data, "test", [str(trained)], Draw(), batch=size) for size in (1, 4)]
    texts = [[one.text for one in found.outcome("model").answers] for found in outcomes]
    assert texts[0] == texts[1]


def test_majority_is_the_most_common_answer(registry, data):
    found = evaluation.evaluate(registry, data, "test", ["majority"], Draw(), tasks=["count_people"])
    assert {one.text for one in found.outcome("majority").answers} == {"0"}
    assert found.learnt_from == "train"
    assert found.outcome("majority").macro == pytest.approx((2 * 1.0 + 2 * 0.5) / 6)


@pytest.mark.parametrize("spec", ["majorty", "blindd:x"])
def test_an_unknown_answerer_offers_the_nearest(registry, data, spec):
    with pytest.raises(CallError, match="did you mean"):
        evaluation.evaluate(registry, data, "test", [spec], Draw())


class Odd(Answerer):
    """Answers as a stranger's answerer may."""

    name = "odd"
    summary = "odd:KIND"

    def open(self, setting):
        kinds = {
            "few": lambda batch: [],
            "numbers": lambda batch: [1 for _ in batch],
            "raises": lambda batch: 1 / 0,
            "lazy": lambda batch: (one.question.answer for one in batch),
        }
        return kinds[setting.argument]


@pytest.fixture
def with_odd():
    found = Registry.load()
    found.answerers["odd"] = Odd()
    return found


@pytest.mark.parametrize(
    ("kind", "said"), [("few", "expected"), ("numbers", "in words"), ("raises", "ZeroDivision"), ("x", "KeyError")]
)
def test_an_answerer_that_misbehaves_is_named(with_odd, data, kind, said):
    with pytest.raises(OrqaError, match=rf"answerer odd-{kind}.*{said}"):
        evaluation.evaluate(with_odd, data, "test", [f"odd:{kind}"], Draw())


def test_an_answerer_may_be_lazy_and_typed_in_any_case(with_odd, data, tmp_path):
    found = evaluation.evaluate(with_odd, data, "test", ["ODD:lazy"], Draw())
    evaluation.write(found, tmp_path)
    assert (tmp_path / "answers-odd-lazy.jsonl").is_file()
    assert found.outcome("odd-lazy").macro == 1.0


def test_what_eval_writes_scores_the_same_by_score(registry, data, tmp_path, capsys):
    from orqa_registry.cli import run

    evaluation.write(evaluation.evaluate(registry, data, "test", ["majority"], Draw()), tmp_path)
    path = tmp_path / "answers-majority.jsonl"
    assert run(["score", str(path)]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        json.loads(line) for line in path.read_text().splitlines()
    ]


def test_blind_finds_the_model_beside_the_shards(registry, data, trained, tmp_path):
    import shutil

    shutil.copytree(data, tmp_path / "shards")
    shutil.copytree(trained, tmp_path / "model")
    found = evaluation.evaluate(registry, tmp_path / "shards", "test", ["blind"], Draw(), limit=2)
    assert [one.name for one in found.outcomes] == ["blind", "majority"]


def test_blind_needs_one_model(registry, data):
    with pytest.raises(CallError, match="which model"):
        evaluation.evaluate(registry, data, "test", ["blind"], Draw())


def test_a_view_that_is_no_image_is_named(registry, data, trained):
    from orqa_train.processor import Processor

    processor = Processor.load(str(trained), 3136)
    point = Timepoint("d", "train", "t", "0", 0, media={"room1.jpg": b"not an image"})
    with pytest.raises(OrqaError, match=r"d/t/0\.room1\.jpg: not a JPEG or PNG"):
        processor.prefix(point)


def test_recipes_are_read_checked_and_written(tmp_path):
    made = recipe.load("tiny", ["steps=7", "tasks=['tools_used']", "schedule=constant", "tiny.layers=3"])
    assert (made.steps, made.tasks, made.schedule, made.tiny.layers) == (7, ("tools_used",), "constant", 3)
    path = tmp_path / "mine.toml"
    path.write_text(made.to_toml())
    assert recipe.load(str(path)) == made
    path.write_text("steps = ")
    with pytest.raises(CallError, match="not TOML"):
        recipe.load(str(path))
    for change, said in (
        ("steps", "KEY=VALUE"),
        ("tiny=3", "table"),
        ("views=room1", "list of names"),
        ("seed=x", "int"),
    ):
        with pytest.raises(CallError, match=said):
            recipe.load("tiny", [change])
