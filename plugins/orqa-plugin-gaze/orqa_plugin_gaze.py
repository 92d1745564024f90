"""Where the surgeon looks (protocol.md 4.21 and 4.22)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import display
from orqa_registry.questions import image_coordinates


class GazeLocation(Task):
    """The point of the image that is looked at, in a thousand bins an axis."""

    name = "gaze_location"
    needs = {"gaze"}
    question = "Where is the surgeon looking at?"
    paraphrases = (
        "At which point of the image does the surgeon look?",
        "What are the coordinates of the surgeon's gaze?",
        "Give the gaze point of the surgeon.",
        "On which place of the picture do the surgeon's eyes rest?",
    )
    sentences = (
        "The surgeon is looking at {answer}.",
        "The gaze rests on {answer}.",
        "The gaze point is {answer}.",
    )
    answer_format = "x, y: two integers, 0 to 999"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask where the gaze is within the image."""
        gaze = image_coordinates.binned_gaze(moment)
        if gaze is not None:
            yield self.pose(f"{gaze.x}, {gaze.y}", view=gaze.view)

    def score(self, truth: str, answer: str) -> float:
        """Score as a point of the image."""
        return scoring.gaze(truth, answer)


class GazeObject(Task):
    """What is looked at: the first box in the file's order that holds the gaze, tools before hands."""

    name = "gaze_object"
    needs = {"boxes", "gaze"}
    question = "What is the surgeon looking at?"
    paraphrases = (
        "Which object does the surgeon look at?",
        "On what do the surgeon's eyes rest?",
        "What is the surgeon's gaze directed at?",
        "What has the surgeon's attention?",
    )
    sentences = (
        "The surgeon is looking at {answer}.",
        "The surgeon's eyes rest on {answer}.",
        "The object looked at is {answer}.",
    )
    answer_format = "the name of a tool or hand"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask where something is looked at."""
        gaze = image_coordinates.binned_gaze(moment)
        looked_at = gaze and gaze.met(moment)
        if gaze is not None and looked_at:
            yield self.pose(display(looked_at), view=gaze.view)

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield GazeLocation()
    yield GazeObject()
