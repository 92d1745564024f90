"""A run: samples by position, several epochs long, so that any loader may split it, skip in it, and go on with it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from orqa_registry import CallError

SAMPLING_VERSION = 1
"""Which way of ordering and drawing this is. Raise it with every change of code that makes another run of a mixture."""

DIFFERENCE_TEXT = {
    "mixture": "had another mixture: its digest is {before}, and this one's {now}",
    "data": "read other data: their digest is {before}, and that of these {now}",
    "draws": "drew in way {before}, and this orqa-registry draws in way {now}: go on with the version that began it",
}
"""What decides what sample i is -> how to say that it was another; the rest is told by its name."""

Item = TypeVar("Item")


class ResumableDataset(Sequence[Item]):
    """`run[i]` is sample i, whoever asks and whatever was asked before.

    A sequence rather than an iterator: loaders may split it over workers and ranks, and its state is one integer.
    """

    epochs: int

    @property
    @abstractmethod
    def length(self) -> int:
        """Samples of an epoch."""

    @property
    @abstractmethod
    def about(self) -> dict[str, Any]:
        """All that decides what sample i is, as JSON has it."""

    @abstractmethod
    def sample(self, place: int) -> Item:
        """Return a sample, 0 to len - 1. Raises OrqaError where it is damaged."""

    @abstractmethod
    def key(self, sample: Item) -> str:
        """Return the name of a sample, for people."""

    def __repr__(self) -> str:
        """Return in short how long it is: all that it is made of would be pages."""
        return f"<{type(self).__name__}: {self.length:,} samples an epoch, {self.epochs} epochs>"

    def __len__(self) -> int:
        return self.length * self.epochs

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...

    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        """Return sample `place`. Raises IndexError beyond the end and OrqaError for damaged shards."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self.sample(place)

    def __iter__(self) -> Iterator[Item]:
        return (self[place] for place in range(len(self)))

    def state(self, position: int) -> dict[str, Any]:
        """Return what a checkpoint has to keep, so that a run goes on at `position`."""
        return {"position": position, **self.about, "draws": SAMPLING_VERSION}

    def position(self, state: Mapping[str, Any]) -> int:
        """Return where a run goes on. Raises CallError where it is another run: other data, mixture, tasks, order."""
        for name, current in self.state(0).items():
            if name != "position" and state.get(name) != current:
                raise CallError(f"the run that is to go on {_describe_change(name, state.get(name), current)}")
        position = state.get("position")
        if not isinstance(position, int) or not 0 <= position <= len(self):
            raise CallError(f"the run that is to go on was at position {position!r} of {len(self)}")
        return position


def _describe_change(name: str, previous: Any, current: Any) -> str:
    """Return in words what was another in the run that is to go on."""
    if previous is None:
        return f"says nothing of its {name}: an older orqa-registry began it. Begin anew"
    if name == "tasks":
        removed, added = (
            [task for task in previous if task not in current],
            [task for task in current if task not in previous],
        )
        lists = ((removed, "not there now"), (added, "not there then"))
        text = "; ".join(f"{what}: {', '.join(map(str, names))}" for names, what in lists if names)
        return f"asked other tasks ({text or 'in another order'}). Have the plugins that it had, or begin anew"
    return DIFFERENCE_TEXT.get(name, f"had {name} {{before}}, and this one has {{now}}").format(
        before=previous, now=current
    )
