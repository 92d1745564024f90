"""A root of MM-OR made by hand, as datasets.md 9.2 asks for it: what is irregular there is irregular here."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from orqa_plugin_mmor import MMOR
from orqa_registry.readers.formats.writers import write_pt

SECONDS = ("000000", "000001", "000002", "000005", "000006", "000007")
"""Of 001_PKA: frames were dropped after row 2, so rows and seconds part."""

SRT = (
    "1\r\n00:00:00,000 --> 00:00:00,900\r\nSauger\r\nbitte\r\n\r\n"
    "2\r\n00:00:01,000 --> 00:00:02,000\r\nJa\r\n\r\n"
    "3\r\n00:00:02,000 --> 00:00:02,001\r\nDanke\r\n\r\n"
    "4\r\n00:00:03,000 --> 00:00:04,500\r\nNoch eins\r\n\r\n"
    "5\r\n00:00:04,000 --> 00:00:05,000\r\nStopp\r\n"
)


def png(ids, mode="L"):
    out = io.BytesIO()
    Image.fromarray(np.asarray(ids, dtype=np.uint8)).convert(mode).save(out, "PNG")
    return out.getvalue()


def mask(*, height=6, width=8, **regions):
    """A mask, 8 x 6 unless said otherwise. regions: `id5=(y0, y1, x0, x1)`, ends exclusive."""
    ids = np.zeros((height, width), dtype=np.uint8)
    for name, (y0, y1, x0, x1) in regions.items():
        ids[y0:y1, x0:x1] = int(name.removeprefix("id"))
    return ids


def pcd(*points):
    """An ascii cloud of points x, y, z, red, green, blue."""
    rows = "".join(f"{x} {y} {z} {(r << 16) | (g << 8) | b}\n" for x, y, z, r, g, b in points)
    many = len(points)
    return (
        "VERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\n"
        f"WIDTH {many}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {many}\nDATA ascii\n{rows}"
    ).encode()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str | bytes):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        path.write_text(json.dumps(content))


def tracked(number, **more):
    return {
        "unique_id": number,
        "button_state": "0",
        "Translation": [1.5, 2, -3.25],
        "euler_rot": [0, 90.5, 1],
        **more,
    }


@pytest.fixture
def dataset():
    return MMOR()


@pytest.fixture
def read(dataset):
    """Reads the takes of a split: name -> its timepoints."""
    return lambda root, split="train": {take.name: list(take) for take in dataset.takes(root, split)}


@pytest.fixture
def points(read, root):
    """The timepoints of 001_PKA."""
    return read(root)["001_PKA_MMOR"]


@pytest.fixture
def root(tmp_path):
    """All takes of datasets.md 9.2, each with what is peculiar to it."""
    first_take(tmp_path)
    for take, base in (("012_1_PKA", 0), ("012_2_PKA", 500)):
        index = [[f"{k:06d}", {"azure": f"{base + k:06d}"}] for k in range(2)]
        put(tmp_path / "012_PKA" / f"timestamp_to_pcd_and_frames_list_{take}.json", index)
        put(tmp_path / "012_PKA" / "colorimage" / f"camera02_colorimage-{base:06d}.jpg", take)
        raw = {"rel_annotations": [["Nurse", "Preparing", "instrument-table"]]} if base else {"rel_annotations": []}
        put(tmp_path / "012_PKA" / f"relation_labels_{take}" / "000000.json", raw)
    without_room_images(tmp_path)
    put(
        tmp_path / "007_TKA" / "timestamp_to_pcd_and_frames_list.json",
        [[f"{k:06d}", {"azure": f"{k:06d}"}] for k in range(8)],
    )
    for k in range(8):
        graph = [["mps", "Calibrating", "mako-robot"]] if k == 3 else []
        put(tmp_path / "007_TKA" / "relation_labels" / f"{k:06d}.json", {"rel_annotations": graph})
    put(tmp_path / "004_PKA" / "timestamp_to_pcd_and_frames_list.json", [["000000", {}]])
    put(tmp_path / "take_timestamp_to_robot_phase" / "004_PKA.json", {"000000": "Install base array by nurse"})
    put(tmp_path / "013_PKA" / "timestamp_to_pcd_and_frames_list.json", [["000007", {"azure": "000001"}]])
    put(tmp_path / "013_PKA" / "colorimage" / "camera01_colorimage-000001.jpg", "short")
    return tmp_path


def first_take(root):
    """001_PKA has everything."""
    folder, take = root / "001_PKA", "001_PKA"
    rows = [
        [second, {"azure": f"{100 + k:06d}", "simstation": f"{200 + k:06d}", "trackercam": f"{300 + k:06d}"}]
        for k, second in enumerate(SECONDS)
    ]
    rows[2][1] |= {"simstation": None, "tracker": 7, "original_timestamp": 1.6e9}
    rows[4].append({"more": "of it"})
    put(folder / "timestamp_to_pcd_and_frames_list.json", rows)
    for k in range(len(rows)):
        for camera in range(1, 6):
            if (camera, k) != (2, 1):
                put(folder / "colorimage" / f"camera0{camera}_colorimage-{100 + k:06d}.jpg", f"room {camera} {k}")
        for camera in range(4):
            put(folder / "simstation" / f"camera0{camera}_{200 + k:06d}.jpg", f"detail {camera} {k}")
        put(folder / "trackercam" / f"{300 + k:06d}.jpg", f"tracker {k}")
    masks_of_the_first_take(folder)
    for second in range(9):  # for seconds of which there is no timepoint, too
        put(root / "take_point_clouds_sparse" / take / f"{second:06d}.pcd", pcd((second, -1, 2.5, 1, 2, 3)))
        put(root / "take_audio_per_timepoint" / take / f"{second:06d}.mp3", f"sound {second}")
        transcript = {"text": f"gesagt in {second}" if second else ""}
        put(root / "take_transcripts_per_timepoint" / take / f"{second:06d}.json", transcript)
        embedding = root / "take_audio_embeddings_per_timepoint" / take / f"{second:06d}.pt"
        embedding.parent.mkdir(parents=True, exist_ok=True)
        write_pt(embedding, np.arange(512) + second)
    put(root / "take_transcripts" / f"{take}.srt", SRT)
    table, orange, pink = (255, 255, 0), (255, 128, 0), (255, 51, 153)
    points = [(1, 2, 3, *table), (-1, 4, 3, *table), (9, 9, 9, 0, 0, 0), (5, 5, 5, *orange), (0.5, 0, 0, *pink)]
    put(root / "take_point_clouds_seg_lowres" / take / "000005_seg.pcd", pcd(*points, (7, 7, 7, 1, 2, 3)))
    put(root / "take_point_clouds_seg_lowres" / take / "000006_seg.pcd", pcd())
    sights = [[tracked("8000050"), tracked("8000999", button_state="1")], [], [tracked("8000123"), tracked(8000058)]]
    records = [{"unique_id_dicts": sights[second % 3], "more": 1} for second in range(7)]
    put(root / "take_tracks" / f"{take}.json", records)
    put(
        root / "take_timestamp_to_sterility_breach" / f"{take}.json",
        {"000000": [], "000003": [["circulator", "touching", "instrument_table"], ["nurse", "touching", "mps"]]},
    )
    phases = ["Initial Calibration by MPS", "", None, "Dressing the robot, to make it sterile"]
    put(root / "take_timestamp_to_robot_phase" / f"{take}.json", {f"{k:06d}": phase for k, phase in enumerate(phases)})
    put(root / "take_timestamp_to_next_action" / f"{take}.json", {"000000": ["cut", 5], "000001": None})
    put(root / "screen_summaries" / take / "000203.json", {"a": {"type": "phase", "template_name": "Bone"}, "b": {}})
    put(root / "screen_summaries_text" / take / "000203.txt", "  \"The 'bone' screen\" \n")
    put(root / "screen_summaries_text" / take / "000204.txt", " '' \"\n")
    put(root / "screen_summaries_text" / take / "000003.txt", "not of row 3")
    entries = [
        ("001_4DOR", "000003", [["nurse", "patient", "cutting"]]),
        ("001_PKA_MMOR", "000000", []),
        ("001_PKA_MMOR", "000003", [["mps", "mako_robot", "calibrating"], ["nurse", "saw", "holding"]]),
        ("001_PKA_MMOR", "000004", [["head_surgeon", "patient", "drilling"]]),
    ]
    rows = [{"take_name": take, "frame_id": frame, "relationships": graph} for take, frame, graph in entries]
    put(root / "data" / "relationships_train.json", rows)
    # ORQA's file goes before raw labels.
    put(folder / "relation_labels" / "000001.json", {"rel_annotations": [["nurse", "Cutting", "patient"]]})


def masks_of_the_first_take(folder):
    # 12 pixels of the patient and 9 of the nurse, with an artefact; another size than the image.
    drawn = mask(id5=(0, 3, 2, 6), id12=(3, 6, 0, 3), id14=(5, 6, 4, 8), height=9, width=12)
    put(folder / "segmentation_export_1" / "camera01_colorimage-000103.png", png(drawn, "RGB"))
    put(folder / "segmentation_export_4" / "camera04_colorimage-000103.png", png(mask(id3=(0, 2, 0, 8))))
    put(folder / "segmentation_export_5" / "camera05_colorimage-000103_interpolated.png", png(mask(id1=(0, 6, 0, 8))))
    put(folder / "segmentation_export_4" / "camera04_colorimage-000003.png", png(mask(id1=(0, 6, 0, 8))))
    put(folder / "simstation_segmentation_export_2" / "camera02_000203.png", png(mask(id1=(0, 6, 0, 8))))
    put(folder / "panoptic_seg_1" / "camera01_colorimage-000103.png", "of the original's code")


def without_room_images(root):
    """005_TKA: its masks are those of the detail cameras; it has small masks, and no tracker."""
    folder = root / "005_TKA"
    index = [[f"{k:06d}", {"simstation": f"{10 + k:06d}", "trackercam": f"{k:06d}"}] for k in range(4)]
    put(folder / "timestamp_to_pcd_and_frames_list.json", index)
    for camera in (0, 1, 2, 3):
        put(folder / "simstation" / f"camera0{camera}_000010.jpg", f"detail {camera}")
    for camera, drawn in ((0, mask(id10=(0, 2, 0, 6))), (2, mask(id7=(1, 6, 1, 8))), (3, mask())):
        put(folder / f"simstation_segmentation_export_{camera}" / f"camera0{camera}_000010.png", png(drawn))
    small = root / "take_segmasks_per_timepoint" / "005_TKA"
    grid = {"height": 32, "width": 32}
    put(small / "000001_0_GTFalse.png", png(mask(id8=(0, 2, 0, 5), id14=(9, 20, 9, 20), **grid)))
    put(small / "000001_2_GTFalse.png", png(mask(id24=(0, 9, 0, 1), id18=(0, 20, 2, 3), **grid)))
    put(small / "000002_1_GTFalse.png", png(mask(id8=(0, 9, 0, 9), **grid)))
    put(small / "000002_1_GTTrue.png", png(mask(id12=(0, 9, 0, 9), **grid)))
