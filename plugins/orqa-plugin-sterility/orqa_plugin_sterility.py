"""Whether sterility is kept (protocol.md 4.11)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import Moment, Question, Task, hookimpl, scoring


class SterilityBreach(Task):
    """Whether anybody breaks sterility now. Every wording asks for the breach (defect D7)."""

    name = "sterility_breach"
    needs = {"sterility_breach"}
    question = "Is there a sterility breach happening?"
    paraphrases = (
        "Is sterility being broken right now?",
        "Is somebody breaching sterility at this moment?",
        "Does a breach of sterility take place?",
        "Does anybody break the rules of sterility now?",
        "Can a violation of sterility be seen?",
    )
    sentences = {
        "yes": ("Yes, sterility is being breached.", "Yes, there is a breach of sterility."),
        "no": ("No, sterility is not being breached.", "No, there is no breach of sterility."),
    }
    answer_format = "yes or no"
    choices = ("yes", "no")

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint."""
        yield self.pose("yes" if moment.labels["sterility_breach"] else "no")

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the task."""
    yield SterilityBreach()
