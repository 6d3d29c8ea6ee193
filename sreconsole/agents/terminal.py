"""The terminal, lent to a child and taken back: foreground group, job control, settings. See credentials(7), tcsetpgrp(3)."""

from __future__ import annotations

import os
import signal
import termios


class Terminal:
    """The controlling terminal that we were in the foreground of."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._first = termios.tcgetattr(descriptor)
        self._childs: list[object] | None = None

    def lend(self, group: int) -> None:
        """Make the child's group the foreground group, with the settings it last had."""
        if self._childs is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._childs)  # type: ignore[arg-type]
        os.tcsetpgrp(self._descriptor, group)

    def take_back(self, *, reset: bool = False) -> None:
        """Be the foreground group again; `reset` puts back the settings from before, for a child that could not."""
        try:
            self._childs = termios.tcgetattr(self._descriptor)
            os.tcsetpgrp(self._descriptor, os.getpgrp())
            if reset:
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._first)
        except (OSError, termios.error):
            return  # It was hung up: there is nothing to take back.

    def ours(self) -> bool:
        """Whether our own group is in the foreground: the shell has just resumed us there."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False


def controlling() -> Terminal | None:
    """The terminal to lend to a child: where standard input and output are both it and we are in its foreground.

    In a pipeline the group in the foreground also holds the other programs, so there the child stays in it.
    """
    try:
        if not (os.isatty(0) and os.isatty(1)) or os.tcgetpgrp(0) != os.getpgrp():
            return None
        return Terminal(0)
    except (OSError, termios.error):
        return None


def suspend() -> None:
    """Stop with our group, as the shell's job that we are; returns when resumed.

    In an orphaned group, where nobody could resume us, the kernel drops the signal and this returns at once.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
    os.kill(0, signal.SIGTSTP)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
