"""What an epoch of a mixture would hold: exact numbers of samples, and the rest from some positions of its stream."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import frozen

from orqa_registry.progress import ProgressCallback, no_progress
from orqa_shards.sampling.stream import Stream


@frozen
class DatasetQuota:
    """What an epoch takes of a dataset: so many samples of so many that there are."""

    dataset: str
    samples: float
    there: int

    @property
    def passes(self) -> float:
        """How often each timepoint comes."""
        return self.samples / self.there


@frozen
class EpochPreview:
    """What an epoch of so many `samples` would hold.

    quotas: by dataset. looked: how many samples were looked at; of them, tasks: task -> how often it asked, silent: how
    many ask nothing, media: name -> how many had it, dropped: name -> at how many of those it was left out.
    """

    samples: int
    quotas: tuple[DatasetQuota, ...]
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
        total = self.tasks.total() or 1
        return {
            "samples": self.samples,
            "datasets": {
                quota.dataset: {"samples": quota.samples, "timepoints": quota.there, "passes": quota.passes}
                for quota in self.quotas
            },
            "looked_at": self.looked,
            "questions_a_timepoint": self.questions,
            "questions_an_epoch": self.questions * self.samples,
            "without_questions": self.silent / self.looked,
            "tasks": {task: count / total for task, count in self.tasks.most_common()},
            "dropped": {name: self.dropped[name] / count for name, count in sorted(self.media.items())},
        }


def preview_epoch(stream: Stream, looked: int = 500, advance: ProgressCallback = no_progress) -> EpochPreview:
    """Return what an epoch would hold, from `looked` positions spread evenly over the first; no media are read.

    Raises OrqaError for labels that are damaged.
    """
    count = min(looked, len(stream))
    silent_count = 0
    tasks: Counter[str] = Counter()
    media: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    # In the order in which they lie, so that the labels of a take are read once.
    positions = (index * len(stream) // count for index in range(count))
    samples = sorted((stream.blend.place(position).sample, position) for position in positions)
    for done, (number, position) in enumerate(samples, 1):
        sample = stream[position]
        tasks.update(asked.question.task for asked in sample.asked)
        silent_count += not sample.asked
        available = stream.split[number].media
        media.update(available.keys())
        dropped.update(set(available) - set(sample.timepoint.media))
        advance("samples", done, count)
    return EpochPreview(len(stream), _collect_quotas(stream), count, silent_count, tasks, media, dropped)


def _collect_quotas(stream: Stream) -> tuple[DatasetQuota, ...]:
    timepoints: Counter[str] = Counter()
    for take in stream.split.entry.takes:
        timepoints[take.dataset] += take.timepoints
    blend = stream.blend
    quotas = {order.about: quota for order, quota in zip(blend.parts, blend.quotas, strict=True)}
    if "" in quotas:  # one part, everything: each dataset as much as there is of it
        return tuple(
            DatasetQuota(name, quotas[""] * count / len(stream.split), count) for name, count in timepoints.items()
        )
    return tuple(DatasetQuota(name, quotas.get(name, 0), count) for name, count in timepoints.items())
