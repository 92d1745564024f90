"""The registry: a broken plugin costs itself alone, and is named."""

import sys
import types

import pytest

from orqa_registry import CallError, Card, Dataset, OrqaError, Registry, Take, Task, ask, hookimpl, plugin_discovery


def dataset(name, provides=frozenset({"roles"}), **others):
    given = {"card": Card("t", "l", "ask nicely"), "takes": lambda self, root, split: iter(()), **others}
    return type("Made", (Dataset,), {"name": name, "provides": provides, **given})()


def task(name, needs=frozenset({"roles"}), ask=lambda self, moment: iter(()), **others):
    given = {"question": "?", "ask": ask, "score": lambda self, truth, answer: 1.0, **others}
    return type("Made", (Task,), {"name": name, "needs": needs, **given})()


def plugin(name="module", **hooks):
    module = types.ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return module


GOOD = plugin("good", orqa_datasets=lambda: [dataset("Good")], orqa_tasks=lambda: [task("fine")])


def half_way():
    yield dataset("Half")
    raise RuntimeError("the disk is gone")


BROKEN = {
    "raises in a hook": (plugin(orqa_tasks=lambda: 1 / 0), "ZeroDivisionError"),
    "raises half-way": (plugin(orqa_datasets=half_way), "the disk is gone"),
    "misspells a hook": (plugin(orqa_dataset=lambda: iter(())), "orqa_dataset"),
    "takes a taken name": (plugin(orqa_datasets=lambda: [dataset("Mine"), dataset("good")]), "'good' is taken"),
    "names a thing twice": (plugin(orqa_tasks=lambda: [task("a"), task("A")]), "'A' is taken"),
    "yields something else": (plugin(orqa_tasks=lambda: ["fine"]), "not a Task"),
    "needs an unknown facet": (plugin(orqa_tasks=lambda: [task("b", {"rolls"})]), "did you mean 'roles'"),
    "provides a word": (plugin(orqa_datasets=lambda: [dataset("C", "roles")]), "set of facet names"),
    "has no card": (plugin(orqa_datasets=lambda: [dataset("D", card=None)]), "D.card must be a Card"),
    "forgot a comma": (plugin(orqa_datasets=lambda: [dataset("E", splits="test")]), "E.splits must be a list"),
    "has no question": (plugin(orqa_tasks=lambda: [task("c", question=None)]), "c.question must be a sentence"),
    "says one paraphrase": (plugin(orqa_tasks=lambda: [task("d", paraphrases="Why?")]), "list of sentences"),
    "leaves": (plugin(orqa_tasks=lambda: sys.exit(3)), "SystemExit"),
    "has no name": (plugin(orqa_tasks=lambda: [task("")]), "without a name"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_costs_itself_alone(kind):
    broken, expected = BROKEN[kind]
    registry = Registry()
    registry.register("good", GOOD, "orqa-plugin-good", "1.0")
    registry.register("broken", broken, "orqa-plugin-broken", "2.0")
    registry.register("late", plugin(orqa_tasks=lambda: [task("later")]))
    assert list(registry.datasets) == ["Good"]
    assert sorted(registry.tasks) == ["fine", "later"]
    (problem,) = registry.problems
    assert (problem.plugin, problem.distribution, problem.version) == ("broken", "orqa-plugin-broken", "2.0")
    assert expected in problem.error
    assert [one.name for one in registry.fitting_tasks(registry.dataset("good"))] == ["fine", "later"]


class Point:
    def __init__(self, name, value, dist=None):
        self.name, self.value, self.module, self.dist = name, value, value, dist


def entry_points(monkeypatch, known, others):
    for group, points in ((plugin_discovery.FIRST_PARTY_GROUP, known), (plugin_discovery.PLUGIN_GROUP, others)):
        for point in points:
            point.group = group
    monkeypatch.setattr(plugin_discovery, "_entry_points", lambda: iter([*known, *others]))


def test_a_plugin_that_fails_to_import_is_named(monkeypatch, tmp_path):
    (tmp_path / "orqa_broken_import.py").write_text("import a_package_that_is_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry_points(monkeypatch, [], [Point("broken", "orqa_broken_import"), Point("role", "orqa_plugin_role")])
    registry = Registry.load({})
    assert "count_people" in registry.tasks
    (problem,) = registry.problems
    assert problem.plugin == "broken"
    assert "a_package_that_is_not_there" in problem.error


def test_a_known_plugin_that_is_not_installed_is_news_not_a_problem(monkeypatch):
    entry_points(monkeypatch, [Point("role", "orqa_plugin_role"), Point("lasers", "orqa_plugin_lasers")], [])
    registry = Registry.load({})
    assert registry.missing == {"lasers": "orqa-plugin-lasers"}
    assert not registry.problems


def test_a_known_plugin_installed_for_itself_is_one_plugin(monkeypatch):
    others = [Point("role", "orqa_plugin_role"), Point("role", "orqa_plugin_tool")]
    entry_points(monkeypatch, [Point("role", "orqa_plugin_role")], others)
    registry = Registry.load({})
    assert list(registry.plugins) == ["role"]
    assert ["the name is taken" in one.error for one in registry.problems] == [True]


def test_an_allow_list_admits_what_it_names(monkeypatch):
    entry_points(monkeypatch, [Point("role", "orqa_plugin_role"), Point("tool", "orqa_plugin_tool")], [])
    assert list(Registry.load({"ORQA_PLUGINS": "tool"}).plugins) == ["tool"]


def test_strict_raises_what_the_plugin_raises():
    with pytest.raises(ZeroDivisionError):
        Registry(strict=True).register("broken", BROKEN["raises in a hook"][0])


def test_an_unknown_name_offers_the_nearest_and_tells_what_did_not_load():
    registry = Registry()
    registry.register("good", GOOD)
    registry.register("broken", BROKEN["raises in a hook"][0])
    with pytest.raises(CallError, match="did you mean 'Good'") as caught:
        registry.dataset("goood")
    assert "not loaded: plugin broken" in str(caught.value)


def test_names_are_found_however_they_are_typed():
    registry = Registry.load()
    assert registry.dataset("4dor").name == "4D-OR"
    assert registry.task("Tools-Used").name == "tools_used"
    assert registry.split(registry.dataset("4D-OR"), "val") == "validation"
    with pytest.raises(CallError, match="validation"):
        registry.split(registry.dataset("4D-OR"), "valid")


def test_a_task_fits_where_its_needs_are_met():
    registry = Registry()
    registry.register("good", GOOD)
    registry.register("picky", plugin(orqa_tasks=lambda: [task("picky", {"roles", "gaze"})]))
    assert [one.name for one in registry.fitting_tasks(registry.dataset("Good"))] == ["fine"]
    with pytest.raises(CallError, match="does not provide gaze"):
        registry.fitting_tasks(registry.dataset("Good"), ["picky"])


def test_a_task_that_raises_is_named_with_its_timepoint(make_take):
    def fail(self, moment):
        raise KeyError("roles")

    registry = Registry()
    registry.register("bad", plugin(orqa_tasks=lambda: [task("bad", ask=fail)]))
    take = make_take([{"roles": ("nurse",)}])
    with pytest.raises(OrqaError, match="task bad failed at d/t/000000"):
        list(ask(next(iter(take)), take.timeline(), registry.tasks.values()))


def test_absent_facets_mean_no_question(make_take):
    registry = Registry.load()
    take = make_take([{"actions": ()}, {}])
    first, second = take
    asked = [one.name for one, questions in ask(first, take.timeline(), registry.tasks.values()) if questions]
    assert asked == ["current_action"]
    assert list(ask(second, take.timeline(), registry.tasks.values())) == []


def test_where_a_dataset_lies(tmp_path):
    registry = Registry()
    registry.register("good", GOOD)
    good = registry.dataset("good")
    (tmp_path / "Good").mkdir()
    assert registry.locate(good, None, {"ORQA_DATA": str(tmp_path)}) == tmp_path / "Good"
    assert registry.locate(good, tmp_path, {}) == tmp_path
    with pytest.raises(CallError, match="--root"):
        registry.locate(good, None, {})
    with pytest.raises(OrqaError, match="ask nicely"):
        registry.locate(good, tmp_path / "nowhere", {})
    registry.register("finder", plugin(orqa_locate=lambda dataset: tmp_path if dataset == "Good" else None))
    assert registry.locate(good, None, {}) == tmp_path


def test_a_plugin_that_fails_to_locate_is_named_and_the_next_one_asked(tmp_path):
    registry = Registry()
    registry.register("good", GOOD)
    registry.register("bad", plugin(orqa_locate=lambda dataset: 1 / 0))
    registry.register("finder", plugin(orqa_locate=lambda dataset: str(tmp_path)))
    assert registry.locate(registry.dataset("good"), None, {}) == tmp_path
    assert [one.plugin for one in registry.problems] == ["bad"]


def test_a_strange_question_is_named_with_its_task(make_take):
    take = make_take([{"roles": ()}])
    for asks, said in ((lambda self, moment: [self.pose(3)], "words"), (lambda self, moment: ["?"], "no question")):
        with pytest.raises(OrqaError, match=rf"task odd failed at d/t/000000.*{said}"):
            list(ask(next(iter(take)), take.timeline(), [task("odd", ask=asks)]))


@pytest.mark.parametrize("score", [float("nan"), 2.0, -1, "high"])
def test_a_score_is_from_0_to_1(score):
    registry = Registry()
    registry.register("odd", plugin(orqa_tasks=lambda: [task("odd", score=lambda self, truth, answer: score)]))
    with pytest.raises(OrqaError, match="task odd failed to score"):
        registry.score("odd", "a", "b")


def test_an_allow_list_that_names_nothing_says_so(monkeypatch):
    entry_points(monkeypatch, [Point("role", "orqa_plugin_role")], [])
    registry = Registry.load({"ORQA_PLUGINS": "rol"})
    assert [one.plugin for one in registry.problems] == ["rol"]


def test_commands_of_a_broken_plugin_are_left_out():
    import click

    def bad(cli):
        cli.add_command(click.Command("half"))
        raise RuntimeError("no")

    def thief(cli):
        cli.add_command(click.Command("kept"))

    registry = Registry()
    group = click.Group("g", {"kept": click.Command("kept", help="first")})
    for name, hook in (("bad", bad), ("thief", thief)):
        registry.register(name, plugin(orqa_commands=hook))
    registry.add_commands(group)
    assert list(group.commands) == ["kept"]
    assert group.commands["kept"].help == "first"
    assert [one.plugin for one in registry.problems] == ["bad", "thief"]


def test_hooks_are_documented_with_a_complete_example(tmp_path):
    """Each hookspec's docstring holds a plugin that loads."""
    import inspect
    import textwrap

    from orqa_registry import hooks

    specs = [one for name, one in vars(hooks).items() if name.startswith("orqa_")]
    assert len(specs) == 5
    for spec in specs:
        example = textwrap.dedent(inspect.getdoc(spec).partition("Example:")[2].strip("\n"))
        module = types.ModuleType(spec.__name__)
        exec(compile(example, spec.__name__, "exec"), vars(module))
        registry = Registry(strict=True)
        registry.register("example", module)
        assert list(registry.plugins) == ["example"]


def test_a_question_has_an_answer():
    with pytest.raises(ValueError, match="at least one right answer"):
        task("t").pose()
    with pytest.raises(TypeError, match="answers are words, not 3"):
        task("t").pose(3)
    far = task("far", question="How far is {a} from {b}?")
    with pytest.raises(KeyError, match="'a'"):
        far.pose("3 mm", b="nurse")
    assert far.pose("3 mm", a="drill", b="nurse").text == "How far is drill from nurse?"


def test_a_take_can_be_read_again(make_take):
    take = make_take([{}, {}])
    assert isinstance(take, Take)
    assert [point.frame for point in take] == [point.frame for point in take] == ["000000", "000001"]
