"""Pieces of one table in threads: the libraries that do the work let go of Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

Piece = TypeVar("Piece")
Made = TypeVar("Made")

_MOST_THREADS = 8


def in_threads(work: Callable[[Piece], Made], pieces: Sequence[Piece]) -> list[Made]:
    """The work on each piece, in the order of the pieces; the first error is raised.

    One piece is worked on in the caller's thread.

    Args:
        work: called with one piece at a time, in several threads at once.
        pieces: what to work on.
    """
    count = min(len(pieces), _cores(), _MOST_THREADS)
    if count < 2:
        return [work(piece) for piece in pieces]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(count, thread_name_prefix="planwise-state") as pool:
        try:
            return list(pool.map(work, pieces))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
