"""`orqa-registry doctor` on what is damaged: it is named, and the rest is told all the same."""

import warnings

import pytest
from small_ward import Ward, damaged, examined, laid_out, rooms, with_ward

from orqa_registry import Check, DataWarning, LazyLabels, Piece, Take
from orqa_registry.cli.main import run
from orqa_registry.readers.io import read_or_warn


@pytest.fixture
def ward(tmp_path):
    return laid_out(tmp_path)


def test_a_split_that_cannot_be_listed_leaves_the_others(ward, monkeypatch):
    listed = Ward.takes

    def takes(self, root, split):
        yield from listed(self, root, split)
        if split == "train":
            damaged("train.json")

    monkeypatch.setattr(Ward, "takes", takes)
    found = examined(ward)
    assert found.splits["train"].takes == ["one"]
    assert found.splits["train"].damaged == {"*": "train.json: damaged", "two": "two/index.json: damaged"}
    assert found.splits["train"].missing == [], "nobody knows"
    assert (found.splits["test"].damaged, found.timepoints, len(found.checks)) == ({}, 5, 2)


def test_without_any_take_files_are_looked_for(capsys, ward, monkeypatch):
    monkeypatch.setattr(Ward, "takes", lambda self, root, split: damaged("clips.csv"))
    monkeypatch.setattr(Ward, "pieces", (Piece("images", "*.jpg", ("room*.jpg",), glob="one/*"), *Ward.pieces[1:]))
    pieces = {one.piece.name: (one.timepoints, one.there) for one in examined(ward).pieces}
    assert pieces["images"] == (None, True)
    assert pieces["clouds"] == (None, None), "it may be there"
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.main.Registry.load", lambda: registry)
    assert run(["doctor", "ward", "--root", str(ward)]) == 0
    assert "damaged: train, test: clips.csv: damaged" in capsys.readouterr().out


def test_checks_that_fail_are_told(capsys, ward, monkeypatch):
    def checks(self, root):
        yield Check("beds", 3, 3)
        damaged("beds.json")

    monkeypatch.setattr(Ward, "checks", checks)
    found = examined(ward)
    assert ([check.what for check in found.checks], found.unchecked) == (["beds"], "beds.json: damaged")
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.main.Registry.load", lambda: registry)
    assert run(["doctor", "ward", "--root", str(ward)]) == 0
    assert "not counted to their end: beds.json: damaged" in capsys.readouterr().out


def test_labels_that_cannot_be_read_are_told(ward, monkeypatch):
    opened = []

    def people(k):
        opened.append(k)
        read_or_warn(damaged)
        return {}

    late = {
        k: LazyLabels({}, {"roles": lambda k=k: people(k), "actions": lambda: damaged("deeds.json")}) for k in range(4)
    }
    monkeypatch.setattr(Ward, "takes", rooms(late.get))
    with pytest.warns(DataWarning, match=r"people.json: damaged"):
        found = examined(ward)
    assert found.splits["train"].takes == ["one"]
    assert found.splits["train"].damaged == {
        "one": "actions, roles cannot be read: deeds.json: damaged; people.json: damaged"
    }
    assert opened == [0, 2], "the first and the middle one"


def test_labels_that_are_just_absent_are_no_damage(ward, monkeypatch):
    monkeypatch.setattr(Ward, "takes", rooms(lambda k: LazyLabels({}, {"roles": dict})))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert examined(ward).splits["train"].damaged == {}


def test_damage_that_leaves_a_facet_is_told_too(ward, monkeypatch):
    def people():
        read_or_warn(damaged, "mask.png")
        return {"roles": ()}

    monkeypatch.setattr(Ward, "takes", rooms(lambda k: LazyLabels({}, {"roles": people})))
    with pytest.warns(DataWarning, match=r"mask.png"):
        assert examined(ward).splits["train"].damaged == {"one": "mask.png: damaged"}


def test_what_readers_warn_of_while_they_list_and_count_is_told(ward, monkeypatch):
    def takes(self, root, split):
        read_or_warn(damaged, f"{split}.json")
        yield Take("Ward", split, "one", lambda: iter(read_or_warn(damaged, "clock") or ()))

    monkeypatch.setattr(Ward, "takes", takes)
    with pytest.warns(DataWarning, match=r"json|clock"):
        found = examined(ward)
    assert found.splits["train"].damaged == {"*": "train.json: damaged", "one": "clock: damaged"}
    assert found.splits["train"].missing == ["two", "three"]
