"""Labels: what is read from JSON is checked, and what is wrong is named."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import Box, CallError, OrqaError, Triplet
from orqa_registry.data import facets
from orqa_registry.data.scenegraph import infer_relations
from orqa_registry.data.vocabulary import display, entity, predicate
from orqa_registry.readers.io import read_json
from orqa_registry.readers.scenegraph_files import read_relationships


def test_values_survive_json():
    labels = {
        "relations": (Triplet("nurse", "holding", "drill"),),
        "boxes": {"room1": {"size": (10, 20), "boxes": (Box("nurse", 1, 2, 3, 4), Box("nurse", 0, 0, 1, 1))}},
        "positions": {"reach": 3000, "unit": 2, "extents": {"nurse": (1.0, 2.5, -3.0, 4.0, 5.0, 6.5)}},
        "predicted": ("boxes",),
        "gaze": (0.25, 0.5),
        "robot_phase": None,
        "sterility_breach": ("the nurse touched the drape",),
        "attributes": {"drill": {"color": "yellow"}},
        "acme:knots": (1, (2, 3)),
    }
    assert facets.load_labels(json.loads(json.dumps(labels))) == labels


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roles", "nurse"),
        ("roles", [1]),
        ("relations", [["a", "b"]]),
        ("boxes", {"room1": {"boxes": []}}),
        ("boxes", {"room1": {"size": [1, 2], "boxes": [["a", 1, 2, 3]]}}),
        ("boxes", {"room1": {"size": [1, 2], "boxes": [3]}}),
        ("positions", {"reach": 1, "extents": {"a": [1, 2, "3", 4, 5, 6]}}),
        ("positions", {"reach": 0, "extents": {}}),
        ("positions", {"extents": {}}),
        ("positions", {"reach": 1, "unit": "2", "extents": {}}),
        ("clock", 3.0),
        ("gaze", [True, 1]),
        ("robot_calibrated", "yes"),
    ],
)
def test_wrong_values_are_named(name, value):
    with pytest.raises(ValueError, match=f"facet '{name}'"):
        facets.load_labels({name: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(sorted(facets.FACETS)), json_values))
def test_no_json_makes_it_crash(labels):
    with contextlib.suppress(ValueError):
        facets.load_labels(labels)


def test_an_unknown_facet_offers_the_nearest():
    facets.check_facet_name("acme:anything")
    with pytest.raises(CallError, match=r"did you mean 'relations'.*acme:relation"):
        facets.check_facet_name("relation")


def test_names_are_normalised():
    assert [entity(one) for one in ("ot", "ae", "anest", "Patient", "head-surgeon", "circulating-nurse")] == [
        "operating_table",
        "anesthesia_equipment",
        "anaesthetist",
        "patient",
        "head_surgeon",
        "circulator",
    ]
    assert [predicate(one) for one in ("CloseTo", "close to", "Operating", "LyingOn", "sawing")] == [
        "closeTo",
        "closeTo",
        "manipulating",
        "lyingOn",
        "sawing",
    ]
    assert display("ot") == "operating table"


def test_raw_labels_gain_what_the_graphs_infer():
    graph = infer_relations(
        [Triplet("head_surgeon", "cutting", "patient"), Triplet("nurse", "closeTo", "drape")], hands=True
    )
    assert graph == (
        Triplet("head_surgeon", "holding", "instrument"),
        Triplet("head_surgeon", "closeTo", "operating_table"),
        Triplet("head_surgeon", "cutting", "patient"),
        Triplet("nurse", "closeTo", "drape"),
        Triplet("patient", "lyingOn", "operating_table"),
    )
    assert infer_relations([], hands=True) == ()


@pytest.mark.parametrize(
    "text", ["", "{", '{"a": 1}', '[{"take_name": "x"}]', '[{"take_name":1,"frame_id":2,"relationships":[1]}]']
)
def test_label_files_that_are_wrong_are_named(tmp_path, text):
    path = tmp_path / "relationships_test.json"
    path.write_text(text)
    with pytest.raises(OrqaError, match=r"relationships_test\.json"):
        read_relationships(path)


def test_deep_json_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    with pytest.raises(OrqaError, match="not JSON"):
        read_json(path)
