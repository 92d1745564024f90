"""What was counted of shards as a page: plots, tables, and some timepoints with their boxes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from attrs import frozen

from orqa_registry import Task, Timepoint, ask
from orqa_shards import page
from orqa_shards.manifest import TakeEntry
from orqa_shards.page import OTHERS, Markup, element
from orqa_shards.read import Shards, Split
from orqa_shards.stats import LABELS, Stats

TOP = 5
"""Answers of a task that have a colour of their own."""

MOST_COLUMNS = 200
"""Takes that have a bar of their own; of more, some are shown."""

LONGEST_ANSWER = 48
SHOWN_QUESTIONS = 8
LOOKED_AT = 16
"""Timepoints of a dataset among which one with boxes is looked for."""

QUESTIONS = (
    "Questions: everything that can be asked, each question of each task at each timepoint. Drawn: how many of them an "
    "epoch is expected to put with the default mixture, one a task and timepoint at most, empty answers rarely."
)
ANSWERS = (
    "How often an answer is the right one among the questions that an epoch draws. Bits: the entropy, 0 where all "
    "answers are the same. The most common answer is what a model has to beat that never looks."
)


def write_page(shards: Shards, found: Sequence[Stats], tasks: Sequence[Task], out: Path, pictures: int = 1) -> None:
    """Write the page of what was counted; `pictures` timepoints of each dataset and split are shown. Raises OSError."""
    title = f"{Path(shards.store.name).name or shards.store.name}: {sum(one.timepoints for one in found):,} timepoints"
    links = " · ".join(f'<a href="#{place}">{page.escaped(one.split)}</a>' for place, one in enumerate(found))
    body = [
        element("h1", title),
        element("p", f"Shards in {shards.store.name}. Splits: ", Markup(links), class_="about"),
        page.table(
            ("dataset", "what it is", "licence"),
            [(name, card.get("title", ""), card.get("licence", "")) for name, card in shards.manifest.datasets.items()],
        ),
    ]
    for place, one in enumerate(found):
        body += _split(one, place)
        body += _examples(shards.split(one.split), one, tasks, pictures)
    page.write_page(out, title, body)


def _split(found: Stats, place: int) -> Iterator[Markup]:
    counted = "" if found.counted == found.takes else f", of {found.takes} spread evenly"
    yield element("h2", f"Split {found.split}", id=place)
    yield element(
        "p",
        f"{found.counted} take{'s' * (found.counted != 1)}{counted}; {found.timepoints:,} timepoints",
        class_="about",
    )
    yield _datasets(found)
    if found.asked:
        yield element("h3", "Questions")
        yield element("p", QUESTIONS, class_="about")
        yield page.legend(found.holdings)
        yield _questions(found)
        yield element("h3", "Answers")
        yield element("p", ANSWERS, class_="about")
        yield _answers(found)
    yield element("h3", "Coverage")
    yield element("p", "Timepoints that have a medium, or are annotated with a facet.", class_="about")
    yield _coverage(found)
    yield element("h3", "Timepoints a take")
    yield _lengths(found)


def _datasets(found: Stats) -> Markup:
    rows = []
    for name, one in found.holdings.items():
        shortest, middle, longest = one.lengths
        lengths = f"{shortest} to {longest}, median {middle:g}"
        rows.append(
            (name, len(one.takes), f"{one.timepoints:,}", lengths, duration(one.seconds), megabytes(one.bytes.total()))
        )
    head = ("dataset", "takes", "timepoints", "timepoints a take", "duration", "MB")
    return page.table(head, rows, numbers=range(1, len(head)))


def _questions(found: Stats) -> Markup:
    """Return for each task how many questions an epoch draws, a part for each dataset, and how many there are."""
    tasks = found.tasks
    most = max(one.drawn for one in tasks.values()) or 1.0
    rows = []
    for task, whole in sorted(tasks.items(), key=lambda item: -item[1].drawn):
        parts = []
        for colour, dataset in enumerate(found.holdings):
            if (dataset, task) in found.asked:
                one = found.asked[dataset, task]
                parts.append((one.drawn / most, colour, f"{dataset}: {one.drawn:,.0f} drawn of {one.questions:,}"))
        rows.append((task, page.bar(parts), f"{whole.drawn:,.0f}", f"{whole.timepoints:,}", f"{whole.questions:,}"))
    head = ("task", "drawn, by dataset", "drawn", "timepoints", "questions")
    return page.table(head, rows, numbers=(2, 3, 4))


def _answers(found: Stats) -> Markup:
    rows = []
    for task, answers in sorted(found.answers.items()):
        top = told(answers.top(TOP))
        parts = [(share, colour, f"{answer}: {per_cent(share)}") for colour, (answer, share) in enumerate(top)]
        rest = 1 - sum(share for _, share in top)
        if rest > 1e-9:
            parts.append((rest, OTHERS, f"others: {per_cent(rest)}"))
        named = [
            element("span", page.key(colour), f" {answer} {per_cent(share)}", class_="said")
            for colour, (answer, share) in enumerate(top)
        ]
        row = (task, f"{len(answers.expected):,}", f"{answers.bits:.1f}", page.bar(parts), Markup("".join(named)))
        rows.append(row)
    return page.table(("task", "different", "bits", "shares", "most common"), rows, numbers=(1, 2))


def _coverage(found: Stats) -> Markup:
    rows: list[tuple[object, ...]] = []
    for kind in ("media", "facets"):
        for name in found.names(kind):
            cells = []
            for one in found.holdings.values():
                many = getattr(one, kind)[name]
                cells.append(page.heat(many / one.timepoints, f"{many / one.timepoints:.0%}" if many else ""))
            weight = sum(one.bytes[name] for one in found.holdings.values())
            rows.append((name, *cells, megabytes(weight) if kind == "media" else ""))
    written = sum(one.bytes[LABELS] for one in found.holdings.values())
    rows.append((f"labels ({LABELS})", *([""] * len(found.holdings)), megabytes(written)))
    head = ("", *found.holdings, "MB")
    return page.table(head, rows, numbers=range(1, len(head)))


def _lengths(found: Stats) -> Markup:
    takes = sorted((take for one in found.holdings.values() for take in one.takes), key=lambda take: -take.timepoints)
    if len(takes) > MOST_COLUMNS:
        takes = [takes[place * len(takes) // MOST_COLUMNS] for place in range(MOST_COLUMNS)]
    texts = [f"{take.dataset} {take.name}: {take.timepoints}, {duration(take.seconds)}" for take in takes]
    return page.columns([take.timepoints for take in takes], texts)


def _examples(split: Split, found: Stats, tasks: Sequence[Task], pictures: int) -> Iterator[Markup]:
    yield element("h3", "Some timepoints")
    for dataset in found.holdings:
        numbers = Numbers.of(split.entry.takes, dataset)
        for place in range(min(pictures, len(numbers))):
            yield _example(split, _telling(split, numbers, place, pictures), tasks)


@frozen
class Numbers:
    """The numbers that the timepoints of a dataset have in a split: a range a take, since there may be millions."""

    takes: tuple[range, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, takes: Sequence[TakeEntry], dataset: str) -> Numbers:
        """Return those of a dataset."""
        starts = accumulate((take.timepoints for take in takes), initial=0)
        own = [
            range(start, start + take.timepoints)
            for take, start in zip(takes, starts, strict=False)
            if take.dataset == dataset
        ]
        return cls(tuple(own), tuple(accumulate(map(len, own))))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, place: int) -> int:
        """Return the number at a place. Raises IndexError beyond the end."""
        take = bisect_right(self.ends, place)
        return self.takes[take][place - self.ends[take]]  # counted from the end of the take


def _telling(split: Split, numbers: Numbers, place: int, pictures: int) -> Timepoint:
    """Return the timepoint with the most to see among some of a part of a dataset."""
    part = range(place * len(numbers) // pictures, (place + 1) * len(numbers) // pictures)
    step = max(1, len(part) // LOOKED_AT)
    points = [split[numbers[one]] for one in part[step // 2 :: step]]
    return max(points, key=lambda point: (point.has("boxes") and bool(point.views), len(point.views)))


def _example(split: Split, point: Timepoint, tasks: Sequence[Task]) -> Markup:
    rows = []
    for task, questions in ask(point, split.timeline(point), tasks):
        for one in questions[:1]:
            more = f" (one of {len(questions)})" if len(questions) > 1 else ""
            rows.append((task.name + more, one.text, " or ".join(map(said, one.answers))))
    head = ("task", "question", "answer")
    shown = page.table(head, rows[:SHOWN_QUESTIONS]) if rows else element("p", "nothing can be asked", class_="about")
    rest = rows[SHOWN_QUESTIONS:]
    more = (
        element("details", element("summary", f"{len(rest)} more tasks"), page.table(head, rest)) if rest else Markup()
    )
    clock = "" if point.seconds is None else f", {point.seconds:g} s"
    title = element("h4", f"{point.dataset}, take {point.take}, frame {point.frame}{clock}")
    return element("section", title, page.views(point), shown, more)


def said(answer: str) -> str:
    """Return an answer as short as a table has room for: its ends, which tell lists apart that begin alike."""
    half = LONGEST_ANSWER // 2
    return answer if len(answer) <= LONGEST_ANSWER else f"{answer[: half - 1]}…{answer[-half:]}"


def told(answers: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return answers as short as a table has room for; those that look the same are counted."""
    seen: Counter[str] = Counter()
    short = []
    for answer, share in answers:
        shown = said(answer)
        seen[shown] += 1
        short.append((f"{shown} ({seen[shown]})" if seen[shown] > 1 else shown, share))
    return short


def per_cent(share: float) -> str:
    """Return a share with two digits."""
    return f"{share:.0%}" if share >= 0.095 or not share else f"{share:.1%}"


def duration(seconds: float | None) -> str:
    """Return a duration as people say it; nothing without a clock."""
    if seconds is None:
        return ""
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.1f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def megabytes(many: int) -> str:
    """Return bytes in MB; nothing where none were counted."""
    return f"{many / 1e6:,.1f}" if many else ""
