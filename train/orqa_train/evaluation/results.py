"""What answerers answered on the same questions: scores and `results.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from attrs import define, field, frozen

from orqa_registry import AskedQuestion
from orqa_registry.data.records import quote_key_part
from orqa_registry.readers.io import atomic_write
from orqa_shards.error_budget import BadSample
from orqa_shards.read.dataset import Split
from orqa_shards.sampling.mixture import Mixture

MAJORITY = "majority"
"""The answerer that every table compares with."""


@frozen
class ScoredAnswer:
    """One answer with its scores, 0 to 1.

    score: the benchmark's scorer, against every right answer. strict: against the one that was drawn, as published.
    fair: against every right answer, by a scorer without known defects.
    """

    asked: AskedQuestion
    text: str
    score: float
    strict: float
    fair: float


SCORE_KINDS = {"score": "", "strict": "one reference", "fair": "fair"}
"""The scores of an answer -> what tables call them."""


@define
class AnswererScores:
    """What one answerer answered, in the order of the questions."""

    name: str
    answers: list[ScoredAnswer] = field(factory=list)

    def by_task(self, kind: str = "score") -> dict[str, list[float]]:
        """Return the scores of each task; `kind` is one of SCORE_KINDS."""
        scores: dict[str, list[float]] = {}
        for answer in self.answers:
            scores.setdefault(answer.asked.question.task, []).append(getattr(answer, kind))
        return dict(sorted(scores.items()))

    @property
    def macro(self) -> float:
        """The mean of the tasks' means: every task counts the same."""
        return self.mean("score", macro=True)

    @property
    def micro(self) -> float:
        """The mean over all questions; the benchmark publishes that of `strict`."""
        return self.mean("score", macro=False)

    def mean(self, kind: str, *, macro: bool) -> float:
        """Return the mean of one kind of score, over tasks (macro) or over questions (micro)."""
        by_task = self.by_task(kind).values()
        return fmean(map(fmean, by_task)) if macro else fmean(score for scores in by_task for score in scores)


@frozen
class Evaluation:
    """The outcomes of all answerers on the same questions; the most common answer is always among them.

    data: folder or URL of the shards. mixture: how questions were drawn. bad: timepoints that an answerer could not
    read; nobody's answers there are counted.
    """

    data: str
    split: Split
    learnt_from: str
    mixture: Mixture
    outcomes: tuple[AnswererScores, ...]
    bad: tuple[BadSample, ...] = ()

    def outcome(self, name: str) -> AnswererScores:
        """Return the outcome of an answerer by name."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def summary(self) -> dict[str, Any]:
        """Return the scores, for `results.json`."""
        return {
            "data": self.data,
            "split": self.split.name,
            "labels_sha256": self.split.entry.labels.sha256,
            "seed": self.mixture.seed,
            "compat": self.mixture.compat,
            "majority_from": self.learnt_from,
            "questions": len(self.outcomes[0].answers),
            "bad": [{"timepoint": bad.key, "why": bad.why} for bad in self.bad],
            "answerers": {
                outcome.name: {
                    "macro": outcome.macro,
                    "micro": outcome.micro,
                    **{
                        kind: {"macro": outcome.mean(kind, macro=True), "micro": outcome.mean(kind, macro=False)}
                        for kind in ("strict", "fair")
                    },
                    "tasks": {
                        task: {
                            "questions": len(scores),
                            **{kind: fmean(outcome.by_task(kind)[task]) for kind in SCORE_KINDS},
                        }
                        for task, scores in outcome.by_task().items()
                    },
                }
                for outcome in self.outcomes
            },
        }


def write_results(evaluation: Evaluation, out: Path) -> None:
    """Write `results.json` and one `answers-NAME.jsonl` for each answerer."""
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("answers-*.jsonl"):
        stale.unlink()
    for outcome in evaluation.outcomes:
        with atomic_write(out / f"answers-{quote_key_part(outcome.name)}.jsonl") as partial:
            lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in _answer_records(outcome.answers))
            partial.write_text("".join(lines), encoding="utf-8")
    with atomic_write(out / "results.json") as partial:
        partial.write_text(json.dumps(evaluation.summary(), indent=2) + "\n", encoding="utf-8")


def _answer_records(answers: Iterable[ScoredAnswer]) -> Iterator[Mapping[str, Any]]:
    for answer in answers:
        point, question = answer.asked.timepoint, answer.asked.question
        yield {
            "dataset": point.dataset,
            "split": point.split,
            "take": point.take,
            "frame": point.frame,
            "task": question.task,
            "arguments": list(question.arguments.values()),
            "question": answer.asked.text,
            "truth": answer.asked.answer,
            "truths": list(question.answers),
            "answer": answer.text,
            "score": answer.score,
            "strict": answer.strict,
            "fair": answer.fair,
        }
