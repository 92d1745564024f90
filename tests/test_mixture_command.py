"""The command `mixture`: it prints what it read, and what an epoch would hold."""

import json

import attrs
import pytest

pytest.importorskip("simplejpeg")

from small_room import written
from small_root import call

from orqa_registry import Registry
from orqa_shards.cli.mixture import mixture, record_keys
from orqa_shards.read.dataset import Shards
from orqa_shards.sampling.mixture import Mixture
from orqa_shards.sampling.stream import Stream


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    out = tmp_path_factory.mktemp("room")
    written(Registry.load(), out)
    return out


def test_the_help_of_the_mixture_explains_every_key_and_its_example_is_one(registry):
    assert [name for name, _ in record_keys(Mixture)] == [one.name for one in attrs.fields(Mixture)]
    assert all(said for _, said in record_keys(Mixture))
    text = call(registry, mixture, "--help")
    example = text[text.index("  questions = 4") : text.index("  orqa-registry mixture")]
    assert Mixture.parse(example).questions == 4
    assert "Raises" not in text


def test_a_mixture_is_printed_as_it_is_read(registry, tmp_path):
    file = tmp_path / "m.toml"
    file.write_text("questions = 2\n[tasks]\ncount_people = 0.5\n")
    text = call(registry, mixture, file, "--set", "drop.room*.jpg=0.5", "--set", "tasks.role_people=2")
    made = Mixture.parse(text)
    assert made == Mixture(questions=2, tasks={"count_people": 0.5, "role_people": 2}, drop={"room*.jpg": 0.5})
    assert made.digest in text
    call(registry, mixture, "--set", "question=1", fails="--set question=1: unknown key")


def test_a_forecast_is_what_the_epoch_holds(registry, room):
    about = ("--data", room, "--set", "drop.speech.txt=0.5", "--set", "questions=2", "--json")
    found = json.loads(call(registry, mixture, *about))
    split = Shards.open(room).split("train")
    made = Mixture(questions=2, drop={"speech.txt": 0.5})
    samples = list(Stream.of(registry, split, made))
    assert found["digest"] == made.digest
    assert found["datasets"] == {"A.Room": {"samples": 8, "timepoints": 8, "passes": 1}}
    assert found["questions_an_epoch"] == sum(len(one.asked) for one in samples)
    assert found["without_questions"] == sum(not one.asked for one in samples) / 8
    assert found["dropped"]["speech.txt"] == sum("speech.txt" not in one.timepoint.media for one in samples) / 8
    assert found["dropped"]["room1.jpg"] == 0
    assert sum(found["tasks"].values()) == pytest.approx(1)


def test_a_forecast_with_weights_has_passes(registry, room):
    about = ("--data", room, "--set", "datasets.A.Room=1", "--set", "length=12")
    found = json.loads(call(registry, mixture, *about, "--json"))
    assert found["datasets"]["A.Room"] == {"samples": 12, "timepoints": 8, "passes": pytest.approx(3 / 2)}
    assert "3 were looked at" in call(registry, mixture, *about, "--looked", 3)
    call(registry, mixture, "--data", room, "--set", "datasets.B=1", fails="not among the shards")


@pytest.mark.parametrize("data", [True, False])
def test_wrong_names_are_refused_with_the_name_of_their_file(registry, room, tmp_path, data):
    file = tmp_path / "mix.toml"
    about = ("--data", room) if data else ()
    for text, said in (
        ("[tasks]\ncount_peple = 1\n", "did you mean 'count_people'"),
        ('[tasks]\n"*" = 0\nwhere_2d = 0\n', "[tasks] every weight is 0"),
        ("[datasets]\nA-Rom = 1\n", "not among the shards"),
    ):
        file.write_text(text)
        if data or "[datasets]" not in text:
            call(registry, mixture, file, *about, fails=said)
            call(registry, mixture, file, *about, fails=f"{file}: ")
    call(registry, mixture, *about, "--set", 'tasks."*"=0', fails="[tasks] every weight is 0")
    call(registry, mixture, *about, "--set", 'tasks."*"=0', "--set", "tasks.count_people=1")
