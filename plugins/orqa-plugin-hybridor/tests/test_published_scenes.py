"""The published scenes behind the name HybridOR: found, read, written and read again; what is damaged costs itself."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from orqa_plugin_hybridor import HybridOR
from orqa_plugin_hybridor.files.published_scenes import IMITATED_TAKES, scene_stems
from orqa_registry import CallError, DataWarning, OrqaError, Take, Timepoint

LOOKS = {"color": "pink", "shape": "straight", "size": "large", "texture": "glossy"}


def describe(folder: Path, stem: str, views: tuple[int, ...], **changes: object) -> None:
    """Write a scene by hand."""
    content = {
        "take_name": "001_4DOR",
        "frame_id": "000012",
        "dataset_type": "4D-OR",
        "descriptors": {"0": {"object_type": "instrument_table", **LOOKS}},
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.json").write_text(json.dumps(content))
    for view in views:
        (folder / f"{stem}_cidx{view}.jpg").write_bytes(f"{stem} {view}".encode())


def by_hand(folder: Path) -> Path:
    describe(folder, "a", (2, 1))
    whole = {"take_name": "003_TKA", "frame_id": "003_TKA_MMOR_000007", "dataset_type": "MM-OR"}
    describe(folder, "b", (1, 4, 5), **whole)
    describe(folder, "c", ())
    describe(folder, "d", (3,), frame_id="000002")
    return folder


def read(root: Path, split: str = "train") -> dict[str, list[Timepoint]]:
    return {take.name: list(take) for take in HybridOR().takes(root, split)}


def test_files_made_by_hand(tmp_path: Path) -> None:
    points_of_take = read(by_hand(tmp_path))
    assert {take: [point.frame for point in points] for take, points in points_of_take.items()} == {
        "001_4DOR": ["d", "a"],
        "003_TKA_MMOR": ["b"],
    }
    first, second = points_of_take["001_4DOR"]
    assert (second.index, second.seconds, second.split, second.dataset) == (1, None, "train", "HybridOR")
    assert list(second.media) == ["room1.jpg", "room2.jpg"]
    assert second.read("room2.jpg") == b"a 2"
    assert dict(second.labels) == {"attributes": {"instrument_table": LOOKS}}
    assert first.views == ["room3"]
    assert read(tmp_path, "validation") == read(tmp_path, "test") == {}
    take = next(HybridOR().takes(tmp_path, "train"))
    assert list(pickle.loads(pickle.dumps(take))) == [first, second]


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "synthetic_mv_hybridor",
        "synthetic_dataset_generation/synthetic_mv_hybridor",
        "unpacked",
        "x/synthetic_mv_hybridor",
    ],
)
def test_where_scenes_may_lie(tmp_path: Path, folder: str) -> None:
    by_hand(tmp_path / folder)
    assert HybridOR().home(tmp_path) == tmp_path / folder
    assert set(read(tmp_path)) == {"001_4DOR", "003_TKA_MMOR"}
    assert list(HybridOR().checks(tmp_path)) == []


def test_an_index_of_synth_goes_before_scenes(root: Path, tmp_path: Path) -> None:
    assert HybridOR().home(root) == root
    assert [(check.found, check.expected) for check in HybridOR().checks(root)] == [(3, 3)]
    by_hand(tmp_path)
    (tmp_path / "hybridor.json").write_text('{"schema": 2, "takes": {"hybrid001": "test"}}')
    assert [take.name for take in HybridOR().takes(tmp_path, "test")] == ["hybrid001"]
    assert read(tmp_path) == {}
    assert [check.good for check in HybridOR().checks(tmp_path)] == [False]


def test_where_neither_is_there_both_are_named(tmp_path: Path) -> None:
    with pytest.raises(OrqaError, match=r"no hybridor\.json in .*nor published scenes.*make it with"):
        HybridOR().home(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"descriptors": None},
        {"descriptors": ["pink"]},
        {"descriptors": {"0": {"color": "pink"}}},
        {"descriptors": {"0": "pink"}},
        {"take_name": None},
        {"take_name": ["001_4DOR"]},
        {"frame_id": "_"},
        {"frame_id": "001_4DOR_"},
        {"frame_id": True},
        {"dataset_type": ""},
    ],
)
def test_a_damaged_descriptor_costs_its_scene(tmp_path: Path, changes: dict[str, Any]) -> None:
    by_hand(tmp_path)
    describe(tmp_path, "d", (3,), **changes)
    with pytest.warns(DataWarning, match=r"d\.json: expected take_name, frame_id, dataset_type and descriptors"):
        points_of_take = read(tmp_path)
    assert [point.frame for points in points_of_take.values() for point in points] == ["a", "b"]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b"[]", b"3"])
def test_files_that_are_no_descriptors_are_named(tmp_path: Path, content: bytes) -> None:
    by_hand(tmp_path)
    (tmp_path / "d.json").write_bytes(content)
    with pytest.warns(DataWarning, match=r"d\.json: "):
        points_of_take = read(tmp_path)
    assert [point.frame for points in points_of_take.values() for point in points] == ["a", "b"]


words = some.text("abcdefgh ä_", min_size=1, max_size=8)
looks = some.fixed_dictionaries({}, optional=dict.fromkeys(LOOKS, words))


@some.composite
def takes(draw: some.DrawFn) -> list[Take]:
    """Takes of scenes, some of which lack views or attributes."""
    drawn = []
    for split, name in draw(some.lists(some.sampled_from(IMITATED_TAKES), max_size=3, unique=True)):
        points = []
        frames = sorted(draw(some.sets(some.sampled_from(scene_stems(name)[:40]), max_size=4)))
        for index, frame in enumerate(frames):
            media = {f"room{n}.jpg": f"{frame} {n}".encode() for n in draw(some.sets(some.integers(1, 6)))}
            labels = {"attributes": draw(some.dictionaries(words, looks, max_size=3))} if draw(some.booleans()) else {}
            points.append(Timepoint("HybridOR", split, name, frame, index, None, {**media, "a.txt": b"a"}, labels))
        drawn.append(Take("HybridOR", split, name, lambda points=points: iter(points)))
    return drawn


@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(takes())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, takes: list[Take]) -> None:
    root = tmp_path_factory.mktemp("scenes")
    layout = HybridOR().layout()
    assert layout is not None
    layout.write(root, takes)
    expected = {}
    for take in takes:
        shown = {f"room{n}.jpg" for n in ((1, 2, 3, 5) if take.name.endswith("_4DOR") else (1, 2, 3, 4, 5))}
        kept = [
            (point.frame, {name: point.read(name) for name in sorted(shown & set(point.media))}, dict(point.labels))
            for point in take
            if shown & set(point.media) and "attributes" in point.labels
        ]
        if kept:
            expected[take.name] = kept
    points_of_take = read(root) if expected else {}
    assert {
        name: [(point.frame, {m: point.read(m) for m in point.media}, dict(point.labels)) for point in points]
        for name, points in points_of_take.items()
    } == expected


def test_what_a_reader_has_to_see_through_is_written(tmp_path: Path) -> None:
    labels = {"attributes": {"drill": LOOKS}}
    media = {f"room{n}.jpg": b"x" for n in range(1, 7)}
    layout = HybridOR().layout()
    assert layout is not None
    written = [
        Take(
            "HybridOR",
            "train",
            take,
            lambda take=take: iter([Timepoint("HybridOR", "train", take, "12", 0, None, media, labels)]),
        )
        for _, take in layout.takes[:2]
    ]
    layout.write(tmp_path, written)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [
            "001_4DOR_12.json",
            *(f"001_4DOR_12_cidx{n}.jpg" for n in (1, 2, 3, 5)),
            "001_4DOR_999999.json",
            "001_PKA_MMOR_12.json",
            *(f"001_PKA_MMOR_12_cidx{n}.jpg" for n in (1, 2, 3, 4, 5)),
        ]
    )
    clean, whole = (json.loads((tmp_path / f"{take}_12.json").read_text()) for take in ("001_4DOR", "001_PKA_MMOR"))
    assert (clean["frame_id"], clean["dataset_type"]) == ("000012", "4D-OR")
    assert (whole["frame_id"], whole["dataset_type"]) == ("001_PKA_MMOR_000012", "MM-OR")
    assert list(clean["descriptors"].values()) == [{"object_type": "drill", **LOOKS}]


@pytest.mark.parametrize(
    ("split", "take", "frame", "message"),
    [
        ("test", "002_4DOR", "000001", "scenes imitate training takes"),
        ("train", "000", "000001", "scenes imitate training takes"),
        ("train", "001_4DOR", "../x", "a scene is named 001_4DOR_000012"),
        ("train", "001_4DOR", "003_4DOR_000001", "a scene is named 001_4DOR_000012"),
    ],
)
def test_what_is_no_scene_is_refused(tmp_path: Path, split: str, take: str, frame: str, message: str) -> None:
    point = Timepoint("HybridOR", split, take, frame, 0, None, {}, {"attributes": {}})
    layout = HybridOR().layout()
    assert layout is not None
    with pytest.raises(CallError, match=message):
        layout.write(tmp_path, [Take("HybridOR", split, take, lambda: iter([point]))])
