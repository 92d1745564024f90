"""Real 4D-OR labels: every question that the original asks, none besides, and the path through shards to a score."""

import gzip
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from orqa_registry import Registry, ask

SHARED = Path(__file__).resolve().parents[2] / "shared"
LABELS = SHARED / "real" / "orqa" / "relationships_validation.json"
PARITY = SHARED / "parity" / "qa_validation.jsonl.gz"

pytestmark = pytest.mark.skipif(not LABELS.is_file(), reason="the real label files (shared/real) are not here")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    out = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, SHARED / "tools" / "real_roots.py", LABELS, "validation", out], check=True)
    return out


@pytest.mark.skipif(not PARITY.is_file(), reason="the original's questions (shared/parity) are not here")
def test_questions_equal_the_originals(roots):
    registry = Registry.load()
    dataset = registry.dataset("4D-OR")
    tasks = registry.fitting(dataset)
    asked, timepoints = defaultdict(set), 0
    for take in dataset.takes(roots / "4D-OR", "validation"):
        timeline = take.timeline()
        for point in take:
            timepoints += 1
            for task, questions in ask(point, timeline, tasks):
                for one in questions:
                    for answer in one.answers:
                        row = (point.take, point.frame, tuple(one.arguments.values()), one.text, answer, one.weight)
                        asked[task.name].add(row)
    assert timepoints == 1332
    expected = defaultdict(set)
    with gzip.open(PARITY, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["dataset"] == "4D-OR" and row["type"] in registry.tasks:
                for answer in row["answers"]:
                    key = (row["take"], row["frame"], tuple(row["args"]), row["question"], answer, row.get("p", 1.0))
                    expected[row["type"]].add(key)
    assert set(asked) == set(expected)
    for task, rows in expected.items():
        assert asked[task] == rows, task


def test_ask_shard_and_eval(roots, tmp_path):
    pytest.importorskip("torch")

    def orqa(*arguments):
        command = [sys.executable, "-c", "from orqa_registry.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    lines = orqa("ask", "4D-OR", "--root", roots / "4D-OR", "--split", "val").splitlines()
    assert len(lines) > 30_000
    first = json.loads(lines[0])
    assert first.keys() == {
        *("dataset", "split", "take", "frame", "task"),
        *("arguments", "question", "answer", "view", "weight"),
    }
    sharded = json.loads(orqa("shard", "4D-OR", "--root", roots / "4D-OR", "--out", "shards", "--json"))
    assert [(row["split"], row["takes"], row["timepoints"]) for row in sharded["splits"]] == [("validation", 2, 1332)]
    common = ["--data", "shards", "--split", "val", "--answerer", "majority", "--answerer", "truth", "--json"]
    result = json.loads(orqa("eval", *common))
    assert result["majority_from"] == "validation"
    assert result["answerers"]["truth"]["micro"] == 1.0
    assert 0.2 < result["answerers"]["majority"]["macro"] < 0.6
