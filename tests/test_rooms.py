"""The house: rooms in one direction, of few files, one name for one thing, and what strangers may use."""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
MOST_FILES, MOST_LINES = 14, 300
PLUGINS = sorted((HOME / "plugins").glob("orqa-plugin-*"))
ORDER = {
    "orqa_registry": "foundations data readers questions answerer hooks validation registry prompts doctor exchange "
    "console cli",
    "orqa_shards": "error_budget storage format read sampling write verify report cli",
    "orqa_train": "recipe models training plots answering evaluation cli",
}
"""Package -> its rooms, each of which may import those before it."""

COMMANDS = {"ask", "train", "verify"}
"""Commands that have the name of what they call."""
ALSO_IN_PLUGINS = {"Array", "Floats"}
"""Types of arrays that a plugin may call alike."""


def load_rooms():
    spec = importlib.util.spec_from_file_location("docs_rooms", HOME / "docs" / "rooms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rooms = load_rooms()


def test_no_module_imports_itself_around():
    assert rooms.cycles(rooms.import_graph()) == []


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_in_one_direction(package):
    graph = rooms.room_graph(package)
    order = [f"{package}.{name}" for name in ORDER[package].split()]
    assert sorted(graph) == sorted(order), "a new room has a place in ORDER"
    for room, targets in graph.items():
        allowed = set(order[: order.index(room)])
        assert targets <= allowed, f"{room} imports {sorted(targets - allowed)}"


def source_folders():
    tops = [*rooms.PACKAGES.values(), *(plugin / plugin.name.replace("-", "_") for plugin in PLUGINS)]
    return sorted({path.parent for top in tops for path in top.rglob("*.py")} | set(PLUGINS))


@pytest.mark.parametrize("folder", source_folders(), ids=lambda path: str(path.relative_to(HOME)))
def test_a_room_can_be_seen_through(folder):
    files = sorted(folder.glob("*.py"))
    assert len(files) <= MOST_FILES, f"{len(files)} files"
    for path in files:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path


def test_the_cycle_finder_finds_cycles():
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a"), "d": frozenset("a")}
    assert rooms.cycles(graph) == [["a", "b", "c"]]
    assert rooms.reduced({"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()})["a"] == {"b"}


def defined(path):
    """Return the public functions, classes and constants of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            is_type_variable = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "TypeVar"
            targets = [] if is_type_variable else node.targets
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from (name for name in names if not name.startswith(("_", "orqa_")))


def test_one_public_name_means_one_thing():
    where = defaultdict(set)
    for package in rooms.PACKAGES:
        for module, path in rooms.modules(package).items():
            for name in defined(path):
                where[name].add(module)
    twice = {name: sorted(modules) for name, modules in where.items() if len(modules) > 1 and name not in COMMANDS}
    assert twice == {}
    for plugin in PLUGINS:
        for path in plugin.rglob("*.py"):
            if not {"tests", "benchmarks"} & set(path.parts):
                again = {name for name in defined(path) if name in where} - ALSO_IN_PLUGINS
                assert again == set(), f"{path.relative_to(HOME)} gives names of the core another meaning"


@pytest.mark.parametrize("package", ORDER)
def test_what_a_package_lists_is_there(package):
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(
        module.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", ["orqa_shards", "orqa_train"])
def test_lazy_names_are_those_that_type_checkers_see(package):
    text = (rooms.PACKAGES[package] / "__init__.py").read_text(encoding="utf-8")
    checked = text.partition("\nif TYPE_CHECKING:\n")[2].partition("\n__all__")[0]
    seen = {
        name: module
        for module, names in re.findall(rf"^    from {package}\.([\w.]+) import (.+)$", checked, re.MULTILINE)
        for name in names.split(", ")
    }
    exports = text.partition("__getattr__ = lazy_exports(")[2].partition("\n)")[0]
    assert dict(re.findall(r'"(\w+)": "([\w.]+)"', exports)) == seen
    assert sorted(seen) == sorted(importlib.import_module(package).__all__)


def test_importing_a_package_imports_nothing_that_it_only_lists():
    code = "import sys, orqa_shards, orqa_train; print([m for m in ('numpy', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_use_what_strangers_may_use(plugin):
    public = {"orqa_registry", *_listed("orqa_registry")}
    for path in plugin.rglob("*.py"):
        if {"tests", "benchmarks"} & set(path.parts):
            continue
        for module in rooms.imported(path, rooms.import_graph()):
            assert module in public, f"{path.relative_to(HOME)} imports {module}, which no `__all__` lists"


def _listed(package):
    """Yield the modules that the folders of a package list in their `__all__`, and these folders."""
    for folder in (rooms.PACKAGES[package]).rglob("__init__.py"):
        name = ".".join([package, *folder.parent.relative_to(rooms.PACKAGES[package]).parts])
        listed = getattr(importlib.import_module(name), "__all__", ())
        modules = [f"{name}.{item}" for item in listed if f"{name}.{item}" in rooms.import_graph()]
        yield from modules
        if modules:
            yield name
