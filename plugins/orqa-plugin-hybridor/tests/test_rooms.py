"""Each folder of the package is a room of its own: few files, short ones, and imports that lead one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1] / "orqa_plugin_hybridor"
FILES = sorted(HOME.rglob("*.py"))
FOLDERS = sorted({file.parent for file in FILES})
MAX_FILES, MAX_LINES = 13, 300


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(file): file for file in FILES}


def imported_modules(file: Path) -> set[str]:
    """Return the modules of the package that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= (submodules & set(MODULES)) or {str(node.module)}
    own = {name for name in names if name.partition(".")[0] == HOME.name}
    assert own <= set(MODULES), f"{file} imports {sorted(own - set(MODULES))}"
    return own


def test_imports_between_folders_have_no_cycle() -> None:
    graph: dict[str, set[str]] = {str(folder.relative_to(HOME)): set() for folder in FOLDERS}
    for file in FILES:
        folder = str(file.parent.relative_to(HOME))
        targets = {str(MODULES[name].parent.relative_to(HOME)) for name in imported_modules(file)}
        graph[folder] |= targets - {folder}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FOLDERS) > 5  # raises CycleError
    assert all("." not in targets for targets in graph.values()), "a folder imports what lies at the top"


def test_imports_between_files_have_no_cycle() -> None:
    graph = {name: imported_modules(file) - {name} for name, file in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(HOME)))
def test_a_folder_has_few_files(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MAX_FILES
    assert (folder / "__init__.py").is_file()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_a_file_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
