"""The published wheels: the root brings three packages and no plugin; a plugin installs beside it."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]


def wheel(source, out):
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "-w", str(out), str(source)], check=True, capture_output=True)
    return max(out.glob("*.whl"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the root and one plugin, unpacked as pip would."""
    out = tmp_path_factory.mktemp("wheels")
    site = out / "site"
    for source in (HOME, HOME / "plugins" / "orqa-plugin-hybridor", HOME / "plugins" / "orqa-plugin-role"):
        with zipfile.ZipFile(wheel(source, out)) as packed:
            packed.extractall(site)
    return site


def test_the_root_wheel_holds_the_three_packages_alone(site):
    tops = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"orqa_registry", "orqa_shards", "orqa_train", "orqa_plugin_hybridor", "orqa_plugin_role.py"}
    assert (site / "orqa_train" / "recipes" / "tiny.toml").is_file()


def test_known_plugins_are_offered_and_installed_ones_loaded(site):
    """Isolated from this environment's own entry points: only what the wheels bring is seen."""
    code = (
        "import sys; from importlib import metadata; site = sys.argv[1]; "
        "found = [d for d in metadata.distributions(path=[site])]; "
        "metadata.distributions = lambda: found; "
        "sys.path = [site] + [p for p in sys.path if 'plugin' not in p]; "
        "from orqa_registry.cli.main import run; sys.exit(run(['list', '--json']))"
    )
    environ = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(site)], capture_output=True, text=True, env=environ, check=True, cwd=site
    )
    listed = json.loads(done.stdout)
    assert listed["problems"] == []
    assert sorted(listed["plugins"]) == ["hybridor", "role", "shards", "train"]
    assert listed["not_installed"]["4dor"] == "orqa-plugin-4dor"
    assert listed["datasets"]["HybridOR"]["tasks"] == ["count_people", "role_people"]
