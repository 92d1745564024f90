"""`verify --repair`: what belongs to nobody stays, what was interrupted goes on, and the report says what it cost."""

import json
import shutil

import pytest

pytest.importorskip("webdataset")

import webdataset as wds
from spoiling import KEY, bytes_of, checked, mended, overwrite, spoil

from orqa_registry import OrqaError
from orqa_registry.cli.main import run
from orqa_shards.format.tar_writer import TAR_BLOCK
from orqa_shards.read.dataset import Shards
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store
from orqa_shards.storage.store import Store
from orqa_shards.verify.repair import repair
from orqa_shards.verify.verify import verify


def test_what_belongs_to_nothing_is_named_and_left(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "bell\a.txt").write_text("odd")
    (folder / ".unfinished").mkdir()
    (folder / ".unfinished" / "train-000000.jsonl.zst").write_text("")
    (folder / ".scratch-old").mkdir()
    report = checked(folder)
    assert report.whole
    assert report.unknown_files == (
        "'bell\\x07.txt'",
        "notes.txt",
        ".unfinished/train-000000.jsonl.zst",
        ".scratch-old",
    )
    spoil(folder)
    mended(folder)
    assert (folder / "notes.txt").read_text() == "mine"


def test_links_out_of_the_folder_are_not_written_through(folder, tmp_path):
    tar = spoil(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.move(folder / tar, outside / tar)
    (folder / tar).symlink_to(outside / tar)
    (folder / ".unfinished").symlink_to(outside)
    (folder / ".scratch-x").symlink_to(outside)
    before = bytes_of(outside)
    repair(open_store(folder), checked(folder))
    assert checked(folder).whole
    assert bytes_of(outside) == before
    assert not (folder / tar).is_symlink()


def test_a_file_that_cannot_be_read_stops_a_repair_before_it_begins(folder):
    (folder / "train-000000.tar").unlink()
    (folder / "train-000000.tar").mkdir()
    report = checked(folder)
    assert {one.remedy for one in report.problems if one.file == "train-000000.tar"} == {"left"}
    with pytest.raises(OrqaError, match="nothing was changed"):
        repair(open_store(folder), report)


class StopError(Exception):
    """The process is gone."""


def test_a_repair_that_was_interrupted_anywhere_is_called_again(folder, written_once, tmp_path, monkeypatch):
    spoil(folder)
    spoil(folder, suffix="json")
    spoil(folder, "A%2ERoom/two%2Eb/002", "speech.txt")
    overwrite(folder / "labels-train.jsonl.zst", 30, bytes(5))
    kind = type(open_store(folder))
    plain: object = kind.put
    puts = 0

    def put(store: Store, local, file, last=None):
        nonlocal puts
        if puts == last:
            raise StopError
        puts += 1
        plain(store, local, file)

    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "put", put)
        expected = mended(whole).dropped
    assert set(expected) == {KEY, "A%2ERoom/two%2Eb/002.speech.txt"}
    assert puts > 8
    for last in range(puts):
        again = tmp_path / f"stopped{last}"
        shutil.copytree(folder, again)
        puts = 0
        report = checked(again)
        with monkeypatch.context() as patch:
            patch.setattr(kind, "put", lambda *of, last=last: put(*of, last=last))
            with pytest.raises(StopError):
                repair(open_store(again), report)
        mended(again)
        for path in whole.iterdir():
            if path.suffix != ".json":
                assert (again / path.name).read_bytes() == path.read_bytes(), (last, path.name)
        said = json.loads((again / "repair.json").read_text())["dropped"]
        assert {one["key"] for one in said} == set(expected)


def test_a_second_repair_keeps_what_the_first_has_said(folder):
    spoil(folder)
    mended(folder)
    spoil(folder, "A%2ERoom/three/002", "speech.txt")
    mended(folder)
    said = json.loads((folder / "repair.json").read_text())["dropped"]
    assert [one["key"] for one in said] == [f"{KEY}.room1.jpg", "A%2ERoom/three/002.speech.txt"]
    assert len(Shards.open(folder).manifest.skipped) == 14


def test_nothing_that_can_be_saved_is_said_so(folder):
    for path in folder.glob("*.tar"):
        path.write_bytes(b"")
    for path in folder.glob("labels*"):
        path.write_bytes(b"")
    before = bytes_of(folder)
    with pytest.raises(OrqaError, match="no timepoint can be saved, and nothing was changed"):
        repair(open_store(folder), checked(folder), without_missing=True)
    assert bytes_of(folder) == before


@pytest.fixture
def foreign(tmp_path):
    with wds.TarWriter(str(tmp_path / "x.tar")) as writer:
        for k in range(5):
            writer.write({"__key__": f"s{k}", "txt": b"hello", "json": b"{}"})
    return tmp_path


def test_tars_of_somebody_else_are_looked_through_and_stay(foreign):
    report = checked(foreign)
    assert (report.whole, report.timepoints) == (True, 5)
    overwrite(foreign / "x.tar", 4 * TAR_BLOCK + 3, b"#")
    before = (foreign / "x.tar").read_bytes()
    report = checked(foreign)
    assert report.timepoints == 4
    assert {one.remedy for one in report.problems} == {"left"}
    with pytest.raises(OrqaError, match="nothing was changed"):
        repair(open_store(foreign), report)
    assert (foreign / "x.tar").read_bytes() == before


def test_the_index_of_somebody_elses_tar_is_made_anew(foreign):
    Tar.open(open_store(foreign), "x.tar")
    sound = (foreign / "x.idx").read_bytes()
    overwrite(foreign / "x.idx", 30, b"??")
    assert mended(foreign).rebuilt == ("x.idx",)
    assert (foreign / "x.idx").read_bytes() == sound


def test_a_folder_at_a_url_is_mended_too(folder, tmp_path, monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("ORQA_CACHE", str(tmp_path / "cache"))
    spoil(folder)
    system = fsspec.filesystem("memory")
    system.put(f"{folder}/", "/verified/", recursive=True)
    store = open_store("memory://verified")
    report = verify(store, 2)
    assert f"{KEY}.room1.jpg" in {one.key for one in report.problems}
    done = repair(store, report)
    assert list(done.dropped) == [f"{KEY}.room1.jpg"]
    assert verify(store, 2).whole
    system.rm("/verified", recursive=True)


def test_the_command(folder, capsys):
    assert run(["verify", str(folder)]) == 0
    assert "whole: 8 tars and label files, 6 indexes" in capsys.readouterr().out
    tar = spoil(folder)
    assert run(["verify", str(folder)]) == 1
    out = capsys.readouterr().out
    assert f"\n{tar}\n" in out
    assert f"  {KEY}.room1.jpg: is damaged" in out
    assert "(--repair: left out)" in out
    assert run(["verify", str(folder), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["whole"], said["repaired"], said["timepoints"]) == (False, None, 12)
    assert (tar, f"{KEY}.room1.jpg", "dropped") in [
        (one["file"], one["key"], one["remedy"]) for one in said["findings"]
    ]
    assert run(["verify", str(folder), "--repair", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["whole"]
    assert list(said["repaired"]["dropped"]) == [f"{KEY}.room1.jpg"]
    spoil(folder, suffix="speech.txt")
    assert run(["verify", str(folder), "--repair"]) == 0
    out = capsys.readouterr().out
    assert "made anew" in out
    assert "lost: 0 timepoints and 2 media of others, named in repair.json" in out
    assert run(["verify", str(folder / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_the_command_leaves_out_what_is_missing_when_told_to(folder, capsys):
    assert run(["verify", str(folder), "--without-missing"]) == 2
    (folder / "train-000001.tar").unlink()
    before = bytes_of(folder)
    capsys.readouterr()
    for more in ([], ["--json"]):
        assert run(["verify", str(folder), "--repair", *more]) == 1
        out, err = capsys.readouterr()
        assert "there is no such file: 2 timepoints" in out
        assert "nothing was changed: copy what is missing again, or leave its 2 timepoints out" in err
        assert f"verify {folder} --repair --without-missing" in err
    assert bytes_of(folder) == before
    assert run(["verify", str(folder), "--repair", "--without-missing"]) == 0
    assert "lost: 2 timepoints and 0 media of others" in capsys.readouterr().out


def test_the_command_says_what_of_a_lost_manifest_it_could_not_restore(folder, capsys):
    (folder / "manifest.json").unlink()
    (folder / "train-000001.idx").unlink()
    assert run(["verify", str(folder), "--repair"]) == 0
    out = capsys.readouterr().out
    assert "could not be restored in manifest.json: parameters (how" in out
    assert "kept, and may be damaged, since no checksum is left: train-000001.tar" in out
