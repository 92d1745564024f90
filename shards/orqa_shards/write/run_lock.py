"""One run at a time writes to a folder, and knows what is its own.

A run draws an id. Its plan begins with it and the record of each shard names it, so that nothing an earlier run left is
taken for what this one wrote. A local folder is locked as well. Elsewhere nothing can be locked: there a run looks
before it gives a file its place whether the plan is still its own.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import orjson
from attrs import field, frozen
from attrs.validators import instance_of, optional

from orqa_registry import OrqaError
from orqa_shards.format.manifest import MANIFEST, MAX_MANIFEST_BYTES, PLAN_FILE, REPAIR_REPORT, SHARD_NAME, Manifest
from orqa_shards.storage.local import LocalStore
from orqa_shards.storage.store import NEW_PREFIX, UNFINISHED, Store
from orqa_shards.write import shard_plan
from orqa_shards.write.shard_plan import PlannedShard

LOCK_FILE = f"{UNFINISHED}/lock"
"""Locked while a run writes to a local folder; a process that is killed lets go of it."""

OWN_FILES = re.compile(
    rf"{SHARD_NAME}\.(tar|idx)|labels-.+\.jsonl\.zst|{re.escape(MANIFEST)}|{re.escape(REPAIR_REPORT)}"
)
"""Names of files that a run or a repair writes."""


@frozen
class WriteRun:
    """A run as it is noted before it writes. run: its id. asked: what it was called for. jobs: its shards, in order.

    Without jobs, it has yet to begin, or was stopped while it cleared away what it replaces.
    """

    run: str = field(factory=lambda: uuid4().hex, validator=instance_of(str))
    asked: Mapping[str, Any] | None = field(default=None, validator=optional(instance_of(dict)))
    jobs: tuple[PlannedShard, ...] | None = None

    def to_bytes(self) -> bytes:
        """Return the file, whose first bytes tell the run."""
        jobs = None if self.jobs is None else shard_plan.plan_to_json(self.jobs)
        return json.dumps({"run": self.run, "asked": self.asked, "jobs": jobs}).encode()

    @classmethod
    def read(cls, store: Store) -> WriteRun:
        """Return the run to go on with: that which was begun in a folder, finished it, or else a new one.

        Raises OrqaError where what is there is damaged.
        """
        if is_finished(store):
            return cls(asked=_describe_call(Manifest.read(store)), jobs=())
        if store.size(PLAN_FILE) is None:
            return cls()
        try:
            raw = orjson.loads(store.read(PLAN_FILE, MAX_MANIFEST_BYTES))
            jobs = raw["jobs"]
            return cls(raw["run"], raw["asked"], None if jobs is None else tuple(shard_plan.plan_from_json(jobs)))
        except (KeyError, TypeError, ValueError) as error:
            raise OrqaError(f"{store.place(PLAN_FILE)}: damaged: {error}. Begin anew: --force") from error


def is_finished(store: Store) -> bool:
    """Tell whether a folder holds shards that are whole, and no run that was stopped."""
    return store.size(PLAN_FILE) is None and store.size(MANIFEST) is not None


def _describe_call(manifest: Manifest) -> dict[str, Any]:
    """Return what shards were called for, as `WriteRun.asked` has it."""
    takes = [
        [split, take.dataset, take.name, take.timepoints]
        for split, entry in manifest.splits.items()
        for take in entry.takes
    ]
    return {
        "parameters": manifest.parameters,
        "versions": manifest.versions,
        "datasets": manifest.datasets,
        "takes": takes,
    }


def call_differences(then: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield in what two calls differ, with both values: `shard_bytes: 1000000 then, 2000000 now`."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in {**then, **now}:
            inner = key if name in {"", "parameters"} else f"{name}.{key}"
            yield from call_differences(then.get(key), now.get(key), inner)
    elif then != now:
        if name == "takes":
            then, now = _find_differing_takes(then or [], now or [])
        yield f"{name}: {_format_value(then)} then, {_format_value(now)} now"


def _find_differing_takes(then: list[Any], now: list[Any]) -> tuple[Any, Any]:
    """Return what is said of two lists: how many takes they name, or of as many the first that differ."""
    if len(then) != len(now):
        return len(then), len(now)
    return next((before, after) for before, after in zip(then, now, strict=True) if before != after)


def _format_value(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return "not there" if value is None else "there"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def check_target(store: Store, *, resume: bool, force: bool) -> None:
    """Raise OrqaError where such a run may not write to a folder: it would replace, or mix up.

    resume: it goes on with what was begun, leaves what is finished, and begins where nothing is.
    """
    names, begun = store.names(), store.size(PLAN_FILE) is not None
    if resume and (begun or MANIFEST in names):
        return
    if not force:
        if begun:
            raise OrqaError(f"{store.name} holds an unfinished run: --resume goes on with it, --force begins anew")
        if MANIFEST in names:
            raise OrqaError(
                f"{store.name} holds finished shards already: --force writes them anew, or name another folder"
            )
    if names and not begun and MANIFEST not in names:
        raise OrqaError(f"{store.name} holds files that are no shards of ours: name an empty folder")


@contextmanager
def lock_folder(store: Store) -> Iterator[None]:
    """Keep other runs out of a local folder. Raises OrqaError where one writes there."""
    if not isinstance(store, LocalStore):
        yield
        return
    from filelock import FileLock, Timeout

    path = store.folder / LOCK_FILE
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise OrqaError(f"{store.name}: another run writes here. Wait until it is done, or stop it") from None
    except OSError as error:
        raise OrqaError(f"{store.place(LOCK_FILE)}: {error.strerror or error}") from error
    try:
        for folder in store.folder.glob(
            f"{NEW_PREFIX}*"
        ):  # of a worker that was killed in the moment before it locked it
            shutil.rmtree(folder, ignore_errors=True)
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # a plan is left
            path.parent.rmdir()


@contextmanager
def explain_write_errors(store: Store) -> Iterator[None]:
    """Say how to go on after a disk that is full, or whatever else stops the writing."""
    try:
        yield
    except OSError as error:
        path = error.filename or store.name
        raise OrqaError(
            f"{path}: {error.strerror or error}. Shards that are whole are kept: mend this, and --resume goes on"
        ) from error


def check_still_ours(store: Store, run: str) -> None:
    """Raise OrqaError where another run has begun to write to a folder that cannot be locked."""
    if isinstance(store, LocalStore):
        return
    head = json.dumps({"run": run}).encode()[:-1]
    size = store.size(PLAN_FILE)
    if size is None or size < len(head) or store.span(PLAN_FILE, 0, len(head)) != head:
        raise OrqaError(f"{store.name}: another run writes here and has replaced this one, which stops")


def leftover_files(store: Store) -> list[str]:
    """Return what earlier runs have left in a folder, the manifest first and without the plan; the rest is not ours."""
    names = [*filter(OWN_FILES.fullmatch, store.names()), *record_files(store)]
    return sorted(names, key=lambda name: (name != MANIFEST, name))


def record_files(store: Store) -> list[str]:
    """Return what a run has noted of its shards, beside its plan."""
    return [name for name in store.names(unfinished=True) if name not in (PLAN_FILE, LOCK_FILE)]
