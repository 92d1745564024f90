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
from orqa_registry.vocabulary import ENTITIES, PREDICATES, ROLES

START = 1_617_000_000 * names.NANOSECONDS
ARTEFACT, SPECK = 14, 9
"""A grey value that means nothing, and pixels too few to count."""

RAW_ROLES = {"head_surgeon": "head-surgeon", "assistant_surgeon": "assistant-surgeon", "circulator": "none"}
"""Roles as the raw labels spell them; somebody without a role is a circulator."""

RAW_PREDICATES = {"manipulating": "Operating"}


def write(root: Path, takes: Sequence[Take]) -> None:
    """Write takes. Raises CallError where a frame is not its place in the take: row k of the index is frame k."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    by_split: dict[str, list[dict[str, Any]]] = {split: [] for split in names.SPLITS}
    numbers = {names.take_name(number): number for number in names.TIMEPOINTS}
    for take in takes:
        if take.name not in numbers or numbers[take.name] not in names.SPLITS.get(take.split, ()):
            raise CallError(f"4D-OR has no take {take.name!r} in split {take.split!r}: 001_4DOR is in train, and so on")
        points = list(take)
        _write_take(root, numbers[take.name], points)
        by_split[take.split] += scenegraph.to_relationships(points)
    for split, entries in by_split.items():
        (root / "data" / f"relationships_{split}.json").write_text(json.dumps(entries))
    (root / "data" / "classes.txt").write_text("\n".join(ENTITIES))
    (root / "data" / "relationships.txt").write_text("\n".join(PREDICATES))


def _write_take(root: Path, number: int, points: Sequence[Timepoint]) -> None:
    folder = names.take_folder(root, number)
    (folder / "relation_labels").mkdir(parents=True, exist_ok=True)
    rows = []
    for place, point in enumerate(points):
        if point.frame != f"{place:06d}":
            raise CallError(f"{point.key}: 4D-OR numbers the frames of a take from 000000 without a gap")
        timestamp = START + round((point.seconds if point.seconds is not None else place) * names.NANOSECONDS)
        streams = {"pcd": f"{place:06d}", **{f"color_{camera}": _image(camera, place) for camera in names.CAMERAS}}
        # Keys that nobody reads are in the download too.
        rows.append([str(timestamp), {**streams, "depth_1": f"{place:06d}"}])
        _write_media(root, folder, number, place, timestamp, point)
        if "relations" in point.labels:
            raw = _raw_labels(point.labels["relations"], artefact=place % 3 == 0)
            (folder / "relation_labels" / f"{point.frame}.json").write_text(json.dumps(raw))
    (folder / names.INDEX).write_text(json.dumps(rows))
    _write_once(folder, points)


def _image(camera: int, place: int) -> str:
    """Return the number of an image: cameras did not start together."""
    return f"{place + 7 * camera:06d}"


def _write_media(root: Path, folder: Path, number: int, place: int, timestamp: int, point: Timepoint) -> None:
    for camera in names.CAMERAS:
        _put(folder / "colorimage" / names.image_name(camera, _image(camera, place)), point, f"room{camera}.jpg")
    for camera in names.MASK_CAMERAS:
        if f"room{camera}.mask.png" in point.media:
            mask = point.read(f"room{camera}.mask.png")
            path = folder / f"segmentation_export_{camera}" / names.mask_name(camera, _image(camera, place))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_spoilt(mask) if place < 2 else mask)
            if place == 0:
                path.with_name(f"{path.stem}_interpolated.png").write_bytes(mask)
    truth = _small_are_true(point)
    for medium in point.media:
        if medium.startswith("lowres"):
            name = f"{timestamp}_{medium[len('lowres')]}_GT{truth}.png"
            _put(root / names.LOW_RES / names.take_name(number) / name, point, medium)
    if "points.npy" in point.media:
        _write_cloud(folder / names.CLOUDS[0] / f"{place:06d}.pcd", point, "ascii" if place == 0 else "binary")
    if "poses.json" in point.media:
        path = folder / "annotations" / f"{place:06d}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"labels": list(_pose_labels(json.loads(point.read("poses.json"))))}))


def _small_are_true(point: Timepoint) -> bool:
    """Tell whether small masks were annotated: people are known, and neither a model nor large masks told of them."""
    whole = all(f"room{camera}.mask.png" in point.media for camera in names.MASK_CAMERAS)
    return point.has("roles") and not point.has("predicted") and not whole


def _put(path: Path, point: Timepoint, medium: str) -> None:
    if medium in point.media:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(point.read(medium))


def _spoilt(mask: bytes) -> bytes:
    """Return a mask with an artefact and a speck of a class that it lacks, both on background."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(mask), formats=("PNG",)) as opened:
        ids = np.array(opened.convert("L") if opened.mode not in {"L", "P"} else opened)
    rows, columns = np.nonzero(ids == 0)
    absent = next(label for label in range(1, 14) if label not in ids)
    if len(rows) > 30:
        ids[rows[:SPECK], columns[:SPECK]] = absent
        ids[rows[-20:], columns[-20:]] = ARTEFACT
    out = io.BytesIO()
    Image.fromarray(ids.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _write_cloud(path: Path, point: Timepoint, data: str) -> None:
    from orqa_registry.formats.clouds import from_npy
    from orqa_registry.formats.writing import write_pcd

    cloud = from_npy(point.read("points.npy"), f"{point.key}: points.npy")
    cloud[:, :3] /= names.UNIT
    path.parent.mkdir(parents=True, exist_ok=True)
    write_pcd(path, cloud, data)


def _pose_labels(poses: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for human, joints in poses["people"].items():
        for joint, place in zip(poses["joints"], joints, strict=True):
            if place is not None:
                x, y, z = (value / names.UNIT for value in place)
                tool = {"x": x, "y": -z, "z": y - names.POSE_LIFT}
                location = {axis: value / names.POSE_SCALE for axis, value in tool.items()}
                yield {"humanName": human, "jointName": joint, "point3d": {"location": location}}


def _raw_labels(graph: Sequence[Triplet], *, artefact: bool) -> dict[str, Any]:
    """Return the raw labels of a graph: people are numbered, and what the reader infers may be left out."""
    people = [role for role in ROLES if role != "patient" and any(role in edge[::2] for edge in graph)]
    human = {role: f"human_{place if place < 7 else place + 2}" for place, role in enumerate(people)}
    human["patient"] = "Patient"
    handed = {edge.subject for edge in graph if edge.predicate in scenegraph.HANDED_ACTIONS}
    rows = [
        [human.get(edge.subject, edge.subject), _raw(edge.predicate), human.get(edge.object, edge.object), "hand", ""]
        for edge in graph
        if not (edge.predicate == "holding" and edge.object == "instrument" and edge.subject in handed)
    ]
    if artefact:
        rows.append(["human_7", "Touching", "Patient", "hand", "leg"])
    roles = {name: RAW_ROLES.get(role, role) for role, name in human.items() if role != "patient"}
    return {"rel_annotations": rows, "human_name_annotations": roles}


def _raw(predicate: str) -> str:
    return RAW_PREDICATES.get(predicate, predicate[:1].upper() + predicate[1:])


def _write_once(folder: Path, points: Sequence[Timepoint]) -> None:
    """Write what a take has once: the calibration of its cameras, and the 2D joints of all its frames."""
    from orqa_registry.formats.azure import write_camera

    first = next((point for point in points if "calibration.json" in point.media), None)
    if first is not None:
        for view, camera in json.loads(first.read("calibration.json")).items():
            if view in {f"room{number}" for number in names.CAMERAS}:
                write_camera(folder / f"camera0{view[4:]}.json", camera)
    joints = {
        f"{point.frame}_{camera}": json.loads(point.read(medium))
        for point in points
        for camera in names.CAMERAS
        if (medium := f"room{camera}.keypoints.json") in point.media
    }
    if joints:
        (folder / names.KEYPOINTS).write_text(json.dumps(joints))
