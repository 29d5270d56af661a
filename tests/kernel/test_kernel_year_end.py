"""A committed year goes into the file and its state is stored beside what comes next."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.api import CompressedState, StateTable, hookimpl
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.plugins import InstalledPlugin, LoadedPlugin
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


def loaded(name: str, instance: object) -> LoadedPlugin:
    return LoadedPlugin(InstalledPlugin(name, "here 1", EntryPoint(name, "here", "here")), instance)


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
    assert next(store.read(2025, Relay())).table.num_rows == 1000
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
    assert not stored.in_file
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
    time.sleep(0.2)  # into the query, which would take hours
    end.leave()
    assert end.take(wait=True) is None
    # The cursor serves again.
    assert warehouse.state_table(PEOPLE, 2025).table.num_rows == 1000


def test_a_year_that_is_given_up_between_queries_stores_nothing(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow:
        """A codec that is at work when the run is interrupted."""

        @hookimpl
        def compress_state(self, state: StateTable) -> CompressedState:
            asked.set()
            assert go_on.wait(30)
            return CompressedState("slow", b"x", state.table.nbytes)

    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, Relay([loaded("slow", Slow())]))
    end.leave()  # nothing was begun
    end.begin(2025, [PEOPLE])
    assert asked.wait(30)
    threading.Timer(0.2, go_on.set).start()
    end.leave()
    assert store.years() == []
    assert list((tmp_path / "states").iterdir()) == []


def test_a_state_is_of_its_year_whatever_the_next_year_commits(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    more = ("main", "more")
    rebuild = "create or replace table {} as select {} as id, 2025 as simulation_year"
    store = CheckpointStore(tmp_path / "states")
    for year in range(2025, 2045):
        for name in ("people", "more"):
            text = rebuild.format(name, year)
            warehouse.in_transaction(lambda cursor, sql=text: cursor.execute(sql))
        warehouse.commit()
        end = YearEnd(Plodding(warehouse), store, Relay())
        end.begin(2025, [PEOPLE, more])
        for name in ("people", "more"):
            text = rebuild.format(name, "-1")
            warehouse.in_transaction(lambda cursor, sql=text: cursor.execute(sql))
            warehouse.commit()
        ended(end)
        found = [state.table["id"].to_pylist() for state in store.read(2025, Relay())]
        assert found == [[year], [year]]


class Plodding:
    """The warehouse, late with each table, as with a large one: the next year is always sooner."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def state_table(self, relation: tuple[str, str], year: int) -> YearTable:
        time.sleep(0.02)
        return self._warehouse.state_table(relation, year)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


def test_an_error_of_the_query_keeps_its_name(warehouse: Warehouse, tmp_path: Path) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), Relay())
    end.begin(2025, [("main", "missing")])
    with pytest.raises(duckdb.CatalogException, match="missing"):
        end.take(wait=True)
