"""Work in another thread ends before whoever waits for it goes on, whenever the signal comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from planwise.interruption import (
    GivenUpError,
    Job,
    alongside,
    call_interruptibly,
    give_up,
    give_way,
    signals_held,
    signals_wait,
    start,
    stop_if_asked,
    wait_for,
)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def term_raises() -> Iterator[None]:
    """SIGTERM taken as the command line takes it."""

    def handler(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGTERM, handler)
    yield
    signal.signal(signal.SIGTERM, before)


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


def test_a_signal_in_a_lock_of_the_waiting_does_not_keep_the_work_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Raised there, its exception would leave the lock taken that the work needs to tell its end.

    The moment, a few instructions long, cannot be met from outside.
    """
    enter: Callable[[threading.Condition], bool] = threading.Condition.__enter__
    begun, left, main = threading.Event(), [1], threading.get_ident()

    def entered(condition: threading.Condition) -> bool:
        got = enter(condition)
        if threading.get_ident() == main and begun.is_set() and left:
            left.pop()
            press_ctrl_c()
        return got

    stop = threading.Event()

    def work() -> None:
        begun.set()
        stop.wait(30)

    monkeypatch.setattr(threading.Condition, "__enter__", entered)
    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(work, stop.set)
    assert stop.is_set()
    assert left == []


def test_a_signal_while_the_thread_object_goes_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python prints what is raised in the callback of a weak reference, and goes on."""
    start: Callable[[threading.Thread], None] = threading.Thread.start
    kept: list[weakref.ref[threading.Thread]] = []

    def started(thread: threading.Thread) -> None:
        kept.append(weakref.ref(thread, lambda _: press_ctrl_c()))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    with pytest.raises(KeyboardInterrupt):
        call_interruptibly(lambda: 42, lambda: None)
    assert kept[0]() is None


def test_who_presses_again_and_again_is_not_made_to_wait() -> None:
    end = threading.Event()
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        press_ctrl_c()

    try:
        with pytest.raises(KeyboardInterrupt):
            call_interruptibly(lambda: press_ctrl_c() or end.wait(60), press)
    finally:
        end.set()
    assert 2 <= len(pressed) <= 6


@pytest.mark.usefixtures("term_raises")
def test_held_signals_take_effect_where_it_says() -> None:
    reached = []

    def held_back() -> None:
        with signals_held() as held:
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("behind the signal")
            with signals_held() as inner:
                assert inner is held
            reached.append("behind an inner block")
            held.take()
            reached.append("behind the safe place")

    with pytest.raises(InterruptedError):
        held_back()
    assert reached == ["behind the signal", "behind an inner block"]


def test_work_is_interrupted_where_signals_are_held_and_not_where_they_wait() -> None:
    stop = threading.Event()
    with pytest.raises(KeyboardInterrupt), signals_held():
        call_interruptibly(lambda: press_ctrl_c() or stop.wait(30), stop.set)
    assert stop.is_set()
    done = []
    with pytest.raises(KeyboardInterrupt), signals_held(), signals_wait():
        done.append(call_interruptibly(lambda: press_ctrl_c() or time.sleep(0.2) or 42, stop.clear))
    assert done == [42]
    assert stop.is_set()


def test_a_handler_that_does_not_raise_leaves_the_work_alone() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        result = call_interruptibly(
            lambda: press_ctrl_c() or time.sleep(0.2) or 42, lambda: seen.append(-1)
        )
        assert (result, seen) == (42, [signal.SIGINT])
        press_ctrl_c()
        assert seen == [signal.SIGINT] * 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_there_is_nothing_to_hold() -> None:
    results: list[int] = []
    thread = threading.Thread(
        target=lambda: results.append(call_interruptibly(lambda: 42, lambda: None))
    )
    thread.start()
    thread.join()
    assert results == [42]


def test_work_alongside_ends_with_the_block_and_hands_on_what_it_gives() -> None:
    go_on = threading.Event()
    with alongside(lambda: go_on.wait(30)) as found:
        assert not found.done()
        go_on.set()
    assert found.done()
    assert found.result() is True

    def fail() -> None:
        raise ValueError("of the work")

    with alongside(fail) as failed:
        pass
    with pytest.raises(ValueError, match="of the work"):
        failed.result()
    with pytest.raises(KeyError, match="of the block"), alongside(fail):
        raise KeyError("of the block")


def test_work_alongside_is_given_up_with_the_work_that_it_is_beside() -> None:
    begun, ended = threading.Event(), threading.Event()

    def beside() -> None:
        begun.set()
        try:
            while True:
                time.sleep(0.001)
                stop_if_asked()
        finally:
            ended.set()

    def work() -> None:
        with alongside(beside) as found:
            pass
        found.result()

    job: Job[None] = Job()
    start(job, work)
    assert begun.wait(30)
    give_up(job, lambda: None)
    assert ended.is_set()
    with pytest.raises(GivenUpError):
        job.result()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_a_thread_that_gives_way_leaves_the_others_as_they_are() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    seen: list[int] = []

    def work() -> None:
        give_way()
        seen.append(priority())
        later = threading.Thread(target=lambda: seen.append(priority()))
        later.start()
        later.join()

    before = priority()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [min(19, before + 5)] * 2
    assert priority() == before


def test_work_that_has_not_begun_is_not_begun() -> None:
    from concurrent.futures import Future

    job: Future[int] = Future()
    press_soon = threading.Timer(0.1, press_ctrl_c)
    press_soon.start()
    with pytest.raises(KeyboardInterrupt):
        wait_for(job, lambda: None)
    assert job.cancelled()


SIGNAL_WHILE_DUCKDB_STARTS = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Finder(importlib.abc.MetaPathFinder):
    inside = False

    def find_spec(self, name, path=None, target=None):
        if name == "_duckdb":
            self.inside = True
            sys.modules.pop("atexit", None)  # what its C++ imports as it starts
        elif name == "atexit" and self.inside:
            self.inside = False
            os.kill(os.getpid(), signal.SIGINT)
            print("pressed", flush=True)

sys.meta_path.insert(0, Finder())
from pathlib import Path
from planwise.warehouse.opening import connect
try:
    connect(Path(":memory:"))
except KeyboardInterrupt:
    print("stopped", "duckdb" in sys.modules)
"""


def test_a_signal_while_duckdb_is_imported_waits_for_the_end_of_the_import() -> None:
    """Raised in the middle of it, it ends the process, or becomes an ImportError."""
    done = subprocess.run(
        [sys.executable, "-c", SIGNAL_WHILE_DUCKDB_STARTS], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["pressed", "stopped", "True"]
