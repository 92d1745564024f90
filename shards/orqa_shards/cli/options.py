"""The two options that say how much damage a command bears; `error_budget` counts it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    pass

Function = TypeVar("Function", bound=Callable[..., Any])


def error_budget_options(things: str, cost: str) -> Callable[[Function], Function]:
    """Return a decorator that adds `bad_in_a_row` and `bad_per_cent`. things: what is counted; cost: what one costs."""
    row_option = click.option(
        "--bad-in-a-row",
        type=click.IntRange(min=1),
        default=100,
        show_default=True,
        help=f"So many {things} in a row that cannot be read stop the run; fewer cost {cost}.",
    )
    share_option = click.option(
        "--bad-per-cent",
        type=click.FloatRange(0, 100),
        default=1.0,
        show_default=True,
        help="More than so many of all stop it too, once 1,000 were seen.",
    )
    return lambda function: row_option(share_option(function))


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
