"""Recipes: what is read is what is written, what cannot be is refused, and the help explains every key."""

import pytest
from attrs import evolve, fields
from small_root import call

from orqa_registry import CallError
from orqa_shards.cli.mixture import record_keys
from orqa_shards.sampling.mixture import Mixture
from orqa_train import recipe
from orqa_train.cli import train

WRONG_CHANGES = (
    ("steps", "KEY=VALUE"),
    ("tiny=3", "table"),
    ("views=room1", "list of names"),
    ("seed=x", "int"),
    ("steps=0", "more than 0"),
    ("readers=0", "more than 0"),
    ("warmup=2.0", "0 to 1"),
    ("precision=bf16", "did you mean 'bfloat16'"),
    ("schedule=cosin", "did you mean 'cosine'"),
    ("attention=flash_attention_2", "sdpa"),
    ("tiny.hidden=16", "at least 8"),
    ("mixture=3", "mixture is a table"),
    ("mixture.question=3", "did you mean 'questions'"),
    ("mixture.questions=-1", "0 or more"),
    ("mixture.tasks=3", "tasks is a table"),
    ("mixture.paraphrase={x = 1}", "a number was expected"),
)


def test_recipes_are_read_checked_and_written(tmp_path):
    changes = ["steps=7", "schedule=constant", "tiny.layers=3", "mixture.questions=4", "mixture.tasks.tools_used=2"]
    made = recipe.load_recipe("tiny", [*changes, 'mixture.drop={"room*.jpg" = 0.5}', "mixture.tasks.x=0"])
    assert (made.steps, made.schedule, made.tiny.layers) == (7, "constant", 3)
    assert made.mixture == Mixture(questions=4, tasks={"tools_used": 2, "x": 0}, drop={"room*.jpg": 0.5})
    path = tmp_path / "mine.toml"
    path.write_text(made.to_toml())
    assert recipe.load_recipe(str(path)) == made
    assert recipe.load_recipe(str(path)).to_toml() == made.to_toml()
    odd = evolve(made, model='a "b"\n\\c\x7f', views=("room1", "a\nb\x9b"))
    path.write_text(odd.to_toml())
    assert recipe.load_recipe(str(path)) == odd
    path.write_text("steps = ")
    with pytest.raises(CallError, match="not TOML"):
        recipe.load_recipe(str(path))


@pytest.mark.parametrize(
    "change", ["drop.room1.jpg=0.5", 'drop."room*.jpg"=1', "tasks.tools_used=2", "drop={'a.jpg' = 0.5}", "seed=4"]
)
def test_a_change_of_the_mixture_is_said_as_to_the_mixture_itself(change):
    assert recipe.load_recipe("tiny", [f"mixture.{change}"]).mixture == recipe.load_recipe("tiny").mixture.with_change(
        change, ""
    )
    with pytest.raises(CallError, match=r"^--set mixture\.drop\.room1\.jpg=5: \[drop\] room1\.jpg is 5"):
        recipe.load_recipe("tiny", ["mixture.drop.room1.jpg=5"])


@pytest.mark.parametrize(("change", "said"), WRONG_CHANGES)
def test_a_change_that_cannot_be_is_refused(change, said):
    with pytest.raises(CallError, match=said):
        recipe.load_recipe("tiny", [change])


def test_a_mixture_of_its_own_replaces_the_recipes(tmp_path):
    path = tmp_path / "mixture.toml"
    path.write_text("questions = 2\nseed = 4\n[tasks]\ntools_used = 3\n")
    made = recipe.load_recipe("finetune", ["mixture.seed=5"], path)
    assert made.mixture == Mixture(seed=5, questions=2, tasks={"tools_used": 3})
    assert recipe.load_recipe("finetune").mixture == Mixture(paraphrase=0.5)
    assert (made.with_seed(9).seed, made.with_seed(9).mixture.seed) == (9, 9)
    assert dict(made.with_tasks(["role_people"]).mixture.tasks) == {"*": 0.0, "role_people": 1.0}


def test_the_help_explains_every_key_of_a_recipe_with_its_default(registry):
    assert sorted(name for name, _ in record_keys(recipe.Recipe)) == sorted(one.name for one in fields(recipe.Recipe))
    assert all(said for _, said in record_keys(recipe.Recipe))
    told = " ".join(call(registry, train.train, "--help").split())
    assert "save_every steps from one checkpoint to the next; Ctrl-C takes one too. Default: 200." in told
