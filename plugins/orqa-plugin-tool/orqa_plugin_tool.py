"""Which tools are in use (protocol.md 4.17)."""

from __future__ import annotations

from collections.abc import Iterator

from orqa_registry import RARE, Moment, Question, Task, hookimpl, scoring
from orqa_registry.vocabulary import TOOLS, canonical_order


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
    answer_format = "tools separated by commas, without 'and'"

    def ask(self, moment: Moment) -> Iterator[Question]:
        """Ask at every timepoint; where none is in use, rarely."""
        tools = canonical_order(set(moment.labels["tools"]), TOOLS)
        yield self.pose(", ".join(tools)) if tools else self.pose("nothing", weight=RARE)

    def score(self, truth: str, answer: str) -> float:
        """Score as a set."""
        return scoring.names(truth, answer)


@hookimpl
def orqa_tasks() -> Iterator[Task]:
    """Bring the task."""
    yield ToolsUsed()
