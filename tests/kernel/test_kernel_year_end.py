"""A committed year goes into the file and its state is stored beside what comes next."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.api import (
    CompressedState,
    StateTable,
    hookimpl,
    read_arrow_stream,
    write_arrow_stream,
)
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import StoredShape, YearTable
from planwise.errors import CheckpointError
from planwise.outputs import YearOutput
from planwise.plugins import InstalledPlugin, LoadedPlugin
from planwise.relay import Relay
from planwise.runs.manifest import Progress, new_manifest
from planwise.warehouse.database import Warehouse
from planwise.year_end import StoredYear, YearEnd

PEOPLE = YearOutput(("main", "people"), by_year=True)


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
    end = YearEnd(warehouse, store, None, Relay())
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
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "create table more as select 1 as n; insert into people values (-1, 2026)"
        )
    )
    assert not warehouse.beside.checkpoint()
    end.begin(2025, [PEOPLE])
    stored = ended(end)
    assert not stored.in_file
    # What is not committed is no part of the state.
    assert stored.checkpoint is not None
    assert stored.checkpoint.rows == 1000
    warehouse.commit()
    assert warehouse.beside.checkpoint()
    rows = warehouse.query(lambda c: c.execute("select count(*) from people").fetchall())
    assert rows == [(1001,)]


def test_a_project_without_a_state_has_no_checkpoint(warehouse: Warehouse, tmp_path: Path) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    assert end.take(wait=True) is None
    end.begin(2025, [])
    assert ended(end).checkpoint is None
    assert not (tmp_path / "states").exists()


@pytest.mark.parametrize("adopts", [True, False])
def test_a_year_of_another_run_is_noted_and_stored_only_where_it_is_not_adopted(
    warehouse: Warehouse, tmp_path: Path, adopts: bool
) -> None:
    store, asked = CheckpointStore(tmp_path / "states"), list[Mapping[str, str]]()
    progress = Progress(tmp_path, new_manifest({}, [2025, 2026]))

    def adopt(digests: Mapping[str, str]) -> bool:
        asked.append(digests)
        return adopts

    end = YearEnd(warehouse, store, progress, Relay())
    end.begin_arranged(2025, [PEOPLE], adopt)
    # What the next year does meanwhile is no part of it.
    warehouse.in_transaction(lambda cursor: cursor.execute("insert into people values (-1, 2025)"))
    warehouse.commit()
    stored = ended(end)
    assert len(asked) == 1
    assert asked[0]["main.people"].startswith("1000:")
    assert progress.manifest.finished == {2025: asked[0]}
    assert store.years() == ([] if adopts else [2025])
    assert (stored.checkpoint is None) == adopts
    if not adopts:
        assert {each.digest for each in store.manifest(2025).tables} == set(asked[0].values())
    # The transaction that held the year is over: another one begins on the same connection.
    end.begin(2026, [PEOPLE])
    assert ended(end).checkpoint is not None


def test_what_adopting_fails_with_is_told_and_leaves_nothing_held(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    def adopt(_: Mapping[str, str]) -> bool:
        raise CheckpointError("it is damaged")

    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin_arranged(2025, [PEOPLE], adopt)
    with pytest.raises(CheckpointError, match="it is damaged"):
        end.take(wait=True)
    end.begin(2025, [PEOPLE])
    assert ended(end).checkpoint is not None


def test_a_state_that_cannot_be_stored_is_a_warning(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "states").write_text("a file where the folder goes")
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin(2025, [PEOPLE])
    stored = ended(end)
    assert stored.checkpoint is None
    assert len(stored.warnings) == 1
    assert "year 2025 has no checkpoint" in stored.warnings[0]


def test_a_codec_that_loses_a_bit_ends_the_run(warehouse: Warehouse, tmp_path: Path) -> None:
    class Lossy:
        """Forgets the last row."""

        @hookimpl
        def compress_state(self, state: StateTable) -> CompressedState:
            self.table = state.table.slice(0, state.table.num_rows - 1)
            return CompressedState("lossy", b"x", state.table.nbytes)

        @hookimpl
        def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
            return self.table

    relay = Relay([loaded("lossy", Lossy())])
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, relay)
    end.begin(2025, [PEOPLE])
    with pytest.raises(CheckpointError, match="does not give back"):
        end.take(wait=True)


def test_a_codec_that_does_not_know_its_own_bytes_is_named(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    class Forgetful:
        """A codec that does not know a codec of its name."""

        @hookimpl
        def compress_state(self, state: StateTable) -> CompressedState:
            return CompressedState("forgetful", write_arrow_stream(state.table), state.table.nbytes)

        @hookimpl
        def restore_state(self, state: CompressedState, limit_bytes: int) -> None:
            return None

    relay = Relay([loaded("forgetful", Forgetful())])
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, relay)
    end.begin(2025, [PEOPLE])
    with pytest.raises(CheckpointError, match=r"hook 'restore_state'.*--no-forgetful"):
        end.take(wait=True)


def test_a_year_after_another_stores_what_it_added(warehouse: Warehouse, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, None, Relay())
    end.begin(2025, [PEOPLE])
    ended(end)
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "insert into people select 5000 + i, 2026 from range(10) t(i)"
        )
    )
    warehouse.commit()
    end.begin(2026, [PEOPLE])
    second = ended(end)
    assert second.checkpoint is not None
    assert second.checkpoint.rows == 1010
    assert second.checkpoint.raw_bytes < 1000  # of the ten
    assert next(store.read(2026, Relay())).table.num_rows == 1010
    # A row of an earlier year that changed is no addition: the whole table is stored.
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "delete from people where id = 3; insert into people values (9000, 2027)"
        )
    )
    warehouse.commit()
    end.begin(2027, [PEOPLE])
    ended(end)
    assert next(store.read(2027, Relay())).table.num_rows == 1010


def test_the_largest_table_is_read_first(warehouse: Warehouse, tmp_path: Path) -> None:
    """After the last year nothing else goes on while it is compressed."""
    warehouse.in_transaction(lambda cursor: cursor.execute("create table few as select 1 as n"))
    warehouse.commit()
    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, None, Relay())
    outputs = [YearOutput(("main", "few")), PEOPLE]
    for year in (2025, 2026):  # what is large, the year before tells
        end.begin(year, outputs, last=year == 2026)
        ended(end)
    read = [[each.identifier for each in store.manifest(y).tables] for y in (2025, 2026)]
    assert read == [["few", "people"], ["people", "few"]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_storing_gives_way_to_the_next_year_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    priorities = list[int]()

    class Watching:
        """A codec that looks at the priority of its thread."""

        @hookimpl
        def compress_state(self, state: StateTable) -> CompressedState:
            priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return CompressedState("watching", write_arrow_stream(state.table), state.table.nbytes)

        @hookimpl
        def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
            return read_arrow_stream(state.payload, limit_bytes)

    relay = Relay([loaded("watching", Watching())])
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, relay)
    for year in (2025, 2026):
        end.begin(year, [PEOPLE], last=year == 2026)
        ended(end)
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert priorities[0] > own or own == 19
    assert priorities[1] == own


def test_a_run_that_is_interrupted_gives_the_state_up(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.in_transaction(
        lambda cursor: cursor.execute(
            "create view slow as select count(*) as n from range(10000000) a, range(10000000) b"
        )
    )
    warehouse.commit()
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin(2025, [YearOutput(("main", "slow"))])
    time.sleep(0.2)  # into the query, which would take hours
    end.leave()
    assert end.take(wait=True) is None
    # The cursor serves again.
    assert warehouse.beside.table(PEOPLE, 2025, earlier=None).table.num_rows == 1000


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
    end = YearEnd(warehouse, store, None, Relay([loaded("slow", Slow())]))
    end.leave()  # nothing was begun
    end.begin(2025, [PEOPLE])
    assert asked.wait(30)
    threading.Timer(0.2, go_on.set).start()
    end.leave()
    assert store.years() == []
    assert list((tmp_path / "states").iterdir()) == []


def test_a_table_is_stored_while_the_next_is_read(warehouse: Warehouse, tmp_path: Path) -> None:
    asked = threading.Event()

    class Asked:
        """A codec that says when it is asked."""

        @hookimpl
        def compress_state(self, state: StateTable) -> CompressedState:
            asked.set()
            return CompressedState("asked", write_arrow_stream(state.table), state.table.nbytes)

        @hookimpl
        def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
            return read_arrow_stream(state.payload, limit_bytes)

    class Patient(Plodding):
        """The second table waits for the first one to be stored."""

        def table(self, output: YearOutput, year: int, *, earlier: StoredShape | None) -> YearTable:
            assert output == PEOPLE or asked.wait(30)
            return super().table(output, year, earlier=earlier)

    warehouse.in_transaction(lambda cursor: cursor.execute("create table more as from people"))
    warehouse.commit()
    store, relay = CheckpointStore(tmp_path / "states"), Relay([loaded("asked", Asked())])
    end = YearEnd(Patient(warehouse), store, None, relay)
    end.begin(2025, [PEOPLE, YearOutput(("main", "more"))])
    assert ended(end).checkpoint is not None
    assert len(list(store.read(2025, relay))) == 2


def test_a_year_of_which_one_table_cannot_be_read_is_not_stored(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    store = CheckpointStore(tmp_path / "states")
    end = YearEnd(warehouse, store, None, Relay())
    end.begin(2025, [PEOPLE, YearOutput(("main", "missing"))])
    with pytest.raises(duckdb.CatalogException, match="missing"):
        end.take(wait=True)
    assert store.years() == []
    assert list((tmp_path / "states").iterdir()) == []
    # The transaction that held the year is over.
    end.begin(2025, [PEOPLE])
    assert ended(end).checkpoint is not None


def test_a_state_is_of_its_year_whatever_the_next_year_commits(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    more = YearOutput(("main", "more"))
    rebuild = "create or replace table {} as select {} as id, 2025 as simulation_year"
    store = CheckpointStore(tmp_path / "states")
    for year in range(2025, 2045):
        for name in ("people", "more"):
            text = rebuild.format(name, year)
            warehouse.in_transaction(lambda cursor, sql=text: cursor.execute(sql))
        warehouse.commit()
        end = YearEnd(Plodding(warehouse), store, None, Relay())
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
        self._beside = warehouse.beside

    @property
    def beside(self) -> Any:
        return self

    def table(self, output: YearOutput, year: int, *, earlier: StoredShape | None) -> YearTable:
        time.sleep(0.02)
        return self._beside.table(output, year, earlier=earlier)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._beside, name)


def test_the_file_has_no_place_for_what_later_years_replace(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    end = YearEnd(Plodding(warehouse), CheckpointStore(tmp_path / "states"), None, Relay())
    sizes = []
    for year in range(2026, 2046):
        text = f"insert into people select (hash(i) >> 1)::bigint, {year} from range(1000) t(i)"
        warehouse.in_transaction(lambda cursor, sql=text: cursor.execute(sql))
        warehouse.commit()
        end.begin(year, [PEOPLE])
        # The next year begins, and is still at it when this one goes into the file.
        warehouse.in_transaction(lambda cursor: cursor.execute("from people").fetchall())
        assert ended(end).in_file
        sizes.append((tmp_path / "a.duckdb").stat().st_size)
    assert sizes[-1] <= 2 * sizes[2]


@pytest.mark.parametrize("late", [False, True])
def test_a_log_that_cannot_be_moved_ends_the_run_and_leaves_nothing_held(
    warehouse: Warehouse, tmp_path: Path, late: bool
) -> None:
    """Before the tables are read, and after: whoever stores them is not left waiting."""
    read = threading.Event()

    class Full(Plodding):
        """Its disk is full; no real one fails at a moment of the test's own choice."""

        def checkpoint(self) -> bool:
            assert not late or read.wait(30)
            raise duckdb.IOException("no space left")

        def table(self, output: YearOutput, year: int, *, earlier: StoredShape | None) -> YearTable:
            found = super().table(output, year, earlier=earlier)
            read.set()
            return found

    end = YearEnd(Full(warehouse), CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin(2025, [PEOPLE])
    with pytest.raises(duckdb.IOException, match="no space left"):
        end.take(wait=True)  # it waits for all threads
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin(2025, [PEOPLE])
    assert ended(end).checkpoint is not None


def test_an_error_of_the_query_keeps_its_name(warehouse: Warehouse, tmp_path: Path) -> None:
    end = YearEnd(warehouse, CheckpointStore(tmp_path / "states"), None, Relay())
    end.begin(2025, [YearOutput(("main", "missing"))])
    with pytest.raises(duckdb.CatalogException, match="missing"):
        end.take(wait=True)
