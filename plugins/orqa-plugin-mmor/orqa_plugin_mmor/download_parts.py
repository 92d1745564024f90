"""What a download of MM-OR consists of: one archive a folder, others for all takes, and what users make themselves."""

from __future__ import annotations

from orqa_plugin_mmor import names
from orqa_registry import Piece
from orqa_registry.readers import synthetic_scenes

AUTHORS = "request form linked from the homepage, then its download script"
ARCHIVE = f"{AUTHORS}: one zip a folder, 001_PKA ... 038_TKA"
SCRIPTS = "the scripts of https://github.com/egeozsoy/MM-OR"
UNKNOWN = "not in the download as it is known; ask the authors of https://github.com/egeozsoy/ORQA"

PIECES = (
    Piece(
        "frame index",
        "FOLDER/timestamp_to_pcd_and_frames_list.json, or with _TAKE before the dot",
        access=ARCHIVE,
        glob="*_*KA/timestamp_to_pcd_and_frames_list*.json",
    ),
    Piece("room images", "FOLDER/colorimage/camera0C_colorimage-AZURE.jpg", media=("room?.jpg",), access=ARCHIVE),
    Piece(
        "detail images",
        "FOLDER/simstation/camera0C_SIMSTATION.jpg",
        media=("detail?.jpg", "screen.jpg"),
        access=ARCHIVE,
    ),
    Piece("tracker camera", "FOLDER/trackercam/TRACKERCAM.jpg", media=("trackercam.jpg",), access=ARCHIVE),
    Piece(
        "masks",
        "FOLDER/segmentation_export_{1,4,5}/, FOLDER/simstation_segmentation_export_{0,2,3}/",
        media=("room?.mask.png", "detail?.mask.png"),
        facets=("boxes", "roles", "entities"),
        access=ARCHIVE,
    ),
    Piece("calibration", "FOLDER/camera0C.json", media=("calibration.json",), access=ARCHIVE),
    Piece(
        "scene graphs",
        "data/relationships_SPLIT.json, or FOLDER/relation_labels/ or FOLDER/relation_labels_TAKE/",
        facets=("relations", "actions", "tools", "robot_calibrated"),
        access=f"https://github.com/egeozsoy/ORQA (data/); raw labels: {ARCHIVE}",
        terms="Apache-2.0 (ORQA)",
    ),
    Piece(
        "clouds",
        f"{names.CLOUDS.folder.partition('/')[0]}/TAKE/TIMESTAMP.pcd",
        media=("points.npy",),
        access=f"{AUTHORS}: take_point_clouds_sparse.zip",
    ),
    Piece(
        "labelled clouds",
        f"{names.LABELLED_CLOUDS.folder.partition('/')[0]}/TAKE/TIMESTAMP_seg.pcd",
        media=("segments.npy",),
        facets=("positions",),
        access=UNKNOWN,
    ),
    Piece(
        "32 x 32 masks",
        f"{names.LOW_RES_FOLDER}/TAKE/TIMESTAMP_I_GTFalse.png",
        media=("lowres*.mask.png",),
        facets=("roles", "entities", "predicted"),
        access=f"made by the user from a panoptic model's output with {SCRIPTS}",
    ),
    Piece(
        "tracker",
        f"{names.TRACKS_FOLDER}/TAKE.json",
        media=("tracker.json",),
        facets=("tracked_tools",),
        access=f"{AUTHORS}: take_tracks.zip; some takes have none",
    ),
    Piece(
        "audio",
        "take_audio_per_timepoint/TAKE/TIMESTAMP.mp3",
        media=("audio.mp3",),
        access=f"made by the user from take_audios.zip with {SCRIPTS}",
    ),
    Piece(
        "audio embeddings",
        "take_audio_embeddings_per_timepoint/TAKE/TIMESTAMP.pt",
        media=("clap.npy",),
        access=f"made by the user from the audio of each timepoint with {SCRIPTS}",
    ),
    Piece(
        "speech",
        f"take_transcripts_per_timepoint/TAKE/TIMESTAMP.json, or {names.SUBTITLES_FOLDER}/TAKE.srt",
        media=("speech.txt",),
        access=f"{AUTHORS}: take_transcripts.zip; made from it with {SCRIPTS}, or by us while reading",
    ),
    Piece(
        "robot screen",
        "screen_summaries/TAKE/SIMSTATION.json",
        media=("robot.json",),
        access=f"{AUTHORS}: screen_summaries.zip",
    ),
    Piece("screen text", "screen_summaries_text/TAKE/SIMSTATION.txt", facets=("screen_text",), access=UNKNOWN),
    Piece(
        "robot phases",
        f"{names.PHASES_FOLDER}/TAKE.json",
        facets=("robot_phase",),
        access=f"{AUTHORS}: {names.PHASES_FOLDER}.zip",
    ),
    Piece(
        "sterility breaches",
        f"{names.BREACHES_FOLDER}/TAKE.json",
        facets=("sterility_breach",),
        access=f"{AUTHORS}: {names.BREACHES_FOLDER}.zip",
    ),
    synthetic_scenes.SCENE_PIECE,
)
