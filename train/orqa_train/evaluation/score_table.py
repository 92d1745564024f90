"""The table of scores that an evaluation prints and its page shows."""

from __future__ import annotations

from statistics import fmean

from orqa_train.evaluation.results import SCORE_KINDS, Evaluation


def score_table(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the rows: a row a task, then the means of each kind of score; a column an answerer."""
    outcomes = evaluation.outcomes
    tasks = [outcome.by_task() for outcome in outcomes]
    rows = [
        [task, str(len(scores)), *(f"{fmean(by_task[task]):.3f}" for by_task in tasks)]
        for task, scores in tasks[0].items()
    ]
    count = str(len(outcomes[0].answers))
    for kind, label in SCORE_KINDS.items():
        for mean in ("macro", "micro"):
            means = (outcome.mean(kind, macro=mean == "macro") for outcome in outcomes)
            title = f"{mean}, {label}" if label else mean
            rows.append([title, count if mean == "micro" else "", *(f"{value:.3f}" for value in means)])
    return ["task", "questions", *(outcome.name for outcome in outcomes)], rows
