"""The scorers of the benchmark (protocol.md 10), with its exact brackets. None of them ever raises."""

from __future__ import annotations


def label(truth: str, answer: str) -> float:
    """Score a name: 1 where equal but for case and surrounding space, else 0."""
    return float(truth.lower().strip() == answer.lower().strip())


def count(truth: str, answer: str) -> float:
    """Score an integer: 1 where equal, 0.5 where one off, else 0."""
    try:
        error = abs(int(answer) - int(truth))
    except ValueError:
        return 0.0
    return {0: 1.0, 1: 0.5}.get(error, 0.0)


def names(truth: str, answer: str) -> float:
    """Score a comma-separated set: shared names over all names, in any order (Jaccard index)."""
    wanted, given = _names(truth), _names(answer)
    return len(wanted & given) / len(wanted | given)


def seconds(truth: str, answer: str) -> float:
    """Score `12 seconds`: 1 under 10 % off, 0.5 under 25 % off, else 0; a truth of 0 must be met exactly."""
    try:
        wanted, given = _seconds(truth), _seconds(answer)
    except ValueError:
        return 0.0
    if wanted == 0:
        return float(given == 0)
    return _bracket(_ratio(abs(given - wanted), wanted), ((0.10, 1.0), (0.25, 0.5)))


def percent(truth: str, answer: str) -> float:
    """Score `40%`: 1 under 10 percentage points off, 0.5 under 25, else 0."""
    try:
        error = abs(int(answer.replace("%", "")) - int(truth.replace("%", "")))
    except ValueError:
        return 0.0
    return _bracket(error, ((10, 1.0), (25, 0.5)))


def _names(text: str) -> set[str]:
    return {name.strip().lower() for name in text.split(",")}


def _seconds(text: str) -> int:
    return int(text.replace("seconds", "").replace("s", ""))


def _ratio(error: int, whole: int) -> float:
    try:
        return error / whole
    except OverflowError:
        return float("inf")


def _bracket(error: float, brackets: tuple[tuple[float, float], ...]) -> float:
    return next((score for limit, score in brackets if error < limit), 0.0)
