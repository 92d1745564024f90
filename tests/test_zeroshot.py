"""What generalist models are told, and the command that prints prompts."""

import json
import re

import pytest
from click.testing import CliRunner
from prompting import Tools, made

from orqa_registry import CallError, Card, Dataset, Registry, Task, hookimpl
from orqa_registry.cli.prompt import prompt as command
from orqa_registry.prompts import zeroshot
from orqa_registry.prompts.policy import IMAGE_MARK


class KnotsLeft(Task):
    name = "knots_left"
    needs = {"knots:left"}
    question = "How many knots are left to tie?"
    answer_format = "one integer"

    def ask(self, moment):
        yield self.pose("3")

    def score(self, truth, answer):
        return 0.0


class Like(KnotsLeft):
    """A task with only a question and a form, made for a test."""

    def __init__(self, answer_format, question="Which {knot} is it?", **attributes):
        self.name, self.question, self.answer_format = "z", question, answer_format
        self.__dict__.update(attributes)


class Lab(Dataset):
    name = "Lab"
    card = Card("t", "l", "a")
    provides = {"tools", "gaze", "roles", "knots:left"}

    def takes(self, root, split):
        return iter(())


class Plugin:
    @hookimpl
    def orqa_tasks(self):
        yield KnotsLeft()

    @hookimpl
    def orqa_datasets(self):
        yield Lab()


@pytest.fixture
def strange():
    registry = Registry.load()
    registry.register("knots", Plugin())
    assert registry.problems == []
    return registry


def test_a_strangers_task_is_in_it_the_day_it_is_installed(strange):
    told = zeroshot.zero_shot_preamble(strange.tasks.values())
    assert "How many knots are left to tie?\nAnswer: one integer; for example: 4\n" in told
    assert all(
        f". {zeroshot._asked(task)}\nAnswer: {(task.choices and 'exactly one of') or task.answer_format}" in told
        for task in strange.tasks.values()
    )
    assert [int(number) for number in re.findall(r"^(\d+)\. ", told, re.M)] == [*range(1, len(strange.tasks) + 1)]


def test_names_are_those_that_tasks_and_datasets_need(strange):
    lab, whole = strange.dataset("lab"), zeroshot.zero_shot_preamble(strange.tasks.values())
    for title in ("People and things: anaesthetist, ", "Relations: assisting, ", "Tools: suction cannula, "):
        assert title in whole
    assert "head_surgeon" not in whole
    told = zeroshot.zero_shot_preamble(strange.fitting_tasks(lab), [lab])
    assert "Tools: " in told
    assert "People and things: " not in told, "whoever has no scene graphs has names of their own"
    assert "Tools: " not in zeroshot.zero_shot_preamble([KnotsLeft()])
    assert zeroshot.zero_shot_preamble([KnotsLeft()], [lab]) == zeroshot.zero_shot_preamble([KnotsLeft()])


@pytest.mark.parametrize(
    ("task", "form"),
    [
        (Like("a word or a phrase"), "a word or a phrase"),
        (Like("how many, as an integer"), "how many, as an integer; for example: 4"),
        (Like("<integer> knots"), "<integer> knots; for example: 40 knots"),
        (Like("x, y: two integers, 0 to 9"), "x, y: two integers, 0 to 9; for example: 120, 340"),
        (Like("a, b, c, d, e: five integers"), "a, b, c, d, e: five integers; for example: 120, 340, 250, 610, 120"),
        (Like("names separated by commas"), "names separated by commas"),
        (
            Like("names separated by commas", needs={"roles"}),
            "names separated by commas; for example: head surgeon, nurse",
        ),
        (Like("anything", choices=("left", "right")), "exactly one of: left | right"),
        (Like("anything", example="reef knot"), "anything; for example: reef knot"),
        (
            Like("a name", sentences={"none": ("There is none.",), "1": (), "*": ("{answer}",)}),
            "a name; where there is none: none",
        ),
    ],
)
def test_forms_follow_from_what_a_task_says(task, form):
    assert zeroshot.answer_form(task) == form
    assert f"1. Which [knot] is it?\nAnswer: {form}\n" in zeroshot.zero_shot_preamble([task])


def test_odd_questions_are_told_as_they_are():
    told = zeroshot.zero_shot_preamble([Like("a word", "Is {} or {{x}} or {a.b} {right")])
    assert "1. Is {} or {[x]} or {a.b} {right\n" in told


def test_examples_score_as_right_answers(strange):
    """An example that a task itself cannot read would teach what scores nothing."""
    for task in strange.tasks.values():
        said = zeroshot.example_answer(task)
        if task.name != "knots_left" and said:
            assert task.score(said, said) == 1.0, task.name


def test_context_and_question_come_after_it():
    policy = zeroshot.zero_shot_policy([Tools()])
    prompt = made(policy)
    plain = made("eval")
    assert prompt.text == IMAGE_MARK * 7 + policy.preamble + "\n\n" + plain.words
    assert plain.words.startswith("<speech_transcript_start>: next the saw please <speech_transcript_end>. ")
    assert made(zeroshot.zero_shot_policy([Tools()], base="no-leak")).tracker == ""


@pytest.fixture
def run():
    registry = Registry.load()

    def call(*arguments):
        return CliRunner().invoke(command, list(arguments), obj=registry)

    return call


def test_the_command_prints_what_generalists_are_told(run):
    everything, some = run(), run("mvor")
    assert (everything.exit_code, some.exit_code) == (0, 0)
    assert "How many people are in the OR?" in everything.output
    assert "Is the robot calibrated?" in everything.output
    assert "Is the robot calibrated?" not in some.output
    assert isinstance(run("--frame", "1").exception, CallError)
    assert "--take" in str(run("--root", ".").exception)
    assert "of which dataset" in str(run("--take", "1").exception)
    assert "'eval'" in str(run("--policy", "evl").exception)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    pytest.importorskip("numpy")
    pytest.importorskip("PIL")
    from orqa_registry.cli.main import run as orqa

    home = tmp_path_factory.mktemp("hybridor")
    assert orqa(["synth", "--out", str(home), "--takes", "1", "--timepoints", "4", "--size", "56"]) == 0
    return str(home)


def test_the_command_prints_prompts(run, root):
    take = ("hybridor", "--root", root, "--take", "hybrid001")
    done = run(*take, "--task", "count_people", "--task", "role_people", "--memory")
    assert done.exit_code == 0, done.exception
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert [line["task"] for line in lines] == ["count_people", "role_people"]
    assert set(lines[0]) == {"key", "task", "images", "sensors", "text", "answer"}
    assert lines[0]["text"].startswith(IMAGE_MARK * len(lines[0]["images"]) + "<memory_start>: Long: Short")
    assert lines[0]["text"].endswith("How many people are in the OR? Answer concisely.")
    assert {"medium": "screen.jpg", "role": "robot_screen", "pixels": 262_144} in lines[0]["images"]
    told = json.loads(run(*take, "--task", "count_people", "--policy", "zero-shot").output)["text"]
    assert told.replace(IMAGE_MARK, "").startswith("You see an operating room")
    assert "Who is in the OR?" not in told
    frame = lines[0]["key"].rpartition("/")[2]
    again = [run(*take, "--policy", "train", "--seed", "7", "--frame", frame).output for _ in range(2)]
    assert again[0] == again[1] != run(*take, "--policy", "train", "--seed", "8", "--frame", frame).output
    for wrong in (("--frame", "99999"), ("--task", "count_persons"), ("--policy", "evl")):
        assert re.search("did you mean|there is: ", str(run(*take, *wrong).exception)), wrong
    assert "hybrid001" in str(run("hybridor", "--root", root, "--take", "hybrid01").exception)
