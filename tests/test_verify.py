"""`verify`: every kind of damage is named, and a repair leaves a folder that is whole and says what it cost."""

import json
import os

import pytest

pytest.importorskip("webdataset")

from mutating import contents
from small_room import Room, picture
from spoiling import KEY, bytes_of, checked, edit, member, mended, overwrite, problems, spoil

from orqa_registry import CallError, OrqaError
from orqa_shards.format import label_file
from orqa_shards.format.tar_index import TarIndex
from orqa_shards.format.tar_writer import TAR_BLOCK
from orqa_shards.read.dataset import Shards
from orqa_shards.read.tar_reader import Tar
from orqa_shards.storage.open import open_store
from orqa_shards.verify.repair import repair
from orqa_shards.verify.verify import verify


@pytest.mark.parametrize("workers", [1, 4])
def test_what_was_written_is_whole_and_nothing_is_written(folder, workers):
    before = bytes_of(folder)
    report = verify(open_store(folder), workers, decode=True)
    assert (report.problems, report.unknown_files, report.timepoints) == ((), (), 12)
    assert bytes_of(folder) == before


def test_a_damaged_medium_costs_itself(folder):
    tar = spoil(folder)
    before, _ = contents(folder)
    assert set(problems(folder)) >= {(tar, None, "rebuilt"), (tar, f"{KEY}.room1.jpg", "dropped")}
    assert {key for _, key, remedy in problems(folder) if remedy == "dropped"} == {f"{KEY}.room1.jpg"}
    assert any(one.why.endswith("bytes as the manifest says, and another SHA-256") for one in checked(folder).problems)
    done = mended(folder)
    assert (list(done.dropped), done.timepoints, done.media) == ([f"{KEY}.room1.jpg"], 0, 1)
    after, _ = contents(folder)
    assert set(after[KEY][1]) == {"speech.txt"}
    assert {key: after[key] for key in after if key != KEY} == {key: before[key] for key in before if key != KEY}
    manifest = Shards.open(folder).manifest
    assert manifest.skipped[-1].startswith(f"{KEY}.room1.jpg: {tar}: is damaged")
    assert manifest.splits["train"].media == {"room1.jpg": 7, "speech.txt": 8}
    said = json.loads((folder / "repair.json").read_text())
    assert said == {"unproven": [], "dropped": [{"key": key, "why": why} for key, why in done.dropped.items()]}


def test_damaged_labels_are_made_anew_from_the_label_file(folder, written_once):
    tar = spoil(folder, suffix="json")
    assert (tar, f"{KEY}.json", "rebuilt") in problems(folder)
    assert not mended(folder).dropped
    assert (folder / tar).read_bytes() == (written_once / tar).read_bytes()


def test_a_timepoint_goes_when_its_labels_are_damaged_in_both_places(folder):
    spoil(folder, suffix="json")
    overwrite(folder / "labels-train.jsonl.zst", 30, bytes(5))
    done = mended(folder)
    assert list(done.dropped) == [KEY]
    split = Shards.open(folder).split("train")
    assert [point.frame for point in split] == ["000", "002", "003", "000", "001", "002", "003"]
    assert split.entry.takes[0].timepoints == 3
    assert split.timeline(split[0]) is not None


@pytest.mark.parametrize("way", ["gone", "flipped", "of another tar", "not readable by anybody"])
def test_an_index_is_made_anew(folder, written_once, way):
    path = folder / "train-000001.idx"
    if way == "gone":
        path.unlink()
    elif way == "flipped":
        overwrite(path, 40, b"!")
    else:
        path.write_bytes((folder / "train-000000.idx").read_bytes() if way == "of another tar" else b"")
    assert {file for file, _, _ in problems(folder)} == {"train-000001.idx"}
    mended(folder)
    assert path.read_bytes() == (written_once / path.name).read_bytes()


@pytest.mark.parametrize("way", ["gone", "flipped", "cut"])
def test_a_label_file_is_made_anew_from_the_tars(folder, written_once, way):
    path = folder / "labels-train.jsonl.zst"
    if way == "gone":
        path.unlink()
    elif way == "flipped":
        overwrite(path, 50, b"??")
    else:
        os.truncate(path, path.stat().st_size - 9)
    found = checked(folder).problems
    assert way != "gone" or [one.why for one in found] == ["there is no such file"]
    assert {one.file for one in found} == {path.name}
    assert {one.remedy for one in found} == {"rebuilt"}
    assert not mended(folder).dropped
    assert path.read_bytes() == (written_once / path.name).read_bytes()


def lose(folder):
    (folder / "manifest.json").unlink()


def garble(folder):
    (folder / "manifest.json").write_text("{")


def contradict(change):
    return lambda folder: edit(folder, change)


CONTRADICTIONS = {
    "lost": lose,
    "not JSON": garble,
    "counts": contradict(lambda raw: raw["splits"]["train"]["labels"].update(timepoints=9)),
    "media": contradict(lambda raw: raw["splits"]["train"]["media"].update({"room1.jpg": 3})),
    "facets": contradict(lambda raw: raw["splits"]["train"]["facets"].pop("roles")),
    "sums": contradict(lambda raw: raw["splits"]["train"]["shards"][0].update(sha256="0" * 64)),
    "sizes": contradict(lambda raw: raw["splits"]["train"]["shards"][0].update(bytes=1)),
    "label sums": contradict(lambda raw: raw["splits"]["train"]["labels"].update(sha256="")),
    "offsets": contradict(lambda raw: raw["splits"]["train"]["takes"][1].update(offset=0)),
    "take": contradict(lambda raw: raw["splits"]["train"]["takes"][0].update(name="three")),
    "twice": contradict(lambda raw: raw["splits"]["train"]["takes"][0].update(name="two.b")),
    "dataset": contradict(lambda raw: raw["datasets"].clear()),
    "escape": contradict(lambda raw: raw["splits"]["train"]["shards"][0].update(name="../x.tar")),
    "other name": contradict(lambda raw: raw["splits"]["train"]["shards"][0].update(name="manifest.json")),
    "many": contradict(lambda raw: raw["splits"]["train"]["takes"][0].update(timepoints=10**15)),
    "swapped": contradict(lambda raw: raw["splits"]["train"]["shards"].reverse()),
}


@pytest.mark.parametrize("way", CONTRADICTIONS)
def test_a_manifest_is_made_anew_from_what_it_is_about(folder, written_once, way):
    CONTRADICTIONS[way](folder)
    report = checked(folder)
    assert not report.whole
    assert not mended(folder).dropped
    assert contents(folder) == contents(written_once)
    names = {path.name for path in folder.iterdir()}
    assert names == {path.name for path in written_once.iterdir()}
    again, before = Shards.open(folder).manifest, Shards.open(written_once).manifest
    assert again.splits == before.splits
    assert list(again.splits) == list(before.splits) == ["train", "test"]
    if way not in ("lost", "not JSON"):
        assert again.parameters == before.parameters
        assert again.skipped == before.skipped


def test_shards_of_another_schema_are_not_touched(folder):
    edit(folder, lambda raw: raw.update(schema=99))
    with pytest.raises(OrqaError, match="schema 99"):
        checked(folder)


def test_an_unfinished_run_is_gone_on_with_by_its_writer(folder):
    (folder / "manifest.json").unlink()
    (folder / ".unfinished").mkdir()
    (folder / ".unfinished" / "plan.json").write_text("{}")
    with pytest.raises(OrqaError, match=r"interrupted.*--resume"):
        checked(folder)


MAKE = "orqa-registry shard DATASET"


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("no folder", MAKE),
        ("empty", MAKE),
        ("files", "holds other files, and no shards"),
        ("folders", "holds other files, and no shards"),
        ("file", "x is a file, and a folder was expected"),
        ("in a file", "x is a file, and a folder was expected"),
    ],
)
def test_where_there_are_no_shards_it_says_so(tmp_path, way, said):
    where = tmp_path / "x"
    if "file" in way.split():
        where.write_text("hello")
    elif way != "no folder":
        where.mkdir()
    if way == "files":
        (where / "readme.txt").write_text("hello")
    if way == "folders":
        (where / "take_000").mkdir()
    for look in (checked, Shards.open):
        with pytest.raises(CallError, match=said) as told:
            look(where / "y" if way == "in a file" else where)
        assert (MAKE in str(told.value)) == (said == MAKE)


def test_what_is_lost_of_shards_is_no_wrong_call(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(OrqaError, match=r"verify .* --repair") as told:
        Shards.open(folder)
    assert not isinstance(told.value, CallError)
    for path in folder.glob("labels*"):
        path.unlink()
    with pytest.raises(CallError, match=r"tars of somebody else.*inspect .*/test-000000\.tar"):
        Shards.open(folder)


@pytest.mark.parametrize("way", ["gone", "empty"])
def test_a_missing_tar_is_waited_for(folder, way):
    path = folder / "train-000000.tar"
    made = TarIndex.from_bytes(path.with_suffix(".idx").read_bytes(), "x")
    whole = path.read_bytes()
    if way == "gone":
        path.unlink()
    else:
        path.write_bytes(b"")
    report = checked(folder)
    (one,) = report.problems
    assert (one.file, one.key, one.remedy, one.timepoints) == (path.name, None, "missing", len(made))
    before = bytes_of(folder)
    with pytest.raises(OrqaError, match=f"nothing was changed: .*leave its {len(made)} .*--repair --without-missing"):
        repair(open_store(folder), report)
    assert bytes_of(folder) == before
    path.write_bytes(whole)
    assert checked(folder).whole


def test_a_missing_tar_is_waited_for_where_the_manifest_is_lost_too(folder):
    made = TarIndex.from_bytes((folder / "train-000000.idx").read_bytes(), "x")
    (folder / "train-000000.tar").unlink()
    (folder / "manifest.json").unlink()
    report = checked(folder)
    assert [(one.file, one.timepoints) for one in report.missing] == [("labels-train.jsonl.zst", len(made))]
    with pytest.raises(OrqaError, match="nothing was changed"):
        repair(open_store(folder), report)
    done = mended(folder, without_missing=True)
    assert set(done.dropped) == set(made.keys)
    assert done.timepoints == len(made)


def test_what_a_lost_manifest_said_of_a_dataset_is_said_by_its_plugin(folder, written_once):
    before = Shards.open(written_once).manifest
    (name, card) = next(iter(before.datasets.items()))
    (folder / "manifest.json").unlink()
    done = mended(folder)
    assert [one.split()[0] for one in done.forgotten] == ["parameters", "title,"]
    assert name in done.forgotten[1]
    (folder / "manifest.json").unlink()
    done = mended(folder, datasets={name: Room()})
    assert [one.split()[0] for one in done.forgotten] == ["parameters"]
    assert Shards.open(folder).manifest.datasets == {name: card}


def test_a_lost_tar_costs_its_timepoints_which_are_named(folder, written_once):
    made = TarIndex.from_bytes((folder / "train-000000.idx").read_bytes(), "x")
    (folder / "train-000000.tar").unlink()
    done = mended(folder, without_missing=True)
    assert set(made.keys) == set(done.dropped)
    assert (done.timepoints, done.media) == (len(made), 0)
    assert not (folder / "train-000000.idx").exists()
    before, (after, _) = contents(written_once)[0], contents(folder)
    assert after == {key: before[key] for key in before if key not in made.keys}


def test_exchanged_tars_cost_nothing(folder, written_once):
    one, two = folder / "train-000000.tar", folder / "train-000001.tar"
    for suffix in (".tar", ".idx"):
        first, second = one.with_suffix(suffix).read_bytes(), two.with_suffix(suffix).read_bytes()
        one.with_suffix(suffix).write_bytes(second)
        two.with_suffix(suffix).write_bytes(first)
    assert not mended(folder).dropped
    assert contents(folder) == contents(written_once)


def test_a_damaged_header_costs_nothing_where_the_index_is_whole(folder, written_once):
    path, one = member(folder)
    overwrite(path, one.offset - TAR_BLOCK + 5, b"###")
    assert not mended(folder).dropped
    assert (folder / path.name).read_bytes() == (written_once / path.name).read_bytes()
    assert contents(folder) == contents(written_once)


def test_a_tail_that_is_gone_costs_what_lay_there(folder):
    path, one = member(folder, "A%2ERoom/one/000", "speech.txt")
    os.truncate(path, one.offset + one.size)
    made = TarIndex.from_bytes(path.with_suffix(".idx").read_bytes(), "x")
    assert len(made) > 1
    done = mended(folder)
    assert set(made.keys[1:]) <= set(done.dropped)
    assert not any(key.startswith("A%2ERoom/one/000") for key in done.dropped)


def test_what_nothing_vouches_for_is_said(folder):
    path, _ = member(folder)
    spoil(folder, suffix="speech.txt")
    path.with_suffix(".idx").unlink()
    done = mended(folder)
    assert (done.unproven, done.dropped) == ((path.name,), {})
    assert "no checksum" in Shards.open(folder).manifest.skipped[-1]


def test_a_picture_that_cannot_be_decoded_is_found_when_asked(folder):
    path, one = member(folder)
    data = picture("one1")
    overwrite(path, one.offset, data[: one.size // 2].ljust(one.size, b"\0"))
    path.with_suffix(".idx").unlink()
    store = open_store(folder)
    Tar.open(store, path.name)  # makes an index of the tar as it is
    done = repair(store, checked(folder, decode=True), decode=True)
    assert list(done.dropped) == [f"{KEY}.room1.jpg"]
    assert "cannot be decoded" in done.dropped[f"{KEY}.room1.jpg"]
    assert checked(folder, decode=True).whole


def test_labels_of_another_shape_are_named(folder):
    path = folder / "labels-train.jsonl.zst"
    first = Shards.open(folder).manifest.splits["train"].takes[0].bytes
    data = path.read_bytes()
    lines = [line + b"\n" for line in label_file.unpack_take(data[:first], "x")]
    lines[1] = lines[1].replace(b'"roles":[]', b'"roles":7')
    frame = label_file.pack_take(lines)
    path.write_bytes(frame + data[first:])
    more = len(frame) - first

    def fit(raw):
        raw["splits"]["train"]["takes"][0]["bytes"] += more
        raw["splits"]["train"]["takes"][1]["offset"] += more
        raw["splits"]["train"]["labels"]["bytes"] += more

    edit(folder, fit)
    assert any("facet 'roles'" in one.why for one in checked(folder).problems)
    assert not mended(folder).dropped, "the tar has them as they were"
