"""Who may import whom (docs/explanation/design.md), read from the sources."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
PACKAGES = {
    "orqa_registry": HOME / "orqa_registry",
    "orqa_shards": HOME / "shards" / "orqa_shards",
    "orqa_train": HOME / "train" / "orqa_train",
}
MAY = {
    "orqa_registry": {"orqa_registry"},
    "orqa_shards": {"orqa_registry", "orqa_shards"},
    "orqa_train": {"orqa_registry", "orqa_shards", "orqa_train"},
}
PLUGINS = sorted((HOME / "plugins").glob("orqa-plugin-*"))
CONFIG = tomllib.loads((HOME / "pyproject.toml").read_text())


def ours_imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            names = [node.module or ""]
        found |= {name.partition(".")[0] for name in names if name.startswith("orqa_")}
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_downwards_only(package):
    files = sorted(PACKAGES[package].rglob("*.py"))
    assert files
    for file in files:
        assert ours_imported(file) <= MAY[package], file


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_import_the_core_and_themselves_alone(plugin):
    own = plugin.name.replace("-", "_")
    files = [file for file in plugin.rglob("*.py") if "tests" not in file.parts and "benchmarks" not in file.parts]
    assert files
    for file in files:
        assert ours_imported(file) <= {"orqa_registry", own}, file


def test_every_plugin_folder_is_known_and_editable():
    known = CONFIG["project"]["entry-points"]["orqa_registry.known"]
    editable = CONFIG["tool"]["hatch"]["build"]["dev-mode-dirs"]
    names = [plugin.name.removeprefix("orqa-plugin-") for plugin in PLUGINS]
    assert sorted(known) == names
    assert sorted(known.values()) == sorted(plugin.name.replace("-", "_") for plugin in PLUGINS)
    assert [folder for folder in editable if folder.startswith("plugins/")] == [f"plugins/{p.name}" for p in PLUGINS]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_distribution_has_the_same_entry_point(plugin):
    own = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    known = CONFIG["project"]["entry-points"]["orqa_registry.known"]
    name = plugin.name.removeprefix("orqa-plugin-")
    assert own["name"] == plugin.name
    assert own["entry-points"]["orqa_registry"] == {name: known[name]}
    extras = {one.partition(">")[0] for one in own["dependencies"]} - {"orqa-registry"}
    offered = {one.partition(">")[0] for one in CONFIG["project"]["optional-dependencies"].get(name, ())}
    assert extras <= offered, "what a first-party plugin needs is also in an extra of the root"


def test_list_imports_nothing_heavy():
    heavy = ["torch", "numpy", "PIL", "webdataset", "transformers", "soundfile", "zstandard", "matplotlib"]
    code = (
        "import sys; from orqa_registry.cli.main import run; assert run(['list']) == 0; assert run(['--help']) == 0; "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_importing_the_core_has_no_side_effect():
    code = "import orqa_registry, sys, logging; assert not logging.root.handlers; print('plugins' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("False", "")
