"""What is being done, what was, and what will be (protocol.md 4.3 and 4.5 to 4.8)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from orqa_registry import RARE_WEIGHT, Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import display

CLOCK_TOLERANCE = 1e-6
"""Seconds that a clock read from a file may be off: 5.0 must not become 4."""


class Interaction(Task):
    """What one thing does to another; every predicate that links them is right (defect D8)."""

    name = "interaction"
    needs = {"relations"}
    question = "What is the interaction of {subject} with {object}?"
    paraphrases = (
        "How does {subject} interact with {object}?",
        "Which relation does {subject} have to {object}?",
        "What is {subject} doing in relation to {object}?",
    )
    sentences = (
        "The interaction of {subject} with {object} is {answer}.",
        "{subject} and {object} are linked by {answer}.",
        "What {subject} does to {object} is {answer}.",
    )
    answer_format = "one predicate"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every ordered pair that is linked."""
        pairs: dict[tuple[str, str], list[str]] = {}
        for edge in moment.labels["relations"]:
            pairs.setdefault((edge.subject, edge.object), []).append(edge.predicate.lower())
        for (subject, object_name), predicates in pairs.items():
            yield self.pose(*dict.fromkeys(predicates), subject=display(subject), object=display(object_name))

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class CurrentAction(Task):
    """What happens now; each action is right where several happen (defect D8)."""

    name = "current_action"
    needs = {"actions"}
    question = "What is currently happening?"
    paraphrases = (
        "Which action is being performed right now?",
        "What is going on at this moment?",
        "What is being done at present?",
    )
    sentences = {
        "nothing": ("Nothing is happening at the moment.", "There is nothing being done right now."),
        "*": (
            "The current action is {answer}.",
            "What is happening now is {answer}.",
            "At the moment there is {answer}.",
        ),
    }
    answer_format = "one action"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; where nothing happens, rarely."""
        actions = moment.labels["actions"]
        yield self.pose(*actions) if actions else self.pose("nothing", weight=RARE_WEIGHT)

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class DidHappen(Task):
    """Whether an action of the take has happened by now."""

    name = "did_happen"
    needs = {"actions", "clock"}
    question = "Did {action} happen?"
    paraphrases = (
        "Has {action} happened by now?",
        "Was {action} done so far?",
        "Has there been any {action} up to this point?",
    )
    sentences = {
        "yes": ("Yes, {action} has happened.", "Yes, there has been {action} by now."),
        "no": ("No, {action} has not happened.", "No, there has been no {action} so far."),
    }
    choices = ("yes", "no")
    answer_format = "yes or no"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every action of the take."""
        track = moment.timeline.track("actions")
        for action in track.values:
            yield self.pose("yes" if track.happened(action, moment.index) else "no", action=action)

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


class TimeUntilStep(Task):
    """How many seconds there are until an action happens the next time; needs a clock."""

    name = "time_until_step"
    needs = {"actions", "clock"}
    question = "How long until {action}?"
    paraphrases = (
        "In how many seconds does {action} happen?",
        "How much time is left before {action}?",
        "When will {action} come next, counted from now?",
    )
    sentences = (
        "It is {answer} until {action}.",
        "The next {action} comes in {answer}.",
        "There are {answer} left before {action}.",
    )
    answer_format = "<integer> seconds"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every action that is still to come."""
        now = moment.timepoint.seconds
        if now is None:
            return
        track = moment.timeline.track("actions")
        for action in track.values:
            next_seconds = track.next_seconds(action, moment.index)
            if next_seconds is not None:
                yield self.pose(f"{math.floor(next_seconds - now + CLOCK_TOLERANCE)} seconds", action=action)

    def score(self, truth: str, answer: str) -> float:
        """Score as a time."""
        return scoring.seconds(truth, answer)


class StatusAction(Task):
    """How far an action is, in per cent of its time; needs a clock and an action of some length."""

    name = "status_action"
    needs = {"actions", "clock"}
    question = "What is the status of {action}?"
    paraphrases = (
        "How much of {action} is done?",
        "How far along is {action}?",
        "What percentage of {action} is completed?",
    )
    sentences = (
        "So far, {answer} of {action} is done.",
        "The status of {action} is {answer}.",
        "{action} is {answer} complete.",
    )
    answer_format = "<integer>%"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every action that happens now."""
        track = moment.timeline.track("actions")
        for action in moment.labels["actions"]:
            span = track.span(action, moment.index)
            progress = span.progress(moment.timepoint.seconds) if span else None
            if progress is not None:
                yield self.pose(f"{math.floor(progress * 100 + CLOCK_TOLERANCE)}%", action=action)

    def score(self, truth: str, answer: str) -> float:
        """Score as percentage points."""
        return scoring.percent(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield Interaction()
    yield CurrentAction()
    yield DidHappen()
    yield TimeUntilStep()
    yield StatusAction()
