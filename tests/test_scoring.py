"""The scorers: exact brackets, and nothing that they are given makes them raise."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import Registry, scoring

CASES = Path(__file__).resolve().parents[2] / "shared" / "parity" / "score_cases.jsonl.gz"
SCORERS = [scoring.label, scoring.count, scoring.names, scoring.seconds, scoring.percent]


@pytest.mark.parametrize(
    ("scorer", "truth", "answer", "score"),
    [
        (scoring.label, "Head Surgeon ", "head surgeon", 1.0),
        (scoring.label, "sawing", "saw", 0.0),
        (scoring.count, "4", "4", 1.0),
        (scoring.count, "4", "5", 0.5),
        (scoring.count, "4", "6", 0.0),
        (scoring.count, "4", "four", 0.0),
        (scoring.names, "saw, drill", "Drill , saw", 1.0),
        (scoring.names, "saw, drill", "saw", 0.5),
        (scoring.names, "saw, drill", "saw, hammer", 1 / 3),
        (scoring.names, "nothing", "", 0.0),
        (scoring.seconds, "100 seconds", "109 seconds", 1.0),
        (scoring.seconds, "100 seconds", "110 seconds", 0.5),
        (scoring.seconds, "100 seconds", "124", 0.5),
        (scoring.seconds, "100 seconds", "125 seconds", 0.0),
        (scoring.seconds, "0 seconds", "0 seconds", 1.0),
        (scoring.seconds, "0 seconds", "1 seconds", 0.0),
        (scoring.percent, "50%", "59%", 1.0),
        (scoring.percent, "50%", "60%", 0.5),
        (scoring.percent, "50%", "26", 0.5),
        (scoring.percent, "50%", "25%", 0.0),
        (scoring.percent, "50%", "half", 0.0),
    ],
)
def test_brackets(scorer, truth, answer, score):
    assert scorer(truth, answer) == pytest.approx(score)


@given(st.text(), st.text(), st.sampled_from(SCORERS))
def test_scorers_never_raise(truth, answer, scorer):
    assert 0.0 <= scorer(truth, answer) <= 1.0


@given(st.integers().map(str) | st.text(alphabet="0123456789 _%s-"), st.integers().map(str), st.sampled_from(SCORERS))
def test_scorers_never_raise_on_numbers(truth, answer, scorer):
    assert 0.0 <= scorer(truth, answer) <= 1.0


@pytest.mark.skipif(not CASES.is_file(), reason="the original's scores (shared/parity) are not here")
def test_scores_equal_the_originals():
    registry = Registry.load()
    compared = 0
    with gzip.open(CASES, "rt", encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            # Grounded answers are cut before they are scored, by the evaluator; where the original raises, we score 0.
            if case["question_type"] in registry.tasks and not case.get("with_sg_grounding"):
                score = registry.score(case["question_type"], case["pred"], case["gt"])
                assert score == pytest.approx(case["success"] or 0.0, abs=1e-9), case
                compared += 1
    assert compared > 500
