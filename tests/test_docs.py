"""What the documentation says follows from the code."""

import importlib.util
import sys
from pathlib import Path

import pytest

from orqa_registry import Registry
from orqa_shards.sampling.mixture import Mixture

HOME = Path(__file__).resolve().parents[1]


def builder():
    sys.path.insert(0, str(HOME / "docs"))  # as it is where the file is run
    spec = importlib.util.spec_from_file_location("docs_build", HOME / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(builder().pages(Registry.load({}))), ids=lambda path: path.name)
def test_written_pages_are_up_to_date(path):
    assert path.read_text(encoding="utf-8") == builder().pages(Registry.load({}))[path], "run python docs/build.py"


def test_links_of_the_readme_lead_somewhere():
    import re

    text = (HOME / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if not target.startswith("http")]
    assert targets
    assert [target for target in targets if not (HOME / target).exists()] == []


def test_the_mixture_of_the_readme_is_one():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in text.split("```toml\n")[1:] if part.startswith("questions")]
    made = Mixture.parse(block)
    assert (made.questions, dict(made.datasets), made.weight("count_people")) == (4, {"4D-OR": 2, "MM-OR": 1}, 0)
