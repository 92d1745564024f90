"""The stream: what is drawn where is a pure function of seed, epoch, key and task."""

import json
import pickle

import pytest
from small_room import Room, picture, written

from orqa_registry import Box, CallError, Take, Timepoint
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.resumable import SAMPLING_VERSION
from orqa_shards.sampling.stream import Stream, askable_tasks
from orqa_shards.write.pack import pack
from orqa_shards.write.shard_plan import ShardSource


def streamed(registry, split, mixture, epochs=1, tasks=()):
    return Stream(split, askable_tasks(registry, split, tasks), mixture, epochs)


def seen(stream, places):
    return {k: [(a.timepoint.key, a.question.task, a.text, a.answer) for a in stream[k].asked] for k in places}


def test_an_epoch_sees_every_timepoint_once(registry, tmp_path):
    written(registry, tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Mixture(seed=3), epochs=3)
    assert len(stream) == 24
    keys = [sample.timepoint.key for sample in stream]
    epochs = [keys[8 * epoch : 8 * epoch + 8] for epoch in range(3)]
    assert [sorted(one) for one in epochs] == [sorted(point.key for point in stream.split)] * 3
    assert epochs[0] != epochs[1]
    with pytest.raises(IndexError):
        stream[24]


def test_a_timepoint_without_labels_is_asked_nothing(registry, tmp_path):
    written(registry, tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Mixture())
    labelled = {sample.timepoint.key: bool(sample.timepoint.labels.get("roles")) for sample in stream}
    assert {key for key, one in labelled.items() if one} <= {s.timepoint.key for s in stream if s.asked}
    assert any(not sample.asked for sample in stream)


def test_a_run_goes_on_with_its_own_data_and_mixture_alone(registry, tmp_path):
    for name in ("s", "other"):
        written(registry, tmp_path / name, media=("*.jpg",) if name == "s" else ("*.txt",))
    mine, other = (Shards.open(tmp_path / name).split("train") for name in ("s", "other"))
    state = json.loads(json.dumps(streamed(registry, mine, Mixture()).state(5)))
    assert streamed(registry, mine, Mixture()).position(state) == 5
    with pytest.raises(CallError, match="read other data"):
        streamed(registry, other, Mixture()).position(state)
    with pytest.raises(CallError, match="another mixture"):
        streamed(registry, mine, Mixture(seed=1)).position(state)
    with pytest.raises(CallError, match="position 9 of 8"):
        streamed(registry, mine, Mixture()).position({**state, "position": 9})


def test_a_run_goes_on_with_its_own_tasks_and_order_alone(registry, tmp_path, monkeypatch):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    every = askable_tasks(registry, split)
    own = Stream(split, every[1:], Mixture(questions=1))
    state = json.loads(json.dumps(own.state(5)))
    assert Stream(split, every[1:], Mixture(questions=1)).position(state) == 5
    for tasks, said in (
        (every, f"not there then: {every[0].name}\\)"),
        (every[2:], f"not there now: {every[1].name}\\)"),
        ((every[0], *every[2:]), f"not there now: {every[1].name}; not there then: {every[0].name}\\)"),
        (every[:0:-1], "in another order"),
    ):
        with pytest.raises(CallError, match=f"the run that is to go on asked other tasks .*{said}"):
            Stream(split, tasks, Mixture(questions=1)).position(state)
    with pytest.raises(CallError, match="had shuffle True, and this one has False"):
        Stream(split, every[1:], Mixture(questions=1), shuffle=False).position(state)
    with pytest.raises(CallError, match="says nothing of its tasks: an older orqa-registry began it"):
        own.position({key: value for key, value in state.items() if key != "tasks"})
    monkeypatch.setattr("orqa_shards.sampling.resumable.SAMPLING_VERSION", SAMPLING_VERSION + 1)
    with pytest.raises(
        CallError, match=f"drew in way {SAMPLING_VERSION}, and this orqa-registry draws in way {SAMPLING_VERSION + 1}"
    ):
        own.position(state)


WEIGHTS = {"*": 0, "count_people": 1, "did_happen": 2, "current_action": 1, "role_people": 1, "interaction": 0.5}
DRAWN = {
    1: (
        "two.b/003",
        ["room1.jpg"],
        ("What is currently happening?", "At the moment there is sawing."),
        ("How does nurse interact with patient?", "closeto"),
    ),
    4: (
        "one/000",
        ["room1.jpg", "speech.txt"],
        ("Has sawing happened by now?", "Yes, there has been sawing by now."),
        ("What are the roles of the people in the room?", "patient, nurse"),
    ),
    5: (
        "two.b/001",
        ["room1.jpg", "speech.txt"],
        ("How many people are in the OR?", "0"),
        ("Did sawing happen?", "yes"),
    ),
    11: (
        "two.b/003",
        ["room1.jpg", "speech.txt"],
        ("What is going on at this moment?", "sawing"),
        ("Did sawing happen?", "yes"),
    ),
    14: ("two.b/002", ["room1.jpg"]),
}


def test_samples_are_the_same_in_every_version(registry, tmp_path):
    """What a run goes on with: whoever has to change this raises `SAMPLING_VERSION`, so no run goes on as another."""
    assert SAMPLING_VERSION == 1
    written(registry, tmp_path / "s")
    mixture = Mixture(7, questions=2, paraphrase=0.5, sentences=0.5, tasks=WEIGHTS, drop={"speech.txt": 0.5})
    stream = Stream.of(registry, Shards.open(tmp_path / "s").split("train"), mixture, 2)
    for place, drawn in DRAWN.items():
        point, asked = stream[place].timepoint, stream[place].asked
        found = (f"{point.take}/{point.frame}", sorted(point.media), *((one.text, one.answer) for one in asked))
        assert found == drawn


def test_media_that_are_dropped_are_not_there(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    stream = streamed(registry, split, Mixture(drop={"speech.txt": 0.5}), epochs=10)
    there = [set(sample.timepoint.media) for sample in stream]
    assert all("room1.jpg" in media for media in there)
    assert 20 < sum("speech.txt" in media for media in there) < 60


def test_a_draw_does_not_depend_on_the_other_tasks(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    every = seen(streamed(registry, split, Mixture()), range(8))
    alone = seen(streamed(registry, split, Mixture(), 1, ["did_happen"]), range(8))
    drawn = {(key, text) for rows in every.values() for key, task, text, _ in rows if task == "did_happen"}
    assert {(key, text) for rows in alone.values() for key, _, text, _ in rows} <= drawn


def test_at_most_so_many_questions(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    stream = streamed(registry, split, Mixture(questions=2), epochs=4)
    every = streamed(registry, split, Mixture(), epochs=4)
    for few, all_drawn in zip(stream, every, strict=True):
        assert len(few.asked) == min(2, len(all_drawn.asked))
        assert few.asked == tuple(one for one in all_drawn.asked if one in few.asked)  # the same ones, in their order
    assert len({one.question.task for sample in stream for one in sample.asked}) > 2


def test_rare_answers_are_drawn_rarely(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    epochs = 300
    stream = streamed(registry, split, Mixture(), epochs, ["current_action", "count_people"])
    nothing = sum(a.answer == "nothing" for k in range(len(stream)) for a in stream[k].asked)
    empty = sum(point.labels.get("actions") == () for point in split) * epochs
    assert 0.06 * empty < nothing < 0.14 * empty * 1.5


def test_tasks_that_cannot_be_asked_are_refused(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    with pytest.raises(CallError, match="can be asked none of tools_used"):
        askable_tasks(registry, split, ["tools_used"])
    with pytest.raises(CallError, match="did you mean"):
        askable_tasks(registry, split, ["tool_used"])


def test_a_stream_can_be_sent_to_another_process(registry, tmp_path):
    pack(registry, [ShardSource(registry.dataset("4D-OR"), roots_of(tmp_path), ("validation",))], tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("validation"), Mixture())
    assert seen(pickle.loads(pickle.dumps(stream)), range(3)) == seen(stream, range(3))


def roots_of(folder):
    take = folder / "4D-OR" / "export_holistic_take4_processed"
    take.mkdir(parents=True)
    (take / "timestamp_to_pcd_and_frames_list.json").write_text(json.dumps([[str(k * 10**9), {}] for k in range(3)]))
    graph = [["nurse", "patient", "cutting"]]
    rows = [{"take_name": "004_4DOR", "frame_id": f"{k:06d}", "relationships": graph} for k in range(3)]
    (folder / "4D-OR" / "relationships_validation.json").write_text(json.dumps(rows))
    return folder / "4D-OR"


def test_a_question_about_a_view_without_a_picture_is_not_drawn(registry, tmp_path):
    boxes = {view: {"size": (10, 10), "boxes": (Box("saw", 1, 1, 5, 5),)} for view in ("room1", "room2")}

    class Half(Room):
        def takes(self, root, split):
            media = {"room1.jpg": picture("one")}
            points = [Timepoint(self.name, split, "t", str(k), k, None, media, {"boxes": boxes}) for k in range(30)]
            yield Take(self.name, split, "t", lambda: iter(points))

    pack(registry, [ShardSource(Half(), tmp_path, ("train",))], tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Mixture(), tasks=("where_2d",))
    assert {one.question.view for k in range(30) for one in stream[k].asked} == {"room1"}


def test_compat_is_asked_as_the_original_does(registry, tmp_path):
    class Pair(Room):
        def takes(self, root, split):
            labels = {"roles": ("nurse", "nurse")}
            yield Take(
                self.name, split, "t", lambda: iter([Timepoint(self.name, split, "t", "0", 0, None, {}, labels)])
            )

    pack(registry, [ShardSource(Pair(), tmp_path, ("train",))], tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    for compat, count in ((False, "2"), (True, "1")):
        (asked,) = streamed(registry, split, Mixture(compat=compat), tasks=("count_people",))[0].asked
        assert asked.answer == count


def test_a_task_that_is_left_out_need_not_be_askable_and_one_with_weight_has_to(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    every = {task.name for task in askable_tasks(registry, split)}
    assert "tools_used" not in every
    for weights in ({"tools_used": 0}, {"tools_used": 0, "count_people": 2}):
        assert {task.name for task in Stream.of(registry, split, Mixture(tasks=weights)).tasks} == every
    alone = Stream.of(registry, split, Mixture(tasks={"*": 0, "count_people": 1}))
    assert [task.name for task in alone.tasks] == ["count_people"]
    with pytest.raises(CallError, match="can be asked none of tools_used"):
        Stream.of(registry, split, Mixture(tasks={"tools_used": 1}))
    with pytest.raises(CallError, match="did you mean 'tools_used'"):
        Stream.of(registry, split, Mixture(tasks={"tool_used": 0}))


def test_a_stream_without_tasks_is_one_of_timepoints_and_a_mixture_that_leaves_none_is_refused(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    assert {(len(sample.asked), bool(sample.timepoint.media)) for sample in Stream(split, [])} == {(0, True)}
    with pytest.raises(CallError, match="every weight is 0"):
        Stream.of(registry, split, Mixture(tasks={"*": 0, "count_people": 0}))


def test_a_stream_is_told_in_a_line(registry, tmp_path):
    written(registry, tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Mixture(), epochs=3)
    assert repr(stream) == f"<Stream: 8 samples an epoch, 3 epochs of split train, {len(stream.tasks)} tasks>"
