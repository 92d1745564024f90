"""`orqa-registry doctor`: what is there, what is missing and what that costs; nothing is opened that is not a label."""

import json

import pytest

from orqa_registry import (
    Card,
    Check,
    Dataset,
    Labels,
    MissingLibraryError,
    OrqaError,
    Piece,
    Registry,
    Take,
    Timepoint,
    survey,
)
from orqa_registry.cli import run
from orqa_registry.reading import library, settle, spare


def never():
    raise AssertionError("nobody asked for this")


class Ward(Dataset):
    """Two takes of three that there should be; the second one is damaged after its first timepoint."""

    name = "Ward"
    card = Card("A ward", "CC0", "ask the ward")
    provides = {"roles", "actions", "gaze"}
    splits = ("train", "test")
    media = {"room1.jpg": "a camera", "points.npy": "a cloud"}
    official = {"train": ("one", "two", "three"), "test": ()}
    pieces = (
        Piece("images", "TAKE/*.jpg", media=("room*.jpg",)),
        Piece("clouds", "TAKE/*.ply", media=("points.npy",), access="a friend", terms="be kind"),
        Piece("people", "TAKE/people.json", facets=("roles",)),
        Piece("gaze", "TAKE/gaze.csv", facets=("gaze",), access="the lab"),
        Piece("clock", "TAKE/clock"),
    )

    def home(self, root):
        home = settle(root, lambda folder: (folder / "one").is_dir())
        if home is None:
            raise OrqaError(f"no ward in {root}")
        return home

    def takes(self, root, split):
        for name in ("one", "two") if split == "train" else ():
            yield Take(self.name, split, name, lambda name=name: self.points(name))

    def points(self, name):
        for k in range(4):
            if name == "two" and k:
                raise OrqaError("two/index.json: damaged")
            late = Labels({"actions": ()}, {"roles": never}) if k % 2 else {}
            yield Timepoint(self.name, "train", name, str(k), k, None, {"room1.jpg": never}, late)

    def checks(self, root):
        yield Check("beds", 3, 3)
        yield Check("doors", 1, 2, "one is locked")


@pytest.fixture
def ward(tmp_path):
    (tmp_path / "wrapped" / "one").mkdir(parents=True)
    return tmp_path


def examined(ward):
    dataset = Ward()
    tasks = [Registry.load().task(name) for name in ("count_people", "current_action", "role_people")]
    return survey.examine(dataset, ward, tasks, lambda what, done, total: None)


def test_it_counts_what_is_there_and_opens_nothing(ward):
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
    }
    assert all(one.costs == () for one in pieces.values()), "no task here needs gaze, and roles are somewhere"


def test_a_facet_that_is_nowhere_costs_its_tasks(ward, monkeypatch):
    monkeypatch.setattr(Ward, "points", lambda self, name: iter([Timepoint("Ward", "train", name, "0", 0)]))
    pieces = {one.piece.name: one.costs for one in examined(ward).pieces}
    assert pieces["people"] == ("count_people", "role_people")
    assert pieces["gaze"] == ()


def test_the_command(capsys, ward, monkeypatch):
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.Registry.load", lambda: registry)
    assert run(["doctor", "ward", "--root", str(ward)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for said in ("one folder further in", "three", "two/index.json: damaged", "a friend", "be kind", "locked", "CC0"):
        assert said in shown
    assert run(["doctor", "ward", "--root", str(ward), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["home"] == str(ward / "wrapped")
    assert found["pieces"][1] == {
        "name": "clouds",
        "files": "TAKE/*.ply",
        "timepoints": 0,
        "costs": [],
        "access": "a friend",
        "terms": "be kind",
    }
    assert run(["doctor", "ward", "--root", str(ward / "wrapped" / "one")]) == 1
    assert "no ward in" in capsys.readouterr().err


def with_ward():
    registry = Registry.load({})

    class Plugin:
        @staticmethod
        def orqa_datasets():
            yield Ward()

    from orqa_registry import hookimpl

    Plugin.orqa_datasets = staticmethod(hookimpl(Plugin.orqa_datasets))
    registry.register("ward", Plugin())
    return registry


def test_a_late_facet_is_read_once_and_only_when_somebody_looks():
    calls = []

    def source():
        calls.append(1)
        return {"roles": ("nurse",), "predicted": ("roles",)}

    labels = Labels({"actions": ()}, {"roles": source, "entities": source})
    assert labels.claimed == {"actions", "roles", "entities"}
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
            spare(damaged, k)
        yield Timepoint(self.name, "train", name, "0", 0, None, {}, {"actions": ("sawing",)})

    monkeypatch.setattr(Ward, "points", points)
    monkeypatch.setattr(
        Ward, "takes", lambda self, root, split: [Take("Ward", split, "one", lambda: self.points("one"))]
    )
    registry = with_ward()
    monkeypatch.setattr("orqa_registry.cli.Registry.load", lambda: registry)
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
        spare(library, "nowhere", "reading clouds", "x[clouds]")
