"""Sampling: the benchmark's, exactly; nothing twice without being counted, and what is lacking is told."""

import random
import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orqa_registry import CallError, OrqaError, Question, Task, Timepoint, ask
from orqa_registry.questions.question_pool import QuestionPool
from orqa_registry.questions.question_set import BENCHMARK_SHARES, sample_questions, sampling_weights


class Where(Task):
    """Asks what a timepoint's label `asked` says: (thing, answers, view, weight)."""

    name = "where"
    needs = frozenset()
    question = "Where is {thing}?"
    paraphrases = ("Find {thing}.", "Locate {thing}.")
    sentences = ("{thing} is at {answer}.", "At {answer}.")

    def ask(self, moment):
        for thing, answers, view, weight in moment.labels["asked"]:
            yield self.pose(*answers, view=view, weight=weight, thing=thing)

    def score(self, truth, answer):
        return float(truth == answer)

    def sampling_class(self, answer):
        return ", ".join(sorted(answer.split(", ")))


TAKE = [
    [("saw", ("left",), None, 1.0)],
    [("saw", ("left",), None, 1.0), ("drill", ("left", "right"), None, 1.0)],
    [("saw", ("a, b",), None, 1.0), ("drill", ("b, a",), None, 1.0), ("hammer", ("left",), None, 1.0)],
    [("saw", ("nothing",), None, 0.1)],
    [],
    [("saw", ("left",), "room1", 1.0), ("saw", ("left",), "room2", 1.0), ("drill", ("up",), "room2", 1.0)],
]


def point(frame, asked=(), dataset="4D-OR", take="t"):
    return Timepoint(dataset, "train", take, f"{frame:06d}", frame, labels={"asked": asked})


def pool_of(takes, task=None):
    """Return a pool of dataset -> frames, each a list of what is asked there."""
    pool = QuestionPool()
    for dataset, frames in takes.items():
        for frame, asked in enumerate(frames):
            here = point(frame, asked, dataset)
            for one, questions in ask(here, None, [task or Where()]):
                pool.add(here, one, questions)
    return pool


def wide(cells):
    """Return a pool of dataset -> (number of types, frames)."""
    pool = QuestionPool()
    for dataset, (types, frames) in cells.items():
        for number in range(types):
            task = type("Made", (Where,), {"name": f"type{number}"})()
            for frame in range(frames):
                pool.add(point(frame, dataset=dataset), task, [task.pose(f"{frame % 7}", thing=f"{frame % 3}")])
    return pool


def identity(one):
    return one.timepoint.frame, one.question.view, one.question.text, one.answer


def originals(frames, draws, rng):
    """Draw as the original does, and return what it would give each different record when it then samples."""
    task, raw = Where(), []
    for _ in range(draws):
        here = point(*rng.choice(list(enumerate(frames))))
        ((_, questions),) = ask(here, None, [task])
        if questions:
            view = rng.choice(sorted({one.view for one in questions}, key=str))
            question = rng.choice([one for one in questions if one.view == view])
            if rng.random() < question.weight:
                raw.append((here.frame, view, question.text, rng.choice(question.answers)))
    answers = Counter(task.sampling_class(answer) for *_, answer in raw)
    questions = Counter(text for _, _, text, _ in raw)
    given_to = Counter()
    for record in raw:
        given_to[record] += 1 / (answers[task.sampling_class(record[3])] * questions[record[2]])
    whole = sum(given_to.values())
    return {record: share / whole for record, share in given_to.items()}


def expected(pool):
    (items,) = pool.cells.values()
    weights = sampling_weights(items)
    return {identity(one): weight / sum(weights) for one, weight in zip(items, weights, strict=True)}


def test_odds_are_those_of_the_originals_procedure():
    exact = expected(pool_of({"4D-OR": TAKE}))
    simulated = originals(TAKE, 150_000, random.Random(1))
    assert set(exact) == set(simulated)
    assert sum(exact.values()) == pytest.approx(1)
    for record, share in exact.items():
        assert simulated[record] == pytest.approx(share, rel=0.05), record


def test_odds_by_hand():
    """Two frames: saw-left alone, and saw-left beside drill-left; each draw takes a frame and a question of it."""
    left = ("left",)
    pool = pool_of({"4D-OR": [[("saw", left, None, 1.0)], [("saw", left, None, 1.0), ("drill", left, None, 1.0)]]})
    # f: 1, 1/2, 1/2; F_answer 2 for all; F_question 3/2, 3/2, 1/2.
    assert sampling_weights(pool.cells["4D-OR", "where"]) == pytest.approx([1 / 3, 1 / 6, 1 / 2])
    assert sampling_weights(pool.cells["4D-OR", "where"], "uniform") == [1, 0.5, 0.5]


def chi_square(observed, shares):
    draws = sum(observed.values())
    return sum((observed[name] - draws * share) ** 2 / (draws * share) for name, share in shares.items())


def test_draws_with_replacement_follow_the_odds():
    pool = pool_of({"4D-OR": TAKE})
    shares = expected(pool)
    drawn = sample_questions(pool, 20_000, seed=5, replace=True)
    assert len(drawn.items) == 20_000
    assert chi_square(Counter(map(identity, drawn.items)), shares) < len(shares) + 4 * (2 * len(shares)) ** 0.5
    (cell,) = drawn.cells
    assert (cell.available, cell.taken, cell.duplicates, cell.shortage) == (11, 20_000, 20_000 - 11, 0)


def test_the_first_draw_without_replacement_follows_the_odds():
    pool = pool_of({"4D-OR": TAKE})
    shares = expected(pool)
    first = Counter(identity(sample_questions(pool, 1, seed=seed).items[0]) for seed in range(4000))
    assert chi_square(first, shares) < len(shares) + 4 * (2 * len(shares)) ** 0.5


FOUR = {"4D-OR": (13, 2), "MM-OR": (21, 2), "MVOR": (8, 2), "EgoSurgery": (10, 2)}


@pytest.mark.parametrize(("size", "total"), [(1_000_000, 999_979), (100_000, 99_978), (10_000, 9_979), (1_000, 990)])
def test_sizes_are_those_of_the_benchmark(size, total):
    drawn = sample_questions(wide(FOUR), size)
    assert sum(cell.wanted for cell in drawn.cells) == total
    each = {cell.dataset: cell.wanted for cell in drawn.cells}
    assert each == {name: int(BENCHMARK_SHARES[name] * size) // FOUR[name][0] for name in FOUR}
    assert len(drawn.items) == 2 * 52
    assert sum(cell.shortage for cell in drawn.cells) == total - 2 * 52


def test_weights():
    pool = wide({"4D-OR": (1, 9), "MM-OR": (2, 9), "Other": (1, 9)})
    with pytest.raises(CallError, match="weight of Other"):
        sample_questions(pool, 100)
    drawn = sample_questions(pool, 100, {"Other": 0.4})
    assert {cell.dataset: cell.wanted for cell in drawn.cells} == {"4D-OR": 20, "MM-OR": 20, "Other": 40}
    assert drawn.weights == pytest.approx({"4D-OR": 0.2, "MM-OR": 0.4, "Other": 0.4})
    alone = sample_questions(wide({"Other": (1, 9), "Another": (3, 9)}), 60)
    assert [(cell.dataset, cell.wanted) for cell in alone.cells] == [("Another", 10)] * 3 + [("Other", 30)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weights": {"4DOR": 1}}, "did you mean '4D-OR'"),
        ({"weights": {"4D-OR": 0}}, "more than 0"),
        ({"weights": {"4D-OR": float("nan")}}, "more than 0"),
        ({"size": 12}, "ask for 13 or more"),
        ({"size": None}, "sampling needs one"),
        ({"how": "all"}, "sampling needs one"),
    ],
)
def test_what_makes_no_sense_is_said(options, said):
    with pytest.raises(CallError, match=said):
        sample_questions(wide({"4D-OR": (13, 3)}), **{"size": 100, **options})


def test_a_take_that_is_read_twice_is_named(make_take):
    pool = QuestionPool()
    for _ in range(2):
        pool.read(make_take([{"asked": TAKE[0]}]), [Where()])
    with pytest.raises(OrqaError, match=r"d/t/000000 is in the pool 2 times with 'Where is saw\?'"):
        sample_questions(pool, None, how="all")


def test_a_pool_knows_what_can_be_asked(registry, make_take):
    labels = [{"roles": ("nurse",), "actions": ("sawing",)}, {"roles": ()}, {"actions": ("sawing", "drilling")}]
    pool = QuestionPool()
    assert pool.read(make_take(labels), registry.fitting_tasks(registry.dataset("HybridOR"))) == 3
    chances = {task: [(one.answer, one.chance) for one in items] for (_, task), items in pool.cells.items() if items}
    assert chances["count_people"] == [("1", 1.0), ("0", 1.0)]
    assert chances["role_people"] == [("nurse", 1.0), ("no one", pytest.approx(0.1))]
    assert chances["current_action"] == [("sawing", 1.0), ("sawing", 0.5), ("drilling", 0.5)]
    assert len(pool) == sum(map(len, chances.values()))


def test_d18_all_is_everything_once():
    drawn = sample_questions(pool_of({"4D-OR": TAKE}), None, how="all")
    assert len(set(map(identity, drawn.items))) == len(drawn.items) == 11
    assert drawn.cells[0].wanted == drawn.cells[0].available == 11


def summary(drawn):
    return [(*identity(one), one.timepoint.dataset, one.text, one.said) for one in drawn.items]


CODE = """
from test_sampling import TAKE, pool_of, sample_questions, summary
print(summary(sample_questions(pool_of({"4D-OR": TAKE, "MVOR": TAKE}), 12, seed=3, paraphrase=0.5, sentences=0.5)))
"""


def test_d18_a_seed_gives_one_set_whatever_the_order_and_the_hash_seed(request):
    def drawn(takes, seed):
        return summary(sample_questions(pool_of(takes), 12, seed=seed, paraphrase=0.5, sentences=0.5))

    forth, back = {"4D-OR": TAKE, "MVOR": TAKE}, {"MVOR": TAKE, "4D-OR": TAKE}
    assert drawn(forth, 3) == drawn(back, 3) != drawn(forth, 4)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(request.path.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str(drawn(forth, 3))


def test_the_order_of_frames_makes_no_difference():
    task, frames = Where(), list(enumerate(TAKE))
    pools = []
    for order in (frames, frames[::-1]):
        pools.append(QuestionPool())
        for frame, asked in order:
            here = point(frame, asked)
            for one, questions in ask(here, None, [task]):
                pools[-1].add(here, one, questions)
    assert summary(sample_questions(pools[0], 5)) == summary(sample_questions(pools[1], 5))


def test_wordings_and_forms():
    pool = wide({"4D-OR": (1, 600)})

    def share(what, **options):
        items = sample_questions(pool, 600, **options).items
        return sum(map(what, items)) / len(items)

    assert share(lambda one: one.text == one.question.text) == 1
    assert share(lambda one: one.concise and one.said == one.answer) == 1
    assert share(lambda one: one.text == one.question.text, paraphrase=0.6) == pytest.approx(0.4, abs=0.08)
    assert share(lambda one: one.text.startswith("Find"), paraphrase=0.6) == pytest.approx(0.3, abs=0.08)
    assert share(lambda one: one.concise, sentences=0.3) == pytest.approx(0.7, abs=0.08)
    assert share(lambda one: one.said.startswith("At"), sentences=1.0) == pytest.approx(0.5, abs=0.08)


def test_a_task_that_fails_is_named():
    class Odd(Where):
        paraphrases = ("Where is {person}?",)

        def sampling_class(self, answer):
            return answer[9]

    with pytest.raises(OrqaError, match=r"task where failed at 4D-OR/t/000000: alike\('left'\): IndexError"):
        pool_of({"4D-OR": TAKE}, Odd())
    Odd.sampling_class = Where.sampling_class
    with pytest.raises(OrqaError, match="task where cannot word 'Where is "):
        sample_questions(pool_of({"4D-OR": TAKE}, Odd()), 5, paraphrase=0.5)


def test_the_manifest_says_how_many_of_each(registry):
    pool = QuestionPool()
    here = Timepoint("4D-OR", "train", "t", "0", 0)
    task = registry.task("count_people")
    pool.add(here, task, [Question("count_people", task.question, ("3",))])
    drawn = sample_questions(pool, 5, seed=7)
    found = drawn.manifest(registry.versions_of(drawn.names))
    (cell,) = found["cells"]
    assert (cell["dataset"], cell["task"]) == ("4D-OR", "count_people")
    assert [cell[name] for name in ("available", "wanted", "taken", "duplicates", "shortage")] == [1, 5, 1, 0, 4]
    assert (found["size"], found["questions"], found["seed"], found["how"]) == (5, 1, 7, "benchmark")
    assert (found["shortage"], found["duplicates"], found["weights"]) == (4, 0, {"4D-OR": 1.0})
    assert set(found["plugins"]) == {"4dor", "role"}
    assert found["plugins"]["role"].startswith("orqa-")


asked = st.tuples(
    st.sampled_from(["saw", "drill", "hammer"]),
    st.lists(st.sampled_from(["left", "right", "up"]), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from([None, "room1"]),
    st.sampled_from([1.0, 0.1]),
)
frames = st.lists(st.lists(asked, max_size=4), min_size=1, max_size=6)


@settings(max_examples=settings.default.max_examples * 3 // 5)
@given(frames, st.integers(1, 30), st.integers(0, 5), st.booleans())
def test_every_set_adds_up(frames, size, seed, replace):
    pool = pool_of({"4D-OR": frames})
    if not len(pool):
        assert sample_questions(pool, size, seed=seed, replace=replace).items == ()
        return
    for how in ("benchmark", "uniform"):
        drawn = sample_questions(pool, size, how=how, seed=seed, replace=replace)
        (cell,) = drawn.cells
        taken = list(map(identity, drawn.items))
        assert cell.wanted == size
        assert cell.taken == len(taken) == (size if replace else min(size, len(pool)))
        assert cell.duplicates == len(taken) - len(set(taken)) == (cell.duplicates if replace else 0)
        assert set(taken) <= {identity(one) for one in chain(*pool.cells.values())}
        larger = sample_questions(pool, size + 1, how=how, seed=seed, replace=replace)
        assert Counter(taken) <= Counter(map(identity, larger.items))
