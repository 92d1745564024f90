"""Counts of shards are those of what is asked and drawn; the page needs nothing and trusts nothing."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("simplejpeg")

from hypothesis import given
from hypothesis import strategies as st
from small_room import LABELS, Room, picture, written
from small_root import call

from orqa_registry import Box, OrqaError, Take, Timepoint, ask
from orqa_shards.cli.stats import stats
from orqa_shards.format.manifest import TakeEntry
from orqa_shards.read.dataset import Shards
from orqa_shards.report import html
from orqa_shards.report.stats import MAX_ANSWERS, AnswerDistribution, count_split
from orqa_shards.report.stats_page import MAX_ANSWER, TimepointNumbers, shorten_answers, write_stats_page
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.stream import Stream
from orqa_shards.write.pack import WriteOptions, pack
from orqa_shards.write.shard_plan import ShardSource

EVIL = '</svg><script src="http://x">alert(1)</script>\x1b[31m'


class Boxed(Room):
    """Two views with boxes, one of them kept smaller than its original, and labels that nobody should trust."""

    provides = {"roles", "boxes", "screen_text", "robot_phase"}
    splits = ("train",)

    def takes(self, root, split):
        for name in ("one", "two", "three"):
            yield Take(self.name, split, name, lambda name=name: self.points(root, split, name))

    def points(self, root, split, name):
        boxes = (Box(EVIL, 0, 0, 399, 299), Box("nurse", -5, 10, 99, 9.5))
        for k in range(3):
            media = {"room1.jpg": picture(f"{name}{k}", (800, 600)), "room2.jpg": picture("b"), "room3.jpg": b"x"}
            labels = {
                "roles": ("nurse",) * k,
                "boxes": {"room1": {"size": (800, 600), "boxes": boxes}, "room2": {"size": (0, 0), "boxes": boxes}},
                "screen_text": EVIL,
            }
            yield Timepoint(self.name, split, name, f"{k:03d}", k, k * 2.0, media, labels)


@pytest.fixture(scope="module")
def boxed(tmp_path_factory):
    from orqa_registry import Registry

    out = tmp_path_factory.mktemp("boxed")
    pack(Registry.load(), [ShardSource(Boxed(), Path("/nowhere"), ("train",))], out, WriteOptions(strict=False))
    return out


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    from orqa_registry import Registry

    out = tmp_path_factory.mktemp("room")
    written(Registry.load(), out)
    return out


def tasks_of(registry):
    return [task for _, task in sorted(registry.tasks.items())]


def test_questions_are_those_that_are_asked(registry, room):
    split = Shards.open(room).split("train")
    found = count_split(split, tasks_of(registry))
    expected, at = {}, {}
    for take in Room().takes(Path("/nowhere"), "train"):
        timeline = take.timeline()
        for point in take:
            for task, questions in ask(point, timeline, tasks_of(registry)):
                if questions:
                    expected[task.name] = expected.get(task.name, 0) + len(questions)
                    at[task.name] = at.get(task.name, 0) + 1
    assert {task: one.questions for task, one in found.tasks.items()} == expected
    assert {task: one.timepoints for task, one in found.tasks.items()} == at
    assert (found.timepoints, found.counted, found.takes) == (8, 2, 2)


def test_what_is_drawn_is_what_epochs_draw_on_average(registry, room):
    split = Shards.open(room).split("train")
    found = count_split(split, tasks_of(registry))
    epochs = 200
    drawn, answers = {}, {}
    for sample in Stream.of(registry, split, Mixture(), epochs):
        for one in sample.asked:
            task = one.question.task
            drawn[task] = drawn.get(task, 0) + 1 / epochs
            answers[task, one.answer] = answers.get((task, one.answer), 0) + 1 / epochs
    assert {task: one.drawn for task, one in found.tasks.items()} == pytest.approx(drawn, abs=0.5)
    for (task, answer), many in answers.items():
        assert found.answers[task].expected[answer] == pytest.approx(many, abs=0.6)
    for task, one in found.answers.items():
        assert one.total == pytest.approx(found.tasks[task].drawn)


def test_coverage_lengths_and_bytes(registry, room):
    shards = Shards.open(room)
    one = count_split(shards.split("train"), []).datasets["A.Room"]
    entry = shards.manifest.splits["train"]
    assert dict(one.media) == dict(entry.media)
    assert dict(one.facets) == dict(entry.facets)
    assert one.facets["roles"] == sum("roles" in LABELS[k % 3] for k in range(4)) * 2
    assert (one.lengths, one.seconds) == ((4, 4, 4), 3.0)
    assert one.bytes["speech.txt"] == 8 * len(b"hello")
    assert one.bytes.total() < sum(shard.bytes for shard in entry.shards)


def test_a_limit_takes_some_takes_and_says_so(registry, boxed):
    found = count_split(Shards.open(boxed).split("train"), [], limit=1)
    assert [take.name for take in found.datasets["A.Room"].takes] == ["two"]
    assert (found.counted, found.takes) == (1, 3)
    assert "1 take of 3" in call(registry, stats, boxed, "--limit", 1)


def test_without_indexes_bytes_alone_are_missing(registry, tmp_path):
    written(registry, tmp_path)
    for index in tmp_path.glob("*.idx"):
        index.unlink()
    with pytest.warns(UserWarning, match=r"\.idx") as warned:
        found = count_split(Shards.open(tmp_path).split("train"), tasks_of(registry))
    assert len(warned) == 1
    assert found.timepoints == 8
    assert not found.datasets["A.Room"].bytes


def test_damaged_labels_are_an_error(registry, tmp_path):
    written(registry, tmp_path)
    file = tmp_path / "labels-train.jsonl.zst"
    file.write_bytes(file.read_bytes()[:-20] + bytes(20))
    with pytest.raises(OrqaError, match="labels-train"):
        count_split(Shards.open(tmp_path).split("train"), [])


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_answers_add_up(drawn):
    answers = AnswerDistribution()
    for one in drawn:
        answers.add(one, 0.5)
    top = answers.top(9)
    assert sum(share for _, share in top) == pytest.approx(1)
    assert [share for _, share in top] == sorted((share for _, share in top), reverse=True)
    assert 0 <= answers.bits <= 1.585
    assert (answers.bits == 0) == (len(set(drawn)) == 1)


def test_answers_are_bounded():
    answers = AnswerDistribution()
    for number in range(MAX_ANSWERS + 5):
        answers.add(str(number), 1)
    answers.add("0", 1)
    assert (len(answers.expected), answers.others) == (MAX_ANSWERS, 5)
    assert answers.expected["0"] == 2


def test_stats_for_programs_and_people(registry, room):
    found = json.loads(call(registry, stats, room, "--split", "train", "--json"))
    (split,) = found["splits"]
    by_task = {one["task"]: one for one in split["questions"]}
    assert by_task["count_people"] == {
        "dataset": "A.Room",
        "task": "count_people",
        "timepoints": 6,
        "questions": 6,
        "drawn": 6.0,
    }
    assert sum(one["share"] for one in split["answers"]["count_people"]["top"]) == pytest.approx(1)
    text = call(registry, stats, room)
    assert "split train" in text
    assert "split test" in text
    assert "count_people" in text
    call(registry, stats, room, "--split", "nowhere", fails="no split")


class Reader(HTMLParser):
    """Collects the elements of a page, and checks that each is closed where it should be."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def elements(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open in ([], ["html"])
    return reader.found


def test_the_page_trusts_nothing_and_needs_nothing(registry, boxed, tmp_path):
    call(registry, stats, boxed, "--html", tmp_path / "p.html")
    found = elements(tmp_path / "p.html")
    assert "script" not in {tag for tag, _ in found}
    for tag, attributes in found:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/jpeg;base64,")), (tag, attributes)
    assert any("default-src 'none'" in attributes.get("content", "") for _, attributes in found)
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "&lt;script" in text
    assert "http://x" not in re.sub(r"&lt;script.*?&gt;", "", text)
    assert "url(" not in text
    assert "@import" not in text


def test_boxes_are_drawn_in_pixels_of_the_original(boxed):
    point = Shards.open(boxed).split("train")[0]
    assert point.sizes["room1.jpg"] == (800, 600)
    shown = html.view_figures(point)
    assert 'viewBox="0 0 800 600"' in shown
    assert 'width="800" height="600"' in shown, "the picture, however small it is kept"
    (first, second) = re.findall(r"<rect ([^>]*)>", shown)  # room2's boxes have no size to count in
    assert 'x="0" y="0" width="400" height="300"' in first
    assert 'x="-5" y="10" width="105"' in second
    assert "room3" not in shown, "it could not be read when shards were written"


def test_boxes_of_another_size_are_scaled():
    point = Timepoint(
        *("d", "train", "t", "0", 0),
        media={"room1.jpg": picture("a", (64, 48)), "room2.jpg": b"no picture"},
        labels={"boxes": {"room1": {"size": (128, 96), "boxes": (Box("x", 0, 0, 63, 95),)}}},
    )
    shown = html.view_figures(point)
    assert 'x="0" y="0" width="32" height="48"' in shown
    assert "room2: cannot be shown" in shown


@given(st.text())
def test_whatever_is_said_is_escaped(text):
    made = html.element("p", text, title=text)
    reader = Reader()
    reader.feed(made)
    assert [tag for tag, _ in reader.found] == ["p"]
    assert reader.open == []


def test_a_page_of_nothing_annotated(registry, tmp_path):
    class Bare(Room):
        def points(self, root, split, name):
            yield Timepoint(self.name, split, name, "0", 0, None, {"speech.txt": b"hello"})

    pack(registry, [ShardSource(Bare(), Path("/nowhere"), ("train",))], tmp_path / "s")
    shards = Shards.open(tmp_path / "s")
    write_stats_page(
        shards, [count_split(shards.split("train"), tasks_of(registry))], tasks_of(registry), tmp_path / "p.html"
    )
    assert "nothing can be asked" in (tmp_path / "p.html").read_text(encoding="utf-8")


COUNTS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), max_size=9)


@given(COUNTS, st.sampled_from("ab"))
def test_the_numbers_of_a_dataset_are_those_of_its_timepoints(counts, dataset):
    owners = [name for name, many in counts for _ in range(many)]
    numbers = TimepointNumbers.of([TakeEntry(name, "t", many, 0, 1) for name, many in counts], dataset)
    expected = [number for number, name in enumerate(owners) if name == dataset]
    assert [numbers[place] for place in range(len(numbers))] == expected
    with pytest.raises(IndexError):
        numbers[len(numbers)]


def test_a_page_of_billions_of_timepoints_lists_none_of_them():
    numbers = TimepointNumbers.of([TakeEntry("a", str(k), 10**12, 0, 1) for k in range(9)], "a")
    assert numbers[7 * 10**12 + 5] == 7 * 10**12 + 5


def test_answers_that_begin_alike_are_told_apart():
    long = "nurse, circulating nurse, head surgeon, assistant surgeon, "
    short = [answer for answer, _ in shorten_answers([(f"{long}{end}", 0.5) for end in ("patient", "robot", "nobody")])]
    assert len(set(short)) == 3
    assert all(len(one) <= MAX_ANSWER for one in short)
    first, second = (
        answer for answer, _ in shorten_answers([(f"{long * 2}{middle}{long * 2}", 0.5) for middle in "ab"])
    )
    assert second == f"{first} (2)"


def test_the_tables_are_printed_before_the_page_and_its_folder_made_before_all(registry, room, tmp_path, monkeypatch):
    assert "count_people" in call(registry, stats, room, "--html", tmp_path / "new" / "p.html")
    assert (tmp_path / "new" / "p.html").is_file()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("orqa_shards.report.stats.count_split", lambda *_: pytest.fail("counted first"))
    assert CliRunner().invoke(stats, [str(room), "--html", str(tmp_path / "file" / "p.html")], obj=registry).exit_code


def test_views_are_shown_in_the_order_of_their_numbers():
    names = ["room10", "room2", "left", "room1"]
    point = Timepoint(*("d", "train", "t", "0", 0), media={f"{name}.jpg": b"" for name in names})
    assert re.findall(r"(\w+): cannot be shown", html.view_figures(point)) == ["left", "room1", "room2", "room10"]
