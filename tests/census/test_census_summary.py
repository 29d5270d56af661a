"""Headers, aliases, the summary, the documentation, and a real employer's file."""

from __future__ import annotations

import csv
import datetime
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise.census import CensusOptions, Example, load_census
from planwise.census.fields import FIELD_NAMES, FIELDS, REASONS
from planwise.census.headers import match_headers

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PLANWISE_SHARED_DATA", ROOT.parent / "shared" / "data"))
BALTIMORE = SHARED / "baltimore_fy2018_census.csv"

VALUES = {
    "employee_id": "E1",
    "birth_date": "1980-01-15",
    "hire_date": "2010-03-01",
    "annual_compensation": "60000",
    "termination_date": "2019-01-01",
    "deferral_rate": "0.05",
    "enrollment_date": "2012-01-01",
    "job_level": "2",
    "scheduled_hours_per_week": "37.5",
    "department": "Works",
    "job_title": "Fitter",
    "gender": "F",
    "ssn": "123-45-6789",
    "auto_escalation_opt_out": "Y",
    "roth_rate": "0.01",
}
SPELLINGS = [
    (field.name, spelling)
    for field in FIELDS
    for name in (field.name, *field.aliases)
    for spelling in (name, f" {name.title()} ($) ", name.replace(" ", "").upper())
]


def test_every_spelling_of_every_header() -> None:
    tried = 0
    for number in range(max(1 + len(field.aliases) for field in FIELDS) * 3):
        headers = []
        for field in FIELDS:
            mine = [spelling for name, spelling in SPELLINGS if name == field.name]
            headers.append(mine[number % len(mine)])
            tried += number < len(mine)
        match = match_headers(Path("census.csv"), headers, {})
        assert list(match.positions) == list(FIELD_NAMES)
        assert list(match.positions.values()) == list(range(len(FIELDS)))
        assert not match.ignored
    assert tried == len(SPELLINGS)


def test_no_alias_means_two_fields() -> None:
    plain = [re.sub(r"[^a-z0-9]", "", a) for f in FIELDS for a in {f.name, *f.aliases}]
    assert len(plain) == len(set(plain))


def test_a_mapping_wins_over_an_alias(load: Any, connection: duckdb.DuckDBPyConnection) -> None:
    summary = load(
        "employee_id,birth_date,hire_date,rehired,salary,annual rate,\nE1,1980-01-15,2010-03-01,"
        "2015-01-01,1,60000,x\n",
        columns={"hire_date": "Rehired", "annual_compensation": "annual rate"},
    )
    assert summary.columns_used == {
        "employee_id": "employee_id",
        "birth_date": "birth_date",
        "hire_date": "rehired",
        "annual_compensation": "annual rate",
    }
    assert summary.columns_ignored == ("hire_date", "salary", "(column 7, no header)")
    found = connection.execute(
        "SELECT hire_date::VARCHAR, annual_compensation_cents FROM inputs.census"
    ).fetchall()
    assert found == [("2015-01-01", 6_000_000)]


def test_all_fields_arrive(load: Any, connection: duckdb.DuckDBPyConnection) -> None:
    load(",".join(VALUES) + "\n" + ",".join(VALUES.values()) + "\n")
    relation = connection.execute("FROM inputs.census")
    columns = [(column[0], str(column[1])) for column in relation.description]
    assert columns == [
        ("employee_id", "VARCHAR"),
        ("birth_date", "DATE"),
        ("hire_date", "DATE"),
        ("annual_compensation_cents", "BIGINT"),
        ("job_level", "INTEGER"),
        ("deferral_rate_e5", "INTEGER"),
        ("enrollment_date", "DATE"),
        ("roth_rate_e5", "INTEGER"),
        ("auto_escalation_opt_out", "BOOLEAN"),
        ("scheduled_hours_per_week", "DECIMAL(5,2)"),
        ("department", "VARCHAR"),
        ("job_title", "VARCHAR"),
        ("gender", "VARCHAR"),
        ("ssn", "VARCHAR"),
        ("source_line", "BIGINT"),
    ]
    assert [str(value) for value in relation.fetchall()[0]] == [
        *("E1", "1980-01-15", "2010-03-01", "6000000", "2", "5000", "2012-01-01", "1000", "True"),
        *("37.50", "Works", "Fitter", "F", "123-45-6789", "2"),
    ]


def test_the_summary_as_text_and_as_json(load: Any) -> None:
    text = "employee_id;birth_date;hire_date;salary;grade\n"
    text += "".join(f"E{n};1980-01-15;2010-03-01;{5000 + n};A\n" for n in range(5))
    text += "E9;1980-01-15;;60000;B\n"
    summary = load(text)
    lines = summary.lines()
    assert lines[0].endswith("census.csv: 6 rows read, 5 people on 2018-06-30")
    assert "  set aside: 1 missing_hire_date (line 7, E9: hire_date is empty)" in lines
    assert (
        "  warning: 5 below_pay_floor (line 2, E0: annual_compensation 5000.00 is below 10000.00)"
    ) in lines
    assert "  assumed: 5 job_level_from_pay (no column for job_level)" in lines
    assert lines[-2:] == [
        "  note: read with the semicolon as delimiter",
        "  columns not used: grade",
    ]
    assert [e.line for e in summary.examples["below_pay_floor"]] == [2, 3, 4]
    assert summary.examples["missing_hire_date"] == (Example(7, "E9", "hire_date is empty"),)
    told = json.loads(json.dumps(summary.to_dict()))
    assert told["set_aside"] == {"missing_hire_date": 1}
    assert told["examples"]["missing_hire_date"] == [
        {"line": 7, "employee_id": "E9", "detail": "hire_date is empty"}
    ]
    assert told["census_date"] == "2018-06-30"
    assert told["columns_used"]["annual_compensation"] == "salary"
    with pytest.raises(TypeError):
        summary.set_aside["more"] = 1


def test_a_second_census_replaces_the_first(
    load: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    load("id,dob,hire_date,salary\nA,1980-01-15,2010-03-01,1\nB,,2010-03-01,1\n")
    load("id,dob,hire_date,salary\nC,1980-01-15,2010-03-01,60000\n")
    assert connection.execute("SELECT employee_id FROM inputs.census").fetchall() == [("C",)]
    assert connection.execute(
        "SELECT count(*) FROM inputs.census_audit WHERE employee_id IS NOT NULL"
    ).fetchall() == [(0,)]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, planwise.census; "
        "print(sorted({'duckdb', 'pyarrow', 'openpyxl', 'dbt'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_documentation_names_every_field_alias_and_reason() -> None:
    text = (ROOT / "docs" / "census.md").read_text()
    for field in FIELDS:
        assert f"`{field.name}`" in text
        for alias in field.aliases:
            assert f"`{alias}`" in text, alias
    for words in REASONS.values():
        for word in words:
            assert f"`{word}`" in text, word


def test_the_example_in_the_documentation_runs(tmp_path: Path) -> None:
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "census.md").read_text(), re.DOTALL
    )
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "1,000 people on 2024-12-31" in done.stdout


@pytest.mark.skipif(not BALTIMORE.exists(), reason="the city's file is not part of the project")
def test_a_city_of_13683_rows(connection: duckdb.DuckDBPyConnection) -> None:
    day = datetime.date(2018, 6, 30)
    summary = load_census(connection, CensusOptions(BALTIMORE, day))
    assert (summary.rows_read, summary.people) == (13_683, 13_592)
    assert summary.set_aside == {"missing_hire_date": 3, "hired_after_census": 88}
    assert summary.warnings == {"below_pay_floor": 75}
    assert set(summary.assumed) == {
        "everybody_employed",
        "no_election",
        "job_level_from_pay",
        "scheduled_hours_40",
        "no_escalation_opt_out",
    }
    assert set(summary.assumed.values()) == {13_592}
    assert not summary.repaired
    # Against a reading that shares nothing with it.
    with BALTIMORE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for example in summary.examples["missing_hire_date"]:
        assert example.line is not None
        row = rows[example.line - 2]
        assert (row["employee_id"], row["hire_date"]) == (example.employee_id, "")
    usable = [row for row in rows if row["hire_date"] and row["hire_date"] <= "2018-06-30"]
    total = sum(Decimal(row["annual_compensation"]) * 100 for row in usable)
    found = connection.execute("SELECT sum(annual_compensation_cents) FROM inputs.census")
    assert found.fetchall() == [(int(total),)]
    low = [row for row in usable if Decimal(row["annual_compensation"]) < 10_000]
    assert len(low) == summary.warnings["below_pay_floor"]
