"""Writes takes in the layout of MM-OR, with what is irregular in the download (datasets.md 9.2).

What the reader has to see through is always there: rows that are not seconds, streams with numbers of their own, takes
that share a folder, other spellings, ids that mean nothing. None of it changes what is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orqa_plugin_mmor import names
from orqa_plugin_mmor.storing import DETAIL_MEDIA, Store
from orqa_registry import CallError, Take, Timepoint, Triplet, scenegraph
from orqa_registry.errors import nearest
from orqa_registry.vocabulary import ENTITIES, PREDICATES

START = 4
"""The second of the first timepoint: a row is never its second."""
OFFSETS = {names.ROOM: 101, names.DETAIL: 2017, names.TRACKER: 3041}
"""Stream -> its number at the first timepoint."""
MOST = 40_000
"""Timepoints of a take; takes that share a folder number their images this far apart, and then some."""

RAW_NAMES = {"operating_table": "ot", "anesthesia_equipment": "ae", "anaesthetist": "anest"}
RAW_PREDICATES = {"manipulating": "Operating"}
"""Names as the raw labels spell them."""

ACTION_NAMES = {
    "preparing": "prepare",
    "cleaning": "clean",
    "cutting": "cut",
    "drilling": "drill",
    "sawing": "saw",
    "hammering": "hammer",
    "cementing": "cement",
    "suturing": "suture",
    "scanning": "scan",
}
"""Action -> what the files of next actions call it."""


def write(root: Path, takes: Sequence[Take]) -> None:
    """Write takes. Raises CallError where one is none of MM-OR's, or its timepoints are not what MM-OR can number."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    graphs: dict[str, list[dict[str, Any]]] = {split: [] for split in names.GRAPHS}
    for take in takes:
        bare, points = names.bare(take.name), _numbered(take)
        _write_take(root, bare, points)
        if (split := names.split_of(bare)) in graphs:
            graphs[split] += scenegraph.to_relationships(_counting(bare, points))
    for split, entries in graphs.items():
        (root / "data" / f"relationships_{split}.json").write_text(json.dumps(entries))
    (root / "data" / "classes.txt").write_text("\n".join(ENTITIES))
    (root / "data" / "relationships.txt").write_text("\n".join(PREDICATES))


def _numbered(take: Take) -> list[Timepoint]:
    if names.bare(take.name) not in names.TAKES or not take.name.endswith(names.SUFFIX):
        known = [name + names.SUFFIX for name in names.TAKES]
        raise CallError(f"{take.name} is no take of MM-OR: {nearest(take.name, known)}")
    points = list(take)
    if len(points) > MOST:
        raise CallError(f"{take.name}: {len(points)} timepoints, more than the {MOST} that MM-OR can number")
    before = -1
    for place, point in enumerate(points):
        if point.frame != f"{place:06d}":
            raise CallError(f"{point.key}: MM-OR numbers the frames of a take from 000000 without a gap")
        if point.seconds is not None and not float(point.seconds).is_integer():
            raise CallError(f"{point.key}: {point.seconds} s; MM-OR counts whole seconds")
        second = _second(points, place)
        if not before < second < 10**6:
            raise CallError(f"{point.key}: second {second} after second {before}; MM-OR counts up, to six digits")
        before = second
    return points


def _second(points: Sequence[Timepoint], place: int) -> int:
    start, seconds = points[0].seconds, points[place].seconds
    return START + (place if start is None or seconds is None else int(seconds - start))


def _counting(take: str, points: Sequence[Timepoint]) -> Iterator[Timepoint]:
    return (point for place, point in enumerate(points) if names.counts(take, place))


def _write_take(root: Path, take: str, points: Sequence[Timepoint]) -> None:
    rows = list(_rows(take, points))
    index = list(names.indices(root, take))[-1]
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(json.dumps(rows))
    if take == "010_PKA":  # there is a second index, which ORQA does not read
        index.with_name(f"{index.stem}_azure.json").write_text(json.dumps(rows[::-1]))
    # As text, "10" would come before "9": the keys of this file are numbers without zeros.
    streams = {str(int(row[0])): row[1] for row in sorted(rows, key=lambda row: str(int(row[0])))}
    _put_json(root / names.TAKE_JSONS / f"{take}.json", {"timestamps": streams})
    store = Store(root, take)
    for row, point in zip(rows, points, strict=True):
        store.add(point, {names.TIMESTAMP: row[0], **row[1]})
    store.close()
    if names.split_of(take) in names.GRAPHS:  # short clips have no scene graphs
        _write_raw_graphs(list(names.raw_labels(root, take))[-1], points)
    _write_tables(root, take, points)


def _rows(take: str, points: Sequence[Timepoint]) -> Iterator[list[Any]]:
    neighbours = [one for one in names.TAKES if names.FOLDERS[one] == names.FOLDERS[take]]
    base = neighbours.index(take) * (MOST + 10_000)
    blind = next((place for place, point in enumerate(points) if not _shows_details(point)), None)
    for place in range(len(points)):
        second = _second(points, place)
        streams: dict[str, Any] = {stream: f"{base + offset + place:06d}" for stream, offset in OFFSETS.items()}
        if take in names.NO_ROOM_IMAGES:
            del streams[names.ROOM]
        if place == blind:
            streams[names.DETAIL] = None
        row = [f"{second:06d}", {**streams, "tracker": place, "original_timestamp": 1_650_000_000 + second}]
        yield [*row, {"checked": True}] if place == min(1, len(points) - 1) else row


def _shows_details(point: Timepoint) -> bool:
    return "screen_text" in point.labels or not DETAIL_MEDIA.isdisjoint(point.media)


def _write_raw_graphs(folder: Path, points: Sequence[Timepoint]) -> None:
    for place, point in enumerate(points):
        if "relations" in point.labels:
            rows = [
                _raw(edge, dashes=(place + number) % 2 == 0) for number, edge in enumerate(point.labels["relations"])
            ]
            _put_json(folder / f"{point.frame}.json", {"rel_annotations": rows})


def _raw(edge: Triplet, *, dashes: bool) -> list[str]:
    """Return an edge as the raw labels write it: the predicate is in the middle."""
    subject, thing = (RAW_NAMES.get(name, name) for name in (edge.subject, edge.object))
    if dashes:
        subject, thing = subject.replace("_", "-"), thing.replace("_", "-").title()
    predicate = RAW_PREDICATES.get(edge.predicate, edge.predicate[:1].upper() + edge.predicate[1:])
    return [subject, predicate, thing]


def _write_tables(root: Path, take: str, points: Sequence[Timepoint]) -> None:
    """Write the labels that stand in one file a take, by frame."""
    phases: dict[str, str | None] = {}
    breaches: dict[str, list[list[str]]] = {}
    for place, point in enumerate(points):
        if "robot_phase" in point.labels:  # nothing is written in two ways
            phases[point.frame] = point.labels["robot_phase"] or ("" if place % 2 else None)
        if "sterility_breach" in point.labels:
            breaches[point.frame] = [sentence.split(" ", 2) for sentence in point.labels["sterility_breach"]]
    tables: Mapping[str, Mapping[str, Any]] = {
        names.PHASES: phases,
        names.BREACHES: breaches,
        names.NEXT_ACTIONS: _next_actions(points),
    }
    for folder, table in tables.items():
        counting = {frame: value for frame, value in table.items() if names.counts(take, int(frame))}
        if counting:
            _put_json(root / folder / f"{take}.json", counting)


def _next_actions(points: Sequence[Timepoint]) -> dict[str, list[Any] | None]:
    """Return frame -> what comes next and in how many seconds, or null; nobody reads it yet."""
    table: dict[str, list[Any] | None] = {}
    coming: tuple[str, int] | None = None
    for place in reversed(range(len(points))):
        now, actions = _second(points, place), points[place].labels.get("actions")
        if actions is not None:
            table[points[place].frame] = [coming[0], coming[1] - now] if coming else None
            named = [ACTION_NAMES[action] for action in actions if action in ACTION_NAMES]
            coming = (named[0], now) if named else coming
    return dict(sorted(table.items()))


def _put_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
