"""Scenes of the HybridOR release: found beside a dataset, read, and made into takes of what they imitate."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import DataWarning, OrqaError, Registry, Take, Timepoint
from orqa_registry.readers import synthetic_scenes

PINK = {"color": "pink", "shape": "straight", "size": "large", "texture": "glossy"}


def describe(folder, stem, take, frame, dataset="4D-OR", views=(1, 2), things=None):
    folder.mkdir(parents=True, exist_ok=True)
    descriptors = things if things is not None else {"x": {"object_type": "drill", **PINK}}
    content = {"take_name": take, "frame_id": frame, "dataset_type": dataset, "descriptors": descriptors}
    (folder / f"{stem}.json").write_text(json.dumps(content))
    for view in views:
        (folder / f"{stem}_cidx{view}.jpg").write_bytes(stem.encode() + b"%d" % view)


@pytest.mark.parametrize("place", synthetic_scenes.SCENE_PLACES)
def test_where_they_may_lie(tmp_path, place):
    assert synthetic_scenes.find_scenes(tmp_path) is None
    describe(tmp_path / place, "a", "001_4DOR", "000000", views=())
    assert synthetic_scenes.find_scenes(tmp_path) is None
    describe(tmp_path / place, "a", "001_4DOR", "000000")
    assert synthetic_scenes.find_scenes(tmp_path) == tmp_path / place


def test_a_scene_is_a_descriptor_with_views(tmp_path):
    describe(tmp_path, "b", "001_4DOR", "000003", views=(12, 3))
    describe(tmp_path, "a", "x", "012_1_PKA_MMOR_000007", "MM-OR")
    describe(tmp_path, "seen by nobody", "001_4DOR", "000001", views=())
    (tmp_path / "told by nobody_cidx1.jpg").write_bytes(b"x")
    (tmp_path / "b_cidx3.png").write_bytes(b"x")
    (tmp_path / "b_cidx٣.jpg").write_bytes(b"x")
    first, second = synthetic_scenes.read_scenes(tmp_path)
    assert (first.stem, first.dataset, first.take, first.frame) == ("b", "4D-OR", "001_4DOR", "000003")
    assert list(first.views) == ["room3.jpg", "room12.jpg"]
    assert (second.dataset, second.take, second.frame) == ("MM-OR", "012_1_PKA_MMOR", "000007")
    assert first.attributes == {"drill": PINK}


def test_numbers_may_come_as_such(tmp_path):
    describe(tmp_path, "a", "001_4DOR", 12)
    assert synthetic_scenes.read_scenes(tmp_path)[0].frame == "000012"
    describe(tmp_path, "a", 1, 12)
    with pytest.warns(DataWarning, match="a name was expected, not 1"):
        assert synthetic_scenes.read_scenes(tmp_path) == []


def test_things_that_differ_have_no_one_answer(tmp_path):
    things = {
        "1": {"object_type": "drill", "color": "pink", "shape": "straight", "size": 3, "smell": "none"},
        "2": {"object_type": "drill", "color": "blue", "shape": "straight"},
        "3": {"object_type": "saw"},
    }
    describe(tmp_path, "a", "001_4DOR", "000000", things=things)
    assert synthetic_scenes.read_scenes(tmp_path)[0].attributes == {"drill": {"shape": "straight"}, "saw": {}}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"take_name": "a"}', '{"descriptors": {}}'])
def test_a_damaged_descriptor_is_named_and_costs_itself(tmp_path, content):
    describe(tmp_path, "a", "001_4DOR", "000000")
    describe(tmp_path, "b", "001_4DOR", "000001")
    (tmp_path / "a.json").write_text(content)
    with pytest.warns(DataWarning, match=r"a\.json: "):
        found = synthetic_scenes.read_scenes(tmp_path)
    assert [scene.stem for scene in found] == ["b"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(("take_name", "frame_id", "dataset_type", "descriptors"))


@given(st.dictionaries(keys, values), values)
def test_any_descriptor_is_a_scene_or_an_error_of_ours(tmp_path_factory, changes, thing):
    path = tmp_path_factory.mktemp("any") / "a.json"
    described = {"take_name": "t", "frame_id": "1", "dataset_type": "4D-OR", "descriptors": {"x": thing}, **changes}
    path.write_text(json.dumps(described))
    try:
        scene = synthetic_scenes._read(path, "a", {})
    except OrqaError as error:
        said = str(error)
    else:
        assert scene.take
        assert "_" not in scene.frame
        assert all(isinstance(look, str) for looks in scene.attributes.values() for look in looks.values())
        return
    assert str(path) in said


def real(points):
    return Take("4D-OR", "train", "001_4DOR", lambda: iter(points))


@pytest.fixture
def points():
    media = {"room1.jpg": b"real", "room1.mask.png": b"mask", "points.npy": b"cloud", "audio.mp3": b"sound"}
    labels = {"actions": ("sawing",)}
    return [Timepoint("4D-OR", "train", "001_4DOR", f"{k:06d}", k, float(k), media, labels) for k in range(4)]


def test_takes_are_made_of_scenes_and_the_other_sensors(tmp_path, points):
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "z", "001_4DOR", "000002")
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "b", "001_4DOR", "000003")
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "a", "001_4DOR", "000003", views=(5,))
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "lost", "001_4DOR", "000099")
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "of another take", "003_4DOR", "000000")
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "of another dataset", "001_4DOR", "000000", "MM-OR")
    other = Take("4D-OR", "train", "005_4DOR", lambda: iter(()))
    (take,) = synthetic_scenes.scene_takes(tmp_path, "4D-OR", "train", [other, real(points)])
    assert (take.dataset, take.split, take.name) == ("4D-OR", "train", "001_4DOR_HybridOR")
    found = list(take)
    assert [(point.frame, point.index) for point in found] == [("z", 0), ("a", 1), ("b", 2), ("lost", 3)]
    assert set(found[0].media) == {"room1.jpg", "room2.jpg", "points.npy", "audio.mp3"}
    assert set(found[1].media) == {"room5.jpg", "points.npy", "audio.mp3"}
    assert set(found[3].media) == {"room1.jpg", "room2.jpg"}
    assert found[0].read("room1.jpg") == b"z1"
    for point in found:
        assert dict(point.labels) == {"attributes": {"drill": PINK}}
        assert (point.seconds, point.take, point.dataset) == (None, "001_4DOR_HybridOR", "4D-OR")
    assert len({point.key for point in found}) == 4


def test_without_scenes_there_are_no_more_takes(tmp_path, points):
    assert list(synthetic_scenes.scene_takes(tmp_path, "4D-OR", "train", [real(points)])) == []
    describe(tmp_path, "a", "001_4DOR", "000000", "MM-OR")
    assert list(synthetic_scenes.scene_takes(tmp_path, "4D-OR", "train", [real(points)])) == []


@pytest.mark.parametrize(("name", "take"), [("4D-OR", "001_4DOR"), ("MM-OR", "001_PKA_MMOR")])
@pytest.mark.filterwarnings("ignore::orqa_registry.DataWarning")
def test_they_lie_beside_the_takes_of_a_dataset(tmp_path, name, take):
    registry = Registry.load()
    if name not in registry.datasets:
        pytest.skip(f"the plugin of {name} is not installed")
    dataset = registry.dataset(name)
    written = [Timepoint(name, "train", take, f"{k:06d}", k, float(k), {"room1.jpg": b"real"}, {}) for k in range(2)]
    dataset.layout().write(tmp_path, [Take(name, "train", take, lambda: iter(written))])
    before = [found.name for found in dataset.takes(tmp_path, "train")]
    describe(tmp_path / synthetic_scenes.SCENE_FOLDER, "a", take, f"{take}_000001", name)
    takes = {found.name: found for found in dataset.takes(tmp_path, "train")}
    assert [*before, take + synthetic_scenes.SCENE_TAKE_SUFFIX] == list(takes)
    (point,) = pickle.loads(pickle.dumps(takes[take + synthetic_scenes.SCENE_TAKE_SUFFIX]))
    assert point.read("room2.jpg") == b"a2"
    assert point.labels["attributes"] == {"drill": PINK}
    assert "attributes" in dataset.provides
