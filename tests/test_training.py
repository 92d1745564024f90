"""Training: what is written loads again, what is stopped goes on, and a model of one's own is taken by its folder."""

import json
import os
import signal
import sys
from multiprocessing import active_children
from statistics import fmean

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from attrs import evolve  # noqa: E402
from PIL import Image  # noqa: E402
from small_lab import SMALL, Unlabelled, packed, spoil  # noqa: E402

from orqa_registry import CallError, DataWarning, OrqaError, Registry  # noqa: E402
from orqa_shards.sampling.mixture import Mixture  # noqa: E402
from orqa_train import plots, recipe  # noqa: E402
from orqa_train.cli import train  # noqa: E402
from orqa_train.training import interrupt, trainer  # noqa: E402


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


@pytest.fixture(scope="module")
def data(registry, tmp_path_factory):
    return packed(registry, tmp_path_factory.mktemp("lab") / "shards")


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def trained(registry, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "model"
    steps = []
    made = recipe.load_recipe("tiny", [*SMALL, "steps=12"])
    done = trainer.train(registry, data, made, out, report=lambda step, total, loss: steps.append((step, total)))
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
    assert not (trained / trainer.CHECKPOINT_FOLDER).exists()


def test_the_loss_falls_and_is_drawn(trained, tmp_path):
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert lines[0]["loss"] > 0
    plots.loss_curve(trained / "log.jsonl", tmp_path / "loss.png")
    with Image.open(tmp_path / "loss.png") as curve:
        assert curve.size[0] > 300


def test_the_same_seed_gives_the_same_model(registry, data, trained, tmp_path):
    trainer.train(registry, data, recipe.load_recipe("tiny", [*SMALL, "steps=12"]), tmp_path / "again")
    first, second = weights(trained), weights(tmp_path / "again")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_stopped_run_goes_on_where_it_was(registry, data, trained, tmp_path):
    out = tmp_path / "stopped"
    made = recipe.load_recipe("tiny", [*SMALL, "steps=12", "save_every=5"])

    def stop(step, total, loss):
        if step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^5 steps are kept; go on: --resume$"):
        trainer.train(registry, data, made, out, report=stop)
    with pytest.raises(OrqaError, match="--resume"):
        trainer.train(registry, data, made, out)
    with pytest.raises(CallError, match="another recipe"):
        trainer.train(registry, data, evolve(made, rate=0.5), out, resume=True)
    with pytest.raises(CallError, match="another mixture"):
        trainer.train(registry, data, evolve(made, mixture=Mixture(questions=1)), out, resume=True)
    with pytest.raises(CallError, match="other data"):
        trainer.train(registry, packed(registry, tmp_path / "other", Unlabelled()), made, out, resume=True)
    fewer = Registry.load()
    del fewer.tasks["count_people"]
    with pytest.raises(CallError, match=r"asked other tasks \(not there now: count_people\)"):
        trainer.train(fewer, data, made, out, resume=True)
    state = json.loads((out / trainer.CHECKPOINT_FOLDER / "checkpoint-5" / "orqa.json").read_text())
    assert state["loader"]["position"] == 10
    assert Mixture.parse(state["mixture"]).digest == state["loader"]["mixture"]
    (out / trainer.CHECKPOINT_FOLDER / "checkpoint-9").mkdir()  # was being written when the run was killed
    with (out / trainer.LOG_FILE).open("a") as log:
        log.write('{"step": 7, "lo')  # so was a line of the log
    seen = []
    other = evolve(made, readers=2, workers=1)
    trainer.train(registry, data, other, out, resume=True, report=lambda step, total, loss: seen.append(step))
    assert seen == list(range(6, 13))
    first, second = weights(trained), weights(out)
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    logs = [[json.loads(line) for line in (f / "log.jsonl").read_text().splitlines()] for f in (trained, out)]
    assert [line["step"] for line in logs[0]] == list(range(1, 13)) == [line["step"] for line in logs[1]]
    assert [line["loss"] for line in logs[0]] == pytest.approx([line["loss"] for line in logs[1]], abs=1e-4)
    whole, resumed = (json.loads((folder / "orqa.json").read_text()) for folder in (trained, out))
    assert resumed["loss"] == pytest.approx(whole["loss"], abs=1e-4)
    assert resumed["loss"] == pytest.approx(fmean(line["loss"] for line in logs[1][-10:]))
    assert resumed["seconds"] > state["seconds"], "those before it was stopped are counted too"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_view_costs_its_sample(registry, tmp_path, workers):
    key = spoil(packed(registry, tmp_path / "s"), "train", 2, "room1.png")
    made = recipe.load_recipe("tiny", [*SMALL, "steps=6", f"workers={workers}"])
    with pytest.warns(DataWarning, match=f"{key}: .*room1.png is damaged"):
        done = trainer.train(registry, tmp_path / "s", made, tmp_path / "out")
    assert done["steps"] == 6
    assert done["left_out"] == 2, "once an epoch"
    strict = recipe.load_recipe("tiny", [*SMALL, "steps=6", f"workers={workers}", "bad_in_a_row=1"])
    with pytest.raises(OrqaError, match=rf"1 samples in a row are bad(.|\n)*{key}(.|\n)*--set bad_in_a_row"):
        trainer.train(registry, tmp_path / "s", strict, tmp_path / "strict")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_with_nothing_left_to_train_on_says_why(registry, tmp_path, workers):
    """In plain words, also where another process reads."""
    packed(registry, tmp_path / "s", Unlabelled())
    keys = [spoil(tmp_path / "s", "train", number, "room1.png") for number in (4, 5)]
    made = recipe.load_recipe("tiny", [*SMALL, "steps=2", f"workers={workers}"])
    with pytest.raises(OrqaError, match="none of the 6 samples of an epoch can be used") as caught:
        trainer.train(registry, tmp_path / "s", made, tmp_path / "out")
    assert any(f"the first that is bad is {key}: " in str(caught.value) for key in keys)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_asked_is_not_trained_on(registry, tmp_path):
    packed(registry, tmp_path / "s", Unlabelled())
    seen = []
    made = recipe.load_recipe("tiny", [*SMALL, "steps=3", "batch=4"])
    trainer.train(registry, tmp_path / "s", made, tmp_path / "out", report=lambda *step: seen.append(step))
    assert len(seen) == 3


def test_a_view_that_nobody_has_is_named(registry, data, tmp_path):
    with pytest.raises(CallError, match="no view 'room9': did you mean 'room1'"):
        trainer.train(registry, data, recipe.load_recipe("tiny", [*SMALL, "views=['room9']"]), tmp_path / "out")


def test_several_processes_are_refused(registry, data, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CallError, match="several processes"):
        trainer.train(registry, data, recipe.load_recipe("tiny", SMALL), tmp_path / "out")


def test_what_cannot_be_resumed_or_would_be_lost_is_refused(registry, data, trained, tmp_path):
    made = recipe.load_recipe("tiny", [*SMALL, "steps=1"])
    with pytest.raises(OrqaError, match="holds a trained model"):
        trainer.train(registry, data, made, trained)
    with pytest.raises(CallError, match="no checkpoint"):
        trainer.train(registry, data, made, tmp_path, resume=True)


def test_a_model_of_ones_own_is_taken_by_its_folder(registry, data, trained, tmp_path):
    made = recipe.load_recipe("tiny", [*SMALL, f"model={trained}", "steps=1", "rate=1e-9"])
    trainer.train(registry, data, made, tmp_path / "more")
    first, second = weights(trained), weights(tmp_path / "more")
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


def test_another_family_is_refused_and_a_missing_model_named(registry, data, tmp_path):
    from transformers import LlamaConfig

    LlamaConfig(hidden_size=8, num_attention_heads=1).save_pretrained(tmp_path / "llama")
    with pytest.raises(OrqaError, match=r"llama model.*qwen2_vl"):
        trainer.train(registry, data, recipe.load_recipe("tiny", [f"model={tmp_path / 'llama'}"]), tmp_path / "a")
    with pytest.raises(OrqaError, match="cannot be loaded"):
        trainer.train(registry, data, recipe.load_recipe("tiny", [f"model={tmp_path / 'nothing'}"]), tmp_path / "b")


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
    made = recipe.load_recipe("tiny", [*SMALL, f"model={tmp_path / 'base'}", "steps=2"])
    assert trainer.train(registry, data, made, tmp_path / "out")["steps"] == 2


def test_tasks_are_chosen_by_the_mixture(registry, data, tmp_path):
    made = recipe.load_recipe("tiny", [*SMALL, "steps=1"]).with_tasks(["count_people", "current_action"])
    assert trainer.train(registry, data, made, tmp_path / "out")["tasks"] == ["count_people", "current_action"]
    with pytest.raises(CallError, match="can be asked none of tools_used"):
        trainer.train(registry, data, made.with_tasks(["tools_used"]), tmp_path / "no")
    with pytest.raises(CallError, match="did you mean"):
        trainer.train(registry, data, made.with_tasks(["count_peple"]), tmp_path / "no")


def command(registry, *arguments):
    return CliRunner().invoke(train.train, list(map(str, arguments)), obj=registry)


def small(*changes):
    return [word for change in (*SMALL, *changes) for word in ("--set", change)]


@pytest.mark.parametrize("workers", [0, 1])
def test_ctrl_c_keeps_the_step_that_is_done_and_resume_says_when_all_is(
    registry, data, trained, tmp_path, monkeypatch, workers
):
    """Between two checkpoints; as a terminal does it, to all processes."""
    about = ("--data", data, "--out", tmp_path / "m", *small("steps=12", f"workers={workers}"))
    run = trainer.run_training

    def interrupted(job, report, stop):
        def told(step, steps, loss):
            report(step, steps, loss)
            if step == 3:
                os.kill(os.getpid(), signal.SIGINT)
                for child in active_children():
                    os.kill(child.pid, signal.SIGINT)

        return run(job, told, stop)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "run_training", interrupted)
        stopped = command(registry, *about).exception
    assert (type(stopped), str(stopped)) == (SystemExit, "1") or isinstance(stopped, KeyboardInterrupt)
    assert [path.name for path in (tmp_path / "m" / trainer.CHECKPOINT_FOLDER).iterdir()] == ["checkpoint-3"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    done = command(registry, *about, "--resume", "--json")
    assert done.exit_code == 0, done.output
    first, second = weights(trained), weights(tmp_path / "m")
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    again = command(registry, *about, "--resume")
    assert (again.exit_code, "is finished: nothing is left to do" in again.output) == (0, True)
    same = json.loads(command(registry, *about, "--resume", "--json").stdout)
    assert same == json.loads(done.stdout)
    other = command(registry, *about, "--resume", "--set", "steps=13").exception
    assert "another recipe" in str(other)


def test_a_second_ctrl_c_stops_at_once_and_so_does_one_before_any_step():
    with pytest.raises(KeyboardInterrupt), interrupt.GracefulInterrupt():
        signal.raise_signal(signal.SIGINT)
    with interrupt.GracefulInterrupt() as waiting:
        waiting.steps = 1
        signal.raise_signal(signal.SIGINT)
        assert waiting.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_no_model_is_written_among_shards(registry, data):
    with pytest.raises(CallError, match="holds shards"):
        trainer.train(registry, data, recipe.load_recipe("tiny", SMALL), data)


def test_what_training_needs_is_named_with_what_brings_it(registry, data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orqa_train.plots", None)
    monkeypatch.delattr("orqa_train.plots")
    failed = command(registry, "--data", data, "--out", tmp_path / "m").exception
    assert str(failed) == "train needs orqa_train.plots: pip install 'orqa-registry[train]'"
    assert not (tmp_path / "m").exists()
