"""Reading what was written gives back the same timepoints, as far as the layout of 4D-OR can carry them."""

import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orqa_plugin_4dor.dataset import FourDOR
from orqa_registry import CallError, Take, Timepoint, Triplet
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ENTITIES, PREDICATES
from orqa_registry.readers.formats.arrays import to_npy
from orqa_registry.readers.formats.clouds import cloud_from_npy, compact_cloud

LABEL_IDS = (0, 1, 3, 5, 10, 12, 14, 29)
triplets = st.builds(Triplet, *map(st.sampled_from, (ENTITIES, PREDICATES, ENTITIES)))
graphs = st.lists(triplets, max_size=6, unique_by=lambda edge: (edge.subject, edge.object)).map(
    lambda edges: tuple(sorted(edges, key=lambda edge: (edge.subject, edge.object, edge.predicate)))
)
numbers = st.integers(-4000, 4000)


@st.composite
def masks(draw):
    """A mask of a few rectangles, as PNG."""
    ids = np.zeros((24, 32), dtype=np.uint8)
    for _ in range(draw(st.integers(0, 4))):
        row, column, label = draw(st.integers(0, 23)), draw(st.integers(0, 31)), draw(st.sampled_from(LABEL_IDS))
        ids[row : row + draw(st.integers(1, 9)), column : column + draw(st.integers(1, 9))] = label
    out = io.BytesIO()
    Image.fromarray(ids).save(out, "PNG")
    return out.getvalue()


@st.composite
def clouds(draw):
    positions = draw(st.lists(st.tuples(numbers, numbers, numbers), max_size=5))
    colours = draw(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=len(positions), max_size=len(positions)))
    rows = [(*position, *colour) for position, colour in zip(positions, colours, strict=True)]
    cloud = to_npy(np.array(rows, dtype=np.float32).reshape(-1, 6))
    return compact_cloud(cloud) if draw(st.booleans()) else cloud  # as shards have it


@st.composite
def poses(draw):
    position = st.none() | st.lists(numbers, min_size=3, max_size=3)
    joint_names = [
        "head",
        "neck",
        "left_shoulder",
        "right_shoulder",
        "left_hip",
        "right_hip",
        "left_elbow",
        "right_elbow",
    ]
    joint_names += ["left_wrist", "right_wrist", "left_knee", "right_knee", "left_foot", "right_foot"]
    people = {f"human_{k}": draw(st.lists(position, min_size=14, max_size=14)) for k in range(draw(st.integers(0, 2)))}
    people = {name: joints for name, joints in people.items() if any(joints)}
    return json.dumps({"joints": joint_names, "people": people}).encode()


@st.composite
def takes(draw):
    """Takes of 4D-OR with some of their media and labels."""
    drawn_takes = []
    for split, name in draw(st.lists(st.sampled_from(FourDOR().layout().takes), min_size=1, max_size=2, unique=True)):
        points, clock = [], 0
        for k in range(draw(st.integers(1, 3))):
            media, labels = {}, {}
            for camera in draw(st.sets(st.integers(1, 6))):
                media[f"room{camera}.jpg"] = f"{name} {k} {camera}".encode()
            for camera in draw(st.sets(st.sampled_from((1, 2, 5)))):
                media[f"room{camera}.mask.png"] = draw(masks())
            for medium, strategy in (("points.npy", clouds()), ("poses.json", poses())):
                if draw(st.booleans()):
                    media[medium] = draw(strategy)
            if draw(st.booleans()):
                media["room3.keypoints.json"] = json.dumps({"human_0": [k, 2.5]}).encode()
            if draw(st.booleans()):
                labels = scenegraph.graph_facets(draw(graphs))
            points.append(Timepoint("4D-OR", split, name, f"{k:06d}", k, clock / 4, media, labels))
            clock += draw(st.integers(1, 9))
        drawn_takes.append(Take("4D-OR", split, name, lambda points=points: iter(points)))
    return drawn_takes


def read_back(root):
    return {take.name: list(take) for split in FourDOR.splits for take in FourDOR().takes(root, split)}


def boxes(point):
    return point.labels.get("boxes")


def same(written, read):
    assert (read.frame, read.index, read.seconds, read.split) == (
        written.frame,
        written.index,
        written.seconds,
        written.split,
    )
    assert set(read.media) == set(written.media)
    for medium in written.media:
        if medium == "points.npy":
            assert np.array_equal(*(cloud_from_npy(timepoint.read(medium)) for timepoint in (written, read)))
        elif medium == "poses.json":
            before, after = (json.loads(timepoint.read(medium)) for timepoint in (written, read))
            assert before["joints"] == after["joints"]
            assert before["people"].keys() == after["people"].keys()
            for human, joints in before["people"].items():
                for joint, read_joint in zip(joints, after["people"][human], strict=True):
                    assert joint == (read_joint and pytest.approx(read_joint, abs=1e-6))
        elif not medium.endswith(".mask.png"):
            assert read.read(medium) == written.read(medium)
    for facet in ("relations", "actions", "tools"):
        assert (facet in read.labels) == (facet in written.labels)
        if facet in written.labels:
            assert read.labels[facet] == written.labels[facet]


@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(takes())
def test_what_is_written_is_read(tmp_path_factory, takes):
    root = tmp_path_factory.mktemp("root")
    clean = tmp_path_factory.mktemp("clean")
    FourDOR().layout().write(root, takes)
    read = read_back(root)
    assert set(read) == {take.name for take in takes}
    for take in takes:
        for written, timepoint in zip(take, read[take.name], strict=True):
            same(written, timepoint)
            # Artefacts and specks are in the files that were written, and in no label.
            for medium in written.media:
                if medium.endswith(".mask.png"):
                    (clean / medium).write_bytes(written.read(medium))
            plain = [name for name in written.media if name.endswith(".mask.png")]
            if plain:
                expected = plain_boxes(clean, plain)
                assert boxes(timepoint) == expected
    shutil.rmtree(root)
    shutil.rmtree(clean)


def plain_boxes(folder, media):
    """Return the boxes of masks by counting pixels one by one."""
    from orqa_registry import Box
    from orqa_registry.data.vocabulary import MASK_LABELS

    boxes_by_view = {}
    for medium in sorted(media):
        ids = np.array(Image.open(folder / medium))
        view = {"size": (ids.shape[1], ids.shape[0]), "boxes": []}
        for label, name in MASK_LABELS.items():
            rows, columns = np.nonzero(ids == label)
            if len(rows) >= 10:
                view["boxes"].append(Box(name, columns.min(), rows.min(), columns.max(), rows.max()))
        boxes_by_view[medium.partition(".")[0]] = {**view, "boxes": tuple(view["boxes"])}
    return boxes_by_view


@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(graphs)
def test_raw_labels_alone_give_the_same_graph_where_nothing_is_left_to_infer(tmp_path_factory, graph):
    graph = scenegraph.infer_relations(graph, hands=True)
    root = tmp_path_factory.mktemp("raw")
    point = Timepoint("4D-OR", "train", "001_4DOR", "000000", 0, 0.0, {}, scenegraph.graph_facets(graph))
    FourDOR().layout().write(root, [Take("4D-OR", "train", "001_4DOR", lambda: iter([point]))])
    shutil.rmtree(root / "data")
    (timepoint,) = read_back(root)["001_4DOR"]
    assert timepoint.labels["relations"] == graph
    shutil.rmtree(root)


def test_frames_that_are_not_their_place_are_refused(tmp_path):
    point = Timepoint("4D-OR", "train", "001_4DOR", "000004", 4, 0.0, {}, {})
    with pytest.raises(CallError, match="without a gap"):
        FourDOR().layout().write(tmp_path, [Take("4D-OR", "train", "001_4DOR", lambda: iter([point]))])
