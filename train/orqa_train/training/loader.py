"""Batches of a run: made by threads or by processes, the same ones by any number of them, and resumed exactly."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from math import ceil
from typing import Any, Literal
from warnings import catch_warnings, filterwarnings, warn

import torch
from attrs import define, evolve, frozen
from torchdata.stateful_dataloader import StatefulDataLoader

from orqa_registry import CallError, DataWarning, MissingLibraryError, OrqaError
from orqa_registry.fork_safe import ForkSafeProperty
from orqa_shards.error_budget import BadSample, ErrorBudget
from orqa_shards.sampling.resumable import ResumableDataset
from orqa_shards.sampling.shuffle import RankShare
from orqa_train.training.shared_memory import from_shared_memory, to_shared_memory

PREFETCH_BATCHES = 2
"""Batches that threads make ahead of the one that is asked for; more where these would not keep every thread busy."""

FATAL_ERRORS = (CallError, MissingLibraryError)
"""Errors that no other sample mends."""


def identity(sample: Any) -> Any:
    """Return what is given."""
    return sample


@frozen
class SlotResult:
    """What became of a place in a batch. value: None where it stays empty. found: what its own sample turned out to be.

    found: True where that can be used, None where there is none, or nothing to be made of it.
    """

    value: Any = None
    found: BadSample | Literal[True] | None = None


@frozen
class LoadedBatch:
    """A batch, and what became of its places."""

    batch: Any
    places: tuple[SlotResult, ...]


@define(slots=False, eq=False)
class BatchBuilder:
    """Makes samples and batches where the work is done: in threads here, or in a process that it travels to."""

    stream: ResumableDataset[Any]
    transform: Callable[[Any], Any]
    collate: Callable[[list[Any]], Any]
    fill: bool
    threads: int
    limits: ErrorBudget

    def __len__(self) -> int:
        return len(self.stream)

    def __getitems__(self, places: Sequence[int | None]) -> LoadedBatch | OrqaError:
        """Return a batch, as torch asks for it in a worker process; an error of ours travels without a traceback."""
        try:
            serial = self.threads == 1
            result = self.batch(self.made(places) if serial else list(self._pool.map(self.placed, places)))
            return evolve(result, batch=to_shared_memory(result.batch))
        except OrqaError as error:
            return error

    def batch(self, placed: Sequence[SlotResult]) -> LoadedBatch:
        """Return a batch of what was made."""
        values = [item.value for item in placed if item.value is not None]
        return LoadedBatch(self.collate(values), tuple(evolve(item, value=None) for item in placed))

    def made(self, places: Sequence[int | None]) -> list[SlotResult]:
        """Return what becomes of some places, one after the other."""
        return [self.placed(position) for position in places]

    def placed(self, place: int | None) -> SlotResult:
        """Return what becomes of a place of the run. Raises what is not the fault of one sample."""
        if place is None:
            return SlotResult()
        result = self._make_sample(place)
        return (
            result
            if result.value is not None or not self.fill
            else evolve(result, value=self._find_usable(place, result.found))
        )

    def _make_sample(self, position: int) -> SlotResult:
        key = f"sample {position} of the run"
        try:
            sample = self.stream[position]
            key = self.stream.key(sample)
            value = self.transform(sample)
        except FATAL_ERRORS:
            raise
        except OrqaError as error:
            return SlotResult(found=BadSample(key, str(error).removeprefix(f"{key}.")))
        return SlotResult(value, None if value is None else True)

    def _find_usable(self, position: int, outcome: BadSample | Literal[True] | None) -> Any:
        """Return what is made of the next sample that can be used; each is counted at its own place, not here."""
        limits, epoch = evolve(self.limits), self.stream.length
        for next_position in range(position + 1, position + epoch + 1):
            if isinstance(outcome, BadSample):
                limits.bad(outcome)
            candidate = self._make_sample(next_position % len(self))
            if candidate.value is not None:
                return candidate.value
            outcome = candidate.found
        reason = f"the first that is bad is {limits.named[0]}" if limits.named else "no question is put at any"
        raise OrqaError(f"none of the {epoch:,} samples of an epoch can be used: {reason}")

    @ForkSafeProperty
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads)


class RankBatchSampler:
    """The batches of a rank as torch asks for them; a loader that goes on elsewhere puts another share in its place."""

    def __init__(self, share: RankShare) -> None:
        self.share = share

    def __len__(self) -> int:
        return len(self.share)

    def __iter__(self) -> Iterator[list[int | None]]:
        return iter(self.share)


class Loader(StatefulDataLoader[Any]):
    """The batches of one rank. Order and content depend on the run, `batch` and `ranks` alone.

    transform: sample -> what is trained on, or None to leave it out. Reading and decoding happen there. collate: a list
    of these -> a batch; it has fewer than `batch` where samples are left out, none at worst, so that every rank has as
    many batches. fill: instead, the next sample of the run that can be used comes in its place as well; batches are
    whole.
    threads: make samples, and a few batches ahead, while the caller works on another: most of the work, decoding,
    leaves the interpreter to others. workers: processes, each with so many threads, where the transform holds it.
    start: a position of the run, or the state of another loader. tail: see `RankShare`. budget: how much damage is
    borne; a sample that raises OrqaError is left out, counted and named in a DataWarning. Each rank counts its own.

    `state_dict` counts the batches that were handed out. A loader with any number of ranks, threads and workers, and
    batches of any size, goes on with the very next sample. Iterating begins at `start`, and afterwards at 0.
    Raises CallError for what cannot be, for a run too short for one batch, and for the state of another run; while
    iterating, OrqaError once the budget is spent.
    """

    def __init__(
        self,
        stream: ResumableDataset[Any],
        batch: int,
        *,
        transform: Callable[[Any], Any] = identity,
        collate: Callable[[list[Any]], Any] = identity,
        fill: bool = False,
        rank: int = 0,
        ranks: int = 1,
        threads: int = 1,
        workers: int = 0,
        start: int | Mapping[str, Any] = 0,
        tail: Literal["drop", "pad"] = "drop",
        budget: ErrorBudget | None = None,
    ) -> None:
        if threads < 1 or workers < 0:
            raise CallError(f"{threads} threads and {workers} workers: at least 1 thread and 0 workers were expected")
        share = RankShare(len(stream), batch, rank, ranks, 0, tail)
        if not len(share):
            raise CallError(
                f"the run has {len(stream):,} samples, and none of its {ranks} ranks gets a batch of {batch}: "
                "have smaller batches, more epochs, or tail='pad'"
            )
        self.budget = ErrorBudget() if budget is None else budget
        self._maker = BatchBuilder(stream, transform, collate, fill, threads, evolve(self.budget))
        self._steps = RankBatchSampler(share)
        self._position = self._begin = 0
        with catch_warnings():
            filterwarnings("ignore", "'set_vital' is deprecated")  # torchdata 0.11 calls what torch 2.13 warns of
            super().__init__(
                self._maker,
                batch_sampler=self._steps,
                num_workers=workers,
                collate_fn=identity,
                worker_init_fn=_ignore_interrupt,
                generator=torch.Generator(),  # the global one is the model's, and a run that goes on has its state
            )
        if isinstance(start, Mapping):
            self.load_state_dict(start)
        else:
            self._go_to(start)

    def __iter__(self) -> Iterator[Any]:
        """Yield batches. Raises OrqaError once too many samples are bad."""
        self._go_to(self._begin)
        share, self._begin = self._steps.share, 0
        with closing(self._in_processes() if self.num_workers else self._in_threads()) as batches:
            for step, result in enumerate(batches, 1):
                if isinstance(result, OrqaError):
                    raise result
                for placed in result.places:
                    self._count_placed(placed)
                self._position = share.after(step)
                yield result.batch

    def state_dict(self) -> dict[str, Any]:
        """Return where the run is: what a checkpoint keeps, as JSON has it."""
        return {**self._maker.stream.state(self._position), "bad": self.budget.state()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where another loader was. Raises CallError for another run, OrqaError for damage."""
        self._go_to(self._maker.stream.position(state_dict))
        self.budget.restore(state_dict.get("bad", {}))

    def _go_to(self, position: int) -> None:
        self._steps.share = evolve(self._steps.share, start=position)
        self._position = self._begin = position

    def _count_placed(self, placed: SlotResult) -> None:
        if isinstance(placed.found, BadSample):
            warn(f"{placed.found}: left out", DataWarning, stacklevel=3)
            self.budget.bad(placed.found)
        elif placed.found:
            self.budget.good()

    def _in_processes(self) -> Generator[LoadedBatch | OrqaError]:
        batches = self._get_iterator()
        try:
            for result in batches:
                yield (
                    evolve(result, batch=from_shared_memory(result.batch))
                    if isinstance(result, LoadedBatch)
                    else result
                )
        finally:
            batches._shutdown_workers()  # now, not when an error that holds them is forgotten

    def _in_threads(self) -> Generator[LoadedBatch | OrqaError]:
        """Yield batches while threads make the next ones: jobs are begun in order, so none waits for one after it."""
        maker, share = self._maker, self._steps.share
        ahead = max(PREFETCH_BATCHES, ceil(2 * maker.threads / share.batch))
        job_size = ceil(share.batch / maker.threads)  # a job for each sample would cost as much as asking about it
        waiting: deque[Future[LoadedBatch]] = deque()
        with ThreadPoolExecutor(maker.threads) as pool:
            try:
                for places in share:
                    jobs = [
                        pool.submit(maker.made, places[first : first + job_size])
                        for first in range(0, share.batch, job_size)
                    ]
                    waiting.append(pool.submit(_gather_batch, maker, jobs))
                    if len(waiting) > ahead:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)


def _ignore_interrupt(worker: int) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that may want to end its step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _gather_batch(maker: BatchBuilder, jobs: Sequence[Future[list[SlotResult]]]) -> LoadedBatch:
    return maker.batch([placed for job in jobs for placed in job.result()])
