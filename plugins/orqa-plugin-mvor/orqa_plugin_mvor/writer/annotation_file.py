"""Writes `camma_mvor_2018.json`: images, the people annotated in them, people in 3D, cameras (datasets.md 4.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orqa_plugin_mvor.names import CAMERAS, IMAGE_SIZE, PERSON_FIELDS, POSE_JOINTS, image_id
from orqa_registry import Timepoint

CAPTURE_DATE = "2000-01-{day:02d} 07:00:00.000000"
HAND_OFFSET = 50.0
"""What the two joints without a name are from the wrists along each axis, mm."""

SKELETON = ((1, 2), (2, 4), (4, 8), (4, 6), (8, 10), (2, 3), (3, 5), (3, 7), (7, 9), (5, 6))


class AnnotationFile:
    """The annotation file as it grows."""

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self._frames: dict[str, list[dict[str, Any]]] = {}
        self._people: list[dict[str, Any]] = []
        self._skeletons: list[dict[str, Any]] = []

    def add(self, day: int, timepoint: Timepoint) -> None:
        """Add the images of a timepoint that somebody annotated, and whom they show."""
        media = {camera: f"room{camera}.keypoints.json" for camera in CAMERAS}
        annotated = {
            camera: json.loads(timepoint.read(name)) for camera, name in media.items() if name in timepoint.media
        }
        self.add_images(day, timepoint.frame, annotated)
        for camera, people in annotated.items():
            for person in people:
                fields = {field: person[field] for field in PERSON_FIELDS if field in person}
                ids = {
                    "image_id": image_id(day, camera, timepoint.frame),
                    "category_id": "1",
                    "id": len(self._people),
                }
                self._people.append(fields | ids)

    def add_images(self, day: int, frame: str, annotated: Sequence[int] | Mapping[int, Any]) -> None:
        """Add a multi-view frame, and those of its images that somebody annotated."""
        images = [_image_entry(day, camera, frame) for camera in CAMERAS]
        if annotated:
            self._frames[_frame_id(day, frame)] = images
        self._images += [image for image in images if image["cam_id"] in annotated]

    def add_people(self, day: int, frame: str, people: Any) -> None:
        """Add people in 3D, P x 10 x 3 as camera 1 sees them; a joint that is not finite is all zeros."""
        for number, pose in enumerate(people.tolist()):
            wrists = ([value + HAND_OFFSET for value in pose[joint]] for joint in (8, 9))
            joints = [([*joint, 2.0] if all(map(_is_finite, joint)) else [0.0] * 4) for joint in (*pose, *wrists)]
            self._skeletons.append(
                {
                    "id": str(len(self._skeletons)),
                    "person_id": number,
                    "ref_camera": 0,
                    "image_ids": _frame_id(day, frame),
                    "keypoints3D": [value for joint in joints for value in joint],
                }
            )

    def write(self, path: Path, cameras: Mapping[str, Any] | None) -> None:
        """Write the file; without cameras it has no `cameras_info`."""
        category = {
            "id": "1",
            "name": "person",
            "supercategory": "person",
            "keypoints": POSE_JOINTS,
            "skeleton": SKELETON,
        }
        content: dict[str, Any] = {
            "dataset_info": {"imagetype_2_num": {"color": 0, "depth": 1}},
            "multiview_images": [{"id": frame_id, "images": images} for frame_id, images in self._frames.items()],
            "categories": [category],
            "images": self._images,
            "annotations3D": self._skeletons,
            "info": {"description": "written by orqa-plugin-mvor", "version": "1.0"},
            "licenses": {"id": 1, "name": "none of MVOR's files is in here"},
            "annotations": self._people,
        }
        if cameras is not None:
            content["cameras_info"] = {"camParams": cameras, "date_identifier": "20000101"}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def _image_entry(day: int, camera: int, frame: str) -> dict[str, Any]:
    return {
        "id": image_id(day, camera, frame),
        "file_name": f"day{day}/cam{camera}/color/{frame}.png",
        "width": IMAGE_SIZE[0],
        "height": IMAGE_SIZE[1],
        "cam_id": camera,
        "day_id": day,
        "date_captured": CAPTURE_DATE.format(day=day),
        "license": 1,
        "rights_holder": "nobody",
    }


def _frame_id(day: int, frame: str) -> str:
    return "_".join(str(image_id(day, camera, frame)) for camera in CAMERAS)


def _is_finite(value: float) -> bool:
    return value - value == 0
