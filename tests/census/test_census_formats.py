"""CSV, Parquet and Excel: the same people, true line numbers, whatever the file is written like."""

from __future__ import annotations

import csv
import datetime
import io
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise.census import CensusOptions, load_census

_PHYSICAL = re.compile(r"\r\n|\r|\n")
DAY = datetime.date(2018, 6, 30)
HEADER = ["employee_id", "birth_date", "hire_date", "annual_compensation", "deferral_rate", "ssn"]
ROWS: list[list[Any]] = [
    ["E3", datetime.date(1980, 1, 15), datetime.date(2010, 3, 1), Decimal("60000.50"), 0.06, "x"],
    ["E1", datetime.date(1992, 2, 29), datetime.date(2016, 2, 29), Decimal("71000.00"), None, None],
    ["E2", datetime.date(1975, 12, 31), None, Decimal("5.00"), 0.1, None],
]


def people(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT * EXCLUDE (source_line) FROM inputs.census").fetchall()


def csv_text() -> str:
    lines = [",".join(HEADER)]
    lines += [",".join("" if cell is None else str(cell) for cell in row) for row in ROWS]
    return "\n".join(lines) + "\n"


def arrow_table() -> pa.Table:
    return pa.table(dict(zip(HEADER, map(list, zip(*ROWS, strict=True)), strict=True)))


def write_workbook(path: Path, rows: list[list[Any]], **sheets: Any) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = sheets.get("title", "people")
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_the_three_formats_agree(
    load: Any, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    from_csv = load(csv_text())
    expected = people(connection)
    assert [row[0] for row in expected] == ["E1", "E3"]
    assert [ex.line for ex in from_csv.examples["missing_hire_date"]] == [4]

    pq.write_table(arrow_table(), tmp_path / "c.parquet")
    from_parquet = load(tmp_path / "c.parquet")
    assert people(connection) == expected
    assert [ex.line for ex in from_parquet.examples["missing_hire_date"]] == [3]

    book = write_workbook(
        tmp_path / "c.xlsx",
        [HEADER, *([float(c) if isinstance(c, Decimal) else c for c in row] for row in ROWS)],
    )
    from_excel = load(book)
    assert people(connection) == expected
    assert [ex.line for ex in from_excel.examples["missing_hire_date"]] == [4]

    assert from_csv.set_aside == from_parquet.set_aside == from_excel.set_aside
    assert from_csv.assumed == from_parquet.assumed == from_excel.assumed
    assert from_csv.repaired == from_parquet.repaired == from_excel.repaired == {}
    assert (from_csv.place, from_parquet.place, from_excel.place) == ("line", "row", "row")


_WRAPPED: dict[str, Any] = {
    "strings": lambda t: t.cast(pa.schema([(name, pa.string()) for name in HEADER])),
    "large strings": lambda t: t.cast(pa.schema([(name, pa.large_string()) for name in HEADER])),
    "string views": lambda t: t.cast(pa.schema([(name, pa.string()) for name in HEADER])).cast(
        pa.schema([(name, pa.string_view()) for name in HEADER])
    ),
    "dictionaries": lambda t: pa.table(
        {n: t[n].cast(pa.string()).dictionary_encode() for n in HEADER}
    ),
    "bytes": lambda t: t.cast(pa.schema([(name, pa.string()) for name in HEADER])).cast(
        pa.schema([(name, pa.binary()) for name in HEADER])
    ),
    "doubles": lambda t: t.set_column(
        3, "annual_compensation", t["annual_compensation"].cast(pa.float64())
    ),
    "timestamps": lambda t: t.set_column(
        1, "birth_date", t["birth_date"].cast(pa.timestamp("ns"))
    ).set_column(2, "hire_date", t["hire_date"].cast(pa.timestamp("ms", "UTC"))),
}


@pytest.mark.parametrize("kind", _WRAPPED)
def test_parquet_of_any_type(
    load: Any, connection: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str
) -> None:
    load(csv_text())
    expected = people(connection)
    connection.execute("SET TimeZone = 'America/Los_Angeles'")
    pq.write_table(_WRAPPED[kind](arrow_table()), tmp_path / "c.parquet")
    summary = load(tmp_path / "c.parquet")
    assert people(connection) == expected
    assert not summary.repaired


def test_ids_that_were_stored_as_floats(
    load: Any, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    table = arrow_table().set_column(0, "employee_id", pa.array([3.0, 1.0, float("nan")]))
    pq.write_table(table, tmp_path / "c.parquet")
    load(tmp_path / "c.parquet")
    assert [row[0] for row in people(connection)] == ["1", "3"]


def test_excel_percent_cells_sheets_and_blank_rows(
    load: Any, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    book.active.append(["nothing here"])
    sheet = book.create_sheet("Census")
    sheet.append([])
    sheet.append(["Employee ID", "DOB", "Hire Date", "Salary", "Deferral %", None])
    morning = datetime.datetime(2010, 3, 1, 8, 30)  # noqa: DTZ001 - Excel knows no time zones
    sheet.append([17, datetime.date(1980, 1, 15), datetime.date(2010, 3, 1), 60000, 0.065])
    sheet["E3"].number_format = "0.0%"
    sheet.append([None] * 5)
    sheet.append(["E2", "1/15/1980", morning, "$61,000", 7])
    for row in range(7, 60):
        sheet.cell(row=row, column=1).number_format = "0.00"
    book.save(tmp_path / "c.xlsx")
    summary = load(tmp_path / "c.xlsx")
    assert summary.notes == ("read the sheet 'Census' of 2",)
    assert summary.set_aside == {"empty_row": 1}
    assert summary.rows_read == 3
    assert summary.repaired["time_of_day_dropped"] == 1
    assert summary.columns_used["deferral_rate"] == "Deferral %"
    found = connection.execute(
        "SELECT employee_id, deferral_rate_e5, annual_compensation_cents, source_line "
        "FROM inputs.census"
    ).fetchall()
    assert found == [("17", 6500, 6_000_000, 3), ("E2", 7000, 6_100_000, 5)]


cells = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from('\r\n",;|\t '),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    departments=st.lists(cells, min_size=1, max_size=12),
    title=st.lists(cells, min_size=12, max_size=12),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    bom=st.booleans(),
    cut=st.booleans(),
    quote_all=st.booleans(),
)
def test_csv_however_it_is_written(
    tmp_path: Path,
    departments: list[str],
    title: list[str],
    newline: str,
    delimiter: str,
    bom: bool,
    cut: bool,
    quote_all: bool,
) -> None:

    def written(cells: list[str]) -> str:
        # Not csv.writer, which leaves a lone carriage return in a cell unquoted.
        quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
        plain = [not quote_all and not set(cell) & set('"\r\n,;|\t') for cell in cells]
        pairs = zip(plain, cells, quoted, strict=True)
        return delimiter.join(c if bare else q for bare, c, q in pairs) + newline

    text = written(["department", "Note\nto self", *HEADER[:4], "job_title"])
    expected = {}
    for number, department in enumerate(departments):
        line = len(_PHYSICAL.findall(text)) + 1
        note = title[-number - 1]
        text += written(
            [department, note, f"E{number:02d}", "1980-01-15", "2010-03-01", "6e4", title[number]]
        )
        expected[f"E{number:02d}"] = (line, _blank(department), _blank(title[number]))
    text = text.removesuffix(newline) if cut else text
    path = tmp_path / "census.csv"
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.encode())
    with duckdb.connect(":memory:") as connection:
        summary = load_census(connection, CensusOptions(path, DAY))
        rows = connection.execute(
            "SELECT employee_id, source_line, department, job_title FROM inputs.census"
        ).fetchall()
    assert {row[0]: row[1:] for row in rows} == expected
    assert bool(summary.notes) == (delimiter != ",")


def _blank(text: str) -> str | None:
    return text.strip(" \t\r\n\v\f\u00a0\u2007\u202f\u200b\ufeff") or None


def test_lines_of_a_file_of_many_blocks(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Line numbers stay true from block to block, with line breaks in cells and blank lines."""
    path = tmp_path / "long.csv"
    random_lines = random.Random(5)  # noqa: S311 - no secret
    line, expected = 2, {}
    with path.open("w", newline="") as file:
        file.write(",".join([*HEADER[:4], "department"]) + "\n")
        for number in range(60_000):
            if random_lines.random() < 0.01:
                file.write("\n")
                line += 1
            breaks = random_lines.choice([0, 0, 0, 1, 2])
            pad = "x" * random_lines.randint(100, 300)
            expected[f"E{number:05d}"] = line
            cell = f'"{pad}' + "\n" * breaks + 'y"'
            file.write(f"E{number:05d},1980-01-15,2010-03-01,60000,{cell}\n")
            line += 1 + breaks
    assert path.stat().st_size > 12 << 20
    summary = load_census(connection, CensusOptions(path, DAY))
    found = connection.execute("SELECT employee_id, source_line FROM inputs.census").fetchall()
    assert dict(found) == expected
    assert summary.set_aside["empty_row"] == line - 2 - sum(1 for _ in expected) - _breaks_in(path)


def _breaks_in(path: Path) -> int:
    with path.open(newline="") as file:
        return sum(row[4].count("\n") for row in csv.reader(file) if row)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C"]),
            st.sampled_from(["2010-03-01", "3/2/2010", "2010-03-03", ""]),
            st.sampled_from(["60000", "$60,000.00", "60000.01", "70000", "0"]),
            st.sampled_from(["", "2018-06-30", "2018-07-01"]),
        ),
        min_size=1,
        max_size=14,
    )
)
def test_of_duplicates_the_latest_hire_then_the_highest_pay_then_the_first_line(
    tmp_path: Path, rows: list[tuple[str, str, str, str]]
) -> None:
    rows = [*rows, ("Z", "2010-03-01", "1", "")]
    text = "employee_id,hire_date,salary,term_date,birth_date\n"
    text += "".join(
        ",".join([*row[:1], row[1], f'"{row[2]}"', row[3], "1980-01-15\n"]) for row in rows
    )
    (tmp_path / "census.csv").write_text(text)
    best: dict[str, tuple[str, Decimal, int]] = {}
    for number, (who, hired, pay, left) in enumerate(rows, start=2):
        amount = Decimal(pay.replace("$", "").replace(",", ""))
        if not hired or not amount or left == "2018-06-30":
            continue
        day = "2010-03-02" if "/" in hired else hired
        best[who] = max(best.get(who, ("", Decimal(0), 0)), (day, amount, -number))
    with duckdb.connect(":memory:") as connection:
        summary = load_census(connection, CensusOptions(tmp_path / "census.csv", DAY))
        found = connection.execute("SELECT employee_id, source_line FROM inputs.census").fetchall()
    assert found == sorted((who, -key[2]) for who, key in best.items())
    assert summary.rows_read == len(rows) == summary.people + sum(summary.set_aside.values())


def test_the_order_of_rows_does_not_matter(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    lines = [f"E{n:03d},19{60 + n % 30}-01-15,2010-03-01,{60000 + n}" for n in range(200)]
    header = ",".join(HEADER[:4])
    load("\n".join([header, *lines]))
    expected = people(connection)
    random.Random(1).shuffle(lines)  # noqa: S311 - no secret
    load("\n".join([header, *lines]))
    assert people(connection) == expected


def test_hostile_text_is_only_text(load: Any, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE main.precious AS SELECT 1 AS one")
    ids = [
        "'; DROP TABLE main.precious; --",
        '"; DROP TABLE main.precious; --',
        "=cmd|' /C calc'!A0",
        "$census_date",
        "{0} %s {name}",
        "\x1b[31mred\x1b[0m",
        "\u202egnirts",
        "ÅÉ漢字🎉",
    ]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*HEADER[:4], 'x"; DROP TABLE main.precious; --', "job_title"])
    for number, text in enumerate(ids):
        pay = "60000" if number else text
        writer.writerow([text, "1980-01-15", "2010-03-01", pay, text, text])
    summary = load(file.getvalue())
    assert summary.set_aside == {"bad_compensation": 1}
    found = connection.execute("SELECT employee_id, job_title FROM inputs.census").fetchall()
    assert sorted(found) == sorted((text, text) for text in ids[1:])
    assert connection.execute("FROM main.precious").fetchall() == [(1,)]
    for line in summary.lines():
        assert line.isprintable()
    details = connection.execute("SELECT detail FROM inputs.census_audit").fetchall()
    assert all(detail.isprintable() for (detail,) in details)


def test_a_connection_without_access_to_files(tmp_path: Path) -> None:
    (tmp_path / "census.csv").write_text(csv_text())
    locked = {
        "enable_external_access": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": False,
        "lock_configuration": True,
    }
    with duckdb.connect(":memory:", config=locked) as connection:
        assert load_census(connection, CensusOptions(tmp_path / "census.csv", DAY)).people == 2
        assert [row[0] for row in people(connection)] == ["E1", "E3"]


def test_nothing_is_left_behind_but_the_two_tables(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    load(csv_text())
    load(csv_text())
    tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    assert sorted(tables) == [("inputs", "census"), ("inputs", "census_audit")]
    views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert views == []


@pytest.mark.parametrize("name", ["inputs", 'temp dir\'s "db"'])
def test_names_that_are_taken(tmp_path: Path, name: str) -> None:
    """A database called like the schema, and tables called like our temporary ones."""
    (tmp_path / "census.csv").write_text(csv_text())
    with duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection:
        for table in ("census_text", "census_judged", "census_people", "census_findings"):
            connection.execute(f"CREATE TABLE main.{table} AS SELECT 7 AS seven")
        assert load_census(connection, CensusOptions(tmp_path / "census.csv", DAY)).people == 2
        assert connection.execute("FROM main.census_people").fetchall() == [(7,)]
        found = connection.execute(
            "SELECT schema_name FROM duckdb_tables() WHERE table_name = 'census'"
        )
        assert found.fetchall() == [("inputs",)]
