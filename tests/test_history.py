"""Temporal memory on real takes: the original's logs and strings, and `orqa-registry history`."""

import gzip
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from orqa_registry import CallError, OrqaError, Registry
from orqa_registry.cli.history import history
from orqa_registry.prompts.change_log import (
    change_log,
    compat_log,
    log_rows,
    published_timepoint,
    read_published,
    replay,
    to_published,
)
from orqa_registry.prompts.memory import MEMORY_STYLES, Memory
from orqa_registry.readers.scenegraph_files import read_relationships

SHARED = Path(__file__).resolve().parents[2] / "shared"
LABELS = SHARED / "real" / "orqa" / "relationships_validation.json"
HISTORIES = SHARED / "real" / "orqa" / "histories"
PARITY = SHARED / "parity" / "memory.json.gz"
MVOR = SHARED / "real" / "mvor" / "mvor_additional.zip"
real = pytest.mark.skipif(not LABELS.is_file(), reason="the real label files (shared/real) are not here")


def histories():
    return sorted(HISTORIES.glob("surgery_sg_*.json"))


@pytest.fixture(scope="module")
def graphs():
    return read_relationships(LABELS)


def key_of(take):
    return ("4D-OR_" if take.endswith("_4DOR") else "MM-OR_") + take


@real
def test_real_graphs_come_back_whole(graphs):
    assert len(graphs) == 5
    for take, frames in graphs.items():
        truth = [(published_timepoint(frame), {"relations": graph}) for frame, graph in frames.items()]
        back = replay(change_log(truth), [time for time, _ in truth])
        assert list(back) == [frozenset(labels["relations"]) for _, labels in truth], take


@real
def test_real_logs_equal_the_published_ones(graphs):
    """Up to the order inside a frame; which object the original kept of a key depended on the order of its labels."""
    for take, frames in graphs.items():
        theirs = read_published(HISTORIES / f"surgery_sg_{key_of(take)}.json")
        kept = {(time, what[:2]): what for time, what, ended in theirs.changes if not ended}
        truth = []
        for frame, graph in frames.items():
            time = published_timepoint(frame)
            chosen = [kept[time, edge[:2]] for edge in graph if (time, edge[:2]) in kept]
            assert set(chosen) <= set(graph), (take, frame)
            truth.append((time, {"relations": (*graph, *chosen)}))
        assert Counter(compat_log(truth).changes) == Counter(theirs.changes), take
        mine = compat_log([(published_timepoint(frame), {"relations": graph}) for frame, graph in frames.items()])
        assert Counter(map(keyed, mine.changes)) == Counter(map(keyed, theirs.changes)), take


def keyed(change):
    return change.timepoint, change.what[:2], change.ended


@real
def test_published_logs_survive_reading():
    assert len(histories()) == 61
    for path in histories():
        assert to_published(read_published(path)) == json.loads(path.read_text())


@real
@pytest.mark.skipif(not PARITY.is_file(), reason="the original's memory strings (shared/parity) are not here")
def test_strings_equal_the_originals():
    with gzip.open(PARITY, "rt", encoding="utf-8") as file:
        takes = json.load(file)
    assert {f"surgery_sg_{take}.json" for take in takes} == {path.name for path in histories()}
    compared = Counter()
    for take, found in takes.items():
        memory = Memory(read_published(HISTORIES / f"surgery_sg_{take}.json"))
        for style, strings in found["memory_from_shipped"].items():
            for timepoint, text in strings.items():
                assert memory.text(int(timepoint), style) == text, (take, style, timepoint)
                compared[style] += 1
    assert compared == dict.fromkeys((*MEMORY_STYLES, "all"), 1044)


@pytest.mark.skipif(not MVOR.is_file(), reason="the real additions to MVOR (shared/real) are not here")
def test_real_actions_equal_the_published_ones(tmp_path):
    registry = Registry.load()
    if "MVOR" not in registry.datasets:
        pytest.skip("the plugin of MVOR is not installed")
    with zipfile.ZipFile(MVOR) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "camma_mvor_2018.json").write_bytes((MVOR.parent / "camma_mvor_2018.json").read_bytes())
    compared = 0
    for split in ("train", "validation"):
        for take in registry.dataset("MVOR").takes(tmp_path, split):
            points = list(take)
            log = compat_log(log_rows(points, when=lambda point: published_timepoint(point.frame)))
            assert to_published(log) == json.loads((HISTORIES / f"surgery_sg_MVOR_{take.name}.json").read_text())
            truth = [frozenset(point.labels["actions"]) for point in points]
            assert list(replay(change_log(log_rows(points)), [point.index for point in points])) == truth
            compared += 1
    assert compared == 24


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp("real")
    subprocess.run([sys.executable, SHARED / "tools" / "real_roots.py", LABELS, "validation", out], check=True)
    return out / "4D-OR"


def call(root, *arguments):
    command = ["4D-OR", "--root", str(root), "--take", *arguments]
    return CliRunner().invoke(history, command, obj=Registry.load())


def printed(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@real
def test_history_prints_changes(root, graphs):
    lines = printed(root, "004_4DOR")
    first = {"frame": "000009", "timepoint": 9, "change": "+"}
    assert lines[0] == {**first, "subject": "circulator", "predicate": "closeTo", "object": "secondary_table"}
    log = change_log((int(frame), {"relations": graph}) for frame, graph in graphs["004_4DOR"].items())
    assert len(lines) == len(log.changes)
    compat = printed(root, "004-4dor", "--split", "val", "--compat", "orqa-v1")
    assert [time for time, _ in compat] == [
        time for time, _ in json.loads((HISTORIES / "surgery_sg_4D-OR_004_4DOR.json").read_text())
    ]
    assert compat[0] == [9, ["circulator", "secondary_table", "closeTo"]]
    whole = json.loads(call(root, "004_4DOR", "--compat", "orqa-v1", "--json").stdout)
    assert whole.pop("changes") == compat
    assert whole == {"dataset": "4D-OR", "split": "validation", "take": "004_4DOR", "compat": "orqa-v1"}


@real
def test_history_prints_memories(root, graphs):
    truth = [(int(frame), {"relations": graph}) for frame, graph in graphs["004_4DOR"].items()]
    memory = Memory(change_log(truth))
    at = printed(root, "004_4DOR", "--at", "000300", "--at", "000009", "--style", "short")
    assert at == [{"frame": f"{time:06d}", "memory": memory.text(time, "short")} for time in (300, 9)]
    original = Memory(compat_log(truth))
    every = printed(root, "004_4DOR", "--all", "--compat", "orqa-v1")
    assert every == [{"frame": f"{time:06d}", "memory": original.text(time)} for time, _ in truth]
    whole = json.loads(call(root, "004_4DOR", "--at", "000300", "--json").stdout)
    assert whole["memories"] == [{"frame": "000300", "memory": memory.text(300)}]
    assert (whole["style"], whole["compat"]) == ("longshort", None)


@real
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["005_4DOR"], r"no take '005_4DOR' in train, validation, test of 4D-OR under .*004_4DOR"),
        (["004_4DOR", "--split", "train"], "there is none"),
        (["004_4DOR", "--at", "00300"], "no frame '00300' in take 004_4DOR: did you mean '000300'"),
        (["004_4DOR", "--at", "000300", "--all"], "say one of them"),
    ],
)
def test_a_wrong_call_is_told(root, arguments, message):
    result = call(root, *arguments)
    with pytest.raises(CallError, match=message):
        raise result.exception


@real
def test_a_take_without_labels_is_told(root, tmp_path):
    folder = tmp_path / "export_holistic_take4_processed"
    folder.mkdir()
    name = "timestamp_to_pcd_and_frames_list.json"
    (folder / name).write_text((root / folder.name / name).read_text())
    with pytest.raises(OrqaError, match=r"none of its 682 timepoints is annotated.*doctor 4D-OR"):
        raise call(tmp_path, "004_4DOR").exception
