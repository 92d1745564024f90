"""Real labels: every question that the original asks, none besides, and the path through shards to a score."""

import gzip
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

from orqa_registry import Registry, ask
from orqa_registry.cli.main import run
from orqa_registry.questions import scoring

SHARED = Path(__file__).resolve().parents[2] / "shared"
LABELS = SHARED / "real" / "orqa" / "relationships_validation.json"
PARITY = SHARED / "parity" / "qa_validation.jsonl.gz"

pytestmark = pytest.mark.skipif(not LABELS.is_file(), reason="the real label files (shared/real) are not here")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    out = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, SHARED / "tools" / "real_roots.py", LABELS, "validation", out], check=True)
    return out


def normal(task, answer):
    """Return an answer in one order where the original shuffles its parts."""
    if task == "current_scene_graph":
        return frozenset(scoring.triplets(answer))
    return scoring.sorted_names(answer) if task == "tools_used" else answer


@pytest.fixture(scope="module")
def expected():
    """What the original asks: (dataset, task) -> take, frame, arguments, question, answer, chance."""
    if not PARITY.is_file():
        pytest.skip("the original's questions (shared/parity) are not here")
    found = defaultdict(set)
    with gzip.open(PARITY, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for answer in row["answers"]:
                about = (row["take"], row["frame"], tuple(row["args"]), row["question"])
                found[row["dataset"], row["type"]].add((*about, normal(row["type"], answer), row.get("p", 1.0)))
    return found


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize(("name", "labelled"), [("4D-OR", 1332), ("MM-OR", 2570)])
def test_questions_equal_the_originals(roots, expected, name, labelled, compat):
    registry = Registry.load()
    dataset = registry.dataset(name)
    asked, timepoints = defaultdict(set), 0
    for take in dataset.takes(roots / name, "validation"):
        timeline = take.timeline()
        for point in take:
            timepoints += point.has("relations")
            for task, questions in ask(point, timeline, registry.fitting_tasks(dataset), compat=compat):
                for one in questions:
                    about = (point.take, point.frame, tuple(one.arguments.values()), one.text)
                    asked[task.name].update((*about, normal(task.name, answer), one.weight) for answer in one.answers)
    assert timepoints == labelled
    assert set(asked) == {task for dataset, task in expected if dataset == name}
    for task, rows in asked.items():
        assert rows == expected[name, task], task


def test_ask_shard_and_eval(roots, tmp_path):
    pytest.importorskip("torch")

    def orqa(*arguments):
        command = [sys.executable, "-c", "from orqa_registry.cli.main import main; main()", *map(str, arguments)]
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


@pytest.fixture(scope="module")
def mvor(tmp_path_factory):
    """MVOR's own annotations and the additions of ORQA, unpacked; no image."""
    root = tmp_path_factory.mktemp("mvor")
    (root / "camma_mvor_2018.json").symlink_to(SHARED / "real" / "mvor" / "camma_mvor_2018.json")
    with zipfile.ZipFile(SHARED / "real" / "mvor" / "mvor_additional.zip") as additions:
        additions.extractall(root)
    return root


def doctor(capsys, name, root):
    assert run(["doctor", name, "--root", str(root), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("name", "takes", "timepoints"), [("4D-OR", 2, 1332), ("MM-OR", 3, 2570)])
def test_doctor_on_real_labels(roots, capsys, name, takes, timepoints):
    found = doctor(capsys, name, roots)
    assert found["home"] == str(roots / name), "one folder further in, and named"
    assert len(found["splits"]["validation"]["takes"]) == takes
    assert found["facets"]["relations"] == timepoints
    assert all(check["good"] for check in found["checks"] if "validation" in check["what"])
    absent = {piece["name"]: piece["costs"] for piece in found["pieces"] if piece["timepoints"] == 0}
    assert {"count_people", "role_people", "list_all_entities"} <= set(absent["32 x 32 masks"])
    assert all(piece["access"] and piece["terms"] for piece in found["pieces"])


def test_doctor_on_real_mvor(mvor, capsys):
    found = doctor(capsys, "mvor", mvor)
    assert found["timepoints"] == 729
    assert {split: one["timepoints"] for split, one in found["splits"].items()} == {
        "train": 536,
        "validation": 115,
        "test": 78,
    }
    known = {check["what"]: check["found"] for check in found["checks"] if check["good"]}
    assert known["multi-view frames"] == 732
    assert known["3D poses of people"] == 1061
    assert known["clips"] == 26
    assert found["tasks"].keys() == set(Registry.load().tasks) & {
        *("count_people", "role_people", "current_action", "where_2d", "where_3d", "distance_3d"),
        *("list_all_entities", "list_all_entities_ordered_2D"),
    }
