"""Reading what was written gives back the same timepoints, as far as the layout of MM-OR can carry them."""

import io
import json
import shutil

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orqa_plugin_mmor import MMOR, names
from orqa_registry import Box, Take, Timepoint, Triplet
from orqa_registry.data import scenegraph
from orqa_registry.data.vocabulary import ENTITIES, MASK_LABELS, PREDICATES, ROBOT_PHASES, TRACKED
from orqa_registry.readers.formats.arrays import to_npy
from orqa_registry.readers.formats.clouds import cloud_from_npy, compact_cloud
from orqa_registry.readers.formats.images import read_mask

LABEL_IDS = (0, 1, 3, 5, 7, 12, 14, 29)
GIVEN = ("relations", "actions", "tools", "robot_phase", "sterility_breach", "screen_text")
"""Facets that are written; the others follow from them, or from media."""

CAMERAS = {"room": (1, 4, 5), "detail": (0, 2, 3)}

triplets = st.builds(Triplet, *map(st.sampled_from, (ENTITIES, PREDICATES, ENTITIES)))
graphs = st.lists(triplets, max_size=6, unique_by=lambda edge: (edge.subject, edge.object)).map(
    lambda edges: tuple(sorted(edges, key=lambda edge: (edge.subject, edge.object, edge.predicate)))
)
numbers = st.integers(-4000, 4000)
words = st.text(st.characters(codec="utf-8", exclude_characters="'\"", exclude_categories=("C", "Z")), min_size=1)
sentences = st.lists(words, min_size=1, max_size=5).map(" ".join)
sights = st.lists(st.sampled_from(tuple(TRACKED)), max_size=3).map(
    lambda ids: [{"unique_id": unique_id, "button_state": "0", "Translation": [1.5, 2, 3]} for unique_id in ids]
)


@st.composite
def masks(draw, height=24, width=32):
    """A mask of a few rectangles, as PNG."""
    ids = np.zeros((height, width), dtype=np.uint8)
    for _ in range(draw(st.integers(0, 3))):
        row, column, label = draw(st.integers(0, 23)), draw(st.integers(0, 31)), draw(st.sampled_from(LABEL_IDS))
        ids[row : row + draw(st.integers(1, 9)), column : column + draw(st.integers(1, 9))] = label
    out = io.BytesIO()
    Image.fromarray(ids).save(out, "PNG")
    return out.getvalue()


@st.composite
def clouds(draw, columns):
    last = [st.integers(0, 255)] * 3 if columns == 6 else [st.sampled_from((0, *MASK_LABELS))]
    rows = draw(st.lists(st.tuples(numbers, numbers, numbers, *last), max_size=5))
    cloud = to_npy(np.array(rows, dtype=np.float32).reshape(-1, columns))
    return compact_cloud(cloud) if draw(st.booleans()) else cloud  # as shards have it


media = st.fixed_dictionaries(
    {},
    optional={
        **{f"room{camera}.jpg": st.binary(max_size=4) for camera in names.ROOM_CAMERAS},
        **{f"detail{camera}.jpg": st.binary(max_size=4) for camera in names.DETAIL_CAMERAS},
        **{name: st.binary(max_size=4) for name in ("screen.jpg", "trackercam.jpg", "audio.mp3")},
        **{f"{view}.mask.png": masks() for view in ("room1", "room4", "room5", "detail2", "detail0", "detail3")},
        **{f"lowres{index}.mask.png": masks(height=32) for index in range(3)},
        "points.npy": clouds(6),
        "segments.npy": clouds(4),
        "clap.npy": st.integers(0, 9).map(lambda start: to_npy(np.arange(start, start + 512, dtype=np.float32))),
        "speech.txt": sentences.map(str.encode),
        "robot.json": words.map(lambda word: json.dumps({"1": {"type": "phase", "template_name": word}}).encode()),
        "tracker.json": sights.map(lambda sight: json.dumps({"unique_id_dicts": sight}).encode()),
    },
)
labels = st.fixed_dictionaries(
    {},
    optional={
        "relations": graphs,
        "robot_phase": st.none() | st.sampled_from(ROBOT_PHASES),
        "sterility_breach": st.lists(sentences, max_size=2).map(tuple),
        "screen_text": sentences,
        "roles": st.just(("nurse",)),
        "predicted": st.just(("entities", "roles")),
    },
)


@st.composite
def takes(draw):
    """Takes of MM-OR with some of their media and labels."""
    drawn_takes = []
    for split, name in draw(st.lists(st.sampled_from(MMOR().layout().takes[:12]), min_size=1, max_size=3, unique=True)):
        points, second = [], draw(st.integers(0, 3))
        for index in range(draw(st.integers(1, 4))):
            annotated = draw(labels)
            if "relations" in annotated:
                annotated |= scenegraph.graph_facets(annotated["relations"])
            point = Timepoint("MM-OR", split, name, f"{index:06d}", index, float(second), draw(media), annotated)
            points.append(point)
            second += draw(st.integers(1, 3))
        drawn_takes.append(Take("MM-OR", split, name, lambda points=points: iter(points)))
    return drawn_takes


def read_back(root):
    return {take.name: list(take) for split in MMOR.splits for take in MMOR().takes(root, split)}


def known(mask):
    """The pixels of a mask that mean something, and are no speck."""
    ids = read_mask(mask).copy()
    few = [label for label in range(256) if label not in MASK_LABELS or np.count_nonzero(ids == label) < 10]
    ids[np.isin(ids, few)] = 0
    return ids


def same_media(written, read, names_of_media):
    assert set(read.media) == set(names_of_media)
    for medium in names_of_media:
        before, after = written.read(medium), read.read(medium)
        if medium.endswith(".mask.png"):
            assert np.array_equal(known(before), known(after)), medium
        elif medium in {"points.npy", "segments.npy"}:
            assert np.array_equal(cloud_from_npy(before), cloud_from_npy(after)), medium
        elif medium.endswith(".npy"):
            assert np.array_equal(*(np.load(io.BytesIO(content)) for content in (before, after))), medium
        elif medium in {"tracker.json", "calibration.json"}:
            assert json.loads(before) == json.loads(after)
        else:
            assert before == after, medium


def carried(take, point):
    """The media of a timepoint that the layout of its take has room for."""
    return [
        medium
        for medium in point.media
        if not (take in names.NO_ROOM_IMAGES and medium.startswith("room") and medium[4].isdigit())
        and not (take in names.NO_TRACKER and medium == "tracker.json")
    ]


def expected_labels(take, points):
    """What must be read of a take, worked out without the reader and the writer."""
    counting = [p for p in points if p.index % (3 if take == "007_TKA" else 1) == 0]
    short = points[0].split == "short_clips"  # these have no scene graphs
    graphs = [p for p in counting if "relations" in p.labels and not short]
    calibrated = dict(
        zip((p.frame for p in graphs), scenegraph.calibrated_by([p.labels["relations"] for p in graphs]), strict=True)
    )
    for point in points:
        expected = {facet: point.labels[facet] for facet in GIVEN if facet in point.labels}
        if point not in counting:
            expected = {facet: expected[facet] for facet in ("screen_text",) if facet in expected}
        if short:
            expected = {
                facet: value for facet, value in expected.items() if facet not in {"relations", "actions", "tools"}
            }
        if take == "004_PKA":
            expected.pop("robot_phase", None)
        if point.frame in calibrated:
            expected["robot_calibrated"] = calibrated[point.frame]
        media = carried(take, point)
        if "tracker.json" in media:
            sight = json.loads(point.read("tracker.json"))["unique_id_dicts"]
            expected["tracked_tools"] = tuple(dict.fromkeys(TRACKED[entry["unique_id"]] for entry in sight))
        views = [view for view in ("room1", "room4", "room5") if f"{view}.mask.png" in media]
        views = views or [view for view in ("detail0", "detail2", "detail3") if f"{view}.mask.png" in media]
        if views:
            expected["boxes"] = {view: plain_boxes(point.read(f"{view}.mask.png")) for view in views}
        if "segments.npy" in media:
            expected["positions"] = {"reach": 3000.0, "unit": 2.0, "extents": plain_extents(point.read("segments.npy"))}
        yield expected


def all_cameras(media):
    """Whether every camera that can have a mask has one; detail cameras count where no room camera has."""
    room, detail = ([f"{kind}{camera}.mask.png" in media for camera in cameras] for kind, cameras in CAMERAS.items())
    return all(room) or (not any(room) and all(detail))


def plain_boxes(mask):
    """The boxes of a mask, counted pixel by pixel."""
    ids = np.array(Image.open(io.BytesIO(mask)))
    boxes = []
    for label, name in MASK_LABELS.items():
        rows, columns = np.nonzero(ids == label)
        if len(rows) >= 10:
            boxes.append(Box(name, columns.min(), rows.min(), columns.max(), rows.max()))
    return {"size": (ids.shape[1], ids.shape[0]), "boxes": tuple(boxes)}


def plain_extents(cloud):
    points_by_entity = {}
    for x, y, z, label in cloud_from_npy(cloud).tolist():
        if label:
            points_by_entity.setdefault(MASK_LABELS[int(label)], []).append((x, y, z))
    return {
        name: (*map(min, zip(*p, strict=True)), *map(max, zip(*p, strict=True))) for name, p in points_by_entity.items()
    }


@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(takes())
def test_what_is_written_is_read(tmp_path_factory, takes):
    root, again = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("again")
    MMOR().layout().write(root, takes)
    read = read_back(root)
    assert set(read) == {take.name for take in takes}
    for take in takes:
        bare, points = take.name.removesuffix("_MMOR"), list(take)
        for written, timepoint, labels in zip(points, read[take.name], expected_labels(bare, points), strict=True):
            assert (timepoint.frame, timepoint.index, timepoint.split) == (written.frame, written.index, written.split)
            assert timepoint.seconds == written.seconds - points[0].seconds
            same_media(written, timepoint, carried(bare, written))
            of_small_masks = {"roles", "entities", "predicted"}
            assert {
                facet: value
                for facet, value in timepoint.labels.items()
                if facet not in of_small_masks and ":" not in facet
            } == labels
            small, covered = (
                any(medium.startswith("lowres") for medium in timepoint.media),
                all_cameras(timepoint.media),
            )
            person = "roles" in written.labels and "predicted" not in written.labels
            assert ("roles" in timepoint.labels) == (small or covered)
            assert ("predicted" in timepoint.labels) == (small and not covered and not person)
    # Written once more, all of it is the same: people and entities, and whether a model saw them, too.
    MMOR().layout().write(
        again, [Take("MM-OR", points[0].split, name, lambda p=points: iter(p)) for name, points in read.items()]
    )
    for name, points in read_back(again).items():
        for before, after in zip(read[name], points, strict=True):
            same_media(before, after, before.media)
            assert dict(after.labels) == dict(before.labels)
    shutil.rmtree(root)
    shutil.rmtree(again)


@settings(max_examples=settings.default.max_examples * 2 // 5)
@given(st.lists(graphs, min_size=1, max_size=4), st.sampled_from(("001_PKA", "012_2_PKA", "007_TKA")))
def test_raw_labels_alone_give_the_same_graphs_where_nothing_is_left_to_infer(tmp_path_factory, graphs, take):
    graphs = [scenegraph.infer_relations(graph, hands=False) for graph in graphs]
    split, name = names.take_split(take), f"{take}_MMOR"
    points = [
        Timepoint("MM-OR", split, name, f"{k:06d}", k, float(k), {}, scenegraph.graph_facets(graph))
        for k, graph in enumerate(graphs)
    ]
    root = tmp_path_factory.mktemp("raw")
    MMOR().layout().write(root, [Take("MM-OR", split, name, lambda: iter(points))])
    with_file = read_back(root)[name]
    shutil.rmtree(root / "data")
    raw = read_back(root)[name]
    assert [dict(point.labels) for point in raw] == [dict(point.labels) for point in with_file]
    assert raw[0].labels["relations"] == graphs[0]
    shutil.rmtree(root)
