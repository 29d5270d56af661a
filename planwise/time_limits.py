"""How long a call of a plugin may take; one that takes longer is interrupted.

Beginning and ending a call costs microseconds: both write down that it is there. A thread that is
started with the first call looks a few times within the limit, and goes when nothing is left to
look at. Time in which the process did not run (a laptop that sleeps, SIGSTOP) is not counted.

A plugin in the main thread of a process of the command line is interrupted by a signal, which also
ends its sleep or its wait for a socket or a lock. Elsewhere an exception is set that Python raises
as soon as Python code runs again. Where neither helps, the process is ended, if it is ours.

What listens for signals imports this before anything else: a library that is missing has to be a
line, so that only the standard library is imported here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

from planwise.hook_call import HookCall, TimeLimitReached
from planwise.interruption import is_importing, leaves_a_lock

GRACE_S: Final = 3.0
"""How long a plugin may take to end once it is interrupted, as after Ctrl-C."""
_LOOKS: Final = 5
"""How often a call is looked at within its limit."""
_LONGEST_LOOK_S: Final = 5.0
_SHORTEST_LOOK_S: Final = 0.02
_AGAIN_S: Final = 1.0
"""What a plugin does to clean up is not interrupted at once."""


_interrupt_main: int | None = None
_leave: Callable[[HookCall], None] | None = None


def interrupts_by(number: int | None, leave: Callable[[HookCall], None] | None) -> None:
    """How a process of the command line ends a plugin that hangs.

    Args:
        number: a signal whose handler calls :func:`raise_if_expired`; None: there is none.
        leave: ends the process where nothing else helps; None: it is somebody else's.
    """
    global _interrupt_main, _leave  # one for the process, as handlers are
    _interrupt_main, _leave = number, leave


def raise_if_expired(frame: FrameType | None) -> None:
    """Raise in the plugin that the main thread is in, if it has no time left.

    Args:
        frame: what the thread is in. Where that would leave a lock taken it waits a little: one
            that does not come out is waiting for ever, but never in the midst of an import.

    Raises:
        TimeLimitReached: there is none left.
    """
    for call in _watch.of_main_thread():
        if not call.expired or call.ended:
            continue
        waits = call.left_s < -_AGAIN_S / 2 and not is_importing(frame)
        if waits or not leaves_a_lock(frame):
            raise TimeLimitReached


class Watch:
    """Looks at the calls that have begun."""

    def __init__(self) -> None:
        self._calls: dict[int, HookCall] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._look_s = 0.0
        """How long the thread waits at the most; 0 while there is none."""

    def begin(self, call: HookCall) -> None:
        """Look at a call with a limit from now on."""
        if call.limit_s is None:
            return
        self._calls[id(call)] = call
        look_s = _look_s(call.limit_s)
        if not 0 < self._look_s <= look_s:
            self._hurry(look_s)

    def end(self, call: HookCall) -> None:
        """Look at it no longer; safe to call twice."""
        self._calls.pop(id(call), None)
        if call.expired and call.thread == threading.get_ident():
            _take_back(call)

    def of_main_thread(self) -> list[HookCall]:
        """The calls that the main thread is in."""
        main = threading.main_thread().ident
        return [call for call in list(self._calls.values()) if call.thread == main]

    def forget(self) -> None:
        """Begin anew in a process that was forked: threads stay behind."""
        self.__init__()  # type: ignore[misc]  # as it says

    def _hurry(self, look_s: float) -> None:
        with self._lock:
            running, self._look_s = self._look_s > 0, look_s
            if running:
                self._wake.set()
            else:
                threading.Thread(target=self._run, name="planwise-limits", daemon=True).start()

    def _run(self) -> None:
        last = time.monotonic()
        idle = False
        while True:
            calls = list(self._calls.values())
            with self._lock:
                if not calls and idle and not self._calls:
                    self._look_s = 0.0
                    return
                wait_s = self._look_s
            idle = not calls
            wait_s = min([wait_s, *(_due_s(call) for call in calls)])
            self._wake.wait(wait_s)
            self._wake.clear()
            now = time.monotonic()
            # Much longer than it was to wait, nobody ran: the process was stopped.
            passed, last = min(now - last, 2 * wait_s + _SHORTEST_LOOK_S), now
            for call in list(self._calls.values()):
                call.left_s -= min(passed, now - call.began_s)
                if call.left_s <= 0 and not call.ended:
                    self._expire(call)

    def _expire(self, call: HookCall) -> None:
        call.expired = True
        if call.left_s < -GRACE_S and not call.given_up:
            call.given_up = True
            if _leave is not None:
                _leave(call)
            with suppress(RuntimeWarning):  # where warnings are errors nobody would hear of it
                warnings.warn(f"{call.whose}: {hopeless(call)}", RuntimeWarning, stacklevel=1)
        if call.thread == threading.main_thread().ident and _interrupt_main is not None:
            signal.pthread_kill(call.thread, _interrupt_main)
        elif not leaves_a_lock(sys._current_frames().get(call.thread)):  # noqa: SLF001  # its name
            _interrupt(call)


def _look_s(limit_s: float) -> float:
    return min(_LONGEST_LOOK_S, max(_SHORTEST_LOOK_S, limit_s / _LOOKS))


def _due_s(call: HookCall) -> float:
    """When to look at a call again."""
    return _AGAIN_S if call.expired else max(_SHORTEST_LOOK_S, call.left_s)


def _interrupt(call: HookCall) -> None:
    """Set the exception in the thread of a call, unless it is over by now."""
    import ctypes

    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    thread, raised = ctypes.c_ulong(call.thread), ctypes.py_object(TimeLimitReached)
    # To import and to look for a function takes longer than what may be left of the call. From here
    # to the end no other thread runs: it is raised in the plugin, or taken back when the call ends.
    if not call.ended:
        set_exception(thread, raised)


def _take_back(call: HookCall) -> None:
    """Of an exception that was set and not raised yet."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(call.thread), None)


def hopeless(call: HookCall) -> str:
    """What is said of a plugin that cannot be ended."""
    return (
        f"has not answered within {call.limit_s:g} s, and does not end when it is interrupted; "
        f"switch it off with --no-{call.plugin}"
    )


def too_long(call: HookCall) -> str:
    """What is said of a plugin that was ended."""
    return (
        f"has not answered within {call.limit_s:g} s; switch it off with --no-{call.plugin}, or "
        "give it more time with performance.plugin_time_limit_s in the configuration"
    )


_watch: Final = Watch()
os.register_at_fork(after_in_child=_watch.forget)


def watch() -> Watch:
    """The one of this process."""
    return _watch
