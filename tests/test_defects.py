"""Defects of the original that are mended by default (protocol.md 13): one test each, named after it.

Those of memory are in test_defects_of_memory.py (D1 to D4); of prompts in test_prompts.py, test_prompt_budget.py and
test_views.py (D15, D16, D19, D22, D23, D26, D28); of question sets in test_sampling.py and test_published.py (D17, D18,
D29).
"""

import pickle
import re

import numpy as np
import pytest
from PIL import Image

from orqa_registry import Box, CallError, LazyLabels, OrqaError, Registry, Take, Timepoint, Triplet, ask
from orqa_registry.data import scenegraph
from orqa_registry.readers.segmentation import LowResMasks, mask_facets

REGISTRY = Registry.load()
BOXES = {"size": (1920, 1080)}


def asked(labels, *tasks, compat=False, seconds=0.0, at=0, media=None):
    """Return (task, arguments) -> answers of one timepoint; `labels` of one, or of each of a take."""
    rows = labels if isinstance(labels, list) else [labels]
    points = [
        Timepoint("d", "s", "t", str(k), k, seconds and k * seconds, media or {}, one) for k, one in enumerate(rows)
    ]
    take = Take("d", "s", "t", lambda: iter(points))
    found = ask(points[at], take.timeline(), [REGISTRY.task(task) for task in tasks], compat=compat)
    return {(task.name, *one.arguments.values()): one.answers for task, every in found for one in every}


def test_d5_people_are_counted_one_by_one():
    labels = {"roles": ("nurse", "nurse", "patient", "human 6")}
    assert asked(labels, "count_people") == {("count_people",): ("4",)}
    assert asked(labels, "count_people", compat=True) == {("count_people",): ("2",)}


def test_d5_the_original_asks_about_what_a_model_saw(tmp_path):
    for name, label in (("true", 12), ("model", 8)):
        ids = np.zeros((32, 32), dtype=np.uint8)
        ids[:4, :4] = label
        Image.fromarray(ids).save(tmp_path / f"{name}.png")
    late = mask_facets({}, (), LowResMasks({0: tmp_path / "true.png"}, {0: tmp_path / "model.png"}))
    labels = LazyLabels({}, late)
    tasks = ("role_people", "list_all_entities")
    assert asked(labels, *tasks) == {(task,): ("nurse",) for task in tasks}
    assert asked(labels, *tasks, compat=True) == {(task,): ("circulator",) for task in tasks}


def test_d5_predicted_masks_are_no_annotation(tmp_path):
    late = mask_facets({}, ("room1",), LowResMasks(predicted={0: tmp_path / "0.png"}))
    assert "predicted" in late, "what a model saw is said to be so"
    assert "predicted" not in mask_facets({}, ("room1",), LowResMasks(annotated={0: tmp_path / "0.png"}))


OPPOSITES = re.compile(r"\b(intact|maintained|kept|preserved|not|never|without|except|absent|missing|un\w+ed)\b")


def test_d7_no_wording_is_reversed_or_says_less():
    for task in REGISTRY.tasks.values():
        wordings = [task.question, *task.paraphrases]
        assert len(wordings) >= 4, task.name
        assert len(set(map(str.lower, wordings))) == len(wordings), f"{task.name}: a wording stands twice"
        fields = set(re.findall(r"{\w+}", task.question))
        for wording in wordings:
            assert set(re.findall(r"{\w+}", wording)) == fields, f"{task.name}: {wording}"
            assert not OPPOSITES.search(wording), f"{task.name}: {wording}"
    for wording in REGISTRY.task("list_all_entities_ordered_2D").paraphrases:
        assert "left" in wording, wording
    for name in ("sterility_breach",):
        assert all(re.search("br(ea|ok)|violat", one) for one in REGISTRY.task(name).paraphrases)


def test_d7_sentences_hold_the_answer():
    for task in REGISTRY.tasks.values():
        ways = task.sentences.values() if isinstance(task.sentences, dict) else [task.sentences]
        assert all(ways), task.name
        if not isinstance(task.sentences, dict):
            assert all("{answer}" in one for one in task.sentences), task.name
        for answer, sentences in task.sentences.items() if isinstance(task.sentences, dict) else ():
            for one in sentences:
                said = one.lower()
                assert "{answer}" in said or answer in said or answer in {"nothing"}, f"{task.name}: {one}"


def test_d8_every_right_answer_is_right():
    labels = {
        "relations": (Triplet("nurse", "holding", "saw"), Triplet("nurse", "cleaning", "saw")),
        "actions": ("a", "b"),
    }
    found = asked(labels, "interaction", "current_action")
    assert found == {("interaction", "nurse", "saw"): ("holding", "cleaning"), ("current_action",): ("a", "b")}
    assert REGISTRY.score("current_action", "b", "a", "b") == 1.0


def test_d9_millimetres_are_not_doubled():
    extents = {"a": (0, 0, 0, 0, 0, 0), "b": (0, 600.9, 0, 0, 1000.9, 0)}
    labels = {"positions": {"reach": 3500, "extents": extents}}
    assert asked(labels, "distance_3d") == {("distance_3d", "a", "b"): ("800 mm",)}
    assert asked(labels, "distance_3d", compat=True) == {("distance_3d", "a", "b"): ("1600 mm",)}


def test_d9_units_of_two_millimetres_come_out_right_either_way():
    extents = {"a": (0, 0, 0, 0, 0, 0), "b": (0, 800, 0, 0, 800, 0)}
    labels = {"positions": {"reach": 3000, "unit": 2, "extents": extents}}
    for compat in (False, True):
        assert asked(labels, "distance_3d", compat=compat) == {("distance_3d", "a", "b"): ("800 mm",)}


def test_d10_two_boxes_of_a_class_are_two_answers():
    boxes = (
        Box("forceps", 0, 0, 192, 108),
        Box("own hands left", 960, 540, 1152, 648),
        Box("forceps", 960, 0, 1152, 108),
    )
    labels = {"boxes": {"ego": {**BOXES, "boxes": boxes}}}
    assert asked(labels, "where_2d")["where_2d", "forceps"] == ("0, 99, 0, 99", "499, 599, 0, 99")
    assert asked(labels, "where_2d", compat=True)["where_2d", "forceps"] == ("499, 599, 0, 99",)
    ordered = "list_all_entities_ordered_2D"
    assert asked(labels, ordered)[ordered,] == ("forceps, own hands left, forceps",)
    assert asked(labels, ordered, compat=True)[ordered,] == ("forceps, own hands left",)


def test_d10_the_gaze_begins_where_the_files_say(monkeypatch):
    from orqa_plugin_egosurgery.dataset import EgoSurgery

    assert EgoSurgery().gaze_origin == "top", "as the original reads it; nobody wrote down whether it is"
    monkeypatch.setenv("ORQA_EGOSURGERY_GAZE_ORIGIN", "bottom")
    assert EgoSurgery().gaze_origin == "bottom"


def test_d12_a_pause_does_not_hide_the_next_step():
    phases = [{"robot_phase": one} for one in ("a", "", None, "b")]
    assert asked(phases, "next_robot_step") == {("next_robot_step",): ("b",)}
    assert asked(phases, "next_robot_step", compat=True) == {}


NOTHING_TO_ASK = {
    "an empty graph": (
        {"relations": (), "actions": ()},
        ("interaction", "status_action", "time_until_step", "did_happen"),
    ),
    "one entity": ({"positions": {"reach": 1, "extents": {"a": (0,) * 6}}}, ("distance_3d",)),
    "no entity": ({"positions": {"reach": 1, "extents": {}}, "boxes": {}}, ("distance_3d", "where_3d", "where_2d")),
    "no gaze": ({"boxes": {}}, ("gaze_location", "gaze_object")),
    "a gaze outside the image": ({"gaze": (1.2, 0.5), "boxes": {}}, ("gaze_location", "gaze_object")),
    "a gaze on nothing": ({"gaze": (0.5, 0.5), "boxes": {"ego": {**BOXES, "boxes": ()}}}, ("gaze_object",)),
    "no sterility file": ({}, ("sterility_breach",)),
    "no phase": ({"robot_phase": None}, ("current_robot_step", "next_robot_step")),
    "no text": ({"screen_text": ""}, ("monitor_reading",)),
    "no attribute": ({"attributes": {"saw": {}}}, ("tool_equipment_attribute",)),
}


@pytest.mark.parametrize("compat", [False, True])
@pytest.mark.parametrize("case", NOTHING_TO_ASK)
def test_d13_no_question_instead_of_a_crash(case, compat):
    labels, tasks = NOTHING_TO_ASK[case]
    assert asked(labels, *tasks, compat=compat, seconds=1.0) == {}


def test_d13_an_unknown_predicate_or_name_is_asked_as_it_is():
    labels = scenegraph.graph_facets((Triplet("yeti", "juggling", "saw"),))
    found = asked(labels, "interaction", "current_action", "tools_used", "current_scene_graph")
    assert found["interaction", "yeti", "saw"] == ("juggling",)
    assert found["current_scene_graph",] == ("<SG> yeti,saw,juggling </SG>",)


def test_d14_a_distance_of_zero_is_scored():
    score = REGISTRY.task("distance_3d").score
    assert (score("0 mm", "0 mm"), score("0 mm", "3 mm")) == (1.0, 0.0)


def test_questions_travel_to_other_processes():
    labels = {"relations": (Triplet("nurse", "holding", "saw"),)}
    take = Take("d", "s", "t", lambda: iter([Timepoint("d", "s", "t", "0", 0, labels=labels)]))
    ((_, (question,)),) = ask(next(iter(take)), take.timeline(), [REGISTRY.task("interaction")])
    assert pickle.loads(pickle.dumps(question)) == question


def test_d21_labels_are_never_changed_by_asking():
    graph = (Triplet("nurse", "holding", "saw"), Triplet("a", "cutting", "patient"))
    labels = {**scenegraph.graph_facets(graph), "roles": ("nurse",), "entities": ("saw", "nurse")}
    before = repr(labels)
    asked(labels, *REGISTRY.tasks, compat=True)
    assert repr(labels) == before


def test_d24_and_d25_the_better_score_stands_beside_the_published_one():
    graph = REGISTRY.task("current_scene_graph")
    true, more = "<SG> nurse,saw,holding </SG>", "<SG> nurse,saw,holding; a,b,holding; c,d,cutting </SG>"
    assert (graph.score(true, more), graph.score_fairly(true, more)) == (1.0, (2 / 3) / 2)
    assert (graph.score("<SG> </SG>", more), graph.score_fairly("<SG> </SG>", more)) == (1.0, 0.0)
    assert (graph.score(true, true.replace("nurse", "Nurse")), graph.score_fairly(true, true.upper())) == (0.0, 1.0)
    action = REGISTRY.task("current_action")
    assert (action.score("closure", "Closure."), action.score_fairly("closure", "Closure.")) == (0.0, 1.0)


def test_d30_nothing_is_found_by_a_path_written_in_code():
    with pytest.raises(CallError, match="--root DIR"):
        REGISTRY.locate(REGISTRY.dataset("4D-OR"), None, {})
    with pytest.raises(OrqaError, match="there is no folder"):
        REGISTRY.locate(REGISTRY.dataset("4D-OR"), None, {"ORQA_DATA": "/nowhere"})
