"""Who does the work of writing: this process, a pool of processes here, or a Ray cluster. All write the same bytes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Protocol

from orqa_registry import CallError, OrqaError
from orqa_registry.optional_imports import import_optional
from orqa_shards.write.worker import Worker

POLL_SECONDS = 0.3
"""Seconds between two looks at how far the workers are."""


class Executor(Protocol):
    """Calls a method of a worker for each task; `told` hears how many timepoints were done meanwhile."""

    def map(self, method: str, tasks: Iterable[Any], told: Callable[[int], None] = ...) -> Iterator[tuple[int, Any]]:
        """Yield number and result of each task, in the order in which they are done."""


def start_executor(name: str, worker: Worker, workers: int) -> AbstractContextManager[Executor]:
    """Return an engine of so many workers. Raises CallError where one cannot travel to them."""
    if name == "ray":
        return _start_ray(worker, workers)
    return _start_local(worker) if workers == 1 else _start_pool(worker, workers)


def _ignore_progress(done: int) -> None:
    """Hear nothing."""


@contextmanager
def _start_local(worker: Worker) -> Iterator[Executor]:
    class Here:
        def map(
            self, method: str, tasks: Iterable[Any], told: Callable[[int], None] = _ignore_progress
        ) -> Iterator[tuple[int, Any]]:
            worker.on_timepoint = lambda: told(1)
            for number, task in enumerate(tasks):
                yield number, getattr(worker, method)(task)

    yield Here()


@contextmanager
def _start_pool(worker: Worker, workers: int) -> Iterator[Executor]:
    try:
        pickle.dumps(worker)
    except Exception as error:
        raise CallError(
            f"a dataset cannot travel to worker processes: {error}. Write with --workers 1, or make it importable"
        ) from error
    context = multiprocessing.get_context("spawn")
    _track_quietly()
    receiver, sender = context.Pipe(duplex=False)  # a lock could stay locked by a worker that is killed
    pool = ProcessPoolExecutor(workers, context, _start_worker, (worker, sender))

    def count_done() -> int:
        done = 0
        while receiver.poll():
            receiver.recv_bytes()
            done += 1
        return done

    class Pool:
        def map(
            self, method: str, tasks: Iterable[Any], told: Callable[[int], None] = _ignore_progress
        ) -> Iterator[tuple[int, Any]]:
            pending = enumerate(tasks)
            running: dict[Future[Any], int] = {}
            while True:
                # A few ahead keep every worker busy; a million at once would fill memory.
                running.update(
                    (pool.submit(_call_worker, method, task), number)
                    for number, task in islice(pending, 2 * workers - len(running))
                )
                if not running:
                    return
                ready, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
                told(count_done())
                for future in ready:
                    yield running.pop(future), future.result()

    try:
        yield Pool()
    except BrokenProcessPool as error:
        raise OrqaError(
            "a worker process was killed, for memory perhaps: --resume goes on, with fewer --workers"
        ) from error
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        receiver.close()
        sender.close()


def _track_quietly() -> None:
    """Start the process that clears away the semaphores of one that was killed, so that it does this without a word."""
    sys.warnoptions.append("ignore:resource_tracker:UserWarning")
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.pop()


_worker: Worker


def _start_worker(worker: Worker, sender: Connection) -> None:
    """Make this process a worker: silent on Ctrl-C, and gone when the process that began it is.

    An empty message, which is written whole or not at all, tells of each timepoint that is done.
    """
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    worker.on_timepoint = lambda: sender.send_bytes(b"")
    _worker = worker


def _exit_with_parent(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _call_worker(method: str, task: Any) -> Any:
    return getattr(_worker, method)(task)


@contextmanager
def _start_ray(worker: Worker, workers: int) -> Iterator[Executor]:
    ray: Any = import_optional("ray", "--engine ray", "orqa-registry[ray]")
    pools: Any = import_optional("ray.util", "--engine ray", "orqa-registry[ray]")
    started = not ray.is_initialized()
    if started:
        # RAY_ADDRESS names a cluster; without it, one is started here.
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    cpus = int(ray.cluster_resources().get("CPU", 0))
    if workers > cpus:
        raise CallError(f"--workers {workers}: the Ray cluster has {cpus} CPUs")

    class _Actor:
        def __init__(self, worker: Worker) -> None:
            self._worker = worker

        def do(self, method: str, number: int, task: Any) -> tuple[int, Any]:
            return number, getattr(self._worker, method)(task)

    actor = ray.remote(num_cpus=1, max_restarts=2, max_task_retries=2)(_Actor)
    pool = pools.ActorPool([actor.remote(worker) for _ in range(workers)])

    class Cluster:
        def map(
            self, method: str, tasks: Iterable[Any], told: Callable[[int], None] = _ignore_progress
        ) -> Iterator[tuple[int, Any]]:
            numbered = list(enumerate(tasks))
            try:
                for number, result in pool.map_unordered(
                    lambda idle_actor, numbered_task: idle_actor.do.remote(method, *numbered_task), numbered
                ):
                    told(getattr(numbered[number][1], "timepoints", 0))
                    yield number, result
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error

    try:
        yield Cluster()
    finally:
        if started:
            ray.shutdown()
