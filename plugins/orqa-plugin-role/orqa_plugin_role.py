"""Who is in the operating room (protocol.md 4.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import RARE, Moment, Question, Task, hookimpl, scoring
from orqa_registry.vocabulary import ROLES, canonical_order, display


class CountPeople(Task):
    """How many people there are, patient included.

    Counts persons where the dataset tells persons apart; two nurses are one where it only knows roles (defect D5).
    """

    name = "count_people"
    needs = {"roles"}
    question = "How many people are in the OR?"
    paraphrases = (
        "What is the number of people in the operating room?",
        "Count everybody in the OR, the patient included.",
        "How many persons can be seen in the operating room?",
    )
    answer_format = "exactly one integer"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint: nobody is a legal answer."""
        yield self.pose(str(len(moment.labels["roles"])))

    def score(self, truth: str, answer: str) -> float:
        """Score as a count."""
        return scoring.count(truth, answer)


class RolePeople(Task):
    """Which roles are present."""

    name = "role_people"
    needs = {"roles"}
    question = "Who is in the OR?"
    paraphrases = (
        "Which people are in the operating room?",
        "Name the roles of everybody present in the OR.",
        "What are the roles of the people in the room?",
    )
    answer_format = "roles separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; an empty room rarely."""
        roles = canonical_order(set(moment.labels["roles"]), ROLES)
        if roles:
            yield self.pose(", ".join(map(display, roles)))
        else:
            yield self.pose("no one", weight=RARE)

    def score(self, truth: str, answer: str) -> float:
        """Score as a set."""
        return scoring.names(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield CountPeople()
    yield RolePeople()
