"""What a budget of tokens takes from a prompt, and what it leaves."""

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from prompting import SENSORS, a_memory, a_point, made

from orqa_registry import CallError
from orqa_registry.prompts.build import Prompt, fit_to_budget
from orqa_registry.prompts.memory import LONG_MARK, MEMORY_STYLES, SHORT_MARK
from orqa_registry.prompts.policy import IMAGE_MARK, find_policy


def words(text):
    return len(text.split()) + 99 * text.count(IMAGE_MARK)


ITEMS = st.lists(st.sampled_from(["incision", "nurse,holding,saw", "not nurse,holding,saw"]), max_size=14)


@st.composite
def prompts(draw):
    memory = a_memory(*draw(ITEMS))
    said = st.sampled_from(["", "a b c", "word " * 30])
    return Prompt(
        "k",
        "t",
        "Which tools are currently being used? Answer concisely.",
        "Drill",
        (),
        (),
        draw(st.sampled_from(["", *(memory.text(20, style) for style in MEMORY_STYLES)])),
        *(draw(said) for _ in range(3)),
        draw(st.sampled_from(["", "You see a room."])),
    )


@given(prompts(), st.integers(0, 120))
@example(Prompt("k", "t", "Which?", "Drill", memory="Long: Short"), 0)
def test_d23_the_question_is_whole_and_nothing_else_is_over_budget(prompt, budget):
    cut = fit_to_budget(prompt, budget, words)
    barest = evolve(prompt, memory="", speech="", tracker="", robot="")
    assert cut.question == prompt.question
    assert words(cut.text) <= budget or cut == barest
    assert (cut.images, cut.answer, cut.preamble) == (prompt.images, prompt.answer, prompt.preamble)
    if words(prompt.text) <= budget:
        assert cut == prompt
    # What goes, goes in its order, and memory goes first.
    pieces = [(getattr(prompt, name), getattr(cut, name)) for name in ("memory", "speech", "tracker", "robot")]
    gone = [whole != left for whole, left in pieces if whole]
    assert gone == sorted(gone, reverse=True)
    assert all(left in {"", whole} for whole, left in pieces[1:])
    if any(whole != left for whole, left in pieces[1:]):
        assert cut.memory == ""
    assert not cut.memory or well_formed(cut.memory, prompt.memory)


def well_formed(left, whole):
    return marks(left) == marks(whole) and items(whole)[-len(items(left)) :] == items(left) and left[-1] not in " ;:"


def marks(memory):
    return [mark in memory for mark in ("Long", "Short")]


def items(memory):
    pieces = memory.replace(LONG_MARK, "; ").replace(SHORT_MARK, "; ").split("; ")
    return [one for one in pieces if one not in ("", "Long", "Short")]


def test_d23_the_oldest_of_a_memory_goes_first():
    memory = a_memory("a", "b", "c", "d", "e", "f", "g")
    whole = made("eval", memory=memory, at=9, point=a_point())
    assert whole.memory == "Long: a; b; Short: c; d; e; f; g"
    size = words(whole.text)
    seen = list(dict.fromkeys(fit_to_budget(whole, size - k, words).memory for k in range(12)))
    assert seen[:4] == [
        "Long: a; b; Short: c; d; e; f; g",
        "Long: b; Short: c; d; e; f; g",
        "Long: Short: c; d; e; f; g",
        "Long: Short: d; e; f; g",
    ]
    assert seen[-2:] == ["Long: Short: g", ""]


def test_a_budget_is_kept_where_prompts_are_built():
    policy = evolve(find_policy("eval"), budget=7)
    with pytest.raises(CallError, match="count"):
        made(policy)
    bare = made(policy, point=a_point(sensors=SENSORS), count=words)
    assert bare.text == "Which tools are currently being used? Answer concisely."
    assert len(made(policy, count=words).images) == 7, "images are not the budget's to take"
