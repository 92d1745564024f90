"""Writes takes in the layout of 4D-OR, with what is irregular in the download (datasets.md 9.1).

What the reader has to see through is always there: image numbers that differ by camera, artefacts and specks in masks,
interpolated masks, people who are in the raw labels by mistake, other spellings. None of it changes what is read.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orqa_plugin_4dor import names
from orqa_registry import CallError, Take, Timepoint, Triplet, scenegraph
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES, ROLES
from orqa_registry.readers import scenegraph_files

START_NANOSECONDS = 1_617_000_000 * names.NANOSECONDS_PER_SECOND
ARTEFACT_ID, SPECK_PIXELS = 14, 9
"""A grey value that means nothing, and pixels too few to count."""

RAW_ROLES = {"head_surgeon": "head-surgeon", "assistant_surgeon": "assistant-surgeon", "circulator": "none"}
"""Roles as the raw labels spell them; somebody without a role is a circulator."""

RAW_PREDICATES = {"manipulating": "Operating"}


def write_takes(root: Path, takes: Sequence[Take]) -> None:
    """Write takes. Raises CallError where a frame is not its place in the take: row k of the index is frame k."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    by_split: dict[str, list[dict[str, Any]]] = {split: [] for split in names.SPLITS}
    numbers = {names.take_name(number): number for number in names.TIMEPOINT_COUNTS}
    for take in takes:
        if take.name not in numbers or numbers[take.name] not in names.SPLITS.get(take.split, ()):
            raise CallError(f"4D-OR has no take {take.name!r} in split {take.split!r}: 001_4DOR is in train, and so on")
        timepoints = list(take)
        _write_take(root, numbers[take.name], timepoints)
        by_split[take.split] += scenegraph_files.to_relationships(timepoints)
    for split, entries in by_split.items():
        (root / "data" / f"relationships_{split}.json").write_text(json.dumps(entries))
    (root / "data" / "classes.txt").write_text("\n".join(ENTITIES))
    (root / "data" / "relationships.txt").write_text("\n".join(PREDICATES))


def _write_take(root: Path, number: int, timepoints: Sequence[Timepoint]) -> None:
    folder = names.take_folder(root, number)
    (folder / "relation_labels").mkdir(parents=True, exist_ok=True)
    rows = []
    for index, timepoint in enumerate(timepoints):
        if timepoint.frame != f"{index:06d}":
            raise CallError(f"{timepoint.key}: 4D-OR numbers the frames of a take from 000000 without a gap")
        timestamp = START_NANOSECONDS + round(
            (timepoint.seconds if timepoint.seconds is not None else index) * names.NANOSECONDS_PER_SECOND
        )
        streams = {
            "pcd": f"{index:06d}",
            **{f"color_{camera}": _image_number(camera, index) for camera in names.CAMERAS},
        }
        # Keys that nobody reads are in the download too.
        rows.append([str(timestamp), {**streams, "depth_1": f"{index:06d}"}])
        _write_media(root, folder, number, index, timestamp, timepoint)
        if "relations" in timepoint.labels:
            raw_labels = _raw_labels(timepoint.labels["relations"], artefact=index % 3 == 0)
            (folder / "relation_labels" / f"{timepoint.frame}.json").write_text(json.dumps(raw_labels))
    (folder / names.INDEX_FILE).write_text(json.dumps(rows))
    _write_take_files(folder, timepoints)


def _image_number(camera: int, index: int) -> str:
    """Return the number of an image: cameras did not start together."""
    return f"{index + 7 * camera:06d}"


def _write_media(root: Path, folder: Path, number: int, index: int, timestamp: int, timepoint: Timepoint) -> None:
    for camera in names.CAMERAS:
        _write_medium(
            folder / "colorimage" / names.image_name(camera, _image_number(camera, index)),
            timepoint,
            f"room{camera}.jpg",
        )
    for camera in names.MASK_CAMERAS:
        if f"room{camera}.mask.png" in timepoint.media:
            mask = timepoint.read(f"room{camera}.mask.png")
            path = folder / f"segmentation_export_{camera}" / names.mask_name(camera, _image_number(camera, index))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_add_artefacts(mask) if index < 2 else mask)
            if index == 0:
                path.with_name(f"{path.stem}_interpolated.png").write_bytes(mask)
    annotated = _are_low_res_masks_annotated(timepoint)
    for medium in timepoint.media:
        if medium.startswith("lowres"):
            name = f"{timestamp}_{medium[len('lowres')]}_GT{annotated}.png"
            _write_medium(root / names.LOW_RES_FOLDER / names.take_name(number) / name, timepoint, medium)
    if "points.npy" in timepoint.media:
        _write_cloud(
            folder / names.CLOUD_FOLDERS[0] / f"{index:06d}.pcd", timepoint, "ascii" if index == 0 else "binary"
        )
    if "poses.json" in timepoint.media:
        path = folder / "annotations" / f"{index:06d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"labels": list(_pose_labels(json.loads(timepoint.read("poses.json"))))}))


def _are_low_res_masks_annotated(timepoint: Timepoint) -> bool:
    """Tell whether small masks were annotated: people are known, and neither a model nor large masks told of them."""
    all_masks = all(f"room{camera}.mask.png" in timepoint.media for camera in names.MASK_CAMERAS)
    return timepoint.has("roles") and not timepoint.has("predicted") and not all_masks


def _write_medium(path: Path, timepoint: Timepoint, medium: str) -> None:
    if medium in timepoint.media:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(timepoint.read(medium))


def _add_artefacts(mask: bytes) -> bytes:
    """Return a mask with an artefact and a speck of a class that it lacks, both on background."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(mask), formats=("PNG",)) as image:
        ids = np.array(image.convert("L") if image.mode not in {"L", "P"} else image)
    rows, columns = np.nonzero(ids == 0)
    absent_label = next(label for label in range(1, 14) if label not in ids)
    if len(rows) > 30:
        ids[rows[:SPECK_PIXELS], columns[:SPECK_PIXELS]] = absent_label
        ids[rows[-20:], columns[-20:]] = ARTEFACT_ID
    buffer = io.BytesIO()
    Image.fromarray(ids.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _write_cloud(path: Path, timepoint: Timepoint, encoding: str) -> None:
    from orqa_registry.readers.formats.clouds import cloud_from_npy
    from orqa_registry.readers.formats.writers import write_pcd

    cloud = cloud_from_npy(timepoint.read("points.npy"), f"{timepoint.key}: points.npy")
    cloud[:, :3] /= names.UNIT_MM
    path.parent.mkdir(parents=True, exist_ok=True)
    write_pcd(path, cloud, encoding)


def _pose_labels(poses: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for human, joints in poses["people"].items():
        for joint, position in zip(poses["joints"], joints, strict=True):
            if position is not None:
                x, y, z = (value / names.UNIT_MM for value in position)
                tool_position = {"x": x, "y": -z, "z": y - names.POSE_LIFT}
                location = {axis: value / names.POSE_SCALE for axis, value in tool_position.items()}
                yield {"humanName": human, "jointName": joint, "point3d": {"location": location}}


def _raw_labels(graph: Sequence[Triplet], *, artefact: bool) -> dict[str, Any]:
    """Return the raw labels of a graph: people are numbered, and what the reader infers may be left out."""
    people = [role for role in ROLES if role != "patient" and any(role in edge[::2] for edge in graph)]
    human_names = {role: f"human_{index if index < 7 else index + 2}" for index, role in enumerate(people)}
    human_names["patient"] = "Patient"
    handed_subjects = {edge.subject for edge in graph if edge.predicate in scenegraph.ACTIONS_WITH_INSTRUMENT}
    rows = [
        [
            human_names.get(edge.subject, edge.subject),
            _raw_predicate(edge.predicate),
            human_names.get(edge.object, edge.object),
            "hand",
            "",
        ]
        for edge in graph
        if not (edge.predicate == "holding" and edge.object == "instrument" and edge.subject in handed_subjects)
    ]
    if artefact:
        rows.append(["human_7", "Touching", "Patient", "hand", "leg"])
    roles = {name: RAW_ROLES.get(role, role) for role, name in human_names.items() if role != "patient"}
    return {"rel_annotations": rows, "human_name_annotations": roles}


def _raw_predicate(predicate: str) -> str:
    return RAW_PREDICATES.get(predicate, predicate[:1].upper() + predicate[1:])


def _write_take_files(folder: Path, timepoints: Sequence[Timepoint]) -> None:
    """Write what a take has once: the calibration of its cameras, and the 2D joints of all its frames."""
    from orqa_registry.readers.formats.kinect_calibration import write_camera

    calibrated = next((timepoint for timepoint in timepoints if "calibration.json" in timepoint.media), None)
    if calibrated is not None:
        for view, camera in json.loads(calibrated.read("calibration.json")).items():
            if view in {f"room{number}" for number in names.CAMERAS}:
                write_camera(folder / f"camera0{view[4:]}.json", camera)
    keypoints = {
        f"{timepoint.frame}_{camera}": json.loads(timepoint.read(medium))
        for timepoint in timepoints
        for camera in names.CAMERAS
        if (medium := f"room{camera}.keypoints.json") in timepoint.media
    }
    if keypoints:
        (folder / names.KEYPOINTS_FILE).write_text(json.dumps(keypoints))
