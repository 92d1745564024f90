"""The command line `orqa-registry`. Commands beyond these few arrive through the hook `orqa_commands`."""

from __future__ import annotations

import os
import sys
from io import StringIO

import click

from orqa_registry.console import output
from orqa_registry.console.lazy_command import LazyCommand
from orqa_registry.errors import CallError, DataWarning, OrqaError, suggest_names
from orqa_registry.registry import Registry

COMMANDS = (
    LazyCommand("list", "orqa_registry.cli.list_:list_", "List datasets, tasks, answerers and plugins."),
    LazyCommand("info", "orqa_registry.cli.info:info", "Tell everything about a dataset or a task called NAME."),
    LazyCommand(
        "doctor",
        "orqa_registry.cli.doctor:doctor",
        "Say what of DATASET is on disk: takes, sensors, labels, and what is missing.",
    ),
    LazyCommand(
        "ask",
        "orqa_registry.cli.ask:ask",
        "Print every question that can be asked of DATASET as JSONL, a line an answer.",
    ),
    LazyCommand("prompt", "orqa_registry.cli.prompt:prompt", "Print what a model is shown and told."),
    LazyCommand(
        "history",
        "orqa_registry.cli.history:history",
        "Print what changed in a take of DATASET as JSONL, or with --at or --all the memory strings made of it.",
    ),
    LazyCommand(
        "export",
        "orqa_registry.cli.export:export",
        "Write a question set of DATASET... for another tool, and NAME.manifest.json, "
        "which says how many of each kind.",
    ),
    LazyCommand(
        "import",
        "orqa_registry.cli.import_:import_",
        "Turn FILE, a published final_qa_pairs_SPLIT_SIZE.json, into lines as `export --format jsonl` writes them.",
    ),
    LazyCommand(
        "score",
        "orqa_registry.cli.score:score",
        "Add a score to every line of FILE, JSONL with `task`, `truth` and `answer`; `-` reads stdin.",
    ),
)
"""What is here from the start; the rest comes through the hook."""


class CommandGroup(click.Group):
    """A group that offers the nearest commands where a name is unknown, and lists commands in the order of work."""

    ORDER = (
        "list",
        "info",
        "synth",
        "doctor",
        "ask",
        "prompt",
        "history",
        "export",
        "import",
        "shard",
        "verify",
        "inspect",
        "stats",
        "mixture",
        "train",
        "eval",
        "score",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which one needs them."""
        rank = {name: position for position, name in enumerate(self.ORDER)}
        return sorted(self.commands, key=lambda name: (rank.get(name, len(rank)), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which ones are like it."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise CallError(f"unknown command {args[0]!r}: {suggest_names(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


def build_cli(registry: Registry) -> click.Group:
    """Return the command line of a registry."""

    @click.group(
        cls=CommandGroup,
        context_settings={"help_option_names": ["-h", "--help"], "obj": registry},
        epilog="Start here: orqa-registry list. Exit codes: 0 done, 1 the work failed, 2 the call was wrong.",
    )
    @click.version_option(package_name="orqa-registry")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @click.option(
        "--strict", is_flag=True, help="Stop at the first damaged file instead of leaving it out, as ORQA_STRICT=1."
    )
    def cli(debug: bool, strict: bool) -> None:
        """Operating-room datasets and question types, as plugins of one registry.

        A dataset plugin yields timepoints, a task plugin asks questions about them; `shard` packs the timepoints,
        `train` and `eval` ask the questions while reading. A dataset gets every task whose needs it meets.
        """

    for command in COMMANDS:
        cli.add_command(command)
    registry.add_commands(cli)
    return cli


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 the work failed, 2 the call was wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    code = run(arguments)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code; errors become one line on stderr."""
    # Wherever they stand: they are asked for after something failed.
    debug, strict = "--debug" in arguments, "--strict" in arguments or os.environ.get("ORQA_STRICT") == "1"
    arguments = [argument for argument in arguments if argument not in {"--debug", "--strict"}]
    with output.showing_warnings(strict=strict):
        return _run_command(arguments, debug=debug)


def _run_command(arguments: list[str], *, debug: bool) -> int:
    try:
        registry = Registry.load()
        cli = build_cli(registry)
        for problem in registry.problems:
            output.print_line(f"warning: not loaded: {problem}", err=True)
        # Not cli.main: it would take a pipe that closed early for a failure.
        with cli.make_context("orqa-registry", arguments) as context:
            cli.invoke(context)
        return 0
    except click.exceptions.Exit as exit_signal:
        return exit_signal.exit_code
    except click.ClickException as error:
        buffer = StringIO()
        error.show(buffer)
        output.print_line(buffer.getvalue().rstrip("\n"), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        output.print_line(": ".join(["stopped", *map(str, error.args)]), err=True)  # a command may say what is kept
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to flush it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OrqaError, DataWarning) as error:
        if debug:
            raise
        output.print_line(f"error: {error}", err=True)
        return 2 if isinstance(error, CallError) else 1
    except OSError as error:
        if debug:
            raise
        prefix = f"{error.filename}: " if error.filename else ""
        output.print_line(
            f"error: {prefix}{error.strerror or error}. What was finished is kept; mend this and call again", err=True
        )
        return 1
    except Exception as error:
        if debug:
            raise
        output.print_line(f"error: {type(error).__name__}: {error} (--debug shows where)", err=True)
        return 1
