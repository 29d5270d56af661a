"""A census that cannot be used: one line that says what and how to mend it, and nothing written."""

from __future__ import annotations

import datetime
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise.census import CensusOptions, check_census_date, default_census_date, load_census
from planwise.census.files import LONGEST_CELL
from planwise.errors import CensusError, PlanwiseError

HEAD = "employee_id,birth_date,hire_date,annual_compensation"
ROW = "E1,1980-01-15,2010-03-01,60000"
GOOD = f"{HEAD}\n{ROW}\n"
DAY = datetime.date(2018, 6, 30)


def _table(**columns: Any) -> pa.Table:
    plain: dict[str, Any] = dict(
        zip(HEAD.split(","), ([cell] for cell in ROW.split(",")), strict=True)
    )
    return pa.table(plain | columns)


TEXTS: list[tuple[str, str | bytes, dict[str, Any], str]] = [
    ("empty", "", {}, "is empty; expected a header"),
    ("blank", "\n\n  \n", {}, "has no header"),
    ("only a mark of UTF-8", b"\xef\xbb\xbf", {}, "has no header"),
    ("header only", HEAD, {}, "has a header and no rows"),
    ("header and blank lines", HEAD + "\n\n\n,,,\n", {}, "has a header and no rows"),
    (
        "no header",
        f"{ROW}\n{ROW}\n",
        {},
        "no column for employee_id, birth_date, hire_date, annual",
    ),
    (
        "a column missing",
        f"{HEAD.replace('birth_date', 'brith_date')}\n{ROW}\n",
        {},
        (
            "no column for birth_date; found: employee_id, brith_date, hire_date, "
            "annual_compensation. did you mean 'brith_date' for birth_date?"
        ),
    ),
    (
        "two headers of one field",
        f"{HEAD},Salary\n{ROW},1\n",
        {},
        "the columns 'annual_compensation' and 'Salary' all mean annual_compensation",
    ),
    (
        "one header twice",
        f"{HEAD},DOB\n{ROW},1\n",
        {},
        "'birth_date' and 'DOB' all mean birth_date",
    ),
    ("unknown field", GOOD, {"columns": {"birthdate": "x"}}, "did you mean 'birth_date'"),
    (
        "absent header",
        GOOD,
        {"columns": {"department": "hire dat"}},
        "maps department to 'hire dat', which is not there (did you mean 'hire_date'?); found: emp",
    ),
    (
        "one header for two fields",
        GOOD,
        {"columns": {"department": "employee_id", "job_title": "Employee_ID"}},
        "maps both department and job_title to 'Employee_ID'",
    ),
    (
        "mapped header twice",
        f"{HEAD},d,d\n{ROW},1,2\n",
        {"columns": {"department": "d"}},
        "2 columns are called that",
    ),
    ("too few cells", f"{GOOD}E2,1980-01-15\n", {}, "line 3 has 2 cells, the header 4"),
    (
        "too many cells",
        f"{HEAD}\nE1,1980-01-15,2010-03-01,60,000\n{ROW}\nE3,1\n",
        {},
        "line 2 has 5 cells, the header 4 (and 1 more such rows)",
    ),
    (
        "too few cells after a line break in a cell",
        f'{HEAD},note\n{ROW},"a\n\nb"\n\nE2\n',
        {},
        "line 6 has 1 cells",
    ),
    (
        "quote never closed in the last cell",
        f'{HEAD},note\n{ROW},"a\n{ROW},b\n',
        {},
        "quote opened in the row that starts at line 2 is never closed",
    ),
    (
        "quote never closed before",
        f'{HEAD},note\n{ROW},b\n"{ROW},a\n{ROW},b\n',
        {},
        "quote opened in the row that starts at line 3 is never closed",
    ),
    (
        "quote never closed, no newline at the end",
        f'{HEAD},note\n{ROW},"a',
        {},
        "quote opened in the row that starts at line 2 is never closed",
    ),
    ("quote never closed in the header", f'"{GOOD}', {}, "line 1 is no header"),
    ("NUL", GOOD.replace("E1", "E\0001"), {}, "line 2 holds a NUL byte (byte 55 of the file)"),
    (
        "Latin-1",
        f"{GOOD}É2,1980-01-15,2010-03-01,60000\n".encode("latin-1"),
        {},
        "line 3 is not UTF-8 (byte 85 of the file is 0xc9); save it as 'CSV UTF-8'",
    ),
    ("cut in a letter", f"{GOOD}É".encode()[:-1], {}, "line 3 is not UTF-8 (byte 85 of the file"),
    ("UTF-16", GOOD.encode("utf-16"), {}, "is written in UTF-16; save it as 'CSV UTF-8'"),
    ("UTF-32", GOOD.encode("utf-32"), {}, "is written in UTF-32"),
    ("zip", b"PK\x03\x04" + bytes(40), {}, "holds a zip or Excel file"),
    ("parquet", b"PAR1" + bytes(40), {}, "holds Parquet, not text"),
    ("gzip", b"\x1f\x8b" + bytes(40), {}, "is compressed"),
    (
        "a huge cell",
        f"{HEAD},note,department\n{ROW},,{'x' * (LONGEST_CELL + 1)}\n",
        {},
        "line 2, department: holds a cell of more than 10,000 characters",
    ),
    (
        "a row longer than a block",
        f'{HEAD},note\n{ROW},"' + "x" * (20 << 20) + '"\n',
        {},
        "a row after line 1 is longer than 8 MiB",
    ),
    (
        "a quote that swallows more than a block",
        f'{HEAD},note\n{ROW},"' + f"\n{ROW},x" * 500_000,
        {},
        "a row after line 1 is longer than 8 MiB; a double quote is probably opened",
    ),
    ("a huge header", "x" * (2 << 20), {}, "longer than 1 MiB"),
    (
        "all rows bad",
        f"{HEAD}\nE1,,2010-03-01,1\nE2,1980-01-15,x,1\nE3,,2010-03-01,1\n",
        {},
        (
            "none of the 3 rows can be used: 2 missing_birth_date, 1 bad_hire_date; "
            "line 2: birth_date is empty"
        ),
    ),
    (
        "day first",
        f"{HEAD}\nE1,1980-01-15,01/03/2010,1\nE2,1980-01-15,25/12/2010,1\n",
        {},
        "dates are written day/month/year (line 3, hire_date: 25/12/2010)",
    ),
]


@pytest.mark.parametrize(
    ("content", "options", "message"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS]
)
def test_a_bad_file_is_one_line_and_writes_nothing(
    load: Any,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    content: str | bytes,
    options: dict[str, Any],
    message: str,
) -> None:
    connection.execute("CREATE SCHEMA inputs")
    for name in ("census", "census_audit"):
        connection.execute(f"CREATE TABLE inputs.{name} AS SELECT 'earlier' AS word")
    before = _state(connection)
    with pytest.raises(CensusError, match=re.escape(message)) as caught:
        load(content, **options)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith((str(tmp_path / "census.csv"), "census.columns"))
    assert len(str(caught.value)) < 700
    assert _state(connection) == before


def test_after_an_error_the_connection_is_as_good_as_before(load: Any) -> None:
    with pytest.raises(CensusError):
        load(f"{HEAD}\nE1,,2010-03-01,1\n")
    assert load(GOOD).people == 1


def _state(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    return [
        sorted(tables),
        connection.execute("FROM inputs.census").fetchall(),
        connection.execute("FROM inputs.census_audit").fetchall(),
    ]


def test_a_file_without_a_header_does_not_show_an_ssn(load: Any) -> None:
    with pytest.raises(CensusError) as caught:
        load("E1,123-45-6789,123456789,60000\n")
    assert "found: E1, ***, ***, 60000" in str(caught.value)


def test_dates_both_ways_are_judged_row_by_row(load: Any) -> None:
    text = f"{HEAD}\nE1,1980-01-15,12/25/2010,1\nE2,1980-01-15,25/12/2010,1\n"
    assert load(text).set_aside == {"bad_hire_date": 1}


def _paths(folder: Path) -> list[tuple[str, Path, str]]:
    def made(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    os.mkfifo(folder / "fifo.csv")
    pq.write_table(_table(), folder / "good.parquet")
    parquet = (folder / "good.parquet").read_bytes()
    bad_text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    pq.write_table(_table(employee_id=bad_text), folder / "text.parquet")
    pq.write_table(_table(hire_date=[[1]]), folder / "list.parquet")
    pq.write_table(_table(employee_id=["E\0"]), folder / "nul.parquet")
    twice = pa.Table.from_arrays([*_table().columns, pa.array(["x"])], [*HEAD.split(","), "d"])
    pq.write_table(
        twice.rename_columns([*HEAD.split(",")[:3], "salary", "DOB"]), folder / "two.parquet"
    )
    pq.write_table(_table().slice(0, 0), folder / "none.parquet")
    book = openpyxl.Workbook()
    book.save(folder / "empty.xlsx")
    book.active.append(HEAD.split(","))
    book.save(folder / "header.xlsx")
    excel = (folder / "header.xlsx").read_bytes()
    with zipfile.ZipFile(folder / "other.xlsx", "w") as archive:
        archive.writestr("hello.txt", "hello")
    with (
        zipfile.ZipFile(folder / "xml.xlsx", "w") as archive,
        zipfile.ZipFile(folder / "header.xlsx") as source,
    ):
        for item in source.infolist():
            data = source.read(item)
            archive.writestr(item, b"<a><b>" if item.filename.endswith("sheet1.xml") else data)
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    return [
        ("missing", folder / "none.csv", "no such file"),
        ("folder", folder, "is a folder"),
        ("pipe", folder / "fifo.csv", "is not a regular file"),
        ("link to itself", folder / "loop.csv", "cannot be read"),
        ("NUL in the name", folder / "a\0b.csv", "cannot be read"),
        ("long name", folder / ("x" * 300 + ".csv"), "cannot be read"),
        ("unknown suffix", made("census.dat", b"x"), "unknown suffix '.dat'; expected a file that"),
        ("no suffix", made("census", b"x"), "unknown suffix ''"),
        ("old Excel", made("census.xls", b"x"), ".xls is not read; save it as .xlsx"),
        ("packed", made("census.csv.gz", b"x"), "unpack it first"),
        ("text as Parquet", made("a.parquet", GOOD.encode()), "is not a Parquet file"),
        ("Parquet cut short", made("b.parquet", parquet[:-20]), "is not a Parquet file"),
        (
            "Parquet damaged",
            made("c.parquet", b"PAR1" + bytes(60) + parquet[64:]),
            "export it again",
        ),
        ("text that is not UTF-8", folder / "text.parquet", "not UTF-8"),
        ("a column of lists", folder / "list.parquet", "'hire_date' is of type list"),
        ("NUL in Parquet", folder / "nul.parquet", "row 1, employee_id: holds a NUL character"),
        ("two columns of a field", folder / "two.parquet", "all mean birth_date"),
        ("Parquet without rows", folder / "none.parquet", "has a header and no rows"),
        ("text as Excel", made("a.xlsx", GOOD.encode()), "is not an Excel workbook"),
        ("Excel cut short", made("b.xlsx", excel[: len(excel) // 2]), "is not an Excel workbook"),
        ("a zip as Excel", folder / "other.xlsx", "is not an Excel workbook"),
        ("broken XML", folder / "xml.xlsx", "is not an Excel workbook"),
        ("protected", made("c.xlsx", b"\xd0\xcf\x11\xe0" + bytes(50)), "protected by a password"),
        ("empty sheet", folder / "empty.xlsx", "is empty; expected a header"),
        ("sheet without rows", folder / "header.xlsx", "has a header and no rows"),
    ]


def test_paths_and_files_that_are_something_else(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    for name, path, message in _paths(tmp_path):
        with pytest.raises(CensusError, match=re.escape(message)) as caught:
            load_census(connection, CensusOptions(path, DAY))
        assert "\n" not in str(caught.value), name
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)], name


def test_a_file_that_may_not_be_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "census.csv"
    path.write_text(GOOD)
    path.chmod(0)
    root = os.geteuid() == 0  # who may read everything
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(CensusError, match="may not be read by this user"):
            load_census(connection, CensusOptions(path, DAY))
    finally:
        if root:
            os.seteuid(0)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_but_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    suffix = data.draw(st.sampled_from([".csv", ".parquet", ".xlsx"]))
    path = folder / f"census{suffix}"
    if suffix == ".csv":
        path.write_text(f'{HEAD},note\n{ROW},"a\nb"\n{ROW},\n')
    elif suffix == ".parquet":
        pq.write_table(_table(), path)
    else:
        book = openpyxl.Workbook()
        for line in GOOD.splitlines():
            book.active.append(line.split(","))
        book.save(path)
    content = bytearray(path.read_bytes())
    # A workbook holds the time of its making, so its length differs from run to run.
    places = st.integers(0, 2**20)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(places) % len(content)] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: 1 + data.draw(places) % len(content)])
    with duckdb.connect(":memory:") as connection:
        try:
            summary = load_census(connection, CensusOptions(path, DAY))
        except PlanwiseError as error:
            told = str(error)
        else:
            told = summary.lines()[0]
            assert summary.rows_read == summary.people + sum(summary.set_aside.values())
        assert "\n" not in told


def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "census.csv").write_text(GOOD)
    duckdb.connect(str(tmp_path / "d.duckdb")).close()
    with (
        duckdb.connect(str(tmp_path / "d.duckdb"), read_only=True) as connection,
        pytest.raises(PlanwiseError, match="the database failed while the census"),
    ):
        load_census(connection, CensusOptions(tmp_path / "census.csv", DAY))


def test_default_census_date() -> None:
    assert default_census_date(2025) == datetime.date(2024, 12, 31)
    with pytest.raises(CensusError, match="expected a year like 2025"):
        default_census_date(0)


@given(st.integers(1900, 2200), st.integers(-800, 800))
def test_census_date_against_the_first_year(first_year: int, days: int) -> None:
    start = datetime.date(first_year, 1, 1)
    day = start - datetime.timedelta(days=days)
    if days <= 0:
        with pytest.raises(CensusError, match="is not before the first simulated year"):
            check_census_date(day, first_year)
    else:
        warning = check_census_date(day, first_year)
        assert (warning is not None) == (days > 366)
        assert warning is None or f"{days} days before" in warning


@pytest.mark.parametrize(
    "options",
    [{"deferral_unit": "permille"}, {"pay_floor": "-1"}, {"minimum_age": 101}],
)
def test_options_out_of_range_are_a_programming_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        CensusOptions(Path("x.csv"), DAY, **options)
