"""A signal in the midst of an import, or of a lock's own code, is raised once that is left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from planwise.cli.stopping import Stopping, Terminated
from planwise.interruption import signals_held

_AN_IMPORT = "<frozen importlib._bootstrap>"
_CODE = """
kill(getpid(), number)
end = monotonic() + seconds
while monotonic() < end:
    pass
ended.append(True)
"""


def _signalled(number: signal.Signals, file: str, seconds: float, ended: list[bool]) -> None:
    """Run code of a file that a signal comes in, and tell if it ends."""
    names = {"kill": os.kill, "getpid": os.getpid, "monotonic": time.monotonic}
    own = {"number": number, "seconds": seconds, "ended": ended}
    exec(compile(_CODE, file, "exec"), {**names, **own})  # noqa: S102  # it is above


def _a_little_later() -> None:
    for _ in range(100):
        time.sleep(0.01)
    raise AssertionError("the signal was lost")


@pytest.fixture(autouse=True)
def plain_ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python handles it, though the tests may run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("file", [_AN_IMPORT, threading.__file__])
def test_a_signal_in_code_that_takes_locks_waits_for_its_end(
    file: str, number: signal.Signals
) -> None:
    ended: list[bool] = []
    with Stopping() as stopping:
        with pytest.raises(KeyboardInterrupt) as caught:  # noqa: PT012  # it comes in either
            _signalled(number, file, 0.2, ended)
            _a_little_later()
        assert ended == [True]
        assert stopping.raised is caught.value
        assert isinstance(caught.value, Terminated) == (number == signal.SIGTERM)


@pytest.mark.parametrize("file", ["other.py", _AN_IMPORT])
def test_it_is_raised_at_once_in_other_code_and_never_waits_for_ever(file: str) -> None:
    ended: list[bool] = []
    with Stopping(), pytest.raises(Terminated):
        _signalled(signal.SIGTERM, file, 60, ended)
    assert ended == []


def test_what_was_put_off_is_held_back_where_signals_are() -> None:
    ended: list[bool] = []
    with Stopping():
        _signalled(signal.SIGTERM, _AN_IMPORT, 0, ended)  # shorter than until it is tried again
        with pytest.raises(Terminated), signals_held() as held:  # noqa: PT012  # at its end
            while not held.caught:
                time.sleep(0.01)
            assert held.caught == [signal.SIGTERM]


def test_the_handlers_before_are_put_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    with Stopping():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
