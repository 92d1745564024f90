"""Real MM-OR labels: the counts that are known, and every question that the original asks, none besides."""

import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared"
LABELS = SHARED / "real" / "orqa" / "relationships_validation.json"
PARITY = SHARED / "parity" / "qa_validation.jsonl.gz"

pytestmark = pytest.mark.skipif(not LABELS.is_file(), reason="the real label files (shared/real) are not here")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    out = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, SHARED / "tools" / "real_roots.py", LABELS, "validation", out], check=True)
    return out / "MM-OR"


def test_labelled_timepoints_are_as_many_as_is_known(dataset, real):
    takes = {take.name: list(take) for take in dataset.takes(real, "validation")}
    labelled = {name: [p for p in points if "relations" in p.labels] for name, points in takes.items()}
    assert {name: len(points) for name, points in labelled.items()} == {
        "002_PKA_MMOR": 867,
        "007_TKA_MMOR": 1156,
        "009_TKA_MMOR": 547,
    }
    assert len(takes["007_TKA_MMOR"]) == 3466
    assert [int(p.frame) for p in labelled["007_TKA_MMOR"]] == list(range(0, 3466, 3))
    for points in labelled.values():
        last = [p.index for p in points if any(e.predicate == "calibrating" for e in p.labels["relations"])][-1:]
        calibrated = [p.index for p in points if p.labels["robot_calibrated"]]
        assert calibrated == [p.index for p in points if last and p.index >= last[0]]


def test_checks_find_the_known_numbers(dataset, real):
    checks = list(dataset.checks(real))
    assert [check for check in checks if not check.good] == []
    assert {check.what for check in checks} >= {
        "relationships_validation.json: scene graphs of MM-OR",
        "007_TKA_MMOR: frames in its index",
        "007_TKA_MMOR: frames without a scene graph among them",
    }
