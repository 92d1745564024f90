"""Frames, order and phases of the published take histories come out of a layout made from them."""

import json
from pathlib import Path

import pytest

from orqa_plugin_egosurgery.names import SEGMENTS

HISTORIES = Path(__file__).resolve().parents[4] / "shared" / "real" / "orqa" / "histories"
PUBLISHED = sorted(HISTORIES.glob("take_timepoints_with_ids_EgoSurgery_*.json"))
FILES = {"train": "train.json", "validation": "val.json", "test": "test.json"}

pytestmark = pytest.mark.skipif(not PUBLISHED, reason="the published histories (shared/real) are not here")


@pytest.fixture(scope="module")
def published():
    """Return take -> (integer, frame, phase) of every timepoint."""
    takes = {}
    for path in PUBLISHED:
        name = path.stem.removeprefix("take_timepoints_with_ids_EgoSurgery_")
        ids = json.loads(path.read_text())
        phases = dict(json.loads((HISTORIES / f"surgery_sg_EgoSurgery_{name}.json").read_text()))
        takes[name] = [(number, frame, phases.get(number)) for number, frame in ids]
    return takes


def test_frames_order_and_phases(published, read, tmp_path, write_file, make_coco):
    for split, names in SEGMENTS.items():
        # Listed in no order, and with more phases than frames.
        frames = sorted((frame for name in names for _, frame, _ in published.get(name, ())), key=lambda f: f[::-1])
        content = make_coco({0: "Hook"}, [(k, f"{frame}.jpg") for k, frame in enumerate(frames)], [])
        for kind in ("tools", "hands"):
            write_file(tmp_path, f"annotations/bbox/by_split/{kind}/{FILES[split]}", content)
        for name in names:
            rows = [f"{frame},{phase}" for _, frame, phase in published.get(name, ()) if phase]
            write_file(
                tmp_path, f"annotations/phase/{name}.csv", "\n".join(["Frame,Phase", f"{name}_9999,closure", *rows])
            )
    timepoint_count = 0
    for split, names in SEGMENTS.items():
        takes = read(tmp_path, split)
        assert list(takes) == [name for name in names if name in published]
        for name, points in takes.items():
            assert [(int(p.frame), p.frame, p.labels.get("actions")) for p in points] == [
                (number, frame, (phase,) if phase else None) for number, frame, phase in published[name]
            ]
            timepoint_count += len(points)
    assert timepoint_count == sum(map(len, published.values()))
    assert set(published) <= {name for names in SEGMENTS.values() for name in names}
