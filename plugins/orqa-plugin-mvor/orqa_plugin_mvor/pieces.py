"""What a download of MVOR consists of, where it comes from and under which terms (datasets.md 10)."""

from __future__ import annotations

from orqa_plugin_mvor import names
from orqa_registry import Piece

LICENCE = "CC BY-NC-SA 4.0: not commercial, share alike, cite"
ACCESS = "open download linked from https://github.com/CAMMA-public/MVOR"
ADDITIONS = "mvor_additional.zip in https://github.com/egeozsoy/ORQA (data/), unpacked into the folder of day1"
DERIVED = f"made from MVOR, so to be treated as {LICENCE}"

PLACED = ("boxes", "positions")

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
        f"{names.CAMMA}, or in annotations/",
        media=("room?.keypoints.json", "calibration.json"),
        facets=("boxes",),
        access="in the repository https://github.com/CAMMA-public/MVOR (annotations/)",
        terms=LICENCE,
    ),
    Piece("clips and splits", f"{names.CLIPS}, {names.SPLIT_FILE}", access=ADDITIONS, terms=DERIVED, glob=names.CLIPS),
    Piece("labels of frames", names.LABELS, facets=("actions",), access=ADDITIONS, terms=DERIVED, glob=names.LABELS),
    Piece(
        "3D poses",
        f"{names.POSES}/pred_day_D_frame_FRAME.npy",
        media=("poses.json",),
        facets=("roles", "entities", *PLACED),
        access=ADDITIONS,
        terms=DERIVED,
        glob=f"{names.POSES}/*.npy",
    ),
    Piece(
        "patients",
        f"{names.CENTRES}, {names.DUMMY}",
        facets=("roles", "entities", *PLACED),
        access=ADDITIONS,
        terms=DERIVED,
        glob=names.CENTRES,
    ),
    Piece(
        "object poses",
        f"{names.OBJECTS}/day_D_frame_FRAME.npz",
        media=("objects.json",),
        facets=("entities", *PLACED),
        access=ADDITIONS,
        terms=DERIVED,
        glob=f"{names.OBJECTS}/*.npz",
    ),
    Piece(
        "object scans",
        f"{names.SCANS}/CLASS/K.ply",
        facets=PLACED,
        access=f"{ADDITIONS}; not in its first version",
        terms=DERIVED,
        glob=f"{names.SCANS}/*/*.ply",
    ),
    Piece(
        "clouds",
        f"{names.CLOUDS}/dayD_frame_FRAME.ply, else made from colour and depth",
        media=("points.npy",),
        access=f"{ADDITIONS}; not in its first version",
        terms=DERIVED,
    ),
)
