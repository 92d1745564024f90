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
from orqa_plugin_mmor.media_writer import DETAIL_MEDIA, MediaWriter
from orqa_registry import CallError, Take, Timepoint, Triplet, suggest_names
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES
from orqa_registry.readers import scenegraph_files

START_SECOND = 4
"""The second of the first timepoint: a row is never its second."""
FIRST_NUMBERS = {names.ROOM: 101, names.DETAIL: 2017, names.TRACKER: 3041}
"""Stream -> its number at the first timepoint."""
MAX_TIMEPOINTS = 40_000
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


def write_takes(root: Path, takes: Sequence[Take]) -> None:
    """Write takes. Raises CallError where one is none of MM-OR's, or its timepoints are not what MM-OR can number."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    relationships: dict[str, list[dict[str, Any]]] = {split: [] for split in names.GRAPH_COUNTS}
    for take in takes:
        name, timepoints = names.download_name(take.name), _check_timepoints(take)
        _write_take(root, name, timepoints)
        if (split := names.take_split(name)) in relationships:
            relationships[split] += scenegraph_files.to_relationships(_sampled_timepoints(name, timepoints))
    for split, entries in relationships.items():
        (root / "data" / f"relationships_{split}.json").write_text(json.dumps(entries))
    (root / "data" / "classes.txt").write_text("\n".join(ENTITIES))
    (root / "data" / "relationships.txt").write_text("\n".join(PREDICATES))


def _check_timepoints(take: Take) -> list[Timepoint]:
    if names.download_name(take.name) not in names.TAKES or not take.name.endswith(names.TAKE_SUFFIX):
        known_names = [name + names.TAKE_SUFFIX for name in names.TAKES]
        raise CallError(f"{take.name} is no take of MM-OR: {suggest_names(take.name, known_names)}")
    timepoints = list(take)
    if len(timepoints) > MAX_TIMEPOINTS:
        raise CallError(
            f"{take.name}: {len(timepoints)} timepoints, more than the {MAX_TIMEPOINTS} that MM-OR can number"
        )
    previous = -1
    for index, timepoint in enumerate(timepoints):
        if timepoint.frame != f"{index:06d}":
            raise CallError(f"{timepoint.key}: MM-OR numbers the frames of a take from 000000 without a gap")
        if timepoint.seconds is not None and not float(timepoint.seconds).is_integer():
            raise CallError(f"{timepoint.key}: {timepoint.seconds} s; MM-OR counts whole seconds")
        second = _timepoint_second(timepoints, index)
        if not previous < second < 10**6:
            raise CallError(f"{timepoint.key}: second {second} after second {previous}; MM-OR counts up, to six digits")
        previous = second
    return timepoints


def _timepoint_second(timepoints: Sequence[Timepoint], index: int) -> int:
    start, seconds = timepoints[0].seconds, timepoints[index].seconds
    return START_SECOND + (index if start is None or seconds is None else int(seconds - start))


def _sampled_timepoints(take: str, timepoints: Sequence[Timepoint]) -> Iterator[Timepoint]:
    return (timepoint for index, timepoint in enumerate(timepoints) if names.is_sampled(take, index))


def _write_take(root: Path, take: str, timepoints: Sequence[Timepoint]) -> None:
    rows = list(_index_rows(take, timepoints))
    index_path = list(names.index_files(root, take))[-1]
    index_path.parent.mkdir(parents=True, exist_ok=True)
    index_path.write_text(json.dumps(rows))
    if take == "010_PKA":  # there is a second index, which ORQA does not read
        index_path.with_name(f"{index_path.stem}_azure.json").write_text(json.dumps(rows[::-1]))
    # As text, "10" would come before "9": the keys of this file are numbers without zeros.
    streams = {str(int(row[0])): row[1] for row in sorted(rows, key=lambda row: str(int(row[0])))}
    _put_json(root / names.TAKE_JSONS_FOLDER / f"{take}.json", {"timestamps": streams})
    media_writer = MediaWriter(root, take)
    for row, timepoint in zip(rows, timepoints, strict=True):
        media_writer.write_timepoint(timepoint, {names.TIMESTAMP: row[0], **row[1]})
    media_writer.write_take_files()
    if names.take_split(take) in names.GRAPH_COUNTS:  # short clips have no scene graphs
        _write_raw_graphs(list(names.raw_label_folders(root, take))[-1], timepoints)
    _write_tables(root, take, timepoints)


def _index_rows(take: str, timepoints: Sequence[Timepoint]) -> Iterator[list[Any]]:
    folder_takes = [name for name in names.TAKES if names.TAKE_FOLDERS[name] == names.TAKE_FOLDERS[take]]
    first_number = folder_takes.index(take) * (MAX_TIMEPOINTS + 10_000)
    null_index = next((index for index, timepoint in enumerate(timepoints) if not _has_detail_media(timepoint)), None)
    for index in range(len(timepoints)):
        second = _timepoint_second(timepoints, index)
        streams: dict[str, Any] = {
            stream: f"{first_number + offset + index:06d}" for stream, offset in FIRST_NUMBERS.items()
        }
        if take in names.NO_ROOM_IMAGES:
            del streams[names.ROOM]
        if index == null_index:
            streams[names.DETAIL] = None
        row = [f"{second:06d}", {**streams, "tracker": index, "original_timestamp": 1_650_000_000 + second}]
        yield [*row, {"checked": True}] if index == min(1, len(timepoints) - 1) else row


def _has_detail_media(timepoint: Timepoint) -> bool:
    return "screen_text" in timepoint.labels or not DETAIL_MEDIA.isdisjoint(timepoint.media)


def _write_raw_graphs(folder: Path, timepoints: Sequence[Timepoint]) -> None:
    for index, timepoint in enumerate(timepoints):
        if "relations" in timepoint.labels:
            rows = [
                _raw_edge(edge, dashes=(index + edge_index) % 2 == 0)
                for edge_index, edge in enumerate(timepoint.labels["relations"])
            ]
            _put_json(folder / f"{timepoint.frame}.json", {"rel_annotations": rows})


def _raw_edge(edge: Triplet, *, dashes: bool) -> list[str]:
    """Return an edge as the raw labels write it: the predicate is in the middle."""
    subject, thing = (RAW_NAMES.get(name, name) for name in (edge.subject, edge.object))
    if dashes:
        subject, thing = subject.replace("_", "-"), thing.replace("_", "-").title()
    predicate = RAW_PREDICATES.get(edge.predicate, edge.predicate[:1].upper() + edge.predicate[1:])
    return [subject, predicate, thing]


def _write_tables(root: Path, take: str, timepoints: Sequence[Timepoint]) -> None:
    """Write the labels that stand in one file a take, by frame."""
    phases: dict[str, str | None] = {}
    breaches: dict[str, list[list[str]]] = {}
    for index, timepoint in enumerate(timepoints):
        if "robot_phase" in timepoint.labels:  # nothing is written in two ways
            phases[timepoint.frame] = timepoint.labels["robot_phase"] or ("" if index % 2 else None)
        if "sterility_breach" in timepoint.labels:
            breaches[timepoint.frame] = [sentence.split(" ", 2) for sentence in timepoint.labels["sterility_breach"]]
    tables: Mapping[str, Mapping[str, Any]] = {
        names.PHASES_FOLDER: phases,
        names.BREACHES_FOLDER: breaches,
        names.NEXT_ACTIONS_FOLDER: _next_actions(timepoints),
    }
    for folder, table in tables.items():
        sampled = {frame: value for frame, value in table.items() if names.is_sampled(take, int(frame))}
        if sampled:
            _put_json(root / folder / f"{take}.json", sampled)


def _next_actions(timepoints: Sequence[Timepoint]) -> dict[str, list[Any] | None]:
    """Return frame -> what comes next and in how many seconds, or null; nobody reads it yet."""
    table: dict[str, list[Any] | None] = {}
    following: tuple[str, int] | None = None
    for index in reversed(range(len(timepoints))):
        now, actions = _timepoint_second(timepoints, index), timepoints[index].labels.get("actions")
        if actions is not None:
            table[timepoints[index].frame] = [following[0], following[1] - now] if following else None
            known_actions = [ACTION_NAMES[action] for action in actions if action in ACTION_NAMES]
            following = (known_actions[0], now) if known_actions else following
    return dict(sorted(table.items()))


def _put_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
