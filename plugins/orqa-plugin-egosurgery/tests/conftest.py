"""A small download, made by hand: what is irregular in EgoSurgery is irregular here (datasets.md 9.4)."""

import json

import pytest

from orqa_plugin_egosurgery import EgoSurgery

TOOL_NAMES = {0: "Bipolar Forceps", 6: "Needle_Holders", 14: "Tweezers"}
HAND_NAMES = {1: "Own hands left", 2: "Own hands right", 3: "Other hands left", 4: "Other hands right"}


def coco(categories, images, boxes):
    """Return a box file: images are (id, file name), boxes (image id, category id, [x, y, w, h])."""
    return {
        "info": {"year": 2020},
        "licenses": [],
        "images": [{"id": i, "file_name": name, "width": 1920, "height": 1080, "license": 1} for i, name in images],
        "annotations": [
            {"id": k, "image_id": i, "category_id": c, "bbox": bbox, "iscrowd": 0}
            for k, (i, c, bbox) in enumerate(boxes)
        ],
        "categories": [{"id": i, "name": name} for i, name in categories.items()],
    }


def put(root, file, content):
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def picture(root, frame, folder=None):
    path = root / (folder or f"images/{frame[:2]}") / f"{frame}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frame.encode())


def train(root):
    """01_1: four frames with a gap, 0127 has no picture; 02_1: two frames."""
    frames = ["01_1_0124", "01_1_0125", "01_1_0127", "01_1_0130", "02_1_0001", "02_1_0072"]
    tools = [
        (0, 14, [100, 200, 50, 60]),
        (0, 6, [0, 0, 10.5, 20]),
        (0, 14, [300, 200, 50, 60]),
        (2, 0, [5, 6, 7, 8]),
        (4, 14, [1, 2, 3, 4]),
    ]
    put(
        root,
        "annotations/bbox/by_split/tools/train.json",
        coco(TOOL_NAMES, [(k, f"{frame}.jpg") for k, frame in enumerate(frames)], tools),
    )
    # The hand file begins at the other end, with ids of its own, and leaves 01_1_0125 out.
    listed = [frame for frame in reversed(frames) if frame != "01_1_0125"]
    hands = [(4, 1, [10, 10, 0, 50]), (4, 2, [11, 12, 13, 14]), (3, 4, [20, 20, 20, 20]), (0, 1, [1, 1, 1, 1])]
    put(
        root,
        "annotations/bbox/by_split/hands/train.json",
        coco(HAND_NAMES, [(k, f"{frame}.jpg") for k, frame in enumerate(listed)], hands),
    )
    rows = ["01_1_0120,design", "01_1_0124,Design", "01_1_0127,incision", "01_1_0130,incision", "01_1_0131,closure"]
    put(root, "annotations/phase/01_1.csv", "\n".join(["Frame,Phase", *rows, ""]))
    put(root, "annotations/phase/02_1.csv", "Frame,Phase\n02_1_0001,anesthesia\n02_1_0072,dressing\n")
    gaze = [
        "time, norm_pos_y ,Frame,confidence,norm_pos_x",
        "0,0.9,01_1_0124,1,0.9",
        "1,0.25,01_1_0124,1,0.5",
        "2,0.75,01_1_0125,1,1.5",
        "3,,01_1_0127,0,",
    ]
    put(root, "gaze/01_1.csv", "\n".join(gaze))
    for frame in frames:
        if frame != "01_1_0127":
            picture(root, frame)


def others(root):
    """09_1 in validation and 04_1 in test, one frame each."""
    for split, frame in (("val", "09_1_0007"), ("test", "04_1_0003")):
        for kind, names in (("tools", TOOL_NAMES), ("hands", HAND_NAMES)):
            content = coco(names, [(0, f"{frame}.jpg")], [(0, min(names), [1, 2, 3, 4])])
            put(root, f"annotations/bbox/by_split/{kind}/{split}.json", content)
        put(root, f"annotations/phase/{frame[:4]}.csv", f"Frame,Phase\n{frame},closure\n")
        picture(root, frame)


@pytest.fixture
def root(tmp_path):
    """Return the folder of the small download."""
    train(tmp_path)
    others(tmp_path)
    return tmp_path


@pytest.fixture
def dataset():
    return EgoSurgery("top")


@pytest.fixture
def read(dataset):
    """Return a reader of a split: take -> timepoints."""
    return lambda root, split="train": {take.name: list(take) for take in dataset.takes(root, split)}


@pytest.fixture
def write_file():
    return put


@pytest.fixture
def write_picture():
    return picture


@pytest.fixture
def make_coco():
    return coco
