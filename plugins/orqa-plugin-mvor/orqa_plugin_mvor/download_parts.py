"""What a download of MVOR consists of, where it comes from and under which terms (datasets.md 10)."""

from __future__ import annotations

from orqa_plugin_mvor import names
from orqa_registry import Piece

LICENCE = "CC BY-NC-SA 4.0: not commercial, share alike, cite"
ACCESS = "open download linked from https://github.com/CAMMA-public/MVOR"
ADDITIONS = "mvor_additional.zip in https://github.com/egeozsoy/ORQA (data/), unpacked into the folder of day1"
DERIVED = f"made from MVOR, so to be treated as {LICENCE}"

LOCATION_FACETS = ("boxes", "positions")

PIECES = (
    Piece(
        "images",
        "dayD/camC/color/FRAME.png",
        media=("room?.png",),
        access=ACCESS,
        terms=LICENCE,
        glob="day?/cam?/color/*",
    ),
    Piece(
        "depth",
        "dayD/camC/depth/FRAME.png",
        media=("room?.depth.png",),
        access=ACCESS,
        terms=LICENCE,
        glob="day?/cam?/depth/*",
    ),
    Piece(
        "annotations",
        f"{names.ANNOTATION_FILE}, or in annotations/",
        media=("room?.keypoints.json", "calibration.json"),
        facets=("boxes",),
        access="in the repository https://github.com/CAMMA-public/MVOR (annotations/)",
        terms=LICENCE,
    ),
    Piece(
        "clips and splits",
        f"{names.CLIPS_FILE}, {names.SPLITS_FILE}",
        access=ADDITIONS,
        terms=DERIVED,
        glob=names.CLIPS_FILE,
    ),
    Piece(
        "labels of frames",
        names.FRAME_LABELS_FILE,
        facets=("actions",),
        access=ADDITIONS,
        terms=DERIVED,
        glob=names.FRAME_LABELS_FILE,
    ),
    Piece(
        "3D poses",
        f"{names.HUMAN_POSES_FOLDER}/pred_day_D_frame_FRAME.npy",
        media=("poses.json",),
        facets=("roles", "entities", *LOCATION_FACETS),
        access=ADDITIONS,
        terms=DERIVED,
        glob=f"{names.HUMAN_POSES_FOLDER}/*.npy",
    ),
    Piece(
        "patients",
        f"{names.PATIENT_CENTRES_FILE}, {names.DUMMY_POSE_FILE}",
        facets=("roles", "entities", *LOCATION_FACETS),
        access=ADDITIONS,
        terms=DERIVED,
        glob=names.PATIENT_CENTRES_FILE,
    ),
    Piece(
        "object poses",
        f"{names.OBJECT_POSES_FOLDER}/day_D_frame_FRAME.npz",
        media=("objects.json",),
        facets=("entities", *LOCATION_FACETS),
        access=ADDITIONS,
        terms=DERIVED,
        glob=f"{names.OBJECT_POSES_FOLDER}/*.npz",
    ),
    Piece(
        "object scans",
        f"{names.OBJECT_SCANS_FOLDER}/CLASS/K.ply",
        facets=LOCATION_FACETS,
        access=f"{ADDITIONS}; not in its first version",
        terms=DERIVED,
        glob=f"{names.OBJECT_SCANS_FOLDER}/*/*.ply",
    ),
    Piece(
        "clouds",
        f"{names.POINT_CLOUDS_FOLDER}/dayD_frame_FRAME.ply, else made from colour and depth",
        media=("points.npy",),
        access=f"{ADDITIONS}; not in its first version",
        terms=DERIVED,
    ),
)
