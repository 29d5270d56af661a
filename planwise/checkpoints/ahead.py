"""The tables of a year, the first of them read while something else goes on."""

from __future__ import annotations

from collections.abc import Iterator

from planwise.checkpoints.tables import YearTable
from planwise.interruption import Job, give_up, start, stop_if_asked, wait_for


class TablesAhead:
    """Reads the first table in a thread; each other one when it is asked for.

    One and not more: a table may be large, and of small ones importing what decodes them takes
    longest. Ask for the tables once, or :meth:`close` it.

    Args:
        tables: of :meth:`planwise.checkpoints.store.CheckpointStore.read`.
    """

    def __init__(self, tables: Iterator[YearTable]) -> None:
        self._tables = tables
        self._first: Job[YearTable | None] = Job()
        start(self._first, lambda: next(self._tables, None))

    def __iter__(self) -> Iterator[YearTable]:
        """The tables, in order.

        Raises:
            CheckpointError: as reading them does.
        """
        first = wait_for(self._first, _nothing)
        stop_if_asked()
        if first is not None:
            yield first
            del first  # before the next one is read
            self._first = Job()
            yield from self._tables

    def close(self) -> None:
        """Wait until nothing is read any more; what was read is forgotten."""
        give_up(self._first, _nothing)


def _nothing() -> None:
    """Reading notices by itself that it is given up."""
