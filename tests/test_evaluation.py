"""Evaluation: answerers on the same questions, whoever they are, and what is left of it where something is damaged."""

import json

import pytest
from click.testing import CliRunner

pytest.importorskip("torch")

from small_lab import SMALL, packed, spoil

from orqa_registry import Answerer, CallError, DataWarning, OrqaError, Registry
from orqa_shards.error_budget import ErrorBudget
from orqa_shards.sampling.mixture import Mixture
from orqa_train import recipe
from orqa_train.cli import eval_
from orqa_train.evaluation import evaluate, results
from orqa_train.evaluation.html_report import write_html_report
from orqa_train.training import trainer


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


@pytest.fixture(scope="module")
def data(registry, tmp_path_factory):
    return packed(registry, tmp_path_factory.mktemp("lab") / "shards")


@pytest.fixture(scope="module")
def trained(registry, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "model"
    trainer.train(registry, data, recipe.load_recipe("tiny", [*SMALL, "steps=4"]), out)
    return out


def test_evaluation_compares_and_shows(registry, data, trained, tmp_path):
    found = evaluate.evaluate(registry, data, "test", [str(trained), "blind", "truth"], Mixture())
    scores = found.summary()["answerers"]
    assert set(scores) == {"model", "blind", "truth", "majority"}
    assert scores["truth"]["macro"] == scores["truth"]["micro"] == 1.0
    results.write_results(found, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "answers-model.jsonl").read_text().splitlines()]
    assert len(lines) == found.summary()["questions"]
    assert all(line["score"] == registry.score(line["task"], line["answer"], *line["truths"]) for line in lines)
    assert json.loads((tmp_path / "results.json").read_text()) == found.summary()
    write_html_report(found, tmp_path / "index.html", examples=6)
    page = (tmp_path / "index.html").read_text()
    assert page.count("<section>") == 6
    assert page.count("data:image/") == 1 + 5, "the plot, and the view of every timepoint that has one"
    assert "no view" in page
    assert "<script" not in page


def test_answers_do_not_depend_on_the_batch(registry, data, trained):
    outcomes = [evaluate.evaluate(registry, data, "test", [str(trained)], Mixture(), batch=size) for size in (1, 4)]
    texts = [[one.text for one in found.outcome("model").answers] for found in outcomes]
    assert texts[0] == texts[1]


def test_majority_is_the_most_common_answer(registry, data):
    found = evaluate.evaluate(registry, data, "test", ["majority"], Mixture(), tasks=["count_people"])
    assert {one.text for one in found.outcome("majority").answers} == {"0"}
    assert found.learnt_from == "train"
    assert found.outcome("majority").macro == pytest.approx((2 * 1.0 + 2 * 0.5) / 6)


@pytest.mark.parametrize("spec", ["majorty", "blindd:x"])
def test_an_unknown_answerer_offers_the_nearest(registry, data, spec):
    with pytest.raises(CallError, match="did you mean"):
        evaluate.evaluate(registry, data, "test", [spec], Mixture())


def dark(batch):
    raise OrqaError("dark")


class Odd(Answerer):
    """Answers as a stranger's answerer may."""

    name = "odd"
    summary = "odd:KIND"

    def open(self, setting):
        kinds = {
            "few": lambda batch: [],
            "numbers": lambda batch: [1 for _ in batch],
            "raises": lambda batch: 1 / 0,
            "dark": dark,
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
        evaluate.evaluate(with_odd, data, "test", [f"odd:{kind}"], Mixture())


def test_an_answerer_may_be_lazy_and_typed_in_any_case(with_odd, data, tmp_path):
    found = evaluate.evaluate(with_odd, data, "test", ["ODD:lazy"], Mixture())
    results.write_results(found, tmp_path)
    assert (tmp_path / "answers-odd-lazy.jsonl").is_file()
    assert found.outcome("odd-lazy").macro == 1.0


def test_what_eval_writes_scores_the_same_by_score(registry, data, tmp_path, capsys):
    from orqa_registry.cli.main import run

    results.write_results(evaluate.evaluate(registry, data, "test", ["majority"], Mixture()), tmp_path)
    path = tmp_path / "answers-majority.jsonl"
    assert run(["score", str(path)]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        json.loads(line) for line in path.read_text().splitlines()
    ]


def test_blind_finds_the_model_beside_the_shards(registry, data, trained, tmp_path):
    import shutil

    shutil.copytree(data, tmp_path / "shards")
    shutil.copytree(trained, tmp_path / "model")
    found = evaluate.evaluate(registry, tmp_path / "shards", "test", ["blind"], Mixture(), limit=2)
    assert [one.name for one in found.outcomes] == ["blind", "majority"]


def test_blind_needs_one_model(registry, data):
    with pytest.raises(CallError, match="which model"):
        evaluate.evaluate(registry, data, "test", ["blind"], Mixture())


def test_a_view_that_cannot_be_read_costs_its_questions(registry, trained, tmp_path):
    whole = evaluate.evaluate(registry, packed(registry, tmp_path / "s"), "test", [str(trained)], Mixture())
    key = spoil(tmp_path / "s", "test", 1, "room1.png")
    with pytest.warns(DataWarning, match=f"{key}: .*room1.png is damaged.*: its questions are left out"):
        found = evaluate.evaluate(registry, tmp_path / "s", "test", [str(trained), "blind", "truth"], Mixture())
    assert [one.key for one in found.bad] == [key]
    for outcome in found.outcomes:
        assert key not in {one.asked.timepoint.key for one in outcome.answers}
    before = {(one.asked.timepoint.key, one.asked.text): one.text for one in whole.outcome("model").answers}
    after = {(one.asked.timepoint.key, one.asked.text): one.text for one in found.outcome("model").answers}
    assert after == {asked: text for asked, text in before.items() if asked[0] != key}
    results.write_results(found, tmp_path / "out")
    (said,) = json.loads((tmp_path / "out" / "results.json").read_text())["bad"]
    assert said["timepoint"] == key
    assert "CRC-32" in said["why"]
    write_html_report(found, tmp_path / "index.html")
    assert "Left out: 1 timepoints" in (tmp_path / "index.html").read_text()


def test_a_page_shows_no_view_that_nobody_could_read(registry, tmp_path):
    spoil(packed(registry, tmp_path / "s"), "test", 1, "room1.png")
    found = evaluate.evaluate(registry, tmp_path / "s", "test", ["majority"], Mixture())
    assert found.bad == ()
    write_html_report(found, tmp_path / "index.html", examples=6)
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/") == 1 + 4
    assert "damaged" in page


@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")
def test_where_nothing_can_be_read_there_is_no_score(registry, data, with_odd):
    with pytest.raises(OrqaError, match=r"no timepoint of split test of .* can be used: Lab/test/0: dark"):
        evaluate.evaluate(with_odd, data, "test", ["odd:dark"], Mixture())


def test_results_of_far_shards_are_written_here():
    assert str(evaluate.parent_folder("s3://bucket/shards")) == "."
    assert evaluate.parent_folder("/data/shards").as_posix() == "/data"


def test_too_many_bad_timepoints_stop_an_evaluation(registry, trained, tmp_path):
    spoil(packed(registry, tmp_path / "s"), "test", 1, "room1.png")
    with (
        pytest.warns(DataWarning, match="CRC-32"),
        pytest.raises(OrqaError, match=r"1 timepoints in a row are bad(.|\n)*--bad-in-a-row"),
    ):
        evaluate.evaluate(
            registry, tmp_path / "s", "test", [str(trained)], Mixture(), budget=ErrorBudget(in_a_row=1, per_cent=5)
        )


def test_no_result_is_written_among_shards(registry, data):
    before = sorted(data.iterdir())
    failed = CliRunner().invoke(
        eval_.eval_, ["--data", str(data), "--answerer", "majority", "--out", str(data)], obj=registry
    )
    assert isinstance(failed.exception, CallError)
    assert "holds shards" in str(failed.exception)
    assert sorted(data.iterdir()) == before
