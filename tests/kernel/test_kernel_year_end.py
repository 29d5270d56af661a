"""A committed year goes into the file and its state is stored beside what comes next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from planwise.checkpoints.store import CheckpointStore
from planwise.errors import CheckpointError
from planwise.relay import Relay
from planwise.warehouse.database import Warehouse
from planwise.year_end import StoredYear, YearEnd

PEOPLE = ("main", "people")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """A year is committed and still in the log."""
    warehouse = Warehouse(tmp_path / "a.duckdb", 1)
    warehouse.open({"checkpoint_threshold": "1GiB"})
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "create table people as select i as id, 2025 as simulation_year from range(1000) t(i)"
        )
    )
    warehouse.commit()
    yield warehouse
    warehouse.close()


def log_of(warehouse: Warehouse, tmp_path: Path) -> int:
    log = tmp_path / "a.duckdb.wal"
    return log.stat().st_size if log.exists() else 0


def ended(end: YearEnd) -> StoredYear:
    stored = end.take(wait=True)
    assert stored is not None
    return stored


def test_a_year_is_stored_while_the_next_fills_temporary_tables(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, Relay())
    before = log_of(warehouse, tmp_path)
    warehouse.in_transaction(
        lambda cursor: cursor.execute("create temporary table t as select * from people")
    )
    end.begin(2025, [PEOPLE])
    stored = ended(end)
    assert stored.checkpoint is not None
    assert (stored.checkpoint.year, stored.checkpoint.rows) == (2025, 1000)
    assert store.read(2025, Relay())[0].table.num_rows == 1000
    assert 0 < before > log_of(warehouse, tmp_path)
    assert end.take(wait=True) is None  # once
    warehouse.commit()


def test_a_writer_keeps_the_year_in_the_log_and_loses_nothing(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "create table more as select 1 as n; insert into people values (-1, 2026)"
        )
    )
    assert not warehouse.checkpoint_beside()
    end.begin(2025, [PEOPLE])
    stored = ended(end)
    # What is not committed is no part of the state.
    assert stored.checkpoint is not None
    assert stored.checkpoint.rows == 1000
    warehouse.commit()
    assert warehouse.checkpoint_beside()
    rows = warehouse.query(lambda c: c.execute("select count(*) from people").fetchall())
    assert rows == [(1001,)]


def test_a_project_without_a_state_has_no_checkpoint(warehouse: Warehouse, tmp_path: Path) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    assert end.take(wait=True) is None
    end.begin(2025, [])
    assert ended(end).checkpoint is None
    assert not (tmp_path / "states").exists()


def test_a_state_that_cannot_be_stored_is_an_error_where_it_is_taken(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "states").write_text("a file where the folder goes")
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    end.begin(2025, [PEOPLE])
    with pytest.raises(CheckpointError, match="the state of 2025 cannot be stored"):
        end.take(wait=True)


def test_a_run_that_is_interrupted_gives_the_state_up(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "create view slow as select count(*) as n from range(10000000) a, range(10000000) b"
        )
    )
    warehouse.commit()
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    end.begin(2025, [("main", "slow")])
    while end.take(wait=False) is None and not _runs(warehouse):
        time.sleep(0.01)
    end.leave(interrupt=True)
    assert end.take(wait=True) is None
    assert not _runs(warehouse)
    # The cursor serves again.
    assert warehouse.state_table(PEOPLE, 2025).table.num_rows == 1000


def _runs(warehouse: Warehouse) -> bool:
    """Whether a query runs beside: its cursor is lent then."""
    beside = warehouse._beside  # nothing outside can see the cursor that is lent
    assert beside is not None
    return bool(beside._lent)  # as above


def test_a_run_that_failed_leaves_no_thread_behind(warehouse: Warehouse, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, Relay())
    end.leave(interrupt=False)  # nothing was begun
    end.begin(2025, [PEOPLE])
    end.leave(interrupt=False)
    assert store.years() == [2025]  # it was finished: it may be what a later run goes on from
    end.begin(2025, [("main", "missing")])
    end.leave(interrupt=False)  # the run's own error is the one to tell


def test_an_error_of_the_query_keeps_its_name(warehouse: Warehouse, tmp_path: Path) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    end.begin(2025, [("main", "missing")])
    with pytest.raises(duckdb.CatalogException, match="missing"):
        end.take(wait=True)
