from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orqa_plugin_hybridor.recording.dataset_writer import DatasetOptions, prepare_folder, write_dataset

sys.path.insert(0, str(Path(__file__).parent))  # fake_datasets.py

OPTIONS = DatasetOptions(takes=3, timepoints=14, size=112, seed=5)


@pytest.fixture(scope="session")
def options() -> DatasetOptions:
    return OPTIONS


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset, written once by one process."""
    folder = tmp_path_factory.mktemp("hybridor")
    write_dataset(folder, OPTIONS, prepare_folder(folder, OPTIONS, force=False), 1, lambda done: None)
    return folder
