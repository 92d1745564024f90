"""The mixture: what is read is what is written; choices follow the weights, and hang on their own matter alone."""

import pickle
import tomllib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orqa_registry import CallError
from orqa_registry.data.records import is_view
from orqa_registry.rng import uniform_draws
from orqa_shards.sampling import toml_text
from orqa_shards.sampling.mixture import Mixture

CHANCE = st.floats(0, 1)
WEIGHT = st.floats(0, 1e300) | st.integers(0, 9)
MIXTURES = st.builds(
    Mixture,
    seed=st.integers(-(2**62), 2**62),
    questions=st.integers(0, 99),
    paraphrase=CHANCE,
    sentences=CHANCE | st.integers(0, 1),
    window=st.integers(1, 999),
    length=st.integers(0, 10**12),
    compat=st.booleans(),
    datasets=st.dictionaries(st.text(), WEIGHT).filter(lambda table: not table or any(table.values())),
    tasks=st.dictionaries(st.text(), WEIGHT),
    drop=st.dictionaries(st.text(), CHANCE),
)

EXAMPLE = """
questions = 2
paraphrase = 0.5
[datasets]
MM-OR = 2
4D-OR = 0.2
[tasks]
count_people = 2.0
"*" = 0.5
[drop]
"room*.jpg" = 0.1
"points.npy" = 0.5
"""

WRITTEN = """seed = 0
questions = 2
paraphrase = 0.5
sentences = 0.0
window = 64
length = 0
compat = false

[datasets]
4D-OR = 0.2
MM-OR = 2.0

[tasks]
"*" = 0.5
count_people = 2.0

[drop]
"points.npy" = 0.5
"room*.jpg" = 0.1
"""


@given(MIXTURES)
def test_a_mixture_is_read_as_it_was_written(mixture):
    again = Mixture.parse(mixture.to_toml())
    assert again == mixture
    assert again.to_toml() == mixture.to_toml()
    assert (hash(again), again.digest) == (hash(mixture), mixture.digest)
    assert pickle.loads(pickle.dumps(mixture)) == mixture


def test_a_mixture_is_a_small_file(tmp_path):
    path = tmp_path / "mixture.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    mixture = Mixture.load(path)
    assert mixture.to_toml() == WRITTEN
    assert mixture == Mixture(
        questions=2,
        paraphrase=0.5,
        datasets={"4D-OR": 0.2, "MM-OR": 2},
        tasks=[("count_people", 2), ("*", 0.5)],
        drop={"points.npy": 0.5, "room*.jpg": 0.1},
    )
    assert Mixture.parse("") == Mixture()


def test_the_digest_tells_mixtures_apart():
    """Checkpoints hold it: to change it for the same mixture is to refuse every older checkpoint."""
    assert Mixture.parse(EXAMPLE).digest == Mixture.parse(WRITTEN).digest
    assert Mixture().digest.startswith("28af0ce2a7b7a93a")
    assert len({Mixture(**one).digest for one in ({}, {"seed": 1}, {"tasks": {"a": 1}}, {"drop": {"a": 1}})}) == 4
    assert Mixture(paraphrase=-0.0, tasks={"a": 1}).digest == Mixture(tasks={"a": 1.0}).digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("paraphase = 0.5", "m.toml: unknown key 'paraphase': did you mean 'paraphrase'"),
        ("paraphrase = 2", "m.toml: paraphrase is 2.0, and a chance from 0 to 1 was expected"),
        ("paraphrase = nan", "m.toml: paraphrase is nan"),
        ("paraphrase = true", "m.toml: paraphrase is True, and a number was expected"),
        ("questions = -1", "m.toml: questions is -1, and 0 or more was expected"),
        ("questions = 1.0", "m.toml: questions is 1.0, and a whole number was expected"),
        ("window = 0", "m.toml: window is 0, and 1 or more was expected"),
        ("compat = 1", "m.toml: compat is 1, and true or false was expected"),
        ("seed = '1'", "m.toml: seed is '1', and a whole number was expected"),
        (f"seed = 0x{'f' * 9999}", "m.toml: seed has 39996 bits"),
        ("tasks = ['a']", r"m.toml: tasks is a table, not \['a'\]"),
        ("[tasks]\na = 'often'", r"m.toml: \[tasks\] a is 'often', and a number was expected"),
        ("[tasks]\na = -1", r"m.toml: \[tasks\] a is -1.0, and a weight of 0 or more"),
        ("[datasets]\na = inf", r"m.toml: \[datasets\] a is inf"),
        ("[datasets]\na = 0", r"m.toml: \[datasets\] every weight is 0"),
        ("[drop]\n'a.jpg' = 1.5", r"m.toml: \[drop\] a.jpg is 1.5, and a chance"),
        ("[drop]\npoints.npy = 0.5", r"m.toml: \[drop\] points: a name with a dot stands in quotes"),
        ("seed = ", "m.toml: not TOML"),
        (f"seed = {'9' * 5000}", "m.toml: not TOML"),
        (f"seed = {'[' * 100_000}", "m.toml: not TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(text, message):
    with pytest.raises(CallError, match=message):
        Mixture.parse(text, "m.toml")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(CallError, match=r"none\.toml: cannot be read: No such file"):
        Mixture.load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(CallError, match=r"binary\.toml: not a mixture"):
        Mixture.load(tmp_path / "binary.toml")


def test_names_that_are_not_there_are_refused():
    mixture = Mixture(tasks={"count_people": 1, "*": 0}, drop={"room*.jpg": 0.5})
    mixture.check(["count_people", "tools_used"], ["room1.jpg"])
    with pytest.raises(CallError, match=r"\[tasks\] count_people: unknown task: did you mean 'count_tools'"):
        mixture.check(["count_tools"], ["room1.jpg"])
    with pytest.raises(CallError, match=r"\[drop\] room\*\.jpg: no medium is called that: did you mean 'room1\.png'"):
        mixture.check(["count_people"], ["room1.png"])


LUCK = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1, exclude_max=True))


@given(LUCK, st.integers(0, 4), st.dictionaries(st.sampled_from("abcdefgh*"), st.floats(0, 1e3)))
def test_tasks_of_any_weight_are_ranked_and_a_place_is_a_task_s_own(luck, questions, weights):
    mixture = Mixture(questions=questions, tasks=weights)
    allowed = [task for task in luck if weights.get(task, weights.get("*", 1.0))]
    ranked = mixture.task_order(luck)
    assert sorted(ranked) == sorted(allowed)
    if not questions or len(allowed) <= questions:
        assert ranked == allowed  # nothing to choose
    else:  # without one of them, the others stand as they stood
        lost = ranked[0]
        others = mixture.task_order({task: luck[task] for task in luck if task != lost})
        assert len(others) <= questions or others == ranked[1:]


@given(LUCK, st.integers(1, 4))
def test_with_equal_weights_the_luckiest_come_first(luck, questions):
    ranked = Mixture(questions=questions).task_order(luck)
    if len(luck) > questions:
        assert ranked == sorted(luck, key=luck.__getitem__)


def test_tasks_are_chosen_by_weight():
    mixture = Mixture(questions=1, tasks={"a": 3, "*": 0.5})
    draws = [{task: uniform_draws(key, task)[0] for task in "abc"} for key in range(4000)]
    count = Counter(mixture.task_order(luck)[0] for luck in draws)
    assert count["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert count["b"] / 4000 == pytest.approx(0.125, abs=0.03)
    extreme = Mixture(questions=1, tasks={"a": 1e300, "b": 5e-324})
    assert extreme.task_order({"b": 0.5, "a": 0.5})[0] == "a"


MEDIA = st.lists(
    st.sampled_from(["room1.jpg", "room2.jpg", "sim.png", "room1.mask.png", "points.npy", "audio.flac"]), unique=True
)


@given(MEDIA, st.dictionaries(st.sampled_from(["*", "*.jpg", "room1.jpg", "points.npy"]), CHANCE), st.text())
def test_a_view_stays_and_each_medium_is_dropped_by_itself(media, drop, key):
    mixture = Mixture(drop=drop)
    out = mixture.dropped_media(media, 1, key)
    assert out <= set(media)
    views = {name for name in media if is_view(name)}
    assert not views or views - out
    assert mixture.dropped_media(media[::-1], 1, key) == out
    for name in set(media) - views:
        assert (name in out) == (name in mixture.dropped_media([name], 1, key))


def test_media_are_dropped_as_often_as_said():
    media = ["room1.jpg", "room2.jpg", "points.npy", "audio.flac"]
    mixture = Mixture(drop={"points.npy": 0.5, "*": 1, "room*.jpg": 0.2, "room[2].jpg": 0.9, "room2.jpg": 0})
    count = Counter(name for k in range(4000) for name in mixture.dropped_media(media, 0, str(k)))
    assert count["points.npy"] / 4000 == pytest.approx(0.5, abs=0.03)
    assert count["room1.jpg"] / 4000 == pytest.approx(0.2, abs=0.03)
    assert (count["room2.jpg"], count["audio.flac"]) == (0, 4000)
    assert len({frozenset(mixture.dropped_media(media, epoch, "k")) for epoch in range(50)}) > 2
    assert not Mixture().dropped_media(media, 0, "k")


def test_the_view_that_stays_is_a_matter_of_chance():
    views = ["room1.jpg", "room2.jpg", "room3.jpg"]
    mixture = Mixture(drop={"*.jpg": 1})
    stays = Counter(next(iter(set(views) - mixture.dropped_media(views, 0, str(k)))) for k in range(1500))
    assert all(430 < stays[name] < 570 for name in views)


def changed(change):
    return Mixture(seed=3, tasks={"a": 1}).with_change(change, f"--set {change}")


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ("questions=2", {"questions": 2}),
        (" paraphrase = 0.5", {"paraphrase": 0.5}),
        ("tasks.a=0", {"tasks": {"a": 0}}),
        ("tasks.b=2", {"tasks": {"a": 1, "b": 2}}),
        ("tasks={b = 2, c = 1}", {"tasks": {"a": 1, "b": 2, "c": 1}}),
        ("drop.room1.jpg=0.5", {"drop": {"room1.jpg": 0.5}}),
        ('drop."room*.jpg"=0.5', {"drop": {"room*.jpg": 0.5}}),
        ('drop={"a.jpg" = 0.5}', {"drop": {"a.jpg": 0.5}}),
        ("drop.a=b.jpg=0.5", {"drop": {"a=b.jpg": 0.5}}),
    ],
)
def test_a_change_names_a_key_or_a_row_of_a_table(change, made):
    assert changed(change) == Mixture(**{"seed": 3, "tasks": {"a": 1}, **made})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("questions", "KEY=VALUE"),
        ("questions=many", "'many' is no value of TOML"),
        ("question=1", "did you mean 'questions'"),
        ("questions=0.5", "whole number"),
        ("questions.a=1", "whole number"),
        ("tasks=1", "tasks is a table"),
        ("drop.room1.jpg=2", "0 to 1"),
    ],
)
def test_changes_that_cannot_be(change, said):
    with pytest.raises(CallError, match=f"^--set {change}: .*{said}"):
        changed(change)


VALUES = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text()


@given(VALUES | st.lists(st.text()).map(tuple), st.text())
def test_values_of_toml_are_read_back_and_can_be_shown(value, name):
    line = f"{toml_text.toml_key(name)} = {toml_text.toml_value(value)}"
    assert line.isprintable()
    ((key, read),) = tomllib.loads(line).items()
    assert key == name
    assert (tuple(read) if isinstance(read, list) else read) == value
    assert type(read) is type(value) or isinstance(value, tuple)
