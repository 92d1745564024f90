"""The scorers of the benchmark (protocol.md 10), with its exact brackets. None of them ever raises.

Where the original raises (a true distance of 0, numbers beyond a float), the score is what its brackets mean: 1 for the
same number, else 0.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

Brackets = Sequence[tuple[float, float]]
"""Limits that an error has to stay under, and what it then scores; the first that holds counts."""


def label(truth: str, answer: str) -> float:
    """Score a name: 1 where equal but for case and surrounding space, else 0."""
    return 1.0 if truth == answer or truth.lower().strip() == answer.lower().strip() else 0.0


def count(truth: str, answer: str) -> float:
    """Score an integer: 1 where equal, 0.5 where one off, else 0."""
    try:
        error = abs(int(answer) - int(truth))
    except ValueError:
        return 0.0
    return {0: 1.0, 1: 0.5}.get(error, 0.0)


def names(truth: str, answer: str) -> float:
    """Score a comma-separated set: shared names over all names, in any order (Jaccard index)."""
    expected, given = set(_split_names(truth)), set(_split_names(answer))
    return len(expected & given) / len(expected | given)


def order(truth: str, answer: str) -> float:
    """Score a comma-separated list in order: 1 less edits (Levenshtein) over the length of the truth, at least 0."""
    expected, given = _split_names(truth), _split_names(answer)
    row = list(range(len(given) + 1))
    for position, name in enumerate(expected, 1):
        diagonal, row[0] = row[0], position
        for column, other in enumerate(given, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (name != other))
    return 1.0 - min(row[-1] / len(expected), 1.0)


def seconds(truth: str, answer: str) -> float:
    """Score `12 seconds`: 1 under 10 % off, 0.5 under 25 % off, else 0; a truth of 0 must be met exactly."""
    return _score_relative(truth, answer, ("seconds", "s"), ((0.10, 1.0), (0.25, 0.5)))


def distance(truth: str, answer: str) -> float:
    """Score `850 mm`: 1 under 10 % off, 0.5 under 25 %, 0.25 under 50 %, else 0; a truth of 0 must be met exactly."""
    return _score_relative(truth, answer, ("mm",), ((0.10, 1.0), (0.25, 0.5), (0.50, 0.25)))


def percent(truth: str, answer: str) -> float:
    """Score `40%`: 1 under 10 percentage points off, 0.5 under 25, else 0."""
    try:
        error = abs(int(answer.replace("%", "")) - int(truth.replace("%", "")))
    except ValueError:
        return 0.0
    return _apply_brackets(error, ((10, 1.0), (25, 0.5)))


def box(truth: str, answer: str) -> float:
    """Score `x_min, x_max, y_min, y_max` by overlap (IoU): from 0.75, 0.5, 0.25, 0.125 on it is 1, 0.75, 0.5, 0.25."""
    try:
        (ax0, ax1, ay0, ay1), (bx0, bx1, by0, by1) = _parse_box(truth), _parse_box(answer)
    except ValueError:
        return 0.0
    intersection = max(0, min(ax1, bx1) - max(ax0, bx0)) * max(0, min(ay1, by1) - max(ay0, by0))
    union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - intersection
    overlap = _divide(intersection, union) if union > 0 else 0.0
    return next(
        (score for threshold, score in ((0.75, 1.0), (0.5, 0.75), (0.25, 0.5), (0.125, 0.25)) if overlap >= threshold),
        0.0,
    )


def point(truth: str, answer: str) -> float:
    """Score `x, y, z` by distance in steps of the normalised room: under 50, 100, 200, 400 are the brackets."""
    return _score_distance(truth, answer, float, 3, ((50, 1.0), (100, 0.75), (200, 0.5), (400, 0.25)))


def gaze(truth: str, answer: str) -> float:
    """Score `x, y` by distance in bins of the image: under 25, 50, 100, 200 are the brackets."""
    return _score_distance(truth, answer, int, 2, ((25, 1.0), (50, 0.75), (100, 0.5), (200, 0.25)))


def graph(truth: str, answer: str) -> float:
    """Score a scene graph: the mean over the true predicates of the part of their pairs that is found.

    Case counts, what is found beyond the truth does not (defect D24: see `graph_f1`), and an empty truth scores 1.
    """
    given = set(triplets(answer))
    pairs: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for triplet in triplets(truth):
        pairs[triplet[2]].add(triplet)
    if not pairs:
        return 1.0
    return sum(len(expected & given) / len(expected) for expected in pairs.values()) / len(pairs)


def graph_f1(truth: str, answer: str) -> float:
    """Score a scene graph with precision: the mean over all predicates, true or given, of F1; both empty score 1."""
    expected, given = (set(triplets(tidy(without_tags(text)))) for text in (truth, answer))
    predicates = {triplet[2] for triplet in expected | given}
    if not predicates:
        return 1.0
    scores = []
    for predicate in predicates:
        true_edges, given_edges = ({edge for edge in edges if edge[2] == predicate} for edges in (expected, given))
        scores.append(2 * len(true_edges & given_edges) / (len(true_edges) + len(given_edges)))
    return sum(scores) / len(scores)


def text(truth: str, answer: str) -> float:
    """Score free text: BLEU of single words with brevity penalty, without brackets; an empty truth scores 1."""
    expected, given = _split_words(truth), _split_words(answer)
    if not expected:
        return 1.0
    if not given:
        return 0.0
    hits = sum((Counter(expected) & Counter(given)).values())
    return hits / len(given) * min(1.0, math.exp(1 - len(expected) / len(given)))


def tidy(text: str) -> str:
    """Return an answer without what makes no difference: case, space around it, a full stop at its end."""
    return text.strip().removesuffix(".").strip().lower()


def without_graph(answer: str) -> str:
    """Return a grounded answer without its scene graph: cut from the first <SG> to the first </SG> (protocol 9.7)."""
    start, end = answer.find("<SG>"), answer.find("</SG>")
    return answer if start < 0 or end < 0 else answer[:start] + answer[end + len("</SG>") :]


def triplets(text: str) -> list[tuple[str, str, str]]:
    """Return the triplets of a graph as answers write it; what is no triplet is left out."""
    edges = []
    for item in without_tags(text).split(";"):
        fields = item.split(",")
        if len(fields) == 3:
            edges.append((fields[0].strip(), fields[1].strip(), fields[2].strip()))
    return edges


def without_tags(text: str) -> str:
    """Return a graph without the tags around it."""
    return text.replace("<SG>", "").replace("</SG>", "")


def sorted_names(text: str) -> str:
    """Return a comma-separated list in alphabetical order."""
    return ", ".join(sorted(text.split(", ")))


def _split_names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",")]


def _score_relative(truth: str, answer: str, units: Sequence[str], brackets: Brackets) -> float:
    for unit in units:
        truth, answer = truth.replace(unit, ""), answer.replace(unit, "")
    try:
        expected, given = int(truth), int(answer)
    except ValueError:
        return 0.0
    if expected == 0:
        return float(given == 0)
    return _apply_brackets(_divide(abs(given - expected), expected), brackets)


def _score_distance(truth: str, answer: str, kind: type[int] | type[float], length: int, brackets: Brackets) -> float:
    try:
        expected, given = ([kind(part) for part in text.split(",")] for text in (truth, answer))
        if len(expected) != length or len(given) != length:
            return 0.0
        return _apply_brackets(math.sqrt(sum((a - b) ** 2 for a, b in zip(expected, given, strict=True))), brackets)
    except (OverflowError, ValueError):
        return 0.0


def _parse_box(text: str) -> tuple[int, int, int, int]:
    x0, x1, y0, y1 = map(int, text.split(","))
    return min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)


_WORD = re.compile(
    r"\.{2,}"
    r"|[a-z]+(?=n't\b)|n't\b|'(?:s|m|d|re|ve|ll)\b"
    r"|[^\s.,:;?!()\[\]{}\"'`<>@#$%&*]+(?:[.,'][^\s.,:;?!()\[\]{}\"'`<>@#$%&*]+)*"
    r"|\S"
)
"""Words as the Penn Treebank cuts them, near enough: punctuation apart, `don't` in two, numbers whole."""


def _split_words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _divide(part: int, whole: int) -> float:
    try:
        return part / whole
    except OverflowError:
        return float("inf")


def _apply_brackets(error: float, brackets: Brackets) -> float:
    return next((score for limit, score in brackets if error < limit), 0.0)
