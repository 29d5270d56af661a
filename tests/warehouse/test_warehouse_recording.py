"""A run that was recorded and replayed by the floor gives the same tables."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.bench import floor
from planwise.census import generate_census
from planwise.config import load_config
from planwise.errors import UsageError
from planwise.inputs import load_inputs
from planwise.outputs import YearOutput
from planwise.plugins import installed_plugins
from planwise.warehouse.database import Warehouse
from planwise.warehouse.digests import database_digests
from planwise.warehouse.opening import reading
from planwise.warehouse.recording import Recorder, recording, typed

ROOT = Path(__file__).resolve().parents[2]
FLOOR = ROOT / "planwise" / "bench" / "floor.py"
NAME = "run.duckdb"


def recorded(folder: Path, action: Callable[[Warehouse], None], *, dbt_nodes: int = 0) -> Path:
    """Do something to a new database of the folder; gives the recording of it."""
    database = folder / "original" / NAME
    database.parent.mkdir()
    recorder = Recorder(folder / "recording", database)
    warehouse = Warehouse(database, 3, recorder=recorder)
    try:
        warehouse.open({"threads": 2, "temp_directory": str(database) + ".tmp"})
        action(warehouse)
        recorder.finish(dbt_nodes=dbt_nodes, nodes=5, settings={"threads": 2})
    finally:
        warehouse.close()
    return folder / "recording"


def replayed(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(FLOOR), str(folder), str(target)]
    return subprocess.run(command, capture_output=True, text=True)


def tables(database: Path) -> dict[str, Any]:
    with reading(database) as connection:
        return database_digests(connection)


def replay_gives_the_same(folder: Path) -> None:
    target = folder / "floor" / NAME
    target.parent.mkdir()
    done = replayed(folder / "recording", target)
    assert done.returncode == 0, done.stderr
    found = tables(target)
    assert found
    assert found == tables(folder / "original" / NAME)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "statements.jsonl").read_text().splitlines()]


def test_inputs_and_statements_of_every_kind_are_repeated(tmp_path: Path) -> None:
    census = tmp_path / "census.csv"
    generate_census(200, 42, census, date(2024, 12, 31))
    config = load_config(None).with_overrides(years=(2025, 2026), census_file=census)

    def work(warehouse: Warehouse) -> None:
        warehouse.query(lambda cursor: load_inputs(cursor, [config], ROOT / "dbt", tmp_path))
        with warehouse.connect() as one, warehouse.connect() as other:
            one.execute("create table kept (n integer, what varchar)")
            one.executemany("insert into kept values (?, ?)", [[1, "a\u2028b"], [2, None]])
            other.begin()
            other.execute(
                "create table published as select n + 1 as n from kept where n > $low", {"low": 0}
            )
            other.commit()
            one.execute("START TRANSACTION")
            one.execute("delete from kept")
            one.rollback()
            one.execute("begin")
            with pytest.raises(duckdb.Error):
                other.execute("select * from nowhere")
            one.execute("insert into kept select n + 10, 'more' from published")
            one.execute("commit")
            one.register("rows", pyarrow.table({"x": [1.5, None], "y": ["é", "z"]}))
            one.execute("create table from_arrow as select * from rows")
            one.unregister("rows")
            assert one.execute("select count(*) from kept").fetchone() == (4,)
            assert other.sql("select * from kept").to_arrow_table().num_rows == 4
            other.sql("create table plain as select 1 as a")
            other.sql("insert into plain values (2)")
        assert warehouse.row_counts([("main", "kept"), ("inputs", "census")])
        kept = YearOutput(("main", "kept"))
        assert warehouse.beside.table(kept, 2025, earlier=None).table.num_rows == 4
        warehouse.checkpoint()

    folder = recorded(tmp_path, work)
    replay_gives_the_same(tmp_path)
    header = json.loads((folder / "recording.json").read_text())
    assert header["unrecorded"] == []
    assert header["arrow_tables"] == 3  # two of the inputs
    assert header["statements"] == len(lines(folder))
    # The pool ends a transaction that may be open whenever a cursor returns: there was none.
    assert [line["kind"] for line in lines(folder)].count("rollback") == 1
    fetches = {line["sql"]: line["fetch"] for line in lines(folder) if "sql" in line}
    assert fetches["select count(*) from kept"] == "one"
    assert fetches["select * from kept"] == "arrow"
    assert fetches["delete from kept"] == "none"


VALUES = [
    None,
    True,
    -(2**100),
    0.1,
    float("inf"),
    "text",
    Decimal("1.10"),
    date(2024, 2, 29),
    time(1, 2, 3, 4),
    datetime(2024, 1, 1, 12, tzinfo=UTC),
    timedelta(days=-1, microseconds=7),
    b"\x00\xff",
    [1, [2.5, None]],
    {"a": date(2020, 1, 1)},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_bound_value_comes_back_with_its_type(value: Any) -> None:
    found = floor._value(json.loads(json.dumps(typed(value))))
    assert found == value
    assert type(found) is type(value)


@given(
    st.recursive(
        st.one_of(
            st.none(),
            st.floats(allow_nan=False),
            st.text(),
            st.dates(),
            st.decimals(allow_nan=False),
            st.binary(),
        ),
        st.lists,
    )
)
def test_any_nesting_of_values_comes_back(value: Any) -> None:
    assert floor._value(json.loads(json.dumps(typed(value)))) == value


def test_a_run_of_dbt_has_no_floor(tmp_path: Path) -> None:
    folder = recorded(tmp_path, lambda warehouse: warehouse.checkpoint(), dbt_nodes=3)
    done = replayed(folder, tmp_path / NAME)
    assert done.returncode == 1
    assert "dbt executed 3 of the 5 nodes of the recorded run" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / NAME).exists()


def test_what_was_not_recorded_is_named_and_not_replayed(tmp_path: Path) -> None:
    def work(warehouse: Warehouse) -> None:
        with warehouse.connect() as cursor:
            assert cursor.table("duckdb_tables()") is not None
            cursor.execute("select ?", [object])  # no SQL value

    with pytest.raises(duckdb.Error):
        recorded(tmp_path, work)

    def other(warehouse: Warehouse) -> None:
        with warehouse.connect() as cursor:
            assert cursor.sql("select 1 as a").filter("a > 0").fetchall() == [(1,)]
            cursor.register("reader", pyarrow.table({"a": [1]}).to_reader())

    (tmp_path / "second").mkdir()
    done = replayed(recorded(tmp_path / "second", other), tmp_path / NAME)
    assert done.returncode == 1
    assert "does not hold: register(RecordBatchReader), relation.filter" in done.stderr


def test_the_database_keeps_its_name_and_is_new(tmp_path: Path) -> None:
    folder = recorded(tmp_path, lambda warehouse: warehouse.checkpoint())
    assert "has to be called run.duckdb" in replayed(folder, tmp_path / "other.duckdb").stderr
    assert "is there already" in replayed(folder, tmp_path / "original" / NAME).stderr


def test_a_run_that_fails_leaves_no_recording(tmp_path: Path) -> None:
    def failing() -> None:
        with recording(tmp_path / "recording", tmp_path / NAME) as recorder:
            assert recorder is not None
            assert recorder.store(pyarrow.table({"a": [1]})) == "0.arrow"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()
    assert list((tmp_path / "recording").iterdir()) == []
    with recording(None, tmp_path / NAME) as nobody:
        assert nobody is None


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for taken in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match="is not an empty folder"):
            Recorder(taken, tmp_path / NAME)


def test_without_a_recorder_nothing_stands_before_duckdb(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / NAME, 1)
    warehouse.open({})
    with warehouse.connect() as cursor:
        assert type(cursor) is duckdb.DuckDBPyConnection
    warehouse.close()


@pytest.mark.slow
def test_a_recorded_simulation_has_a_floor_once_no_node_is_left_to_dbt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "planwise.cli.main"]
    census, database = tmp_path / "census.csv", tmp_path / "original" / NAME
    generate_census(200, 42, census, date(2024, 12, 31))
    words = ["simulate", "--census", str(census), "--years", "2025-2026"]
    words += ["--database", str(database), "--record-statements", str(tmp_path / "recording")]
    words += ["--cache-dir", str(tmp_path / "caches")]
    done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if "precompile" in installed_plugins():
        replay_gives_the_same(tmp_path)
    else:
        assert "dbt executed" in replayed(tmp_path / "recording", tmp_path / NAME).stderr
    again = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 2
    assert "is not an empty folder" in again.stderr
