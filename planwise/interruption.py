"""Ctrl-C and SIGTERM: noticed at once while work runs, and never where they would do harm.

A signal reaches Python's main thread only between two of its own steps: a query that runs there
delays it to the query's end. So the work runs in a thread, and the main thread waits and, when it
is interrupted, interrupts the work.

Python raises the exception of a signal wherever the main thread happens to be. Inside a lock of
``threading`` it leaves the lock taken, and the work that needs it waits for ever; in the callback
of a weak reference, which runs as a thread object goes, it is printed and forgotten; a bare
``except`` of a library makes another error of it. So signals are held back meanwhile, and take
effect at places that are known to be safe.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, _base
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, TypeVar

from planwise.hook_call import act_for, current_call

_IMPORTS: Final = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
_NEVER_IN: Final = frozenset(
    {
        *_IMPORTS,
        *(str(module.__file__) for module in (logging, threading, weakref, _base)),
    }
)
"""The files of functions that a lock is left taken by."""
_STEP_S: Final = 0.05
_MOST_IGNORED: Final = 2
"""Further signals while work gives up, after which it is not waited for any longer."""
_BEHIND: Final = 5
"""Steps of ``nice``: a third of the others' share where all cores are wanted."""
_NUMBERS: Final = (int(signal.SIGINT), int(signal.SIGTERM))
_T = TypeVar("_T")
_at_second: Callable[[int], None] | None = None
_was_heard: Callable[[], bool] | None = None
_failure: Exception | None = None
_here = threading.local()


class Job(Future[_T]):
    """Work in a thread of its own, which :func:`stop_if_asked` ends early once it is given up."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = threading.Event()


class GivenUpError(Exception):
    """Raised in work that nobody waits for any longer; nobody sees it."""


def leaves_a_lock(frame: FrameType | None) -> bool:
    """Whether a lock is left taken if an exception is raised in a frame from outside."""
    return frame is not None and frame.f_code.co_filename in _NEVER_IN


def is_importing(frame: FrameType | None) -> bool:
    """Whether a frame is Python's own machinery of imports."""
    return frame is not None and frame.f_code.co_filename in _IMPORTS


def stop_if_asked() -> None:
    """Let work that was given up end here; call it where nothing else would notice.

    Raises:
        GivenUpError: whoever waited was interrupted.
    """
    stop: threading.Event | None = getattr(_here, "stop", None)
    if stop is not None and stop.is_set():
        raise GivenUpError


def at_second_signal(action: Callable[[int], None] | None) -> None:
    """What to do on a further signal while work gives up because of the first.

    Args:
        action: is called with the signal's number, and may end the process: what planwise writes
            survives that at any moment. None waits for the work a little longer.
    """
    global _at_second  # noqa: PLW0603  # one for the process, as handlers are
    _at_second = action


def signals_heard_by(heard: Callable[[], bool] | None) -> None:
    """Who knows whether the user has pressed Ctrl-C, or asked for an end in another way.

    Args:
        heard: says so; None where nobody knows.
    """
    global _was_heard  # noqa: PLW0603  # one for the process, as handlers are
    _was_heard = heard


def may_be_the_users() -> bool:
    """Whether a KeyboardInterrupt may come from the user; anybody can raise one."""
    return _was_heard is None or _was_heard()


def is_the_users(error: BaseException) -> bool:
    """Whether an error ends what the user stopped; a library may have made another one of it."""
    return isinstance(error, KeyboardInterrupt) or (_was_heard is not None and _was_heard())


def note_failure(error: BaseException | None) -> None:
    """Note what a command fails with by itself: a signal that comes later only hastens its end.

    Args:
        error: passed over if it is the user's, or if nobody knows; None forgets what was noted.
    """
    global _failure  # noqa: PLW0603  # one for the process, as handlers are
    if error is None:
        _failure = None
    elif isinstance(error, Exception) and _was_heard is not None and not _was_heard():
        _failure = error


def noted_failure() -> Exception | None:
    """What a command has failed with before any signal came; None if it has not."""
    return _failure


class HeldSignals:
    """Signals that came while they were held back.

    Attributes:
        caught: their numbers, in order, but for those that took effect.
    """

    def __init__(self) -> None:
        self.caught: list[int] = []
        self._before: dict[int, Any] = {}
        self._deaf = 0

    def take(self) -> None:
        """Let what came take effect here: its handler runs, which for Ctrl-C raises."""
        while self.caught and not self._deaf:
            number = self.caught.pop(0)
            signal.signal(number, self._before[number])
            try:
                signal.raise_signal(number)
            finally:
                signal.signal(number, self._remember)

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Let :meth:`take` do nothing in the block."""
        self._deaf += 1
        try:
            yield
        finally:
            self._deaf -= 1

    def hold(self) -> None:
        """Hold signals back from here on."""
        for number in _NUMBERS:
            handler = signal.getsignal(number)
            if handler is not None:  # else it is not Python's, and could not be put back
                self._before[number] = handler
                signal.signal(number, self._remember)

    def release(self) -> None:
        """Put the handlers back, and let what came take effect."""
        try:
            self._put_back()
        except BaseException:
            self._put_back()  # the first one back raised at once; no other may stay behind
            raise
        for number in self.caught:
            signal.raise_signal(number)

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: Any) -> None:
        self.caught.append(number)


_held: HeldSignals | None = None


@contextmanager
def signals_held() -> Iterator[HeldSignals]:
    """Hold Ctrl-C and SIGTERM back in the block; they take effect where it says, and at its end.

    Blocks may be nested: the outer one holds. In another thread than the main one, which signals
    never reach, it does nothing.

    Yields:
        The signals; call its ``take()`` wherever an exception may be raised, often enough.
    """
    global _held  # noqa: PLW0603  # handlers of signals belong to the process too
    if threading.current_thread() is not threading.main_thread():
        yield HeldSignals()
    elif _held is not None:
        yield _held
    else:
        held = _held = HeldSignals()
        try:
            held.hold()
            yield held
        finally:
            _held = None
            held.release()


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM take effect at the end: between two renames they would do harm."""
    with signals_held() as held, held.deaf():
        yield


def wait_for(job: Future[_T], interrupt: Callable[[], None]) -> _T:
    """The result of a job; when this thread is interrupted, the job is, until it gives up.

    Args:
        job: the work, running in another thread, or still to be.
        interrupt: asks the work to stop; called repeatedly, since it may start another query.

    Raises:
        BaseException: what the job raised, or what interrupted this thread.
    """
    with signals_held() as held:
        try:
            while not job.done():
                held.take()
                _wait(job)
        except BaseException:
            _give_up(job, interrupt, held)
            raise
        return job.result()


def call_interruptibly(action: Callable[[], _T], interrupt: Callable[[], None]) -> _T:
    """Call a function in a thread of its own and wait for it.

    Args:
        action: the work.
        interrupt: as for :func:`wait_for`.
    """
    job: Job[_T] = Job()
    with signals_held() as held:
        thread = _thread_of(job, action)
        try:
            thread.start()
            return wait_for(job, interrupt)
        except BaseException:
            _give_up(job, interrupt, held)  # no work may outlive what it works on
            raise
        finally:
            if job.done() and thread.ident is not None:
                thread.join()
            del thread  # here, where its weak references go unheard by no signal


@contextmanager
def alongside(action: Callable[[], _T]) -> Iterator[Future[_T]]:
    """Call a function in a further thread while the block runs, whose end waits for it.

    It shares the fate of this thread's work: :func:`stop_if_asked` ends both.

    Args:
        action: the work.

    Yields:
        Its result, for after the block. An error of the block goes before one of the work.
    """
    job: Job[_T] = Job()
    job.stop = getattr(_here, "stop", job.stop)
    thread = _thread_of(job, action)
    thread.start()
    try:
        yield job
    finally:
        thread.join()


def give_way() -> None:
    """Let this thread, and those that it starts, run where the process's others leave a core idle.

    What follows on it should not hold what others wait for. Only Linux has priorities of threads.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            priority = min(19, os.getpriority(os.PRIO_PROCESS, thread) + _BEHIND)
            os.setpriority(os.PRIO_PROCESS, thread, priority)


def start(job: Job[_T], action: Callable[[], _T]) -> None:
    """Begin work in a thread of its own; :func:`wait_for` gives its result.

    Args:
        job: what the caller knows the work by, whatever interrupts this call.
        action: the work.
    """
    with signals_wait():
        _thread_of(job, action).start()


def give_up(job: Future[Any], interrupt: Callable[[], None]) -> None:
    """Interrupt a job until it is done, whatever it ends with.

    Args:
        job: the work, running in another thread, or still to be.
        interrupt: as for :func:`wait_for`.
    """
    with signals_held() as held, held.deaf():
        _give_up(job, interrupt, held)


def fulfil(job: Future[_T], action: Callable[[], _T]) -> None:
    """Do a job in this thread, unless it was cancelled; whoever waits gets what it ends with.

    Args:
        job: the job.
        action: the work.
    """
    if not job.set_running_or_notify_cancel():
        return
    try:
        job.set_result(action())
    except BaseException as error:  # noqa: BLE001  # the waiting thread raises it
        job.set_exception(error)


def _thread_of(job: Job[_T], action: Callable[[], _T]) -> threading.Thread:
    call = current_call()  # what a plugin lets it do is the plugin's

    def run() -> None:
        act_for(call)
        _here.stop = job.stop
        fulfil(job, action)

    return threading.Thread(target=run, name="planwise-query", daemon=True)


def _wait(job: Future[Any]) -> None:
    """Wait a little, or until the job is done."""
    try:
        job.exception(timeout=_STEP_S)
    except TimeoutError:
        return


def _give_up(job: Future[Any], interrupt: Callable[[], None], held: HeldSignals) -> None:
    """Interrupt a job until it is done; one that has not begun is not begun."""
    if isinstance(job, Job):
        job.stop.set()
    while not (job.done() or job.cancel()):
        if held.caught and _at_second is not None:
            _at_second(held.caught[-1])
        if len(held.caught) > _MOST_IGNORED:
            return
        interrupt()
        time.sleep(_STEP_S)
