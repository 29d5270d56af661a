"""Ctrl-C and SIGTERM in a process of the command line: the first ends the command, the next all.

Python raises the exception of a signal in whatever the main thread is doing. In the midst of an
import it may leave the lock of all imports taken, or be printed and forgotten (the callback of a
weak reference there), and in a lock's own Python code the lock stays taken: a thread that needs it
waits for ever. There it is put off, until the thread is somewhere else.

A plugin is code that planwise did not write: it may pass over the exception, or hang in a thread
that nobody can end from outside. A run that has not ended some time after its first signal is
ended at once, as by a second one. One that uses up its time without any signal is interrupted in
the same way, and ended with the process where that does not help.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NoReturn

from planwise.hook_call import HookCall
from planwise.interruption import (
    at_second_signal,
    leaves_a_lock,
    note_failure,
    signals_heard_by,
)
from planwise.time_limits import hopeless, interrupts_by, raise_if_expired

_AGAIN_S: Final = 0.005
_MOST_TRIES: Final = 200
"""A thread may also wait for ever in such a function; after a second it is interrupted there."""
PATIENCE_S: Final = 3.0
"""How long a run may take to end after a signal: all that planwise waits for itself takes less."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C so that the same clean-up runs."""

    how = "SIGTERM"


class Stopping:
    """The handlers of Ctrl-C and SIGTERM while a command runs.

    Args:
        patience_s: how long after a signal the command is ended at once; None waits for it.

    Attributes:
        raised: what was raised; where that was, it may have been lost, or turned into another.
    """

    def __init__(self, patience_s: float | None = None) -> None:
        self.raised: KeyboardInterrupt | None = None
        self._patience_s = patience_s
        self._until_s = 0.0
        self._put_off: int | None = None
        self._tries = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        """Take the signals over; Ctrl-C only where it is not ignored, or somebody else's."""
        note_failure(None)
        at_second_signal(stop_at_once)
        if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN):
            signals_heard_by(lambda: self.raised is not None)  # nobody else hears any
        self._handle(signal.SIGTERM, self._heard)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._handle(signal.SIGINT, self._heard)
        self._handle(signal.SIGALRM, self._try_again)
        interrupts_by(signal.SIGALRM, self._leave)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        at_second_signal(None)
        signals_heard_by(None)
        interrupts_by(None, None)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        # It holds the frames that it passed, and they this: files that a generator would remove at
        # its end would stay, since nobody looks for cycles in a process that ends.
        self.raised = None
        note_failure(None)

    def _handle(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        before = signal.getsignal(number)
        if before is not None:  # else it is not Python's, and could not be put back
            self._before[number] = before
            signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.raised is not None or self._put_off is not None:
            stop_at_once(number)
        if self._leaves_a_lock(frame):
            self._put_off = number
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        self.raised = Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        if self._patience_s is not None:
            self._until_s = time.monotonic() + self._patience_s
            signal.setitimer(signal.ITIMER_REAL, self._patience_s)
        raise self.raised

    def _try_again(self, _: int, frame: FrameType | None) -> None:
        if self.raised is not None:
            # Not every alarm is of the patience's: a plugin may use up its time meanwhile.
            if self._patience_s is not None and time.monotonic() > self._until_s - _AGAIN_S:
                terminated = isinstance(self.raised, Terminated)
                stop_at_once(signal.SIGTERM if terminated else signal.SIGINT)
            return
        if self._put_off is None:
            raise_if_expired(frame)
            return
        if self._leaves_a_lock(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        number, self._put_off = self._put_off, None
        signal.raise_signal(number)  # to whoever handles it by now, who may hold it back

    def _leave(self, call: HookCall) -> None:
        """End the process because of a plugin, from another thread."""
        if self.raised is None and self._put_off is None:  # else the user ends it
            kept = self._patience_s is not None
            more = "; what was finished is kept, and --resume goes on after it" if kept else ""
            _end(f"{call.whose}: {hopeless(call)}{more}", 1)

    def _leaves_a_lock(self, frame: FrameType | None) -> bool:
        """Whether to raise in it would; not for ever, since it may wait there for good."""
        self._tries += 1
        return leaves_a_lock(frame) and self._tries <= _MOST_TRIES


def stop_at_once(number: int) -> None:
    """End the process, wherever it is: no step of a run minds that.

    Args:
        number: the signal's.
    """
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(other, signal.SIG_IGN)  # a further one would say it once more
    text = "stopped at once; what was finished is kept, and --resume goes on after it"
    _end(text, 143 if number == signal.SIGTERM else 130)


def _end(text: str, code: int) -> NoReturn:
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h")  # a progress bar hides the cursor
    sys.stderr.write(f"planwise: {text}\n")
    sys.stderr.flush()
    os._exit(code)
