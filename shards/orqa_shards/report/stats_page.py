"""What was counted of shards as a page: plots, tables, and some timepoints with their boxes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from attrs import frozen

from orqa_registry import Task, Timepoint, ask
from orqa_shards.format.manifest import TakeEntry
from orqa_shards.read.dataset import Shards, Split
from orqa_shards.report import html
from orqa_shards.report.html import OTHER_COLOUR, Markup, element
from orqa_shards.report.stats import LABELS_MEMBER, SplitStats

TOP_ANSWERS = 5
"""Answers of a task that have a colour of their own."""

MAX_TAKE_BARS = 200
"""Takes that have a bar of their own; of more, some are shown."""

MAX_ANSWER = 48
MAX_QUESTIONS = 8
MAX_CANDIDATES = 16
"""Timepoints of a dataset among which one with boxes is looked for."""

QUESTIONS_TEXT = (
    "Questions: everything that can be asked, each question of each task at each timepoint. Drawn: how many of them an "
    "epoch is expected to put with the default mixture, one a task and timepoint at most, empty answers rarely."
)
ANSWERS_TEXT = (
    "How often an answer is the right one among the questions that an epoch draws. Bits: the entropy, 0 where all "
    "answers are the same. The most common answer is what a model has to beat that never looks."
)


def write_stats_page(
    shards: Shards, found: Sequence[SplitStats], tasks: Sequence[Task], out: Path, pictures: int = 1
) -> None:
    """Write the page of what was counted; `pictures` timepoints of each dataset and split are shown. Raises OSError."""
    title = (
        f"{Path(shards.store.name).name or shards.store.name}: {sum(stats.timepoints for stats in found):,} timepoints"
    )
    links = " · ".join(f'<a href="#{index}">{html.escape(stats.split)}</a>' for index, stats in enumerate(found))
    body = [
        element("h1", title),
        element("p", f"Shards in {shards.store.name}. Splits: ", Markup(links), class_="about"),
        html.html_table(
            ("dataset", "what it is", "licence"),
            [(name, card.get("title", ""), card.get("licence", "")) for name, card in shards.manifest.datasets.items()],
        ),
    ]
    for index, stats in enumerate(found):
        body += _split_section(stats, index)
        body += _examples(shards.split(stats.split), stats, tasks, pictures)
    html.write_html(out, title, body)


def _split_section(stats: SplitStats, index: int) -> Iterator[Markup]:
    counted = "" if stats.counted == stats.takes else f", of {stats.takes} spread evenly"
    yield element("h2", f"Split {stats.split}", id=index)
    yield element(
        "p",
        f"{stats.counted} take{'s' * (stats.counted != 1)}{counted}; {stats.timepoints:,} timepoints",
        class_="about",
    )
    yield _dataset_table(stats)
    if stats.asked:
        yield element("h3", "Questions")
        yield element("p", QUESTIONS_TEXT, class_="about")
        yield html.legend(stats.datasets)
        yield _question_table(stats)
        yield element("h3", "Answers")
        yield element("p", ANSWERS_TEXT, class_="about")
        yield _answer_table(stats)
    yield element("h3", "Coverage")
    yield element("p", "Timepoints that have a medium, or are annotated with a facet.", class_="about")
    yield _coverage_table(stats)
    yield element("h3", "Timepoints a take")
    yield _length_chart(stats)


def _dataset_table(stats: SplitStats) -> Markup:
    rows = []
    for name, holding in stats.datasets.items():
        shortest, middle, longest = holding.lengths
        lengths = f"{shortest} to {longest}, median {middle:g}"
        rows.append(
            (
                name,
                len(holding.takes),
                f"{holding.timepoints:,}",
                lengths,
                duration_text(holding.seconds),
                megabytes_text(holding.bytes.total()),
            )
        )
    head = ("dataset", "takes", "timepoints", "timepoints a take", "duration", "MB")
    return html.html_table(head, rows, numbers=range(1, len(head)))


def _question_table(stats: SplitStats) -> Markup:
    """Return for each task how many questions an epoch draws, a part for each dataset, and how many there are."""
    tasks = stats.tasks
    highest = max(asked.drawn for asked in tasks.values()) or 1.0
    rows = []
    for task, total in sorted(tasks.items(), key=lambda item: -item[1].drawn):
        parts = []
        for colour, dataset in enumerate(stats.datasets):
            if (dataset, task) in stats.asked:
                asked = stats.asked[dataset, task]
                parts.append(
                    (asked.drawn / highest, colour, f"{dataset}: {asked.drawn:,.0f} drawn of {asked.questions:,}")
                )
        rows.append(
            (task, html.bar_chart(parts), f"{total.drawn:,.0f}", f"{total.timepoints:,}", f"{total.questions:,}")
        )
    head = ("task", "drawn, by dataset", "drawn", "timepoints", "questions")
    return html.html_table(head, rows, numbers=(2, 3, 4))


def _answer_table(stats: SplitStats) -> Markup:
    rows = []
    for task, answers in sorted(stats.answers.items()):
        top = shorten_answers(answers.top(TOP_ANSWERS))
        parts = [(share, colour, f"{answer}: {percent_text(share)}") for colour, (answer, share) in enumerate(top)]
        rest = 1 - sum(share for _, share in top)
        if rest > 1e-9:
            parts.append((rest, OTHER_COLOUR, f"others: {percent_text(rest)}"))
        named = [
            element("span", html.colour_key(colour), f" {answer} {percent_text(share)}", class_="said")
            for colour, (answer, share) in enumerate(top)
        ]
        row = (task, f"{len(answers.expected):,}", f"{answers.bits:.1f}", html.bar_chart(parts), Markup("".join(named)))
        rows.append(row)
    return html.html_table(("task", "different", "bits", "shares", "most common"), rows, numbers=(1, 2))


def _coverage_table(stats: SplitStats) -> Markup:
    rows: list[tuple[object, ...]] = []
    for kind in ("media", "facets"):
        for name in stats.names(kind):
            cells = []
            for holding in stats.datasets.values():
                count = getattr(holding, kind)[name]
                cells.append(
                    html.heat_cell(count / holding.timepoints, f"{count / holding.timepoints:.0%}" if count else "")
                )
            weight = sum(holding.bytes[name] for holding in stats.datasets.values())
            rows.append((name, *cells, megabytes_text(weight) if kind == "media" else ""))
    label_bytes = sum(holding.bytes[LABELS_MEMBER] for holding in stats.datasets.values())
    rows.append((f"labels ({LABELS_MEMBER})", *([""] * len(stats.datasets)), megabytes_text(label_bytes)))
    head = ("", *stats.datasets, "MB")
    return html.html_table(head, rows, numbers=range(1, len(head)))


def _length_chart(stats: SplitStats) -> Markup:
    takes = sorted(
        (take for holding in stats.datasets.values() for take in holding.takes), key=lambda take: -take.timepoints
    )
    if len(takes) > MAX_TAKE_BARS:
        takes = [takes[i * len(takes) // MAX_TAKE_BARS] for i in range(MAX_TAKE_BARS)]
    texts = [f"{take.dataset} {take.name}: {take.timepoints}, {duration_text(take.seconds)}" for take in takes]
    return html.column_chart([take.timepoints for take in takes], texts)


def _examples(split: Split, stats: SplitStats, tasks: Sequence[Task], pictures: int) -> Iterator[Markup]:
    yield element("h3", "Some timepoints")
    for dataset in stats.datasets:
        numbers = TimepointNumbers.of(split.entry.takes, dataset)
        for index in range(min(pictures, len(numbers))):
            yield _example(split, _pick_timepoint(split, numbers, index, pictures), tasks)


@frozen
class TimepointNumbers:
    """The numbers that the timepoints of a dataset have in a split: a range a take, since there may be millions."""

    takes: tuple[range, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, takes: Sequence[TakeEntry], dataset: str) -> TimepointNumbers:
        """Return those of a dataset."""
        starts = accumulate((take.timepoints for take in takes), initial=0)
        ranges = [
            range(start, start + take.timepoints)
            for take, start in zip(takes, starts, strict=False)
            if take.dataset == dataset
        ]
        return cls(tuple(ranges), tuple(accumulate(map(len, ranges))))

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, place: int) -> int:
        """Return the number at a place. Raises IndexError beyond the end."""
        take_index = bisect_right(self.ends, place)
        return self.takes[take_index][place - self.ends[take_index]]  # counted from the end of the take


def _pick_timepoint(split: Split, numbers: TimepointNumbers, index: int, pictures: int) -> Timepoint:
    """Return the timepoint with the most to see among some of a part of a dataset."""
    part = range(index * len(numbers) // pictures, (index + 1) * len(numbers) // pictures)
    step = max(1, len(part) // MAX_CANDIDATES)
    points = [split[numbers[i]] for i in part[step // 2 :: step]]
    return max(points, key=lambda point: (point.has("boxes") and bool(point.views), len(point.views)))


def _example(split: Split, point: Timepoint, tasks: Sequence[Task]) -> Markup:
    rows = []
    for task, questions in ask(point, split.timeline(point), tasks):
        for question in questions[:1]:
            suffix = f" (one of {len(questions)})" if len(questions) > 1 else ""
            rows.append((task.name + suffix, question.text, " or ".join(map(shorten_answer, question.answers))))
    head = ("task", "question", "answer")
    question_table = (
        html.html_table(head, rows[:MAX_QUESTIONS]) if rows else element("p", "nothing can be asked", class_="about")
    )
    rest = rows[MAX_QUESTIONS:]
    details = (
        element("details", element("summary", f"{len(rest)} more tasks"), html.html_table(head, rest))
        if rest
        else Markup()
    )
    clock = "" if point.seconds is None else f", {point.seconds:g} s"
    title = element("h4", f"{point.dataset}, take {point.take}, frame {point.frame}{clock}")
    return element("section", title, html.view_figures(point), question_table, details)


def shorten_answer(answer: str) -> str:
    """Return an answer as short as a table has room for: its ends, which tell lists apart that begin alike."""
    half = MAX_ANSWER // 2
    return answer if len(answer) <= MAX_ANSWER else f"{answer[: half - 1]}…{answer[-half:]}"


def shorten_answers(answers: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return answers as short as a table has room for; those that look the same are counted."""
    counts: Counter[str] = Counter()
    shortened = []
    for answer, share in answers:
        text = shorten_answer(answer)
        counts[text] += 1
        shortened.append((f"{text} ({counts[text]})" if counts[text] > 1 else text, share))
    return shortened


def percent_text(share: float) -> str:
    """Return a share with two digits."""
    return f"{share:.0%}" if share >= 0.095 or not share else f"{share:.1%}"


def duration_text(seconds: float | None) -> str:
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


def megabytes_text(many: int) -> str:
    """Return bytes in MB; nothing where none were counted."""
    return f"{many / 1e6:,.1f}" if many else ""
