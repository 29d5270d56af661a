"""Waiting for work in another thread, so that Ctrl-C is noticed at once.

A signal reaches Python's main thread only between two of its own steps: a query that runs there
delays it to the query's end. So the work runs in a thread, and the main thread waits and, when it
is interrupted, interrupts the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

_STEP_S: Final = 0.05
_T = TypeVar("_T")


def wait_for(job: Future[Any], interrupt: Callable[[], None]) -> Any:
    """The result of a job; when this thread is interrupted, the job is, until it gives up.

    Args:
        job: the work, running in another thread.
        interrupt: asks the work to stop; called repeatedly, since it may start another query.

    Raises:
        BaseException: what the job raised, or what interrupted this thread.
    """
    try:
        while True:
            try:
                return job.result(timeout=_STEP_S)
            except TimeoutError:
                if job.done():
                    raise
    except BaseException:
        while not job.done():
            interrupt()
            threading.Event().wait(_STEP_S)
        raise


def call_interruptibly(action: Callable[[], _T], interrupt: Callable[[], None]) -> _T:
    """Call a function in a thread of its own and wait for it.

    Args:
        action: the work.
        interrupt: as for :func:`wait_for`.
    """
    job: Future[_T] = Future()

    def run() -> None:
        if not job.set_running_or_notify_cancel():
            return
        try:
            job.set_result(action())
        except BaseException as error:  # noqa: BLE001  # the waiting thread raises it
            job.set_exception(error)

    try:
        threading.Thread(target=run, name="planwise-query", daemon=True).start()
        result: _T = wait_for(job, interrupt)
    except BaseException:
        # A signal may come before the waiting has begun: no work may outlive what it works on.
        while not (job.done() or job.cancel()):
            interrupt()
            threading.Event().wait(_STEP_S)
        raise
    return result
