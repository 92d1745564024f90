"""Who is in the operating room (protocol.md 4.1 and 4.2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from orqa_registry import RARE_WEIGHT, Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import ROLES, canonical_order, display

NUMBERED_PERSON = re.compile(r"human (\d+)")
MAX_PERSON_NUMBER = 5
"""People without a role that the original knows of."""


def _present_people(moment: Moment) -> Collection[str]:
    """Return the people present; for the original each role once, and numbered people up to the fifth (D5)."""
    roles: Collection[str] = moment.mask_facet("roles")
    if not moment.compat:
        return roles
    return {
        role for role in roles if not (match := NUMBERED_PERSON.fullmatch(role)) or int(match[1]) <= MAX_PERSON_NUMBER
    }


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
    sentences = {
        "1": ("There is 1 person in the OR.", "Exactly 1 person is present."),
        "*": (
            "There are {answer} people in the OR.",
            "The number of people in the operating room is {answer}.",
            "I count {answer} people.",
        ),
    }
    answer_format = "exactly one integer"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint: nobody is a legal answer."""
        yield self.pose(str(len(_present_people(moment))))

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
    sentences = {
        "no one": ("There is no one in the OR.", "No one is present."),
        "*": (
            "In the OR there are {answer}.",
            "The people present are {answer}.",
            "These people are in the operating room: {answer}.",
        ),
    }
    answer_format = "roles separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; an empty room rarely."""
        roles = canonical_order(set(_present_people(moment)), ROLES)
        if roles:
            yield self.pose(", ".join(map(display, roles)))
        else:
            yield self.pose("no one", weight=RARE_WEIGHT)

    def score(self, truth: str, answer: str) -> float:
        """Score as a set."""
        return scoring.names(truth, answer)

    def sampling_class(self, answer: str) -> str:
        """Return the roles in alphabetical order."""
        return scoring.sorted_names(answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield CountPeople()
    yield RolePeople()
