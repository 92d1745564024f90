"""Which tools are in use, and what things look like (protocol.md 4.4 and 4.17)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import RARE_WEIGHT, Moment, Question, Task, hookimpl, scoring
from orqa_registry.data.vocabulary import TOOLS, canonical_order, display


class ToolsUsed(Task):
    """Which tools somebody is using."""

    name = "tools_used"
    needs = {"tools"}
    question = "Which tools are currently being used?"
    paraphrases = (
        "What tools are in use right now?",
        "Name the tools that somebody is working with.",
        "Which instruments are being used at this moment?",
    )
    sentences = {
        "nothing": ("No tool is in use.", "At the moment nothing is being used."),
        "*": (
            "The tools in use are {answer}.",
            "These tools are being used: {answer}.",
            "Somebody is working with {answer}.",
        ),
    }
    answer_format = "tools separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; where none is in use, rarely."""
        tools = canonical_order(set(moment.labels["tools"]), TOOLS)
        yield self.pose(", ".join(tools)) if tools else self.pose("nothing", weight=RARE_WEIGHT)

    def score(self, truth: str, answer: str) -> float:
        """Score as a set."""
        return scoring.names(truth, answer)

    def sampling_class(self, answer: str) -> str:
        """Return the tools in alphabetical order."""
        return scoring.sorted_names(answer)


class ToolEquipmentAttribute(Task):
    """What a tool or a piece of equipment looks like."""

    name = "tool_equipment_attribute"
    needs = {"attributes"}
    question = "What is the {attribute} of the {object}?"
    paraphrases = (
        "Which {attribute} does the {object} have?",
        "Describe the {attribute} of the {object}.",
        "Tell the {attribute} of the {object}.",
        "How would you describe the {object} as to its {attribute}?",
    )
    sentences = (
        "The {attribute} of the {object} is {answer}.",
        "As to its {attribute}, the {object} is {answer}.",
    )
    answer_format = "a word or a short phrase"
    example = "glossy"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask about every attribute of every thing that has any."""
        for thing, attributes in moment.labels["attributes"].items():
            for attribute, value in attributes.items():
                yield self.pose(value, attribute=attribute, object=display(thing))

    def score(self, truth: str, answer: str) -> float:
        """Score as a label."""
        return scoring.label(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the tasks."""
    yield ToolsUsed()
    yield ToolEquipmentAttribute()
