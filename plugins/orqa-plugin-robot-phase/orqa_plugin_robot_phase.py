"""Where the robot is in its work (protocol.md 4.10, 4.12 and 4.13)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import Moment, Question, Task, hookimpl, scoring


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
    answer_format = "the name of the step"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask while the robot is at a step."""
        if moment.labels["robot_phase"]:
            yield self.pose(moment.labels["robot_phase"])

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class NextRobotStep(Task):
    """Which step comes next; pauses between steps are skipped (defect D12)."""

    name = "next_robot_step"
    needs = {"robot_phase"}
    question = "What is the next step for the robot?"
    paraphrases = (
        "Which step will the robot do next?",
        "What does the robot's procedure ask for after this?",
        "Name the step of the robot that follows.",
    )
    answer_format = "the name of the step"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask while a different step is still to come."""
        following = moment.timeline.track("robot_phase").following(moment.index)
        if following:
            yield self.pose(following)

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
    answer_format = "yes or no"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint."""
        yield self.pose("yes" if moment.labels["robot_calibrated"] else "no")

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield CurrentRobotStep()
    yield NextRobotStep()
    yield IsRobotCalibrated()
