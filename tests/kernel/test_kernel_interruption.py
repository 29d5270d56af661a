"""Work in another thread ends before whoever waits for it goes on, whenever the signal comes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from planwise.interruption import call_interruptibly


def test_the_result_and_the_error_of_the_work_are_handed_on() -> None:
    assert call_interruptibly(lambda: 42, lambda: None) == 42
    with pytest.raises(ZeroDivisionError):
        call_interruptibly(lambda: 1 // 0, lambda: None)


@pytest.mark.parametrize("starts", [True, False])
def test_a_signal_while_the_thread_starts_leaves_no_work_behind(
    monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    """The moment cannot be met from outside: the signal is raised where it would arrive."""
    stop, ended, begun = threading.Event(), threading.Event(), threading.Event()
    start: Callable[[threading.Thread], None] = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if starts:
            start(thread)
            assert begun.wait(10)
        raise KeyboardInterrupt

    def work() -> None:
        begun.set()
        assert stop.wait(10)
        ended.set()

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(work, stop.set)
    assert begun.is_set() == ended.is_set() == starts
