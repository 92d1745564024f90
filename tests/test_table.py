"""Tables: nothing is lost or out of line, and nothing is wider than the terminal."""

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from orqa_registry.console import output
from orqa_registry.console.table import COLUMN_GAP, layout_table

CELLS = st.text("ab ,-é●\n", max_size=40)


@st.composite
def tables(draw):
    columns = draw(st.integers(1, 4))
    row = st.lists(CELLS, min_size=columns, max_size=columns)
    return draw(row), draw(st.lists(row, max_size=5)), draw(st.integers(20, 60))


@given(tables())
def test_every_letter_is_there_and_no_line_is_too_wide(table):
    columns, rows, width = table
    head, below = layout_table(columns, rows, right=columns[:1], width=width)
    assert all(len(line) < width for line in (*head, *below))
    rule, *body = below
    assert set(rule) == {" ", "─"}
    for lines, cells in ((head, [columns]), (body, rows)):
        shown = sorted("".join(lines).replace(" ", ""))
        assert shown == sorted("".join(map("".join, cells)).replace(" ", "").replace("\n", ""))


def test_cells_are_folded_between_words_and_lie_under_their_column():
    head, below = layout_table(
        ["name", "what", "n"], [["a", "one two three", "5"], ["b", "four\nfive", "1,000"]], right=["n"], width=24
    )
    assert "\n".join([*head, *below]) == textwrap.indent(
        "name   what          n\n"
        "──────────────────────\n"
        "a      one two       5\n"
        "       three\n"
        "b      four      1,000\n"
        "       five",
        " ",
    )


def test_a_table_has_a_title_and_is_bold_on_a_terminal_alone(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    output.print_table("Title", ("k", "v"), [["a", 1]])
    assert capsys.readouterr().out == f"Title\n\n k{COLUMN_GAP}v\n ─────\n a{COLUMN_GAP}1\n\n"
    output.print_table("Title", ("", ""), [["a", 1]])
    assert capsys.readouterr().out == f"Title\n\n ─────\n a{COLUMN_GAP}1\n\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.print_table("Title", ("k", "v"), [])
    assert capsys.readouterr().out.startswith(f"\x1b[1mTitle\x1b[0m\n\n\x1b[1m k{COLUMN_GAP}v\x1b[0m\n")
