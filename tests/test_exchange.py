"""Question sets in other tools' formats."""

import importlib.util
import json
from functools import partial
from pathlib import Path

import pytest
from small_root import call, jpeg, lines, write_root

from orqa_registry import CallError, DataWarning, Timepoint
from orqa_registry.cli.export import export
from orqa_registry.exchange import FORMATS, ExportSet, ImageFiles, write_export
from orqa_registry.questions.question_pool import QuestionPool
from orqa_registry.questions.question_set import sample_questions


@pytest.fixture
def home(tmp_path):
    return write_root(tmp_path / "4D-OR")


@pytest.fixture
def orqa(registry):
    return partial(call, registry)


def a_set(registry, folder, points, tasks, form="jsonl", images="path", **options):
    """Return a question set of timepoints, everything that tasks ask there, and what is written of it."""
    pool = QuestionPool()
    for point in points:
        for task, questions in tasks(point):
            pool.add(point, registry.task(task), questions)
    questions = ExportSet(
        sample_questions(pool, None, how="all", **options), folder, "some", ImageFiles(folder, images)
    )
    return questions, write_export(questions, form, {})[:-1]


def two_views(registry, media):
    point = Timepoint("Room", "train", "a take", "x.1", 0, media=media)
    where, tools = registry.task("where_2d"), registry.task("tools_used")
    return [point], lambda _: [
        ("where_2d", [where.pose("1, 2, 3, 4", view="room2", entity="saw")]),
        ("tools_used", [tools.pose("saw", "drill")]),
    ]


# Images


def test_a_question_about_a_view_has_that_one(registry, tmp_path):
    media = {f"room{k}.jpg": jpeg(tmp_path / f"{k}.jpg") for k in (1, 2)}
    _, (path,) = a_set(registry, tmp_path, *two_views(registry, media))
    found = {(line["task"], line["answer"]): line["images"] for line in lines(path)}
    one, both = [str(tmp_path / "2.jpg")], [str(tmp_path / f"{k}.jpg") for k in (1, 2)]
    assert found == {("where_2d", "1, 2, 3, 4"): one, ("tools_used", "saw"): both, ("tools_used", "drill"): both}


@pytest.mark.parametrize("how", ["path", "copy", "link"])
def test_images_beside_the_set(registry, tmp_path, how):
    media = {"room1.jpg": jpeg(tmp_path / "1.jpg"), "room2.jpg": lambda: b"made", "speech.txt": b"no image"}
    for _ in range(2):  # again over what is there
        _, (path,) = a_set(registry, tmp_path / "out", *two_views(registry, media), images=how)
        images = next(line["images"] for line in lines(path) if line["task"] == "tools_used")
    inside = "images/Room/a%20take/x%2E1"
    assert images == [str(tmp_path / "1.jpg") if how == "path" else f"{inside}/room1.jpg", f"{inside}/room2.jpg"]
    assert (tmp_path / "out" / images[1]).read_bytes() == b"made"
    first = tmp_path / "out" / images[0]
    assert first.read_bytes() == (tmp_path / "1.jpg").read_bytes()
    assert first.is_symlink() == (how == "link")
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_an_image_that_is_not_there_is_counted(registry, tmp_path):
    media = {"room1.jpg": jpeg(tmp_path / "1.jpg"), "room2.jpg": tmp_path / "gone.jpg"}
    with pytest.warns(DataWarning, match=r"Room/a%20take/x%2E1: room2.jpg was left out"):
        questions, (path,) = a_set(registry, tmp_path, *two_views(registry, media))
    assert questions.pictures.missing == 1
    assert {len(line["images"]) for line in lines(path) if line["task"] == "tools_used"} == {1}


# Formats


def test_llama_factory(registry, tmp_path):
    (tmp_path / "dataset_info.json").write_text('{"other": {"file_name": "other.json"}}')
    media = {f"room{k}.jpg": jpeg(tmp_path / f"{k}.jpg") for k in (1, 2)}
    _, (path, info) = a_set(registry, tmp_path, *two_views(registry, media), form="llama-factory")
    described = json.loads(info.read_text())
    assert described["other"] == {"file_name": "other.json"}
    entry = described["some"]
    assert entry["file_name"] == path.name == "some.jsonl"
    assert entry["formatting"] == "sharegpt"
    tags = entry["tags"]
    for row in lines(path):
        assert set(row) == set(entry["columns"]) == {"messages", "images"}
        user, assistant = row["messages"]
        assert [one[tags["role_tag"]] for one in (user, assistant)] == [tags["user_tag"], tags["assistant_tag"]]
        assert user[tags["content_tag"]].startswith("<image>" * len(row["images"]))
        assert user[tags["content_tag"]].count("<image>") == len(row["images"])
        assert all(Path(image).is_file() for image in row["images"])
    assert lines(path)[0]["messages"][1]["content"] in {"saw", "drill", "1, 2, 3, 4"}


def test_a_marker_in_a_text_is_no_image(registry, tmp_path):
    task = registry.task("monitor_reading")
    _, (path, _) = a_set(
        registry,
        tmp_path,
        [Timepoint("Room", "train", "t", "0", 0)],
        lambda _: [(task.name, [task.pose("an <image> and <b>")])],
        form="llama-factory",
    )
    (row,) = lines(path)
    assert row["messages"][1]["content"] == "an < image> and <b>"
    assert row["images"] == []


def test_sentences_are_told_apart_and_a_prompt_can_be_put_in(registry, tmp_path):
    from attrs import evolve

    media = {"room1.jpg": jpeg(tmp_path / "1.jpg")}
    points, tasks = two_views(registry, media)
    questions, (path, _) = a_set(registry, tmp_path, points, tasks, form="llama-factory", sentences=0.5, seed=1)
    concise = {one.said: one.concise for one in questions.drawn.items}
    assert set(concise.values()) == {True, False}
    for row in lines(path):
        user, assistant = (one["content"] for one in row["messages"])
        assert user.endswith(" Answer concisely.") == concise[assistant]
    write_export(evolve(questions, render=lambda one: ("Q", one.answer + "!")), "llama-factory", {})
    assert {row["messages"][0]["content"] for row in lines(path)} == {"<image>Q", "Q"}


def test_lmms_eval(registry, tmp_path):
    yaml = pytest.importorskip("yaml")
    media = {f"room{k}.jpg": jpeg(tmp_path / f"{k}.jpg") for k in (1, 2)}
    _, (data, task, functions) = a_set(
        registry, tmp_path / "out", *two_views(registry, media), form="lmms-eval", images="copy"
    )

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
    config = yaml.load(task.read_text(), Loader)
    assert (config["task"], config["dataset_path"], config["test_split"]) == ("some", "json", "test")
    assert config["dataset_kwargs"] == {"data_files": {"test": data.name}}
    spec = importlib.util.spec_from_file_location(functions.stem, functions)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for field in ("doc_to_visual", "doc_to_text", "process_results"):
        assert config[field] == f"{functions.stem}.{field}"
        assert hasattr(module, field)
    docs = lines(data)
    assert len({tuple(doc) for doc in docs}) == 1, "every line has every column"
    assert len({doc["id"] for doc in docs}) == len(docs)
    results = [module.process_results(doc, [f"<SG> a,b,c </SG> {doc['answer'].upper()} "]) for doc in docs]
    metrics = [metric["metric"] for metric in config["metric_list"]]
    assert {name for result in results for name in result} == set(metrics)
    assert metrics == ["orqa_score", "orqa_macro", "orqa_tools_used", "orqa_where_2d"]
    assert [result["orqa_score"] for result in results] == [1.0] * len(docs)
    assert module.process_results(docs[0], ["nonsense"])["orqa_score"] == 0
    assert module.macro([result["orqa_macro"] for result in results]) == 1
    uneven = [{"task": "a", "score": 1.0}, {"task": "a", "score": 0.0}, {"task": "b", "score": 1.0}]
    assert module.macro(uneven) == 0.75
    for doc in docs:
        shown = module.doc_to_visual(doc)
        assert [(one.mode, one.size) for one in shown] == [("RGB", (8, 6))] * len(doc["images"])
        assert module.doc_to_text(doc, {"post_prompt": "!"}) == doc["prompt"] + "!"
        assert module.doc_to_text(doc) == doc["prompt"]


def test_files_of_others_stay(registry, tmp_path):
    (tmp_path / "some.jsonl").write_text("mine")
    with pytest.raises(CallError, match="without the manifest"):
        a_set(registry, tmp_path, *two_views(registry, {}))
    assert (tmp_path / "some.jsonl").read_text() == "mine"
    (tmp_path / "some.manifest.json").write_text("{}")
    a_set(registry, tmp_path, *two_views(registry, {}))
    assert len(lines(tmp_path / "some.jsonl")) == 3


# The command line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sampling", "benchmark"), "--sampling benchmark needs a --size"),
        (("--sampling", "all", "--size", "5"), "takes no --size"),
        (("--size", "3"), "leave none for each"),
        (("--size", "50", "--weight", "4D-OR"), "a NAME=0.4 was expected"),
        (("--size", "50", "--weight", "MVOR=0.4"), "of which nothing can be asked"),
        (("--task", "gaze_object"), "does not provide"),
    ],
)
def test_calls_that_make_no_sense(orqa, home, tmp_path, arguments, said):
    common = ("4D-OR", "--root", home, "--split", "val", "--format", "jsonl", "--out", tmp_path / "out")
    orqa(export, *common, *arguments, fails=said)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_into_a_dataset(orqa, home):
    common = ("4D-OR", "--root", home, "--split", "val", "--format", "jsonl")
    orqa(export, *common, "--out", home / "out", fails="nothing is written into a dataset")
    assert not (home / "out").exists()


def test_a_split_that_is_not_there_is_told(orqa, home, tmp_path):
    common = ("4D-OR", "--root", home, "--format", "jsonl", "--out", tmp_path / "out")
    orqa(export, *common, "--split", "test", fails="there is no timepoint in split test")


@pytest.mark.parametrize("form", FORMATS)
def test_a_sampled_set_and_its_manifest(orqa, home, tmp_path, form):
    out = tmp_path / "out"
    common = ("4D-OR", "--root", home, "--split", "val", "--format", form, "--out", out, "--size", 40, "--seed", 3)
    said = orqa(export, *common, "--paraphrase", 0.5, "--images", "copy")
    assert "current_scene_graph" in said
    assert "questions are lacking, because there are no more of their kind" in said
    (manifest,) = out.glob("*.manifest.json")
    told = json.loads(manifest.read_text())
    assert (told["format"], told["splits"], told["size"], told["seed"]) == (form, {"4D-OR": "validation"}, 40, 3)
    assert sum(cell["taken"] for cell in told["cells"]) == told["questions"]
    assert told["shortage"] == sum(cell["wanted"] for cell in told["cells"]) - told["questions"]
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    orqa(export, *common, "--paraphrase", 0.5, "--images", "copy")
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_several_datasets(orqa, home, tmp_path, registry):
    others = ("MM-OR", "--root", f"MM-OR={tmp_path}", "--split", "val", "--format", "jsonl", "--out", tmp_path / "o")
    orqa(export, "4D-OR", *others, "--root", home, fails=f"--root NAME={home}")
    orqa(export, "4D-OR", *others, "--root", f"4D-OR={home}", "--task", "gaze_object", fails="can be asked of none")


def test_help_teaches(orqa):
    assert "orqa-registry export" in orqa(export, "--help")
