"""A stranger's plugin, the one in the README: one more dataset and one more task, and not a line changed here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def block(language: str, holding: str) -> str:
    """Return the code block of the README that holds some words."""
    blocks = [part.partition("\n```")[0] for part in README.split(f"```{language}\n")[1:]]
    return next(one for one in blocks if holding in one) + "\n"


def write_lab(root: Path) -> None:
    """Write a small download of the stranger's dataset."""
    from PIL import Image

    for split, name in (("train", "a"), ("train", "b"), ("test", "c")):
        folder = root / split / name
        folder.mkdir(parents=True)
        labels = {f"{k:02d}": {"left": (3 * k + ord(name)) % 5} for k in range(8)}
        for frame, label in labels.items():
            label["actions"] = ["tying"] if label["left"] else []
            Image.new("RGB", (56, 56), (50 * label["left"], 80, 120)).save(folder / f"{frame}.jpg")
        (folder / "labels.json").write_text(json.dumps(labels))


@pytest.fixture(scope="module")
def orqa(tmp_path_factory):
    """The command line with the stranger's plugin pip-installed beside it."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "pyproject.toml").write_text(block("toml", "orqa_plugin_knots"))
    (folder / "orqa_plugin_knots.py").write_text(block("python", "class KnotLab"))
    write_lab(folder / "lab")
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(folder)], check=True)

    def run(*arguments: str):
        command = [sys.executable, "-c", "from orqa_registry.cli.main import main; main()", *arguments, "--json"]
        environ = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=folder, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.folder = folder
    return run


def test_a_strangers_plugin_is_listed_sharded_trained_and_evaluated(orqa):
    listed = orqa("list")
    assert listed["plugins"]["knots"] == {
        "distribution": "orqa-plugin-knots",
        "version": "3.1",
        "brings": ["KnotLab", "knots_left"],
    }
    fits = listed["datasets"]["KnotLab"]["tasks"]
    assert "knots_left" in fits
    assert "current_action" in fits, "everybody's tasks fit the stranger's dataset"
    assert "tools_used" not in fits
    assert orqa("info", "knots_left")["datasets"] == ["KnotLab"]

    sharded = orqa("shard", "knotlab", "--root", "lab", "--out", "shards")
    assert [(row["split"], row["timepoints"]) for row in sharded["splits"]] == [("train", 16), ("test", 8)]

    trained = orqa("train", "--data", "shards", "--out", "model", "--set", "steps=3")
    assert "knots_left" in trained["tasks"]
    assert (Path(orqa.folder) / "model" / "loss.png").stat().st_size > 1000

    result = orqa("eval", "--data", "shards", "--answerer", "model", "--answerer", "blind", "--answerer", "truth")
    assert set(result["answerers"]) == {"model", "blind", "truth", "majority"}
    assert result["answerers"]["truth"]["macro"] == 1.0
    assert result["answerers"]["model"]["tasks"]["knots_left"]["questions"] == 8
    page = (Path(orqa.folder) / "eval-shards-test" / "index.html").read_text()
    assert "How many knots are left to tie?" in page
    assert page.count("data:image/jpeg;base64") == 6
