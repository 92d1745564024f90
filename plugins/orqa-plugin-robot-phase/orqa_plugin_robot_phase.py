"""Where the robot is in its work, and what its tracker and screen show (protocol.md 4.9, 4.10, 4.12, 4.13, 4.23)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import ROBOT_PHASES


class CurrentRobotStep(Task):
    """Which step the robot is at."""

    name = "current_robot_step"
    needs = {"robot_phase"}
    question = "What is the current step of the robot?"
    paraphrases = (
        "Which step is the robot at?",
        "What step of its procedure is the robot in now?",
        "Name the robot's current step.",
    )
    sentences = (
        "The robot is at the step {answer}.",
        "The current step of the robot is {answer}.",
        "Right now the robot's procedure is at {answer}.",
    )
    choices = ROBOT_PHASES
    answer_format = "the name of the step"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask while the robot is at a step."""
        if moment.labels["robot_phase"]:
            yield self.pose(moment.labels["robot_phase"])

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class NextRobotStep(Task):
    """Which step comes next; pauses between steps are skipped, which the original takes for the end (defect D12)."""

    name = "next_robot_step"
    needs = {"robot_phase"}
    question = "What is the next step for the robot?"
    paraphrases = (
        "Which step will the robot do next?",
        "What does the robot's procedure ask for after this?",
        "Name the step of the robot that follows.",
    )
    sentences = (
        "The next step for the robot is {answer}.",
        "After this the robot goes on with {answer}.",
        "What follows for the robot is {answer}.",
    )
    choices = ROBOT_PHASES
    answer_format = "the name of the step"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask while a different step is still to come."""
        next_phase = moment.timeline.track("robot_phase").following(moment.index, gaps=moment.compat)
        if next_phase:
            yield self.pose(next_phase)

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class IsRobotCalibrated(Task):
    """Whether the robot is calibrated by now."""

    name = "is_robot_calibrated"
    needs = {"robot_calibrated"}
    question = "Is the robot calibrated?"
    paraphrases = (
        "Has the robot been calibrated?",
        "Is the calibration of the robot complete?",
        "Is the robot ready as far as calibration goes?",
    )
    sentences = {
        "yes": ("Yes, the robot is calibrated.", "Yes, calibration is complete."),
        "no": ("No, the robot is not calibrated.", "No, calibration is not complete."),
    }
    choices = ("yes", "no")
    answer_format = "yes or no"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint."""
        yield self.pose("yes" if moment.labels["robot_calibrated"] else "no")

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class IsBaseArrayVisible(Task):
    """Whether the tracker camera sees the base array."""

    name = "is_base_array_visible"
    needs = {"tracked_tools"}
    question = "Is the base array visible?"
    paraphrases = (
        "Can the base array be seen by the tracker?",
        "Does the tracker camera see the base array?",
        "Is the base array in sight?",
        "Is there a clear view of the base array?",
    )
    sentences = {
        "yes": ("Yes, the base array is visible.", "Yes, the tracker sees the base array."),
        "no": ("No, the base array is not visible.", "No, the tracker does not see the base array."),
    }
    choices = ("yes", "no")
    answer_format = "yes or no"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask wherever there is a tracker."""
        yield self.pose("yes" if "base_array" in moment.labels["tracked_tools"] else "no")

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class MonitorReading(Task):
    """What the robot's screen says."""

    name = "monitor_reading"
    needs = {"screen_text"}
    question = "Summarize the information on the monitor."
    paraphrases = (
        "What does the monitor show?",
        "Give a summary of what the screen says.",
        "What can be read on the monitor?",
        "Describe what is displayed on the screen of the robot.",
        "Which information does the monitor give?",
    )
    sentences = ("The monitor shows the following: {answer}",)
    answer_format = "plain text without quotes"
    example = "Bone registration, 12 of 40 points collected."

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask where the screen says anything; about the screen, where there is a picture of it."""
        text = moment.labels["screen_text"]
        if text:
            yield self.pose(text, view="screen" if "screen" in moment.timepoint.views else None)

    def score(self, truth: str, answer: str) -> float:
        """Score as text."""
        return scoring.text(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield CurrentRobotStep()
    yield NextRobotStep()
    yield IsRobotCalibrated()
    yield IsBaseArrayVisible()
    yield MonitorReading()
