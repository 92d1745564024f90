from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orqa_plugin_hybridor.synthesis import Order, prepare, synthesise

sys.path.insert(0, str(Path(__file__).parent))  # somewhere.py

ORDER = Order(takes=3, timepoints=14, size=112, seed=5)


@pytest.fixture(scope="session")
def order() -> Order:
    return ORDER


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset, written once by one process."""
    folder = tmp_path_factory.mktemp("hybridor")
    synthesise(folder, ORDER, prepare(folder, ORDER, force=False), 1, lambda done: None)
    return folder
