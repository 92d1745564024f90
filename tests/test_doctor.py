"""`orqa-registry doctor`: what is there, what is missing and what that costs; nothing is opened but a few labels."""

import json

import pytest
from small_ward import Ward, examined, laid_out, rooms, with_ward

from orqa_registry import LazyLabels, MissingLibraryError, OrqaError, Take, Timepoint
from orqa_registry.cli.main import run
from orqa_registry.optional_imports import import_optional
from orqa_registry.readers.io import read_or_warn


@pytest.fixture
def ward(tmp_path):
    return laid_out(tmp_path)


def test_it_counts_what_is_there_and_opens_no_image(ward):
    found = examined(ward)
    assert found.home == ward / "wrapped"
    assert found.timepoints == 5
    train = found.splits["train"]
    assert (train.takes, train.missing) == (["one"], ["three"])
    assert train.damaged == {"two": "two/index.json: damaged"}
    assert (found.media, found.facets) == ({"room1.jpg": 5}, {"actions": 2, "roles": 2})
    assert found.tasks == {"count_people": 2, "current_action": 2, "role_people": 2}
    assert [check.what for check in found.wrong] == ["doors"]


def test_what_is_missing_is_told_with_its_cost(ward):
    pieces = {one.piece.name: one for one in examined(ward).pieces}
    assert {name: one.timepoints for name, one in pieces.items()} == {
        "images": 5,
        "clouds": 0,
        "people": 2,
        "gaze": 0,
        "clock": None,
        "scans": None,
        "actions": None,
        "index": None,
    }
    assert all(one.costs == () for one in pieces.values()), "no task here needs gaze, and roles are somewhere"


def test_what_shares_its_facets_is_looked_for(ward):
    pieces = {one.piece.name: one for one in examined(ward).pieces}
    assert {name: one.there for name, one in pieces.items() if one.timepoints is None} == {
        "clock": None,
        "scans": False,
        "actions": None,
        "index": True,
    }
    assert [name for name, one in pieces.items() if one.absent] == ["clouds", "gaze", "scans"]
    scan = ward / "wrapped" / "one" / "scans" / "1.ply"
    scan.mkdir(parents=True)
    assert {one.piece.name: one.there for one in examined(ward).pieces}["scans"] is False, "a folder is no file"
    scan.rmdir()
    scan.touch()
    assert {one.piece.name: one.there for one in examined(ward).pieces}["scans"] is True


def test_takes_without_a_piece_that_others_have_are_named(ward):
    pieces = {one.piece.name: one.lacking_in for one in examined(ward).pieces}
    assert pieces == {**dict.fromkeys(pieces, ()), "people": ("two",)}


def test_a_camera_that_is_not_everywhere_is_told(ward, monkeypatch):
    cameras = {"room1.jpg": "door", "room2.jpg": "table", "room3.jpg": "ceiling", "points.npy": "a cloud"}
    monkeypatch.setattr(Ward, "media", cameras)
    monkeypatch.setattr(Ward, "takes", rooms(lambda k: {}, ("room1.jpg", "room2.jpg")))
    found = examined(ward)
    assert {one.piece.name: one.timepoints for one in found.pieces}["images"] == 4
    assert found.uneven == {"room2.jpg": 3, "room3.jpg": 0}, "of clouds there is none, which pieces say"


def test_a_facet_that_is_nowhere_costs_its_tasks(ward, monkeypatch):
    monkeypatch.setattr(Ward, "points", lambda self, name: iter([Timepoint("Ward", "train", name, "0", 0)]))
    pieces = {one.piece.name: one.costs for one in examined(ward).pieces}
    assert pieces["people"] == ("count_people", "role_people")
    assert pieces["gaze"] == ()


SAID = ("missing", "a scanner", "see below", "Annotated for", "ok: as in the whole dataset", "lacking in")


def test_the_command(capsys, ward, monkeypatch):
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.main.Registry.load", lambda: registry)
    assert run(["doctor", "ward", "--root", str(ward)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for said in (
        "one folder further in",
        "three",
        "two/index.json: damaged",
        "a friend",
        "be kind",
        "locked",
        "CC0",
        *SAID,
    ):
        assert said in shown
    assert run(["doctor", "ward", "--root", str(ward), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["home"] == str(ward / "wrapped")
    assert found["pieces"][1] == {
        "name": "clouds",
        "files": "TAKE/*.ply",
        "timepoints": 0,
        "there": None,
        "lacking_in": [],
        "costs": [],
        "access": "a friend",
        "terms": "be kind",
    }
    assert run(["doctor", "ward", "--root", str(ward / "wrapped" / "one")]) == 1
    assert "no ward in" in capsys.readouterr().err


def test_a_late_facet_is_read_once_and_only_when_somebody_looks():
    calls = []

    def source():
        calls.append(1)
        return {"roles": ("nurse",), "predicted": ("roles",)}

    labels = LazyLabels({"actions": ()}, {"roles": source, "entities": source})
    assert labels.available_facets == {"actions", "roles", "entities"}
    assert labels["actions"] == ()
    assert "tools" not in labels
    assert calls == []
    assert "entities" not in labels, "its file does not have it"
    assert labels == {"actions": (), "roles": ("nurse",), "predicted": ("roles",)}
    assert (len(labels), calls) == (3, [1])


def test_damage_is_shown_a_few_times_and_counted_and_strict_stops(capsys, monkeypatch, ward):
    def damaged(number):
        raise OrqaError(f"file {number}: damaged")

    def points(self, name):
        for k in range(12):
            read_or_warn(damaged, k)
        yield Timepoint(self.name, "train", name, "0", 0, None, {}, {"actions": ("sawing",)})

    monkeypatch.setattr(Ward, "points", points)
    monkeypatch.setattr(
        Ward, "takes", lambda self, root, split: [Take("Ward", split, "one", lambda: self.points("one"))]
    )
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.main.Registry.load", lambda: registry)
    ask = ["ask", "ward", "--root", str(ward), "--split", "train", "--task", "current_action"]
    assert run(ask) == 0
    shown = capsys.readouterr()
    assert shown.err.count("damaged") == 10
    assert "12 files were left out in all" in shown.err
    assert json.loads(shown.out)["answer"] == "sawing"
    assert run([*ask, "--strict"]) == 1
    assert capsys.readouterr().err == "error: file 0: damaged\n"


def test_a_library_that_is_missing_is_no_damage():
    with pytest.raises(MissingLibraryError, match=r"reading clouds needs nowhere: pip install 'x\[clouds\]'"):
        read_or_warn(import_optional, "nowhere", "reading clouds", "x[clouds]")
