"""Things handed from the thread that makes them to the one that uses them, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from queue import SimpleQueue
from typing import Generic, TypeVar

from planwise.interruption import GivenUpError

_T = TypeVar("_T")


class _Last(Enum):
    """What comes after the last thing."""

    END = "these were all"
    BROKEN = "there would have been more"


class Handover(Generic[_T]):
    """A queue that ends: iterate over it once, in the thread that uses the things.

    As many may wait in it as there are; whoever makes them bounds what they take.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[_T | _Last] = SimpleQueue()

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Let what iterates end with the block, and break off where the block does."""
        last = _Last.BROKEN
        try:
            yield
            last = _Last.END
        finally:
            self._queue.put(last)

    def put(self, thing: _T) -> None:
        """Hand one over; only while :meth:`filling`."""
        self._queue.put(thing)

    def __iter__(self) -> Iterator[_T]:
        """The things, in order; waits for each.

        Raises:
            GivenUpError: no more come, and these are not all.
        """
        while not isinstance(thing := self._queue.get(), _Last):
            yield thing
        if thing is _Last.BROKEN:
            raise GivenUpError
