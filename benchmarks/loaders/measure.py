"""CPU time of work, with that of every process it started; each run in a process of its own, runs of all in turn."""

from __future__ import annotations

import gc
import os
import resource
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import Pipe, active_children, get_context
from statistics import median
from typing import Any

FORK = get_context("fork")
PATIENCE = 30
"""Seconds that worker processes have to end, so that what they used is counted."""


def cpu() -> float:
    """Return user and system seconds of this process and of all that it started and that have ended."""
    process, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return process.ru_utime + process.ru_stime + children.ru_utime + children.ru_stime


def settle() -> None:
    """Wait until no worker process runs: its CPU time counts once it has ended. Raises RuntimeError."""
    gc.collect()
    until = time.monotonic() + PATIENCE
    while active_children():
        if time.monotonic() > until:
            raise RuntimeError(f"worker processes still run after {PATIENCE} s: their time cannot be counted")
        time.sleep(0.01)


def spent(work: Callable[[], int]) -> tuple[float, int]:
    """Return the CPU seconds of some work, worker processes and all, and what it returned."""
    settle()
    started = cpu()
    result = work()
    settle()
    return cpu() - started, result


def apart(work: Callable[[], Any]) -> Any:
    """Return what work returns in a fork of this process. Raises RuntimeError with the trace of what it raised."""
    receiver, sender = Pipe(duplex=False)

    def inside() -> None:
        receiver.close()
        try:
            sender.send((work(), None))
        except BaseException:
            sender.send((None, traceback.format_exc()))

    process = FORK.Process(target=inside)
    process.start()
    sender.close()
    try:
        result, failure = receiver.recv()
    except EOFError:
        result, failure = None, "the process ended without a word"
    process.join()
    if failure:
        raise RuntimeError(failure)
    return result


def rounds(
    work: Mapping[str, Callable[[], float]], repeats: int, say: Callable[[str], None] = lambda line: None
) -> dict[str, list[float]]:
    """Return `repeats` results of each, after one round that does not count; every round goes through all in turn.

    What fails is said, and left out from then on.
    """
    results: dict[str, list[float]] = {name: [] for name in work}
    for number in range(repeats + 1):
        for name in list(results):
            say(f"round {number} of {repeats}: {name}")
            try:
                result = apart(work[name])
            except RuntimeError as error:
                print(f"{name} failed:\n{error}")
                del results[name]
                continue
            if number:
                results[name].append(result)
    return results


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return median, smallest and largest of what was measured."""
    return {"median": median(values), "least": min(values), "most": max(values)}


def own_memory() -> int:
    """Return the bytes of this process that are in memory and not backed by a file."""
    with open("/proc/self/statm") as file:
        _, resident, shared, *_ = map(int, file.read().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
