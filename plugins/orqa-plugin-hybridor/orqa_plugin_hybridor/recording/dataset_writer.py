"""Writes a whole dataset, take by take, over as many processes as wanted, and goes on where it was stopped."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from attrs import frozen

from orqa_plugin_hybridor.files.names import FILES_SCHEMA, INDEX_FILE, TAKE_FILE, TAKE_PATTERN, split_of, take_name
from orqa_registry import CallError
from orqa_registry.readers.io import atomic_write


class StoppedError(Exception):
    """The run was interrupted while this take was being written."""


@frozen
class DatasetOptions:
    """What is to be written: `takes` takes of `timepoints` timepoints, pictures of `size` pixels a side."""

    takes: int
    timepoints: int
    size: int
    seed: int

    def matches(self, about: Any) -> bool:
        """Tell whether a take.json or an index was written for the same seed, size and number of timepoints."""
        expected = {"schema": FILES_SCHEMA, "seed": self.seed, "size": self.size, "timepoints": self.timepoints}
        return isinstance(about, dict) and all(about.get(key) == value for key, value in expected.items())

    @property
    def index(self) -> dict[str, Any]:
        """The content of the index."""
        takes = {take_name(number): split_of(number, self.takes) for number in range(1, self.takes + 1)}
        return {
            "schema": FILES_SCHEMA,
            "seed": self.seed,
            "size": self.size,
            "timepoints": self.timepoints,
            "takes": takes,
        }


def prepare_folder(root: Path, options: DatasetOptions, force: bool) -> list[int]:
    """Make `root` ready and return the numbers of the takes still to be written.

    Whole takes of the same order stay, also where more takes are wanted now; which split a take is of depends on how
    many there are, so growing a data set moves some. Raises CallError where other files lie in the folder, or takes of
    another order, unless `force`: then such takes are deleted; files that are not ours are never touched.
    """
    root.mkdir(parents=True, exist_ok=True)
    numbers = {take_name(number): number for number in range(1, options.takes + 1)}
    missing = dict(numbers)
    stale: list[Path] = []
    for path in sorted(root.iterdir()):
        name = path.name
        if name == INDEX_FILE and path.is_file():
            if not options.matches(_read_json(path)):
                stale.append(path)
        elif name.startswith(".hybrid") and name.endswith(".partial"):
            _delete_path(path)
        elif name.startswith("."):
            continue  # what a file manager leaves behind
        elif TAKE_PATTERN.fullmatch(name) and path.is_dir():
            if name in numbers and options.matches(_read_json(path / TAKE_FILE)):
                del missing[name]
            else:
                stale.append(path)
        elif not force:
            raise CallError(f"{root} holds {name!r}, which is not of HybridOR: name an empty folder, or say --force")
    if stale and not force:
        raise CallError(
            f"{root} holds {stale[0].name!r} of other parameters than {options.takes} takes, {options.timepoints} "
            f"timepoints, {options.size} px, seed {options.seed}: name another folder, or say --force to replace it"
        )
    for path in stale:
        _delete_path(path)
    return sorted(missing.values())


def _delete_path(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_dataset(
    root: Path, options: DatasetOptions, numbers: list[int], workers: int, progress: Callable[[int], None]
) -> None:
    """Write the takes of these numbers and then the index. `progress` is told the timepoints written so far.

    The bytes do not depend on the number of workers. Interrupted, it leaves whole takes only, and no index.
    """
    if workers == 1 or len(numbers) <= 1:
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress(done)

        from orqa_plugin_hybridor.recording.take_writer import write_take

        for number in numbers:
            write_take(root, options.seed, number, options.timepoints, options.size, tick)
    else:
        _write_in_parallel(root, options, numbers, min(workers, len(numbers)), progress)
    with atomic_write(root / INDEX_FILE) as partial:
        partial.write_text(json.dumps(options.index, indent=1) + "\n", encoding="utf-8")


def _write_in_parallel(
    root: Path, options: DatasetOptions, numbers: list[int], workers: int, progress: Callable[[int], None]
) -> None:
    context = multiprocessing.get_context("spawn")
    stop, count = context.Event(), context.Value("L", 0)
    with ProcessPoolExecutor(workers, context, _start_worker, (stop, count)) as pool:
        pending: set[Future[str]] = {
            pool.submit(_write_take_in_worker, root, options.seed, number, options.timepoints, options.size)
            for number in numbers
        }
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                progress(count.value)
                for future in finished:
                    future.result()
        except BaseException:
            stop.set()  # every worker clears away the take it is at
            pool.shutdown(wait=True, cancel_futures=True)
            raise


_stop_event: Any = None
_timepoint_count: Any = None


def _start_worker(stop: Any, count: Any) -> None:
    """Start a worker: Ctrl-C is the parent's to handle."""
    global _stop_event, _timepoint_count
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop_event, _timepoint_count = stop, count


def _count_timepoint() -> None:
    with _timepoint_count.get_lock():
        _timepoint_count.value += 1
    if _stop_event.is_set():
        raise StoppedError


def _write_take_in_worker(root: Path, seed: int, number: int, timepoints: int, size: int) -> str:
    from orqa_plugin_hybridor.recording.take_writer import write_take

    return write_take(root, seed, number, timepoints, size, _count_timepoint)
