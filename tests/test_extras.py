"""Every extra can be installed: its requirements do not contradict one another, nor the versions tested together."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
EXTRAS = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
UNREACHABLE = re.compile(
    r"error sending request|failed to (fetch|lookup)|dns error|timed out|connectivity", re.IGNORECASE
)


def resolve(project: Path, *arguments: str) -> list[str]:
    """Return the pinned requirements that a project resolves to; skip where no package index can be reached."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--no-header", "--no-annotate", "--quiet", *arguments]
    # What is built only to read its requirements may need torch, as torch-scatter does: this environment has it.
    command += ["--python", sys.executable, "--no-build-isolation", str(project)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode and UNREACHABLE.search(run.stderr):
        pytest.skip(f"no package index can be reached: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_resolves_with_the_tested_versions(extra):
    pinned = resolve(HOME / "pyproject.toml", "--extra", extra, "--constraints", str(HOME / "constraints.txt"))
    assert any(requirement.startswith("click==") for requirement in pinned)


def test_requirements_that_contradict_one_another_do_not_resolve(tmp_path):
    (tmp_path / "requirements.in").write_text("click<8.1\nclick>8.1.2\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="click"):
        resolve(tmp_path / "requirements.in")
