"""The folders of the package stay small, and its modules import one another in one direction."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "orqa_plugin_mvor"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES})
LAYERS = {"names": 0, "download_parts": 1, "reader": 1, "writer": 1, "checks": 2, "dataset": 3, "": 4}
"""Module or sub-package -> its layer: it imports of lower ones and of itself; the package itself is ''."""


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported_modules(path):
    """Modules of the package that a file imports anywhere, inside functions and for type checkers too."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = members & set(MODULES)
            # `from package import module` needs the module; the package's own names are there only for other names.
            imported |= submodules if len(submodules) == len(members) else {*submodules, node.module}
    return imported & set(MODULES)


def layer(module):
    return LAYERS[module.removeprefix(PACKAGE.name).lstrip(".").partition(".")[0]]


def test_modules_import_one_another_without_cycles():
    imports = {name: imported_modules(path) for name, path in MODULES.items()}
    assert any(imports.values())
    assert PACKAGE.name not in set().union(*imports.values()), "what the package itself brings is for others"
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules


def test_sub_packages_import_in_one_direction():
    for name, path in MODULES.items():
        for other in imported_modules(path):
            same = name.split(".")[:2] == other.split(".")[:2]
            assert same or layer(other) < layer(name), f"{name} imports {other}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_has_at_most_13_files(folder):
    assert len([path for path in folder.iterdir() if path.is_file()]) <= 13


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_file_has_at_most_300_lines(path):
    assert len(path.read_text().splitlines()) <= 300
