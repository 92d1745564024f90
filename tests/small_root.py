"""A root of 4D-OR with labels, images and scenes, for tests of question sets; and commands to call on it."""

import json

import pytest
from click.testing import CliRunner

from orqa_registry import Triplet
from orqa_registry.readers import synthetic_scenes

PINK = {"color": "pink", "shape": "straight", "size": "large", "texture": "glossy"}
GRAPHS = [
    (Triplet("nurse", "closeTo", "patient"),),
    (Triplet("head_surgeon", "sawing", "patient"), Triplet("head_surgeon", "holding", "saw")),
    (),
]


def jpeg(path, colour=(200, 10, 10)):
    image = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new("RGB", (8, 6), colour).save(path, "JPEG")
    return path


def write_root(root):
    """Write a root of 4D-OR with take 4 of validation and, of training, take 1 with two scenes beside it."""
    for number in (1, 4):
        folder = root / f"export_holistic_take{number}_processed"
        folder.mkdir(parents=True)
        index = [[str((k + 1) * 10**9), {f"color_{c}": f"{k:06d}" for c in (1, 2)}] for k in range(len(GRAPHS))]
        (folder / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps(index))
        for k in range(len(GRAPHS)):
            for camera in (1, 2):
                jpeg(folder / "colorimage" / f"camera0{camera}_colorimage-{k:06d}.jpg")
    for split, take in (("validation", "004_4DOR"), ("train", "001_4DOR")):
        rows = [
            {
                "take_name": take,
                "frame_id": f"{k:06d}",
                "relationships": [[edge.subject, edge.object, edge.predicate] for edge in graph],
            }
            for k, graph in enumerate(GRAPHS)
        ]
        (root / f"relationships_{split}.json").write_text(json.dumps(rows))
    for stem, frame in (("scene_a", "000001"), ("scene_b", "001_4DOR_000002")):
        content = {
            "take_name": "001_4DOR",
            "frame_id": frame,
            "dataset_type": "4D-OR",
            "descriptors": {"x": {"object_type": "drill", **PINK}},
        }
        for camera in (2, 1):
            jpeg(root / synthetic_scenes.SCENE_FOLDER / f"{stem}_cidx{camera}.jpg")
        (root / synthetic_scenes.SCENE_FOLDER / f"{stem}.json").write_text(json.dumps(content))
    return root


def call(registry, command, *arguments, fails=None):
    """Return what a command prints, or check that it fails and says so."""
    result = CliRunner().invoke(command, list(map(str, arguments)), obj=registry)
    if fails is None:
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.output
    assert fails in (str(result.exception) + result.output), result.output
    return None


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
