"""What is wrong with a shard folder, a record each."""

from __future__ import annotations

from attrs import frozen

REBUILT, DROPPED, LEFT = "rebuilt", "dropped", "left"
"""What a repair does about a finding: makes it anew without loss, leaves it out, or cannot help."""


@frozen
class Finding:
    """Something that is wrong. key: the timepoint or member it is about, None for the file. remedy: by a repair."""

    file: str
    key: str | None
    why: str
    remedy: str
