"""Ctrl-C that waits for the end of a step, so that nothing is lost."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Self

INTERRUPT_MESSAGE = b"stopping once this step is done and kept; Ctrl-C again stops at once\n"


class GracefulInterrupt:
    """Where it is entered, the first Ctrl-C sets `asked`, and the second stops at once.

    So does the first while `steps` is 0: there is nothing to keep.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.asked = False

    def __enter__(self) -> Self:
        """Begin; where Ctrl-C is ignored, or means something else, it stays so."""
        self._installed = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._installed:
            signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        """Let Ctrl-C be what it was."""
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.asked or not self.steps:
            signal.default_int_handler(number, frame)
        self.asked = True
        os.write(2, INTERRUPT_MESSAGE)  # print may be what was interrupted
