"""The table of metrics: what is written is what was measured, and no result's digest sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from planwise.errors import WarehouseError
from planwise.reporting.metric_lines import metric_lines, write_metric_lines
from planwise.values import Metric
from planwise.warehouse.digests import database_digests
from planwise.warehouse.metrics_table import (
    COLUMNS,
    METRICS,
    forget_metrics,
    metric_row,
    record_metrics,
)

HOSTILE = "it's \"x\"; drop table t;\n{'a': 1}"
METRICS_OF_A_RUN = [
    Metric("model", HOSTILE, 2025, 0.5, 0.4, rows=2**62, values={"spilled_bytes": 7.0}),
    Metric("model", "model.p.view", 2025, 0.1, peak_rss_bytes=5),
    Metric("checkpoint", "year 2025", 2025, 0.2, values={"ratio": 9.5, HOSTILE: 1.0}),
    Metric("phase", "year 2025", 2025, float("inf"), 1.0, rss_bytes=3, bytes_read=1),
    Metric("run", "r\udc80n\0", None, 2.0, values={"odd": float("nan")}),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def test_each_metric_of_a_run_that_is_resumed_has_a_number_of_its_own(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    record_metrics(connection, "run", METRICS_OF_A_RUN)
    record_metrics(connection, "run", METRICS_OF_A_RUN[-1:])
    numbers = connection.execute(f"select number from {METRICS} order by number").fetchall()
    assert numbers == [(each,) for each in range(1, 7)]


def test_what_is_written_is_what_was_measured(connection: duckdb.DuckDBPyConnection) -> None:
    record_metrics(connection, HOSTILE, METRICS_OF_A_RUN)
    record_metrics(connection, "again", METRICS_OF_A_RUN[:1])
    names = ", ".join((*COLUMNS, "further"))
    rows = connection.execute(
        f"select number, {names} from {METRICS} where run_id = ? order by number", [HOSTILE]
    ).fetchall()
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    found = [dict(zip((*COLUMNS, "further"), row[1:], strict=True)) for row in rows]
    assert found == [metric_row(each) for each in METRICS_OF_A_RUN]
    first, view, stored, phase, run = found
    assert (first["spilled_bytes"], first["further"], first["peak_rss_bytes"]) == (7, {}, None)
    assert (view["rows"], view["spilled_bytes"], view["peak_rss_bytes"]) == (None, 0, 5)
    assert stored["further"] == {"ratio": 9.5, HOSTILE: 1.0}
    assert (phase["wall_s"], phase["rss_bytes"]) == (None, 3)
    assert (run["name"], run["simulation_year"], run["further"]) == ("r?n\0", None, {})
    ((late,),) = connection.execute(
        f"select max(abs(epoch(recorded_at) - epoch(now()))) from {METRICS}"
    ).fetchall()
    assert late < 600  # UTC, whatever the session's zone is


def test_a_table_of_an_older_planwise_gets_the_columns_that_it_lacks(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """They may be in another order, in other letters, and beside some of the user's own."""
    connection.execute("create schema planwise")
    connection.execute(
        f"create table {METRICS} (mine date default '2025-01-01', Name varchar, run_id varchar, "
        "number varchar, kind varchar, rows double)"
    )
    connection.execute(
        f"insert into {METRICS} (run_id, number) values ('run', '9'), ('run', '10'), ('x', '99')"
    )
    assert record_metrics(connection, "run", METRICS_OF_A_RUN) == ""
    names = ", ".join((*COLUMNS, "further"))
    rows = connection.execute(
        f"select {names} from {METRICS} where run_id = 'run' and kind is not null "
        "order by number::integer"
    ).fetchall()
    found = [dict(zip((*COLUMNS, "further"), row, strict=True)) for row in rows]
    assert found == [metric_row(each) for each in METRICS_OF_A_RUN]
    numbers = f"select number::integer from {METRICS} where kind is not null order by all"
    assert connection.execute(numbers).fetchall() == [(each,) for each in range(11, 16)]
    mine = f"select distinct mine = '2025-01-01'::date from {METRICS}"
    assert connection.execute(mine).fetchall() == [(True,)]


@pytest.mark.parametrize(
    "made",
    [
        "table {} (name integer)",
        "table {} (further varchar[])",
        "table {} (number date)",
        "table {} (rows tinyint)",
        "table {} (mine integer not null)",
        "table {} (run_id varchar primary key)",
        "table {} (a integer, rows bigint generated always as (a + 1))",
        "table {} (kind varchar check (kind = 'mine'))",
        "view {} as select 1 as a",
    ],
)
def test_a_table_that_cannot_take_them_stays_as_it_was(
    connection: duckdb.DuckDBPyConnection, made: str
) -> None:
    connection.execute("create schema planwise")
    connection.execute(f"create {made.replace('{}', METRICS)}")
    before = connection.execute(f"describe {METRICS}").fetchall()
    why = record_metrics(connection, "run", METRICS_OF_A_RUN)
    assert " Error: " in why
    assert "\n" not in why
    assert connection.execute(f"describe {METRICS}").fetchall() == before
    connection.execute("create table after_it as select 1 as a")  # in no transaction that failed


def test_no_digest_sees_it_and_a_branch_begins_without(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("create table t as select 1 as a")
    before = database_digests(connection)
    record_metrics(connection, "r", [])
    record_metrics(connection, "r", METRICS_OF_A_RUN)
    assert database_digests(connection) == before
    forget_metrics(connection)
    forget_metrics(connection)  # there is none
    assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("t",)]


def test_the_lines_have_the_columns_of_the_table(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    write_metric_lines(file, METRICS_OF_A_RUN)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [list(line) for line in lines] == [["number", *COLUMNS, "further"]] * 5
    assert lines[0] == {"number": 1, **metric_row(METRICS_OF_A_RUN[0])}
    assert metric_lines([]) == ""
    with pytest.raises(WarehouseError, match="cannot be written"):
        write_metric_lines(tmp_path, METRICS_OF_A_RUN)
