"""What the reader says when something is wrong, and where."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest

from orqa_plugin_hybridor import HybridOR
from orqa_registry import OrqaError, Registry
from orqa_registry.data.records import Take


def all_takes(root: Path) -> list[Take]:
    return [take for split in HybridOR.splits for take in HybridOR().takes(root, split)]


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """Index and lines of the dataset, without its media."""
    for path in (root / "hybridor.json", *root.glob("*/timepoints.jsonl")):
        target = tmp_path / "data" / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path / "data"


def change_index(root: Path, **changes: object) -> None:
    index = json.loads((root / "hybridor.json").read_text())
    (root / "hybridor.json").write_text(json.dumps(index | changes))


def test_takes_are_lazy_repeatable_and_picklable(root: Path) -> None:
    takes = all_takes(root)
    assert [take.name for take in takes] == ["hybrid001", "hybrid002", "hybrid003"]
    assert [take.split for take in takes] == ["train", "validation", "test"]
    once, again = list(takes[0]), list(pickle.loads(pickle.dumps(takes[0])))
    assert once == again
    assert [point.index for point in once] == list(range(14))
    assert once[0].key == "HybridOR/hybrid001/000000"
    assert once[3].frame == f"{int(once[3].seconds or 0):06d}"


def test_missing_media_are_absent(copy: Path) -> None:
    assert set(next(iter(all_takes(copy)[0])).media) <= {"speech.txt", "robot.json", "tracker.json"}


def test_one_level_of_nesting_is_tolerated(copy: Path) -> None:
    assert len(all_takes(copy.parent)) == 3
    shutil.copytree(copy, copy.parent / "second")
    with pytest.raises(OrqaError, match=r"nor in just one folder of it"):
        all_takes(copy.parent)


def test_empty_and_foreign_roots_say_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(OrqaError, match=r"is empty.*make it with: orqa-registry synth --out "):
        all_takes(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(OrqaError, match=r"no hybridor\.json in .*another dataset.*orqa-registry synth"):
        all_takes(tmp_path)
    with pytest.raises(OrqaError, match="there is no folder"):
        all_takes(tmp_path / "nowhere")


def test_a_damaged_index_is_named(copy: Path) -> None:
    for text in ("{", "[]", '{"schema": 1}', '{"schema": "1", "takes": {}}'):
        (copy / "hybridor.json").write_text(text)
        with pytest.raises(OrqaError, match=r"hybridor\.json(:| is) (not JSON|damaged)"):
            all_takes(copy)


def test_a_newer_schema_is_refused_with_both_versions(copy: Path) -> None:
    change_index(copy, schema=7)
    with pytest.raises(OrqaError, match=r"schema 7, this plugin reads up to schema 2: pip install -U"):
        all_takes(copy)


@pytest.mark.parametrize("name", ["../outside", "/etc", "a/b", "..", "", "a\\b"])
def test_names_that_leave_the_folder_are_refused(copy: Path, name: str) -> None:
    change_index(copy, takes={name: "train"})
    with pytest.raises(OrqaError, match="do not trust"):
        all_takes(copy)


def test_an_unknown_split_is_refused(copy: Path) -> None:
    change_index(copy, takes={"hybrid001": "training"})
    with pytest.raises(OrqaError, match=r"split 'training'; expected one of train, validation, test"):
        all_takes(copy)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "Expecting property name"),
        ('{"frame": "000000"}', "no 'labels'"),
        ('{"frame": "../x", "seconds": 0, "labels": {}}', "letters and digits"),
        ('{"frame": "000000", "seconds": "soon", "labels": {}}', "could not convert"),
        ('{"frame": "000000", "seconds": 0, "labels": {"roles": "nurse"}}', "facet 'roles'"),
        ("[]", "indices must be integers"),
    ],
)
def test_a_damaged_line_names_file_and_line(copy: Path, line: str, what: str) -> None:
    path = copy / "hybrid002" / "timepoints.jsonl"
    lines = path.read_text().splitlines()
    lines[4] = line
    path.write_text("\n".join(lines))
    with pytest.raises(OrqaError, match=rf"hybrid002/timepoints\.jsonl, line 5: .*{what}.*expected one JSON object"):
        list(next(HybridOR().takes(copy, "validation")))


def test_a_missing_take_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "hybrid001")
    with pytest.raises(OrqaError, match=r"take hybrid001: .*timepoints\.jsonl cannot be read: No such file"):
        list(next(HybridOR().takes(copy, "train")))


def test_text_in_another_encoding_is_named(copy: Path) -> None:
    (copy / "hybrid001" / "timepoints.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OrqaError, match="not UTF-8"):
        list(next(HybridOR().takes(copy, "train")))


def test_the_registry_takes_it_in() -> None:
    import orqa_plugin_hybridor

    registry = Registry(strict=True)
    registry.register("hybridor", orqa_plugin_hybridor)
    assert registry.dataset("hybrid-or").name == "HybridOR"
    assert registry.problems == []
