"""`synth --layout`: whose layout, how much of it, whole or not at all, and nothing of others is replaced."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_datasets import Somewhere, Unwritten
from PIL import Image

from orqa_plugin_hybridor import HybridOR
from orqa_plugin_hybridor.command import synth
from orqa_plugin_hybridor.copies.folder_writer import MARKER_FILE, check_replaceable
from orqa_registry import CallError, Layout, Registry, Take
from orqa_registry.data.records import is_view

SMALL = ["--takes", "2", "--timepoints", "3", "--size", "40"]


@pytest.fixture
def registry() -> Registry:
    registry = Registry(strict=True)
    registry.datasets = {dataset.name: dataset for dataset in (Somewhere(), Unwritten(), HybridOR())}
    return registry


def run(registry: Registry, *arguments: str) -> str:
    result = CliRunner().invoke(synth, list(arguments), obj=registry, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_arguments_same_bytes(registry: Registry, tmp_path: Path) -> None:
    output = run(registry, "--layout", "somewhere", "--out", str(tmp_path / "a"), *SMALL)
    assert output.splitlines()[0].startswith(f"{tmp_path / 'a'}: a copy of Some-Where, 2 takes, 6 timepoints, in ")
    assert output.splitlines()[1:] == [
        "  train 1, test 1",
        f"Next: orqa-registry doctor Some-Where --root {tmp_path / 'a'}",
    ]
    run(registry, "--layout", "SOME WHERE", "--out", str(tmp_path / "deep" / "b"), *SMALL)
    assert digest(tmp_path / "a") == digest(tmp_path / "deep" / "b")
    assert len(digest(tmp_path / "a")) > 6 * 30
    run(registry, "--layout", "somewhere", "--out", str(tmp_path / "c"), *SMALL, "--seed", "1")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c", "deep"]


def test_the_marker_says_how_it_was_made(registry: Registry, tmp_path: Path) -> None:
    out = tmp_path / "a"
    written = json.loads(run(registry, "--layout", "somewhere", "--out", str(out), *SMALL, "--json"))
    assert (written["layout"], written["takes"], written["timepoints"]) == ("Some-Where", {"train": 1, "test": 1}, 6)
    marker = json.loads((out / MARKER_FILE).read_text())
    files = marker.pop("files")
    assert marker == {"layout": "Some-Where", "takes": 2, "timepoints": 3, "size": 40, "seed": 0}
    assert set(files) == set(digest(out)) - {MARKER_FILE}


def test_defaults_are_small(registry: Registry, tmp_path: Path) -> None:
    written = json.loads(run(registry, "--layout", "somewhere", "--out", str(tmp_path / "a"), "--size", "32", "--json"))
    assert (written["takes"], written["timepoints"]) == ({"train": 2, "test": 1}, 36)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layout", "unwritten"], "nobody wrote down how Un-Written is written; .* can write: HybridOR, Some-Where"),
        (["--layout", "somewere"], "unknown dataset 'somewere': did you mean 'Some-Where'"),
        (["--layout", "somewhere", "--takes", "4"], "Some-Where has 3 takes to be written, not 4"),
    ],
)
def test_what_cannot_be_written(registry: Registry, tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CallError, match=message):
        run(registry, "--out", str(tmp_path / "a"), *arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_if_it_is_ours_and_as_it_was(registry: Registry, tmp_path: Path) -> None:
    out = tmp_path / "a"
    copy = ["--layout", "somewhere", "--out", str(out), *SMALL]
    out.mkdir()
    run(registry, *copy)
    before = digest(out)
    with pytest.raises(CallError, match="was made before: name another folder, or say --force"):
        run(registry, *copy)
    run(registry, *copy, "--force", "--seed", "1")
    assert digest(out) != before
    (out / "notes").mkdir()
    (out / "notes" / "thesis.txt").write_text("precious")
    with pytest.raises(CallError, match=r"thesis\.txt was not written by synth, so .* is not replaced"):
        run(registry, *copy, "--force")
    (out / "notes" / "thesis.txt").unlink()
    label = next(out.rglob("labels.txt"))
    label.write_text("[]")
    with pytest.raises(CallError, match=r"labels\.txt was changed since it was written"):
        run(registry, *copy, "--force")
    label.unlink()
    run(registry, *copy, "--force")
    assert digest(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("marker", [None, "{", "[]", '{"files": 3}'])
def test_folders_of_others_are_refused(registry: Registry, tmp_path: Path, marker: str | None) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    if marker is not None:
        (tmp_path / MARKER_FILE).write_text(marker)
    before = digest(tmp_path)
    for force in ([], ["--force"]):
        with pytest.raises(CallError, match="was not made by synth --layout; name an empty folder"):
            run(registry, "--layout", "somewhere", "--out", str(tmp_path), *SMALL, *force)
    with pytest.raises(CallError, match="is a file"):
        check_replaceable(tmp_path / "thesis.txt", force=True)
    assert digest(tmp_path) == before


def test_a_link_is_no_file_of_ours(registry: Registry, tmp_path: Path) -> None:
    out = tmp_path / "a"
    run(registry, "--layout", "somewhere", "--out", str(out), *SMALL)
    (tmp_path / "elsewhere").mkdir()
    (out / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CallError, match="link was not written by synth"):
        run(registry, "--layout", "somewhere", "--out", str(out), *SMALL, "--force")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
def test_a_copy_that_fails_leaves_what_was_there(tmp_path: Path, error: BaseException | type[BaseException]) -> None:
    def write(root: Path, takes: Sequence[Take]) -> None:
        (root / "half.txt").write_text("half")
        raise error

    registry = Registry(strict=True)
    registry.datasets = {"Some-Where": Somewhere(Layout((("train", "a"),), write))}
    out = tmp_path / "a"
    out.mkdir()
    with pytest.raises((KeyboardInterrupt, OSError, RuntimeError, SystemExit)):
        CliRunner().invoke(
            synth,
            ["--layout", "somewhere", "--out", str(out)],
            obj=registry,
            catch_exceptions=False,
            standalone_mode=False,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert list(out.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    def write(root: Path, takes: Sequence[Take]) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "thesis.txt").write_text("precious")

    registry = Registry(strict=True)
    registry.datasets = {"Some-Where": Somewhere(Layout((("train", "a"),), write))}
    with pytest.raises(CallError, match="holds files"):
        run(registry, "--layout", "somewhere", "--out", str(tmp_path / "a"), "--force")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "thesis.txt"]


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    command = "from orqa_registry.cli.main import main; main()"
    arguments = ["synth", "--layout", "hybridor", "--out", str(tmp_path / "a"), "--timepoints", "300"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "ORQA_PLUGINS": "hybridor"},
        # A shell starts what runs in the background with this signal ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".a.*.partial/*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.decode().strip() == "stopped"
    assert list(tmp_path.iterdir()) == []


LAYOUTS = {"4D-OR": (2, 4), "MM-OR": (2, 4), "MVOR": (2, 2), "EgoSurgery": (2, 2), "HybridOR": (3, 4)}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")  # some layouts have entries that mean nothing
def test_real_layouts_read_back(name: str, tmp_path: Path) -> None:
    """Every take and frame that is written is read, with pictures that open; the plugins' own tests say the rest."""
    registry = Registry.load()
    if name not in registry.datasets:
        pytest.skip(f"the plugin of {name} is not installed")
    dataset = registry.dataset(name)
    takes, count = LAYOUTS[name]
    arguments = ["--takes", str(takes), "--timepoints", str(count), "--size", "48"]
    run(registry, "--layout", name, "--out", str(tmp_path / "copy"), *arguments)
    layout = dataset.layout()
    assert layout is not None
    read = {take.name: take for split in dataset.splits for take in dataset.takes(tmp_path / "copy", split)}
    assert {name for _, name in layout.takes[:takes]} == set(read)
    for take in read.values():
        points = list(take)
        assert len(points) == count
        for point in points:
            for medium in filter(is_view, point.media):
                with Image.open(io.BytesIO(point.read(medium))) as opened:
                    opened.load()
        assert points[0].labels
    assert dataset.home(tmp_path) == dataset.home(tmp_path / "copy")
