"""Published question sets, read back."""

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_root import call, lines, write_root

from orqa_registry import DataWarning, OrqaError
from orqa_registry.cli.export import export
from orqa_registry.cli.import_ import import_
from orqa_registry.exchange.json_list import iterate_json_list
from orqa_registry.exchange.published_set import PublishedSet
from orqa_registry.readers import synthetic_scenes


@pytest.fixture
def home(tmp_path):
    return write_root(tmp_path / "4D-OR")


@pytest.fixture
def orqa(registry):
    return partial(call, registry)


def test_export_and_import_give_the_same_questions(orqa, home, tmp_path):
    common = ("4D-OR", "--root", home, "--split", "train")
    orqa(export, *common, "--format", "jsonl", "--out", tmp_path / "lines")
    said = json.loads(orqa(export, *common, "--format", "orqa", "--out", tmp_path / "set", "--json"))
    published = Path(said["files"][0])
    before = lines(tmp_path / "lines" / "orqa_train.jsonl")
    assert published.name == f"final_qa_pairs_train_{len(before)}.json"
    records = json.loads(published.read_text())
    assert records[0].keys() >= {"dataset", "take_name", "frame_id", "_question_type", "_question", "_answer"}
    back = json.loads(orqa(import_, published, "--out", tmp_path / "back.jsonl", "--root", f"4D-OR={home}", "--json"))
    assert (back["read"], back["repaired"], back["damaged"], back["absent"]) == (len(before), 0, 0, 0)
    after = lines(tmp_path / "back.jsonl")
    same = ("dataset", "split", "take", "frame", "task", "arguments", "question", "answer", "view", "text", "concise")
    for one, other in zip(before, after, strict=True):
        assert {name: one[name] for name in same} == {name: other[name] for name in same}
        assert one["images"] == other["images"]
        assert one["said"].lower() == other["said"].lower()
    tasks = {line["task"] for line in after}
    assert {"interaction", "did_happen", "time_until_step", "current_scene_graph", "tool_equipment_attribute"} <= tasks


def test_scenes_in_the_published_schema(orqa, home, tmp_path):
    arguments = ("--split", "train", "--task", "tool_equipment_attribute", "--format", "orqa", "--out", tmp_path)
    said = json.loads(orqa(export, "4D-OR", "--root", home, *arguments, "--json"))
    records = json.loads(Path(said["files"][0]).read_text())
    assert {(one["dataset"], one["take_name"], one["frame_id"]) for one in records} == {
        ("4D-OR", "001_4DOR", "000001"),
        ("4D-OR", "001_4DOR", "000002"),
    }
    first = next(one for one in records if one["frame_id"] == "000001" and one["_answer"] == "pink")
    assert first["_question"] == "What is the color of the drill?"
    assert (first["question"], first["answer"]) == ("What is the color of the drill? Answer concisely.", "Pink")
    assert first["new_image_paths"] == [
        f"{synthetic_scenes.SCENE_FOLDER}/scene_a_cidx{camera}.jpg" for camera in (1, 2)
    ]
    said = json.loads(orqa(import_, said["files"][0], "--out", tmp_path / "back.jsonl", "--json"))
    assert said["cells"] == [{"dataset": "4D-OR_train", "task": "tool_equipment_attribute", "records": 8}]
    line = lines(tmp_path / "back.jsonl")[0]
    assert (line["dataset"], line["split"], line["report"]) == ("4D-OR", "train", "4D-OR_train")
    assert line["take"] == "001_4DOR_HybridOR"
    assert line["frame"] in {"scene_a", "scene_b"}


def test_d17_the_original_alone_asks_about_scenes_of_training_in_every_split(orqa, home, tmp_path):
    common = ("4D-OR", "--root", home, "--split", "val", "--format", "jsonl", "--json", "--out")
    ours = json.loads(orqa(export, *common, tmp_path / "ours"))
    original = json.loads(orqa(export, *common, tmp_path / "original", "--compat", "orqa-v1"))
    assert {cell["task"] for cell in original["cells"]} - {cell["task"] for cell in ours["cells"]} == {
        "tool_equipment_attribute"
    }
    lines_of = {name: lines(tmp_path / name / "orqa_validation.jsonl") for name in ("ours", "original")}
    assert {line["split"] for line in lines_of["ours"]} == {"validation"}
    assert {line["split"] for line in lines_of["original"] if line["task"] == "tool_equipment_attribute"} == {"train"}
    assert all(line["truths"] == [line["answer"]] for line in lines_of["original"])


RECORD = {
    "dataset": "4D-OR",
    "take_name": "004_4DOR",
    "frame_id": "000001",
    "question": "What is X doing to Y? Answer concisely.",
    "answer": "Sawing",
    "_question_type": "interaction",
    "_question": "What is the interaction of head surgeon with patient?",
    "_answer": "sawing",
}
SCENE = {
    **RECORD,
    "_question_type": "tool_equipment_attribute",
    "_question": "What is the color of the drill?",
    "_answer": "pink",
}


def published(tmp_path, records, name="final_qa_pairs_val_1000.json"):
    path = tmp_path / name
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def test_what_a_line_says(registry, tmp_path):
    (line,) = PublishedSet(published(tmp_path, [RECORD]), registry).lines()
    assert line == {
        "dataset": "4D-OR",
        "split": "validation",
        "take": "004_4DOR",
        "frame": "000001",
        "task": "interaction",
        "arguments": ["head surgeon", "patient"],
        "question": RECORD["_question"],
        "answer": "sawing",
        "view": None,
        "weight": 1.0,
        "text": "What is X doing to Y?",
        "said": "Sawing",
        "concise": True,
        "truths": ["sawing"],
        "images": [],
        "report": "4D-OR",
    }


def test_d29_frames_that_hold_their_take_are_repaired_and_counted(registry, tmp_path):
    ego = {**RECORD, "dataset": "EgoSurgery", "take_name": "08_1", "frame_id": "08_1_0160"}
    ego |= {"_question_type": "current_action", "_question": "What is currently happening?"}
    records = [
        {**SCENE, "take_name": "x", "frame_id": "001_4DOR_000123", "new_image_paths": ["a/s_cidx2.jpg"]},
        {**SCENE, "dataset": "MM-OR", "take_name": "012_1_PKA_MMOR", "frame_id": "012_1_PKA_MMOR_000007"},
        {**SCENE, "take_name": "001_4DOR", "frame_id": "000124"},
        {**RECORD, "frame_id": 7},
        ego,
    ]
    source = PublishedSet(published(tmp_path, records), registry)
    found = [(line["take"], line["frame"], line["split"], line["report"]) for line in source.lines()]
    assert found == [
        ("001_4DOR_HybridOR", "s", "train", "4D-OR_train"),
        ("012_1_PKA_MMOR_HybridOR", "000007", "train", "MM-OR_train"),
        ("001_4DOR_HybridOR", "000124", "train", "4D-OR_train"),
        ("004_4DOR", "000007", "validation", "4D-OR"),
        ("08_1", "08_1_0160", "train", "EgoSurgery"),
    ]
    assert source.tally.repaired == 2


def test_an_import_with_roots_finds_views_and_tells_what_is_absent(orqa, home, tmp_path):
    where = {**RECORD, "_question_type": "where_2d", "_question": "Where is saw in the image?", "_answer": "1, 2, 3, 4"}
    image = "../4D-OR/export_holistic_take4_processed/colorimage/camera02_colorimage-000001.jpg"
    records = [{**where, "image_path": image}, {**where, "image_path": "elsewhere.jpg"}, {**RECORD, "frame_id": "9"}]
    file = published(tmp_path, records)
    said = orqa(import_, file, "--out", tmp_path / "back.jsonl", "--root", f"4D-OR={home}")
    assert "of timepoints that are not in the folder" in said
    first, second, third = lines(tmp_path / "back.jsonl")
    assert (first["view"], first["images"]) == ("room2", [str(home.parent / image.removeprefix("../"))])
    assert second["view"] is None
    assert third["frame"] == "9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"_answer": None}, "_answer has to be text, not None"),
        ({"frame_id": ""}, "frame_id has to name a frame"),
        ({"frame_id": 1.5}, "frame_id has to be text"),
        ({"new_image_paths": "a.jpg"}, "new_image_paths has to be a list"),
        ({"_question": "What?"}, "does not read as interaction asks"),
        ({"take_name": ...}, "there is no 'take_name'"),
    ],
)
def test_a_damaged_record_is_named_and_left_out(registry, tmp_path, change, said):
    damaged = {name: value for name, value in {**RECORD, **change}.items() if value is not ...}
    source = PublishedSet(published(tmp_path, [RECORD] * 6 + [damaged] + [RECORD] * 6), registry)
    with pytest.warns(DataWarning, match=f"val_1000.json: entry 6 was left out: .*{said}"):
        assert len(list(source.lines())) == 12
    assert source.tally.as_json()["damaged"] == 1


def test_what_no_plugin_has_is_counted(registry, tmp_path):
    records = [RECORD, {**RECORD, "_question_type": "why_action"}, {**RECORD, "dataset": "Cholec"}]
    source = PublishedSet(published(tmp_path, records), registry)
    assert len(list(source.lines())) == 1
    assert source.tally.unknown == {"task why_action": 1, "dataset Cholec": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a JSON list was expected"),
        ("{}", "a JSON list was expected, not '{}'"),
        ("[]", "holds no record"),
        ("[1", "is it whole"),
        ('[{"a": 1}, {"a', "entry 1: not JSON"),
        ('[{"a": 1} {"a": 1}]', r"entry 0: a comma or the end of the list .* found '\{'"),
        ("[1] 2", "something follows"),
        ("[[],[]]", "2 of 2 records are damaged"),
        ("[" * 100_000, "entry 0: not JSON"),
    ],
)
@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")
def test_a_file_of_something_else_is_refused(registry, tmp_path, text, said):
    path = tmp_path / "final_qa_pairs_val_10.json"
    path.write_text(text)
    with pytest.raises(OrqaError, match=said) as caught:
        list(PublishedSet(path, registry).lines())
    assert path.name in str(caught.value)


def test_bytes_that_are_no_text_are_refused(registry, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(OrqaError, match=r"x\.json: not UTF-8"):
        list(PublishedSet(path, registry).lines())


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=8,
)


@given(st.lists(values, max_size=6), st.integers(1, 9), st.booleans())
def test_entries_are_those_of_the_list(tmp_path_factory, written, piece, indent):
    path = tmp_path_factory.getbasetemp() / "list.json"
    path.write_text(json.dumps(written, ensure_ascii=indent, indent=2 if indent else None), encoding="utf-8")
    assert list(iterate_json_list(path, piece=piece)) == list(enumerate(written))


def test_an_import_does_not_write_over_its_file(orqa, tmp_path):
    file = published(tmp_path, [RECORD])
    orqa(import_, file, "--out", file, fails="is FILE itself")
    assert json.loads(file.read_text()) == [RECORD]


def test_help_teaches(orqa):
    assert "orqa-registry import" in orqa(import_, "--help")
