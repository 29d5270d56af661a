"""The first table of a year is read while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkpoint_states import same, state, whole_state, with_compression

from planwise.checkpoints.ahead import TablesAhead
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.interruption import stop_if_asked


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[YearTable]:
    plugins = with_compression()
    store = CheckpointStore(tmp_path / "states")
    store.write(2025, state(2025, added=False, count=500), plugins)
    return store.read(2025, plugins)


def test_the_tables_are_those_that_are_stored(tables: Iterator[YearTable]) -> None:
    assert same(TablesAhead(tables), whole_state(2025, count=500))


def test_one_table_is_read_before_it_is_asked_for_and_not_two() -> None:
    read: list[int] = []
    first = threading.Event()

    def numbers() -> Iterator[YearTable]:
        for number in range(3):
            read.append(number)
            first.set()
            yield YearTable(("main", f"t{number}"), 2025, None, ())

    ahead = TablesAhead(numbers())
    assert first.wait(60)
    ahead.close()  # waits for the thread
    assert read == [0]
    names = [each.relation[1] for each in ahead]
    assert names == ["t0", "t1", "t2"]


def test_none_are_there() -> None:
    assert list(TablesAhead(iter(()))) == []


def test_what_reading_fails_with_is_told_to_who_asks(tmp_path: Path) -> None:
    ahead = TablesAhead(CheckpointStore(tmp_path).read(2025, with_compression()))
    with pytest.raises(CheckpointError, match="2025"):
        list(ahead)
    ahead.close()
    # Nobody asks: nobody is told.
    TablesAhead(CheckpointStore(tmp_path).read(2025, with_compression())).close()


def test_closing_ends_what_is_being_read() -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless() -> Iterator[YearTable]:
        begun.set()
        try:
            while True:
                stop_if_asked()
        finally:
            ended.set()
        yield

    ahead = TablesAhead(endless())
    assert begun.wait(60)
    ahead.close()
    assert ended.is_set()
