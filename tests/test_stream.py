"""The stream: what is drawn where is a pure function of seed, epoch, key and task."""

import json
import pickle

import pytest

pytest.importorskip("webdataset")

from small_room import Room, written

from orqa_registry import Box, CallError, Take, Timepoint
from orqa_shards.read import Shards
from orqa_shards.stream import Draw, Stream, askable
from orqa_shards.write import Source, pack


def streamed(registry, split, how, epochs=1, tasks=()):
    return Stream(split, askable(registry, split, tasks), how, epochs)


def seen(stream, places):
    return {k: [(a.timepoint.key, a.question.task, a.text, a.answer) for a in stream[k].asked] for k in places}


def test_an_epoch_sees_every_askable_timepoint_once(registry, tmp_path):
    written(registry, tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Draw(seed=3), epochs=3)
    assert len(stream) == 24
    whole = {point.key for point in stream.split.timepoints if point.labels.get("roles")}
    orders = []
    for epoch in range(3):
        keys = [stream[epoch * 8 + k].timepoint.key for k in range(8)]
        assert whole <= set(keys)
        orders.append(keys)
    assert orders[0] != orders[1]
    with pytest.raises(IndexError):
        stream[24]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_draws_are_the_same_for_any_number_of_workers(registry, tmp_path, workers):
    torch = pytest.importorskip("torch")
    written(registry, tmp_path / "s", shard_bytes=300)
    split = Shards.open(tmp_path / "s").split("train")
    how = Draw(seed=1, paraphrase=0.5)
    expected = seen(streamed(registry, split, how, 2), range(16))
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), how, 2)
    loader = torch.utils.data.DataLoader(stream, batch_size=3, num_workers=workers, collate_fn=list)
    got = [sample for batch in loader for sample in batch]
    assert (
        dict(enumerate([(a.timepoint.key, a.question.task, a.text, a.answer) for a in s.asked] for s in got))
        == expected
    )


def test_a_draw_does_not_depend_on_the_other_tasks(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    every = seen(streamed(registry, split, Draw()), range(8))
    alone = seen(streamed(registry, split, Draw(), 1, ["did_happen"]), range(8))
    drawn = {(key, text) for rows in every.values() for key, task, text, _ in rows if task == "did_happen"}
    assert {(key, text) for rows in alone.values() for key, _, text, _ in rows} <= drawn


def test_at_most_so_many_questions(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    stream = streamed(registry, split, Draw(questions=2), epochs=4)
    assert {len(stream[k].asked) for k in range(len(stream))} <= {1, 2}
    assert len({a.question.task for k in range(len(stream)) for a in stream[k].asked}) > 2


def test_rare_answers_are_drawn_rarely(registry, tmp_path, make_take):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    epochs = 300
    stream = streamed(registry, split, Draw(), epochs, ["current_action", "count_people"])
    nothing = sum(a.answer == "nothing" for k in range(len(stream)) for a in stream[k].asked)
    empty = sum(point.labels.get("actions") == () for point in split.timepoints) * epochs
    assert 0.06 * empty < nothing < 0.14 * empty * 1.5


def test_tasks_that_cannot_be_asked_are_refused(registry, tmp_path):
    written(registry, tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    with pytest.raises(CallError, match="can be asked none of tools_used"):
        askable(registry, split, ["tools_used"])
    with pytest.raises(CallError, match="did you mean"):
        askable(registry, split, ["tool_used"])


def test_a_stream_can_be_sent_to_another_process(registry, tmp_path):
    pack(registry, [Source(registry.dataset("4D-OR"), roots_of(tmp_path), ("validation",))], tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("validation"), Draw())
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
            media = {"room1.jpg": b"picture"}
            points = [Timepoint(self.name, split, "t", str(k), k, None, media, {"boxes": boxes}) for k in range(30)]
            yield Take(self.name, split, "t", lambda: iter(points))

    pack(registry, [Source(Half(), tmp_path, ("train",))], tmp_path / "s")
    stream = streamed(registry, Shards.open(tmp_path / "s").split("train"), Draw(), tasks=("where_2d",))
    assert {one.question.view for k in range(30) for one in stream[k].asked} == {"room1"}


def test_compat_is_asked_as_the_original_does(registry, tmp_path):
    class Pair(Room):
        def takes(self, root, split):
            labels = {"roles": ("nurse", "nurse")}
            yield Take(
                self.name, split, "t", lambda: iter([Timepoint(self.name, split, "t", "0", 0, None, {}, labels)])
            )

    pack(registry, [Source(Pair(), tmp_path, ("train",))], tmp_path / "s")
    split = Shards.open(tmp_path / "s").split("train")
    for compat, count in ((False, "2"), (True, "1")):
        (asked,) = streamed(registry, split, Draw(compat=compat), tasks=("count_people",))[0].asked
        assert asked.answer == count
