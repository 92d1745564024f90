"""A stranger's plugin: one more dataset and one more task, and not a line changed here."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("torch")

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "orqa-plugin-knots"
version = "3.1"
dependencies = ["orqa-registry"]

[project.entry-points.orqa_registry]
knots = "orqa_plugin_knots"

[tool.hatch.build.targets.wheel]
only-include = ["orqa_plugin_knots.py"]
"""

MODULE = '''
"""Knots tied in a lab, filmed by one camera."""

import io
from functools import partial

from PIL import Image

from orqa_registry import Card, Dataset, Take, Task, Timepoint, hookimpl, scoring


class KnotLab(Dataset):
    name = "KnotLab"
    card = Card(title="Knot tying lab", licence="CC0", access="it makes itself")
    provides = {"actions", "knots:left"}
    splits = ("train", "test")

    def takes(self, root, split):
        for name in ("a", "b") if split == "train" else ("c",):
            yield Take(self.name, split, name, partial(self.read, split, name))

    def read(self, split, name):
        for k in range(8):
            left = (k * 3 + ord(name)) % 5
            image = io.BytesIO()
            Image.new("RGB", (56, 56), (50 * left, 80, 120)).save(image, "JPEG")
            labels = {"actions": ("tying",) if left else (), "knots:left": left}
            yield Timepoint(self.name, split, name, f"{k:02d}", k, float(k), {"bench.jpg": image.getvalue()}, labels)


class KnotsLeft(Task):
    name = "knots_left"
    needs = {"knots:left"}
    question = "How many knots are left to tie?"
    answer_format = "one integer"

    def ask(self, moment):
        yield self.pose(str(moment.labels["knots:left"]))

    def score(self, truth, answer):
        return scoring.count(truth, answer)


@hookimpl
def orqa_datasets():
    yield KnotLab()


@hookimpl
def orqa_tasks():
    yield KnotsLeft()
'''


@pytest.fixture(scope="module")
def orqa(tmp_path_factory):
    """The command line with the stranger's plugin pip-installed beside it."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "orqa_plugin_knots.py").write_text(textwrap.dedent(MODULE))
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(folder)], check=True)

    def run(*arguments: str):
        command = [sys.executable, "-c", "from orqa_registry.cli import main; main()", *arguments, "--json"]
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

    sharded = orqa("shard", "knotlab", "--root", ".", "--out", "shards")
    assert [(row["split"], row["timepoints"]) for row in sharded["splits"]] == [("train", 16), ("test", 8)]

    trained = orqa("train", "--data", "shards", "--out", "model", "--set", "steps=3", "--set", "views=[]")
    assert "knots_left" in trained["tasks"]
    assert (Path(orqa.folder) / "model" / "loss.png").stat().st_size > 1000

    result = orqa("eval", "--data", "shards", "--answerer", "model", "--answerer", "blind", "--answerer", "truth")
    assert set(result["answerers"]) == {"model", "blind", "truth", "majority"}
    assert result["answerers"]["truth"]["macro"] == 1.0
    assert result["answerers"]["model"]["tasks"]["knots_left"]["questions"] == 8
    page = (Path(orqa.folder) / "eval-test" / "index.html").read_text()
    assert "How many knots are left to tie?" in page
    assert page.count("data:image/jpeg;base64") == 6
