"""Timepoints, tasks and prompts that several tests of prompts make."""

import json

from orqa_registry import AskedQuestion, Task, Timepoint, Triplet
from orqa_registry.prompts.build import build_prompt
from orqa_registry.prompts.change_log import Change, ChangeLog
from orqa_registry.prompts.memory import Memory

BASE_ARRAY = {
    "unique_id": 8000050,
    "button_state": 0,
    "Translation": [12.9, -40.7, 871.2],
    "euler_rot": [3.9, -0.4, 91.0],
}
STRANGER = {"unique_id": "8000123", "button_state": 1, "Translation": [0, 0, 0], "euler_rot": [0, 0, 0]}
GRAPH = (Triplet("head_surgeon", "drilling", "patient"), Triplet("nurse", "holding", "drill"))
MMOR = ["room1", "room2", "room3", "room4", "room5", "detail0", "screen", "detail2", "detail3", "trackercam"]
SENSORS = {
    "points.npy": b"cloud",
    "clap.npy": b"sound",
    "audio.mp3": b"sound",
    "speech.txt": b" next the saw please \n",
    "tracker.json": json.dumps({"unique_id_dicts": [BASE_ARRAY, STRANGER]}).encode(),
    "robot.json": json.dumps({"b": {"type": "phase", "template_name": "x"}}).encode(),
    "room1.mask.png": b"",
    "poses.json": b"{}",
}


class Tools(Task):
    name = "tools_used"
    needs = {"tools"}
    question = "Which tools are currently being used?"
    sentences = ("the tools are {answer}.",)
    answer_format = "tools separated by commas, without 'and'"

    def ask(self, moment):
        yield self.pose("drill")

    def score(self, truth, answer):
        return 0.0


class Bare(Tools):
    name = "bare"
    sentences = ()


class Graph(Tools):
    name = "current_scene_graph"
    answer_format = "<SG> subject,object,predicate </SG>"


def a_point(views=(), sensors=(), dataset="MM-OR", labels=None):
    media = {f"{view}.jpg": b"" for view in views} | {name: SENSORS[name] for name in sensors}
    return Timepoint(dataset, "test", "004_PKA_MMOR", "000007", 7, 7.0, media, labels or {})


def made(policy="eval", *seed, point=None, task=None, view=None, **options):
    point = point or a_point(MMOR, SENSORS, labels={"relations": GRAPH})
    task = task or Tools()
    question = task.pose("drill", view=view)
    return build_prompt(AskedQuestion(point, question, question.text, "drill"), task, policy, *seed, **options)


def shown(policy, views, dataset="MM-OR"):
    prompt = made(policy, point=a_point(views, dataset=dataset))
    return [one.medium.removesuffix(".jpg") for one in prompt.images]


def a_memory(*items):
    return Memory(ChangeLog(tuple(Change(k, item) for k, item in enumerate(items))))
