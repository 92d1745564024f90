"""What an epoch of a mixture would hold: exact numbers of samples, and the rest from some positions of its stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import frozen

from orqa_registry.progress import Advance, silent
from orqa_shards.stream import Stream


@frozen
class Quota:
    """What an epoch takes of a dataset: so many samples of so many that there are."""

    dataset: str
    samples: float
    there: int

    @property
    def passes(self) -> float:
        """How often each timepoint comes."""
        return self.samples / self.there


@frozen
class Forecast:
    """What an epoch of so many `samples` would hold.

    quotas: by dataset. looked: how many samples were looked at; of them, tasks: task -> how often it asked, silent: how
    many ask nothing, media: name -> how many had it, dropped: name -> at how many of those it was left out.
    """

    samples: int
    quotas: tuple[Quota, ...]
    looked: int
    silent: int
    tasks: Counter[str]
    media: Counter[str]
    dropped: Counter[str]

    @property
    def questions(self) -> float:
        """Questions expected at a sample."""
        return self.tasks.total() / self.looked

    def as_json(self) -> dict[str, Any]:
        """Return all of it for programs."""
        asked = self.tasks.total() or 1
        return {
            "samples": self.samples,
            "datasets": {
                one.dataset: {"samples": one.samples, "timepoints": one.there, "passes": one.passes}
                for one in self.quotas
            },
            "looked_at": self.looked,
            "questions_a_timepoint": self.questions,
            "questions_an_epoch": self.questions * self.samples,
            "without_questions": self.silent / self.looked,
            "tasks": {task: many / asked for task, many in self.tasks.most_common()},
            "dropped": {name: self.dropped[name] / many for name, many in sorted(self.media.items())},
        }


def forecast(stream: Stream, looked: int = 500, advance: Advance = silent) -> Forecast:
    """Return what an epoch would hold, from `looked` positions spread evenly over the first; no media are read.

    Raises OrqaError for labels that are damaged.
    """
    many = min(looked, len(stream))
    silent = 0
    asked: Counter[str] = Counter()
    media: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    # In the order in which they lie, so that the labels of a take are read once.
    positions = (place * len(stream) // many for place in range(many))
    places = sorted((stream.blend.place(position).sample, position) for position in positions)
    for done, (number, position) in enumerate(places, 1):
        sample = stream[position]
        asked.update(one.question.task for one in sample.asked)
        silent += not sample.asked
        there = stream.split[number].media
        media.update(there.keys())
        dropped.update(set(there) - set(sample.timepoint.media))
        advance("samples", done, many)
    return Forecast(len(stream), _quotas(stream), many, silent, asked, media, dropped)


def _quotas(stream: Stream) -> tuple[Quota, ...]:
    there: Counter[str] = Counter()
    for take in stream.split.entry.takes:
        there[take.dataset] += take.timepoints
    blend = stream.blend
    quotas = {order.about: quota for order, quota in zip(blend.parts, blend.quotas, strict=True)}
    if "" in quotas:  # one part, everything: each dataset as much as there is of it
        return tuple(Quota(name, quotas[""] * many / len(stream.split), many) for name, many in there.items())
    return tuple(Quota(name, quotas.get(name, 0), many) for name, many in there.items())
