"""The command `synth`: the same bytes whoever writes them, refusals, resuming, interruption."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from orqa_plugin_hybridor.command import synth
from orqa_plugin_hybridor.recording import take_writer
from orqa_plugin_hybridor.recording.dataset_writer import DatasetOptions, prepare_folder, write_dataset
from orqa_registry import CallError

SMALL = ["--takes", "2", "--timepoints", "3", "--size", "40", "--workers", "1"]


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(synth, list(arguments), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def test_same_seed_same_bytes_whatever_the_workers(root: Path, options: DatasetOptions, tmp_path: Path) -> None:
    counts: list[int] = []
    write_dataset(tmp_path, options, prepare_folder(tmp_path, options, force=False), 2, counts.append)
    assert digest(tmp_path) == digest(root)
    assert counts == sorted(counts)
    assert counts[-1] == options.takes * options.timepoints


def test_takes_and_seeds_differ(root: Path, tmp_path: Path) -> None:
    first = {(root / name / "room1" / "000000.jpg").read_bytes() for name in ("hybrid001", "hybrid002", "hybrid003")}
    assert len(first) == 3
    run("--out", str(tmp_path / "a"), *SMALL)
    run("--out", str(tmp_path / "b"), *SMALL, "--seed", "1")
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_json_says_what_was_written_and_a_second_run_keeps_it(tmp_path: Path) -> None:
    first = json.loads(run("--out", str(tmp_path), *SMALL, "--json"))
    assert first["takes"] == {"train": 1, "validation": 0, "test": 1}
    assert (first["takes_written"], first["takes_kept"], first["timepoints"], first["views"]) == (2, 0, 6, 30)
    assert first["views_per_second"] > 0
    before = digest(tmp_path)
    (tmp_path / "hybrid002" / "take.json").unlink()
    (tmp_path / ".hybrid001.partial").mkdir()
    with pytest.raises(CallError, match="other parameters"):
        run("--out", str(tmp_path), *SMALL)
    again = json.loads(run("--out", str(tmp_path), *SMALL, "--json", "--force"))
    assert (again["takes_written"], again["takes_kept"]) == (1, 1)
    assert digest(tmp_path) == before
    third = json.loads(run("--out", str(tmp_path), *SMALL, "--json"))
    assert (third["takes_written"], third["views_per_second"]) == (0, None)


def test_more_takes_can_be_added(tmp_path: Path) -> None:
    run("--out", str(tmp_path), *SMALL)
    grown = json.loads(run("--out", str(tmp_path), *SMALL, "--takes", "3", "--json"))
    assert (grown["takes_written"], grown["takes"]) == (1, {"train": 1, "validation": 1, "test": 1})


def test_other_parameters_and_foreign_files_are_refused(tmp_path: Path) -> None:
    run("--out", str(tmp_path), *SMALL)
    with pytest.raises(CallError, match=r"other parameters than 2 takes, 3 timepoints, 48 px, seed 0.*--force"):
        run("--out", str(tmp_path), *SMALL, "--size", "48")
    with pytest.raises(CallError, match="other parameters"):
        run("--out", str(tmp_path), *SMALL, "--takes", "1")
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(CallError, match=r"holds 'thesis\.txt'"):
        run("--out", str(tmp_path), *SMALL)
    run("--out", str(tmp_path), *SMALL, "--size", "48", "--force")
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    assert json.loads((tmp_path / "hybridor.json").read_text())["size"] == 48


@pytest.mark.parametrize("arguments", [["--takes", "0"], ["--timepoints", "0"], ["--size", "31"], ["--workers", "0"]])
def test_bad_numbers_are_click_errors(tmp_path: Path, arguments: list[str]) -> None:
    assert "is not in the range" in run("--out", str(tmp_path), *arguments, code=2)
    assert "--out" in run(code=2)


def test_interrupted_it_leaves_whole_takes_only(tmp_path: Path) -> None:
    options = DatasetOptions(2, 3, 40, 0)

    def interrupt(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, options, prepare_folder(tmp_path, options, force=False), 1, interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["hybrid001"]
    assert prepare_folder(tmp_path, options, force=False) == [2]


def test_workers_clear_away_when_interrupted(tmp_path: Path) -> None:
    options = DatasetOptions(3, 60, 40, 0)

    def interrupt(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, options, prepare_folder(tmp_path, options, force=False), 2, interrupt)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".") or path.name == "hybridor.json"]


def test_a_failing_take_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(take_writer, "write_view", fail)
    with pytest.raises(OSError, match="disk full"):
        take_writer.write_take(tmp_path, 0, 1, 2, 40, lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, orqa_plugin_hybridor; print({'numpy', 'PIL', 'soundfile', 'torch', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
