"""`planwise export`: files hold what the tables hold, exactly, and nothing else."""

from __future__ import annotations

import datetime
import os
import resource
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from analysis_runs import FORMULAS, SSN, called, contents, refused, run_planwise, start_planwise
from hypothesis import given
from hypothesis import strategies as st

from planwise.analysis.published import PUBLISHED_TABLES
from planwise.errors import UsageError
from planwise.reporting.table_files import refuse_too_many
from planwise.reporting.workbook import MOST_ROWS, MOST_SIGNS, Workbook, safe_text

TABLES = tuple(PUBLISHED_TABLES)
PLACES = {"_cents": 2, "_e5": 5}


def exported(capsys: Any, database: Path, *words: str | Path) -> str:
    code, out, error = called(capsys, "export", "--database", database, *words)
    assert code == 0, error
    return out


def wanted(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    """The rows of a table as they should leave it: sorted, in currency units and fractions."""
    order = ", ".join(("scenario_id", "replicate_id", *PUBLISHED_TABLES[table]))
    cursor = connection.execute(f"select * from {table} order by {order}")
    names = [column[0] for column in cursor.description]
    found = []
    for row in cursor.fetchall():
        made = {}
        for name, value in zip(names, row, strict=True):
            unit = next((unit for unit in PLACES if name.endswith(unit)), "")
            scaled = value is not None and unit
            made[name.removesuffix(unit)] = (
                Decimal(value).scaleb(-PLACES[unit]) if scaled else value
            )
        found.append(made)
    return found


def as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def read_back(sql: str) -> list[dict[str, Any]]:
    with duckdb.connect() as memory:
        cursor = memory.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_parquet_is_the_tables_with_exact_decimals(
    database: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection, capsys: Any
) -> None:
    exported(capsys, database, "--format", "parquet", "--output", tmp_path / "out")
    files = sorted((tmp_path / "out").iterdir())
    assert [file.stem for file in files] == sorted(TABLES)
    for table in TABLES:
        file = tmp_path / "out" / f"{table}.parquet"
        assert read_back(f"select * from '{file}'") == wanted(connection, table)
        kinds = {row["column_type"] for row in read_back(f"describe from '{file}'")}
        assert not kinds & {"DOUBLE", "FLOAT"}
        described = {r["column_name"]: r["column_type"] for r in read_back(f"describe '{file}'")}
        assert not any(name.endswith(("_cents", "_e5")) for name in described)
        if table == "fct_workforce_snapshot":
            assert described["match"] == "DECIMAL(18,2)"
            assert described["deferral_rate"] == "DECIMAL(7,5)"


def test_csv_is_the_tables_and_leaves_text_as_it_is(
    database: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection, capsys: Any
) -> None:
    exported(capsys, database, "--format", "csv", "--output", tmp_path / "out")
    for table in TABLES:
        expected = wanted(connection, table)
        text = [{name: as_text(value) for name, value in row.items()} for row in expected]
        file = tmp_path / "out" / f"{table}.csv"
        sql = f"select * from read_csv('{file}', all_varchar = true, header = true, quote = '\"')"
        assert read_back(sql) == text
    snapshot = (tmp_path / "out" / "fct_workforce_snapshot.csv").read_text(encoding="utf-8")
    assert all(formula in snapshot for formula in FORMULAS)
    assert "日本" in snapshot


def test_the_workbook_has_numbers_dates_and_text_but_no_formula(
    database: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection, capsys: Any
) -> None:
    file = tmp_path / "all.xlsx"
    exported(capsys, database, "--output", file)
    book = openpyxl.load_workbook(file)
    assert tuple(book.sheetnames) == TABLES
    for table in TABLES:
        sheet = book[table]
        expected = wanted(connection, table)
        header, *cells = list(sheet)
        names = [cell.value for cell in header]
        assert names == list(expected[0])
        assert sheet.freeze_panes == "A2"
        assert len(cells) == len(expected)
        for row, values in zip(cells, expected, strict=True):
            for cell, value in zip(row, values.values(), strict=True):
                assert cell.data_type != "f"
                if isinstance(value, Decimal):
                    assert Decimal(str(cell.value)) == value
                    assert cell.number_format in ("#,##0.00", "0.000 %", "General")
                elif isinstance(value, datetime.date):
                    assert cell.value.date() == value
                    assert cell.number_format == "yyyy-mm-dd"
                else:
                    assert cell.value == value
    departments = {row["department"] for row in wanted(connection, "fct_workforce_snapshot")}
    assert departments >= set(FORMULAS)


def test_tables_scenarios_replicates_and_years_are_chosen(
    database: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection, capsys: Any
) -> None:
    file = tmp_path / "some.csv"
    words = ("--table", "fct_workforce_snapshot", "--scenario", "rich", "--years", "2025", "2027")
    out = exported(capsys, database, "--output", file, "--replicate", "1", *words)
    expected = [
        row
        for row in wanted(connection, "fct_workforce_snapshot")
        if row["scenario_id"] == "rich" and row["simulation_year"] != 2026
    ]
    found = read_back(f"select * from read_csv('{file}', all_varchar = true)")
    assert [row["employee_id"] for row in found] == [row["employee_id"] for row in expected]
    assert f"fct_workforce_snapshot: {len(expected):,} rows" in out
    assert sorted(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_no_export_holds_an_ssn(
    form: str, database: Path, tmp_path: Path, connection: duckdb.DuckDBPyConnection, capsys: Any
) -> None:
    stored = connection.execute("select distinct ssn from inputs.census").fetchall()
    assert stored == [(SSN.replace("-", ""),)] or stored == [(SSN,)], "the census has one"
    out = tmp_path / ("x.xlsx" if form == "xlsx" else "x")
    exported(capsys, database, "--format", form, "--output", out)
    for file in [out] if out.is_file() else out.iterdir():
        assert SSN.encode() not in contents(file)
        assert SSN.replace("-", "").encode() not in contents(file)


@pytest.mark.parametrize("name", ["ssn", "SS Number", "social_security_number", "Employee SSN"])
def test_a_column_named_like_an_ssn_is_refused(
    name: str, copied: Path, tmp_path: Path, capsys: Any
) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f'alter table fct_headcount add column "{name}" varchar')
    words = ("--database", copied, "--format", "csv", "--output", tmp_path / "out")
    refused(capsys, 1, ("social security number", "never exported"), "export", *words)
    assert not (tmp_path / "out").exists()


def test_the_inputs_are_no_tables_to_export(database: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("census", "inputs.census", "int_pay_changes", "fct_plan_costs"):
        words = ("--format", "csv", "--output", tmp_path / "out", "--table", name)
        refused(capsys, 2, ("no published table", name), "export", "--database", database, *words)
    words = ("--format", "csv", "--output", tmp_path / "out", "--table", "fct_plan_costs")
    refused(capsys, 2, ("did you mean fct_plan_cost?",), "export", "--database", database, *words)


MADE: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "no output": ((), 2, ("--output",)),
    "no format": (("--output", "out"), 2, ("does not say the format", "--format")),
    "format against name": (
        ("--output", "x.csv", "--format", "parquet"),
        2,
        ("ends with .parquet",),
    ),
    "xlsx folder": (("--output", "out", "--format", "xlsx"), 2, ("ends with .xlsx",)),
    "one file for all": (("--output", "x.csv"), 2, ("7 tables", "--table")),
    "scenario": (("--output", "x.xlsx", "--scenario", "rch"), 2, ("did you mean rich?",)),
    "replicate": (("--output", "x.xlsx", "--replicate", "3"), 2, ("no replicate 3",)),
    "years": (("--output", "x.xlsx", "--years", "2024"), 2, ("2024 was not simulated",)),
    "folder above": (("--output", "no/x", "--format", "csv"), 1, ("folder no does not exist",)),
    "folder above xlsx": (("--output", "no/x.xlsx"), 1, ("folder no does not exist",)),
}


@pytest.mark.parametrize("case", MADE)
def test_a_mistake_is_one_line_and_leaves_nothing(
    case: str, database: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words, code, said = MADE[case]
    refused(capsys, code, said, "export", "--database", database, *words)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_there_stay_unless_they_are_forced(
    database: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "fct_headcount.csv").write_text("mine", encoding="utf-8")
    (out / "notes.txt").write_text("mine too", encoding="utf-8")
    words = ("--database", database, "--format", "csv", "--output", out)
    refused(capsys, 2, ("fct_headcount.csv: is there already", "--force"), "export", *words)
    assert len(list(out.iterdir())) == 2
    assert called(capsys, "export", *words, "--force")[0] == 0
    assert (out / "fct_headcount.csv").read_text(encoding="utf-8") != "mine"
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine too"
    assert len(list(out.iterdir())) == len(TABLES) + 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_is_the_same_each_time(database: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("one", "two"):
        exported(capsys, database, "--format", "csv", "--output", tmp_path / name)
    for table in TABLES:
        one, two = (tmp_path / name / f"{table}.csv" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_disk_that_is_full_leaves_nothing(form: str, database: Path, tmp_path: Path) -> None:
    """A limit on the size of files, which every writer meets as it meets a full disk."""
    out = "x.xlsx" if form == "xlsx" else "x"
    done = run_planwise(
        *("export", "--database", database, "--format", form, "--output", out),
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("planwise: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_export_that_is_stopped_leaves_nothing(
    number: signal.Signals, copied: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "insert into fct_yearly_events select e.* replace (event_id || n as event_id) "
            "from fct_yearly_events as e cross join range(200) as r(n)"
        )
    folder = tmp_path / "here"
    folder.mkdir()
    process = start_planwise("export", "--database", copied, "--output", "x.xlsx", cwd=folder)
    while process.poll() is None and not list(folder.iterdir()):
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert error.startswith("planwise: ")
    assert len(error.splitlines()) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("moment", ["row", "save"])
def test_ctrl_c_waits_for_a_place_between_rows_or_pieces_of_a_workbook(
    moment: str, tmp_path: Path
) -> None:
    """Raised in the middle of openpyxl it may become another error, or be lost."""
    reached = []

    def interrupted() -> None:
        with Workbook() as book:
            sheet = book.sheet("x", ["heading"], [10])
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("behind the signal")
            if moment == "row":
                sheet.row([1])
            book.save(tmp_path / "x.xlsx")
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == ["behind the signal"]


def test_more_rows_than_a_sheet_has_are_refused() -> None:
    refuse_too_many({"fct_headcount": MOST_ROWS})
    with pytest.raises(UsageError, match=r"1,048,576 rows.*--format parquet"):
        refuse_too_many({"fct_yearly_events": MOST_ROWS + 1})


def test_a_text_too_long_for_a_cell_is_refused() -> None:
    assert safe_text("x" * MOST_SIGNS)
    with pytest.raises(UsageError, match="32,768 characters"):
        safe_text("x" * (MOST_SIGNS + 1))


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_comes_back_from_a_cell(text: str) -> None:
    """As Excel reads it, which takes ``_xHHHH_`` for the sign of that number."""
    from openpyxl.utils.escape import unescape

    escaped = safe_text(text)
    assert not any(sign in escaped for sign in "\x00\x08\x0b\x1f\r\ufffe")
    if "_x" not in text:
        assert unescape(escaped) == text


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (2**63 - 1, str(2**63 - 1)),
        (10**15 - 1, 10**15 - 1),
        (datetime.date(1899, 12, 31), "1899-12-31"),
        (datetime.date(1900, 3, 1), datetime.datetime(1900, 3, 1)),  # noqa: DTZ001  # Excel knows no zones
        (True, True),
        ("=1+1", "=1+1"),
        (" x ", " x "),
    ],
)
def test_a_value_that_excel_cannot_hold_becomes_text(value: Any, back: Any, tmp_path: Path) -> None:
    with Workbook() as book:
        book.sheet("x", ["heading"], [10]).row([value])
        book.save(tmp_path / "x.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "x.xlsx")["x"]["A2"]
    assert cell.value == back
    assert cell.data_type != "f"
