"""What is wrong with a shard folder, a record each."""

from __future__ import annotations

from attrs import frozen

REBUILT, DROPPED, UNREPAIRABLE, MISSING = "rebuilt", "dropped", "left", "missing"
"""What a repair does about a finding: makes it anew without loss, leaves it out, or cannot help. What is missing may be
on its way, or on a disk that is not mounted: it is left out where somebody asks for that alone."""


@frozen
class ShardProblem:
    """Something that is wrong. key: the timepoint or member it is about, None for the file. remedy: by a repair.

    timepoints: how many are gone that it does not name.
    """

    file: str
    key: str | None
    why: str
    remedy: str
    timepoints: int = 0
