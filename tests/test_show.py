"""What people are shown: words of data give the terminal no orders, and progress tells the speed of this run."""

import io
import json
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("simplejpeg")

from orqa_registry import DataWarning, OrqaError
from orqa_registry.cli.main import run
from orqa_registry.console import output
from orqa_shards.format import label_file

EVIL = "\x1b]0;pwned\x07train\x9b31m\u202e[/]"


@given(st.text())
def test_what_is_said_can_be_printed_and_keeps_its_lines(text):
    said = output.printable(text)
    assert all(one.isprintable() for one in said if one not in output.KEPT_LETTERS)
    assert said.count("\n") == text.count("\n")
    assert text.isprintable() <= (said == text)


def test_what_cannot_be_printed_is_shown_as_an_escape():
    assert output.printable(EVIL) == r"\x1b]0;pwned\x07train\x9b31m\u202e[/]"
    assert output.printable("5\xa0mm\nzwölf") == "5\xa0mm\nzwölf"


@pytest.fixture
def hostile(folder):
    """Return shards of which a split is called as a stranger likes, also in its labels, and so is a dataset."""
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["splits"][EVIL] = manifest["splits"].pop("train")
    path = folder / entry["labels"]["name"]
    before, after = path.read_bytes(), b""
    for take in entry["takes"]:
        lines = label_file.unpack_take(before[take["offset"] : take["offset"] + take["bytes"]], "here")
        frame = label_file.pack_take(
            [json.dumps({**json.loads(line), "split": EVIL}).encode() + b"\n" for line in lines]
        )
        take["offset"], take["bytes"] = len(after), len(frame)
        after += frame
    path.write_bytes(after)
    entry["labels"]["bytes"] = len(after)
    manifest["datasets"][EVIL] = {"title": EVIL, "licence": EVIL}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", "DIR"], 0),
        (["inspect", "DIR", "0", "--split", EVIL], 0),
        (["inspect", "DIR", "0", "--split", EVIL * 2], 2),
        (["stats", "DIR"], 0),
        (["stats", "DIR", "--split", EVIL * 2], 2),
        (["mixture", "--data", "DIR", "--split", EVIL], 0),
        (["mixture", "--data", "DIR", "--set", f"datasets.{EVIL}=1"], 2),
        (["mixture", "--set", f"datasets.{EVIL}=1"], 0),
        (["mixture", "--data", "DIR", "--split", "none"], 2),
        (["verify", "DIR"], 1),
        (["list", f"--{EVIL}"], 2),
    ],
)
def test_names_of_a_stranger_give_the_terminal_no_orders(hostile, capsys, monkeypatch, arguments, code):
    monkeypatch.setenv("COLUMNS", "300")
    assert run([str(hostile) if one == "DIR" else one for one in arguments]) == code
    shown = "".join(capsys.readouterr())
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    assert r"\x1b]0;pwned" in shown or r"\u001b]0;pwned" in shown


def test_warnings_and_errors_give_none_either(capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: print(f"odd: {message}", file=sys.stderr))
    with output.showing_warnings(strict=False):
        warnings.warn(f"{EVIL} is damaged", DataWarning, stacklevel=1)
        warnings.filterwarnings("always")
        warnings.warn(f"{EVIL} is odd", UserWarning, stacklevel=1)

    def fails():
        raise OrqaError(f"two lines:\n  {EVIL}")

    monkeypatch.setattr("orqa_registry.registry.Registry.load", fails)
    assert run(["list"]) == 1
    shown = capsys.readouterr().err
    assert not set(shown) & set("\x1b\x07\x9b\u202e")
    assert r"warning: \x1b]0;pwned" in shown
    assert r"odd: \x1b]0;pwned" in shown
    assert "error: two lines:\n  \\x1b]0;pwned" in shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that makes stderr a terminal; not here, since pytest puts its own in place before a test."""

    def made():
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return made


def test_the_speed_is_that_of_this_run(terminal, monkeypatch):
    """A run that goes on had 900,000 done before; counting the first 1,000 took as long as it took."""
    shown, now = terminal(), 100
    monkeypatch.setattr(output, "monotonic", lambda: now)
    with output.show_progress("things") as advance:
        advance("counted", 1000, 1000)
        now += 50
        advance("written", 900_000, 1_000_000)
        now += 2
        advance("written", 900_040, 1_000_000)
    assert "things, 20.0 a second" in shown.getvalue()


def test_names_in_progress_are_neither_orders_nor_markup(terminal):
    shown = terminal()
    with output.show_progress("takes") as advance:
        advance(EVIL, 1, 2, EVIL)
    assert "\x1b]0;" not in shown.getvalue()
    assert "\x07" not in shown.getvalue()
    assert output.printable(EVIL) in shown.getvalue()


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys, monkeypatch):
    now = 100.0
    monkeypatch.setattr(output, "monotonic", lambda: now)
    with output.show_progress("steps") as advance:
        for step in range(1, 101):
            now += 1
            advance("training", step, 100, "loss 2.000")
    first, second, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("training loss 2.000: 5/100 steps, ")
    assert second.startswith("training loss 2.000: 65/100 steps, ")
    assert second.endswith(", 0:00:35 left")
    assert rest == []


def test_progress_without_a_unit_has_no_gap(terminal):
    shown = terminal()
    with output.show_progress("") as advance:
        advance("written", 1200, 4000)
    assert "1,200/4,000, " in shown.getvalue()


@pytest.mark.parametrize(("raised", "said"), [((), "stopped"), (("all is kept",), "stopped: all is kept")])
def test_what_is_stopped_says_what_is_kept(capsys, monkeypatch, raised, said):
    def fails():
        raise KeyboardInterrupt(*raised)

    monkeypatch.setattr("orqa_registry.registry.Registry.load", fails)
    assert run(["list"]) == 1
    assert capsys.readouterr().err == f"{said}\n"
