"""Prompts: the words of the protocol, what chance may do, and what each policy makes of a question."""

import json
from collections import Counter

import pytest
from attrs import evolve
from prompting import BASE_ARRAY, GRAPH, MMOR, SENSORS, STRANGER, Bare, Graph, Tools, a_memory, a_point, made

from orqa_registry import AskedQuestion, CallError, DataWarning, OrqaError, Timepoint, Triplet
from orqa_registry.prompts.build import build_prompt
from orqa_registry.prompts.change_log import Change, ChangeLog
from orqa_registry.prompts.memory import Memory
from orqa_registry.prompts.policy import (
    CONCISE_SUFFIX,
    GROUNDED_SUFFIX,
    IMAGE_MARK,
    LEAKING_SOURCES,
    POLICIES,
    PromptPolicy,
    find_policy,
)
from orqa_registry.prompts.sensor_text import robot_text, tracker_text
from orqa_registry.prompts.views import BENCHMARK_VIEWS, VIEW_POLICIES


def test_the_worked_example_of_the_protocol():
    robot = json.dumps({"a": {"type": "button", "template_name": "Next", "certainty": "0.9"}}).encode()
    tracker = json.dumps({"unique_id_dicts": [{**BASE_ARRAY, "euler_rot": [3.9, -0.4, 91]}]}).encode()
    media = {"room1.jpg": b"", "room4.jpg": b"", "speech.txt": b"next the saw please"}
    point = Timepoint("MM-OR", "test", "t", "1", 1, 1.0, {**media, "tracker.json": tracker, "robot.json": robot})
    history = Memory(ChangeLog((Change(0, Triplet("nurse", "holding", "drill")),)))
    prompts = [made("eval-grounded", seed, point=point, memory=history, graph=GRAPH) for seed in range(9)]
    assert {prompt.text for prompt in prompts} == {
        "<image><image><memory_start>: Long: Short: nurse,holding,drill<memory_end>. "
        "<speech_transcript_start>: next the saw please <speech_transcript_end>. "
        "<tracker_metadata_start>: base_array: state 0, translation 12 -40 871, euler angles 3 0 91 "
        "<tracker_metadata_end>. <robot_metadata_start>: button: Next <robot_metadata_end>. "
        "Which tools are currently being used? Answer concisely. Use the scene graph to guide your answer."
    }
    assert {prompt.answer for prompt in prompts} == {
        "<SG> head surgeon,patient,drilling; nurse,drill,holding </SG> Drill",
        "<SG> nurse,drill,holding; head surgeon,patient,drilling </SG> Drill",
    }, "graphs are shuffled"


def test_the_words_of_tracker_and_robot():
    other = {"unique_id": "8000999", "button_state": "1", "Translation": ["1.5", "-2.5", "0"], "euler_rot": [1, 2, 3]}
    assert tracker_text({"unique_id_dicts": [STRANGER, BASE_ARRAY, other]}) == (
        "base_array: state 0, translation 12 -40 871, euler angles 3 0 91; "
        "calibration_array: state 1, translation 1 -2 0, euler angles 1 2 3"
    )
    log = {"z": {"type": "phase", "template_name": "Saw"}, "a": {"type": "button", "template_name": "Next"}}
    assert robot_text(log) == "button: Next, phase: Saw"


def test_what_is_absent_or_says_nothing_has_no_marks():
    empty = Timepoint("d", "test", "t", "1", 1, media={"tracker.json": b'{"unique_id_dicts": []}', "speech.txt": b" "})
    assert made(point=empty).text == "Which tools are currently being used? Answer concisely."


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b'{"unique_id_dicts": [{"unique_id": "8000050"}]}',
        b"[" * 100_000,
        b"\xff",
        OSError,
        OrqaError("gone"),
    ],
)
def test_what_is_damaged_costs_itself(damage):
    def fail():
        raise damage

    whole = a_point(["room1"], ["speech.txt"])
    medium = damage if isinstance(damage, bytes) else fail
    point = evolve(whole, media={**whole.media, "tracker.json": medium})
    with pytest.warns(DataWarning, match=r"MM-OR/004_PKA_MMOR/000007\.tracker\.json: .*left out"):
        assert made(point=point) == made(point=whole)


def test_numbers_that_are_none_are_damage():
    log = json.dumps({"unique_id_dicts": [{**BASE_ARRAY, "Translation": [float("inf"), 0, 0]}]}).encode()
    with pytest.warns(DataWarning, match="left out"):
        assert made(point=evolve(a_point(), media={"tracker.json": log})).tracker == ""


def test_the_mark_of_an_image_is_one_alone():
    point = evolve(a_point(["room1"]), media={"room1.jpg": b"", "speech.txt": b"an <image> of it"})
    prompt = made(point=point)
    assert prompt.text.count(IMAGE_MARK) == len(prompt.images) == 1


def test_d19_nothing_states_the_answer():
    for policy in ("no-leak", "no-leak-train"):
        for seed in range(20):
            prompt = made(policy, seed)
            assert not {"screen.jpg"} & {one.medium for one in prompt.images}
            assert (prompt.tracker, prompt.robot) == ("", "")
    assert made("no-leak").speech
    assert made("eval").tracker
    assert made("eval").robot
    assert len(made("no-leak").images) == 6
    # What a question is about is shown in any case.
    assert [one.medium for one in made("no-leak", view="screen").images] == ["screen.jpg"]
    assert made(evolve(find_policy("eval"), without=LEAKING_SOURCES | {"speech", "points", "room1"})).sensors == (
        "clap.npy",
        "audio.mp3",
    )


def test_d22_a_prompt_without_images_is_whole():
    memory = a_memory("incision")
    point = a_point(sensors=["speech.txt"])
    for policy in POLICIES.values():
        prompt = made(
            evolve(policy, memory="longshort", drop=0.0, concise=1.0, grounding=0.0), point=point, memory=memory
        )
        assert prompt.images == ()
        assert prompt.text == (
            "<memory_start>: Long: Short: incision<memory_end>. "
            "<speech_transcript_start>: next the saw please <speech_transcript_end>. "
            "Which tools are currently being used? Answer concisely."
        )


def test_the_same_seed_gives_the_same_prompt():
    memory = a_memory(*(f"step {k}" for k in range(6)))
    for policy in POLICIES:
        once = [made(policy, 1, epoch, memory=memory) for epoch in range(20)]
        assert once == [made(policy, 1, epoch, memory=memory) for epoch in range(20)]
        chances = policy.endswith("train") or "grounded" in policy
        assert len({(one.text, one.answer, one.images) for one in once}) > 1 if chances else len(set(once)) == 1


def test_questions_of_a_timepoint_share_what_is_shown():
    for seed in range(20):
        one, other = made("train", seed), made("train", seed, task=Bare())
        assert (one.images, one.sensors, one.speech, one.robot) == (
            other.images,
            other.sensors,
            other.speech,
            other.robot,
        )


def test_sensors_are_dropped_one_by_one():
    drawn = [made("train", seed) for seed in range(600)]
    present = [
        ["points.npy" in one.sensors for one in drawn],
        ["clap.npy" in one.sensors for one in drawn],
        *([bool(getattr(one, name)) for one in drawn] for name in ("speech", "tracker", "robot")),
    ]
    assert all(250 < sum(column) < 350 for column in present)
    assert len(set(zip(*present, strict=True))) == 32, "independently"
    assert all(("clap.npy" in one.sensors) == ("audio.mp3" in one.sensors) for one in drawn), "sound is one sensor"
    assert all(one.images for one in drawn)
    assert made("eval").sensors == ("points.npy", "clap.npy", "audio.mp3")


def test_half_of_the_answers_are_sentences():
    drawn = [made("train", seed, point=a_point()) for seed in range(400)]
    concise = [one for one in drawn if CONCISE_SUFFIX in one.text]
    assert 150 < len(concise) < 250
    assert {one.answer for one in concise} == {"Drill"}
    assert {one.answer for one in drawn if one not in concise} == {"The tools are drill."}
    assert {made("train", seed, task=Bare(), point=a_point()).answer for seed in range(20)} == {"Drill"}
    assert all(CONCISE_SUFFIX in made("train", seed, task=Bare()).text for seed in range(20)), "it has no sentences"


def test_who_is_asked_to_be_concise_is_not_asked_again():
    question = Tools().pose("drill")
    asked = AskedQuestion(a_point(), question, "Which tools? Answer concisely, please.", "drill")
    assert build_prompt(asked, Tools(), "eval").text == "Which tools? Answer concisely, please."


def test_a_sentence_that_asks_for_too_much_is_named():
    class Wrong(Tools):
        sentences = ("{who} uses {answer}.",)

    with pytest.raises(OrqaError, match=r"task tools_used: .*'who'"):
        made(PromptPolicy(concise=0.0), task=Wrong())


def test_d26_no_graph_is_asked_for_where_there_is_none():
    without = a_point(["ego"], dataset="EgoSurgery")
    assert GROUNDED_SUFFIX not in made("eval-grounded", point=without).text
    assert made("orqa-v1-eval-grounded", point=without).text.endswith(CONCISE_SUFFIX + GROUNDED_SUFFIX)
    assert made("orqa-v1-eval-grounded", point=without).answer == "Drill"
    assert all(GROUNDED_SUFFIX not in made("orqa-v1-train", seed, point=without).text for seed in range(20))
    assert made("eval-grounded").text.endswith(CONCISE_SUFFIX + GROUNDED_SUFFIX)
    assert made("eval-grounded", point=a_point(labels={"relations": ()})).answer == "<SG> </SG> Drill"


def test_half_of_training_is_grounded():
    drawn = [made("train", seed) for seed in range(400)]
    grounded = [one for one in drawn if one.text.endswith(GROUNDED_SUFFIX)]
    assert 150 < len(grounded) < 250
    assert all(one.answer.startswith("<SG> ") == (one in grounded) for one in drawn)
    assert GROUNDED_SUFFIX not in made("eval").text


def test_the_graph_itself_is_not_asked_for_twice():
    assert GROUNDED_SUFFIX not in made("eval-grounded", task=Graph()).text
    assert GROUNDED_SUFFIX in made("orqa-v1-eval-grounded", task=Graph()).text


def test_evaluation_remembers_all_and_training_what_is_drawn():
    memory = a_memory(*(f"step {k}" for k in range(9)))
    assert made("eval", memory=memory).memory == memory.text(7) != memory.text(9)
    assert made("eval", memory=memory, at=9).memory == memory.text(9)
    assert made("eval").memory == ""
    drawn = Counter(made("train", seed, memory=memory).memory.partition(" ")[0] for seed in range(400))
    assert 150 < drawn[""] < 250
    assert set(drawn) == {"", "Long:", "Short:", "Short", "Long"}
    assert made(PromptPolicy(memory="none"), memory=memory).memory == ""
    assert made(PromptPolicy(memory="short"), memory=memory).memory == memory.text(7, "short")


def test_scenes_have_no_past():
    class Attribute(Tools):
        name = "tool_equipment_attribute"

    assert made("eval", task=Attribute(), memory=a_memory("incision")).memory == ""


@pytest.mark.parametrize("policy", [*POLICIES, *(PromptPolicy(views=views) for views in VIEW_POLICIES)])
@pytest.mark.parametrize("dataset", [*BENCHMARK_VIEWS, "Stranger"])
def test_every_policy_runs_on_whatever_there_is(policy, dataset):
    how = find_policy(policy) if isinstance(policy, str) else policy
    memory = a_memory("incision")
    for views in ([], ["room1", "room3"], ["left"], MMOR):
        for sensors in ((), SENSORS):
            point = a_point(views, sensors, dataset, {"relations": GRAPH} if sensors else {})
            prompt = made(policy, 3, point=point, memory=memory)
            assert prompt.text.count(IMAGE_MARK) == len(prompt.images)
            assert Tools.question in prompt.text
            assert {one.medium for one in prompt.images} <= set(point.media)
            assert how.compat or bool(prompt.images) == bool(views)


def test_wrong_calls_are_told():
    with pytest.raises(CallError, match="did you mean 'eval-grounded'"):
        made("eval-ground")
    assert find_policy("ORQA_v1_eval") is POLICIES["orqa-v1-eval"]
    with pytest.raises(CallError, match="did you mean 'train'"):
        PromptPolicy(views="trains")
    with pytest.raises(CallError, match="did you mean 'longshort'"):
        PromptPolicy(memory="longshot")
    with pytest.raises(ValueError, match="drop"):
        PromptPolicy(drop=1.5)
