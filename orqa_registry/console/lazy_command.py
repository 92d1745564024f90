"""Commands that are imported once they are called, so that the command line starts quickly whatever they import."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import click


class LazyCommand(click.Command):
    """Stands for a command that is imported once it is called, or its help is read.

    place: `module:attribute` of the command. summary: the first sentence of that command's help, which the list of
    commands shows; tests/test_cli.py holds both equal. In a plugin:

        cli.add_command(LazyCommand("tie", "orqa_plugin_knots.command:tie", "Tie a knot."))
    """

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self.place = place

    @cached_property
    def loaded_command(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), f"{self.place} is no command"
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse arguments as the command itself; it is the one that the context then runs."""
        return self.loaded_command.make_context(info_name, args, parent, **extra)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the whole help of the command itself."""
        self.loaded_command.format_help(ctx, formatter)
