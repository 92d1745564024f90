"""The command line: exit codes, nearest names, JSON, clean endings."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest

from orqa_registry.cli.main import CommandGroup, build_cli, run
from orqa_registry.console.lazy_command import LazyCommand
from orqa_registry.errors import suggest_names

ORQA = [sys.executable, "-c", "from orqa_registry.cli.main import main; main()"]


def test_list_for_people(capsys):
    assert run(["list"]) == 0
    out = capsys.readouterr().out
    for word in (
        "Datasets",
        "Tasks",
        "Answerers",
        "Plugins",
        "4D-OR",
        "HybridOR",
        "count_people",
        "majority",
        "●",
        "·",
    ):
        assert word in out


def test_list_says_what_each_plugin_costs_at_the_start(capsys):
    assert run(["list", "--timings", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed["import_seconds"]) == set(listed["plugins"])
    assert all(seconds >= 0 for seconds in listed["import_seconds"].values())
    assert run(["list", "--timings"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "orqa_" in line]
    milliseconds = [float(row[-1]) for row in rows]
    assert {row[0] for row in rows} == set(listed["plugins"])
    assert milliseconds == sorted(milliseconds, reverse=True)


def test_list_for_programs(capsys):
    assert run(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert set(listed) == {"datasets", "tasks", "answerers", "plugins", "problems", "not_installed"}
    assert listed["problems"] == []
    cells = {name: set(listed["datasets"][name]["tasks"]) for name in ("4D-OR", "MM-OR", "MVOR", "EgoSurgery")}
    assert {name: len(tasks) for name, tasks in cells.items()} == {
        "4D-OR": 13,
        "MM-OR": 21,
        "MVOR": 8,
        "EgoSurgery": 10,
    }
    everything, gaze = set(listed["tasks"]), {"gaze_location", "gaze_object"}
    assert len(everything) == 23
    assert cells["MM-OR"] == set(listed["datasets"]["HybridOR"]["tasks"]) == everything - gaze
    robot = {"is_base_array_visible", "is_robot_calibrated", "current_robot_step", "next_robot_step", "monitor_reading"}
    assert cells["4D-OR"] == cells["MM-OR"] - robot - {"sterility_breach", "where_3d", "distance_3d"}
    assert cells["MVOR"] == {
        *("count_people", "role_people", "current_action", "where_2d", "where_3d", "distance_3d"),
        *("list_all_entities", "list_all_entities_ordered_2D"),
    }
    assert cells["EgoSurgery"] == gaze | {
        *("time_until_step", "status_action", "current_action", "did_happen", "where_2d", "tools_used"),
        *("list_all_entities", "list_all_entities_ordered_2D"),
    }
    assert set(listed["answerers"]) == {"majority", "truth", "blind", "model"}


@pytest.mark.parametrize("name", ["4D-OR", "tools_used", "hybridor"])
def test_info(capsys, name):
    assert run(["info", name]) == 0
    assert run(["info", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n{")[2].join(("{", "")))["name"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Usage"),
        (["lst"], 2, "did you mean 'list'"),
        (["list", "--jsn"], 2, "--json"),
        (["info", "tols_used"], 2, "did you mean 'tools_used'"),
        (["ask", "4D-ORR", "--split", "val"], 2, "did you mean '4D-OR'"),
        (["ask", "4D-OR", "--split", "tets", "--root", "."], 2, "did you mean 'test'"),
        (["ask", "4D-OR", "--split", "test"], 2, "--root DIR"),
        (["ask", "4D-OR", "--split", "test", "--root", "nowhere"], 1, "there is no folder nowhere"),
        (["ask", "4D-OR", "--split", "test", "--root", "."], 1, "looked for export_holistic_take1_processed"),
        (["ask", "4D-OR", "--split", "test", "--root", ".", "--task", "current_robot_step"], 2, "not provide robot"),
        (["ask", "4D-OR", "--split", "test", "--root", ".", "--task", "tool_use"], 2, "did you mean 'tools_used'"),
        (["score", "nothing.jsonl"], 2, "nothing.jsonl"),
        (["shard", "4D-OR", "HybridOR", "--root", ".", "--out", "s"], 2, "--root NAME=."),
        (["shard", "HybridOR", "--root", ".", "--out", "s"], 1, "hybridor.json"),
        (["train", "--data", "nowhere", "--out", "m"], 2, "there is no folder nowhere"),
        (["train", "--data", ".", "--out", "m"], 2, "manifest.json"),
        (["train", "--data", ".", "--out", "m", "--recipe", "tinny"], 2, "did you mean 'tiny'"),
        (["train", "--data", ".", "--out", "m", "--set", "step=3"], 2, "did you mean 'steps'"),
        (["train", "--data", ".", "--out", "m", "--set", "tiny.hiden=3"], 2, "did you mean 'hidden'"),
        (["train", "--data", ".", "--out", "m", "--set", "steps=many"], 2, "steps is int"),
        (["eval", "--data", ".", "--answerer", "majority"], 2, "manifest.json"),
    ],
)
def test_errors_say_what_was_wrong(arguments, code, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORQA_DATA", raising=False)
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert said in " ".join((shown.err + shown.out).split())
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [
        (["shard", "HybridOR", "--out", "s"], "orqa_shards.write.pack", "shards"),
        (["verify", "s"], "orqa_shards.storage.open", "shards"),
        (["inspect", "s"], "orqa_shards.report.describe", "shards"),
        (["stats", "s"], "orqa_shards.report.stats", "shards"),
        (["mixture", "--data", "s"], "orqa_shards.sampling.preview", "shards"),
        (["train", "--data", "s", "--out", "m"], "orqa_train.training.run", "train"),
        (["eval", "--data", "s", "--answerer", "majority"], "orqa_train.evaluation.evaluate", "train"),
    ],
)
def test_what_is_not_installed_is_named_with_what_brings_it(arguments, module, extra, capsys, monkeypatch):
    package, _, name = module.rpartition(".")
    monkeypatch.delattr(import_module(package), name, raising=False)  # where another test imported it
    monkeypatch.setitem(sys.modules, module, None)
    assert run(arguments) == 1
    assert f"error: {arguments[0]} needs {module}: pip install 'orqa-registry[{extra}]'" in capsys.readouterr().err


def test_debug_shows_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="no folder"):
        run(["ask", "4D-OR", "--split", "test", "--root", "nowhere", "--debug"])


def test_score_reads_both_spellings(capsys, tmp_path):
    file = tmp_path / "answers.jsonl"
    lines = [
        {"task": "count_people", "truth": "4", "answer": "5", "mine": 1},
        {"question_type": "tools_used", "gt": "saw, drill", "pred": "drill"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert run(["score", str(file)]) == 0
    scored = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert scored == [{**line, "score": 0.5, "fair": 0.5} for line in lines]
    assert run(["score", str(file), "--table"]) == 0
    assert "count_people" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "line 1"), ('{"task": "count_people"}', "truth"), ('{"task":"x","truth":"","answer":""}', "x")],
)
def test_score_names_the_line_that_is_wrong(capsys, tmp_path, line, said):
    file = tmp_path / "answers.jsonl"
    file.write_text(line)
    assert run(["score", str(file)]) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", CommandGroup.ORDER)
def test_help_teaches(capsys, command):
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.split()) > 25
    assert command in {"list"} or "orqa-registry " + command in text.partition("Usage")[2].partition("\n")[2]


def test_a_late_command_is_summed_up_in_its_own_words(registry):
    late = {name: one for name, one in build_cli(registry).commands.items() if isinstance(one, LazyCommand)}
    assert {"list", "doctor", "shard", "train", "synth"} <= set(late)
    for name, one in late.items():
        assert one.loaded_command.name == name
        assert one.get_short_help_str() == one.loaded_command.get_short_help_str(1000)


def test_only_the_command_that_is_called_is_imported():
    code = (
        "import json, sys; from orqa_registry.cli.main import run; run(['--help']); run(['list']); "
        "rooms = ('orqa_registry.cli.', 'orqa_registry.console.', 'rich'); "
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith(rooms))), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = ("cli.list_", "cli.main", "console.lazy_command", "console.output", "console.table")
    assert json.loads(done.stderr) == [f"orqa_registry.{name}" for name in expected]


@pytest.fixture
def root(tmp_path):
    """A 4D-OR root of one take that is long enough to be interrupted."""
    folder = tmp_path / "4D-OR" / "export_holistic_take4_processed"
    folder.mkdir(parents=True)
    rows = [[str(k * 10**9), {"pcd": "0"}] for k in range(3000)]
    (folder / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(rows))
    graphs = [
        {"take_name": "004_4DOR", "frame_id": f"{k:06d}", "relationships": [["nurse", "patient", "cutting"]]}
        for k in range(3000)
    ]
    (tmp_path / "4D-OR" / "relationships_validation.json").write_text(json.dumps(graphs))
    return tmp_path / "4D-OR"


def test_a_split_that_is_not_on_disk_says_which_are(root, capsys):
    assert run(["ask", "4D-OR", "--root", str(root), "--split", "test"]) == 1
    assert "there are takes of validation" in capsys.readouterr().err


def test_a_pipe_that_closes_early_is_no_error(root):
    ask = subprocess.Popen(
        [*ORQA, "ask", "4D-OR", "--root", str(root), "--split", "val"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert ask.stdout.readline().startswith(b'{"dataset": "4D-OR"')
    ask.stdout.close()
    assert ask.stderr.read() == b""
    ask.stderr.close()
    assert ask.wait(30) == 0


def test_ctrl_c_is_clean(root):
    """The reader of the pipe is slow, so that the command is surely at work when it is interrupted."""
    ask = subprocess.Popen(
        [*ORQA, "ask", "4D-OR", "--root", str(root), "--split", "val"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell starts what runs in the background with this signal ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    ask.stdout.readline()
    time.sleep(0.2)
    ask.send_signal(signal.SIGINT)
    _, errors = ask.communicate(timeout=30)
    assert ask.returncode == 1
    assert errors.decode().strip() == "stopped"


WRONG = (
    ["train", "--data", "S", "--out", "m", "--set", "step=3"],
    ["train", "--data", "S", "--out", "m", "--recipe", "tinny"],
    ["train", "--data", "none", "--out", "m"],
    ["train", "--data", "S", "--out", "m", "--split", "none"],
    ["train", "--data", "S", "--out", "m", "--task", "none"],
    ["train", "--data", "S", "--out", "m", "--mixture", "none.toml"],
    ["train", "--data", "S", "--out", "m", "--mixture", "one.toml", "--task", "count_people"],
    ["train", "--data", "S", "--out", "S"],
    ["train", "--data", "S", "--out", "m", "--resume"],
    ["eval", "--data", "none", "--answerer", "majority"],
    ["eval", "--data", "S", "--answerer", "none"],
    ["eval", "--data", "S", "--answerer", "majority", "--task", "none"],
    ["eval", "--data", "S", "--answerer", "majority", "--out", "S"],
)


def test_what_is_wrong_with_a_call_is_said_before_torch_is_imported(written_once, tmp_path):
    (tmp_path / "one.toml").write_text("")
    calls = [[str(written_once) if one == "S" else one for one in arguments] for arguments in WRONG]
    code = (
        f"import sys; from orqa_registry.cli.main import run; print([run(one) for one in {calls!r}]); "
        "print([name for name in ('torch', 'transformers', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    codes, heavy = done.stdout.splitlines()
    assert 0 not in json.loads(codes)
    assert heavy == "[]"
    said = done.stderr.splitlines()
    assert len(said) == len(WRONG)
    assert [line for line in said if "holds shards: name another folder" in line] == [said[7], said[12]]
    assert "--task and --mixture" in said[6]
    assert "did you mean" in said[0]


def test_names_that_are_few_are_all_offered_in_the_order_of_tables():
    tasks = [f"task_{k:02d}" for k in range(30)]
    assert suggest_names("?", set(tasks)) == f"there is: {', '.join(tasks)}"
    assert suggest_names("?", ["train", "validation", "test"]) == "there is: train, validation, test"
    assert suggest_names("?", {"b": 1, "a": 2}) == "there is: a, b"
