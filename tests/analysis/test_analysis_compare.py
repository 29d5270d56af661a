"""`planwise compare`: what it says is what is in the database."""

from __future__ import annotations

import json
import resource
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from analysis_runs import SSN, YEARS, called, contents, refused, run_planwise

from planwise.analysis.comparison import MEASURES, TOTALS, compare
from planwise.analysis.published import PUBLISHED_TABLES
from planwise.analysis.result_database import open_result

AB = ("compare", "baseline", "rich", "--database")


@pytest.fixture
def compared(database: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code, out, _ = called(capsys, *AB, database, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, list(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def costs(connection: duckdb.DuckDBPyConnection, scenario: str) -> dict[int, dict[str, Any]]:
    found = rows(connection, "select * from fct_plan_cost where scenario_id = ?", scenario)
    return {row["simulation_year"]: row for row in found}


def people(connection: duckdb.DuckDBPyConnection, scenario: str, year: int) -> dict[Any, Any]:
    found = rows(
        connection,
        "select * from fct_workforce_snapshot where scenario_id = ? and simulation_year = ?",
        *(scenario, year),
    )
    return {(row["employee_id"], row["birth_date"], row["hire_date"]): row for row in found}


def employer(row: dict[str, Any]) -> int:
    return int(row["match_cents"] + row["core_cents"] + row["reallocated_cents"])


def test_every_figure_of_every_year_is_that_of_the_database(
    compared: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    a, b = costs(connection, "baseline"), costs(connection, "rich")
    assert [year["simulation_year"] for year in compared["years"]] == list(YEARS)
    for year in compared["years"]:
        for measure in MEASURES:
            figure = year[measure.key]
            one, other = (side[year["simulation_year"]][measure.key] for side in (a, b))
            assert (figure["a"], figure["b"]) == (one, other)
            assert figure["difference"] == other - one
            if one:
                exact = (other - one) * 100_000 / one
                assert abs(figure["relative_difference_e5"] - exact) <= 0.5001
            else:
                assert figure["relative_difference_e5"] is None


def test_the_total_is_the_sum_of_the_years(compared: dict[str, Any]) -> None:
    for measure in TOTALS[:-1]:
        for side in ("a", "b", "difference"):
            total = sum(year[measure.key][side] for year in compared["years"])
            assert compared["total"][measure.key][side] == total
    share = compared["total"]["net_cost_share_e5"]
    for side in ("a", "b"):
        cost = compared["total"]["net_employer_cost_cents"][side]
        payroll = compared["total"]["payroll_cents"][side]
        assert abs(share[side] - cost * 100_000 / payroll) <= 0.5


def test_who_gains_and_who_loses_is_counted_person_by_person(
    compared: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    a, b = (people(connection, name, 2027) for name in ("baseline", "rich"))
    both = a.keys() & b.keys()
    assert both
    signs = Counter(
        (employer(b[key]) > employer(a[key])) - (employer(b[key]) < employer(a[key]))
        for key in both
    )
    everybody = compared["people"]["everybody"]
    assert compared["people"]["simulation_year"] == 2027
    assert everybody["people"] == len(both)
    assert (everybody["gaining"], everybody["losing"], everybody["same"]) == (
        *(signs[1], signs[-1], signs[0]),
    )
    assert everybody["total_difference_cents"] == sum(
        employer(b[key]) - employer(a[key]) for key in both
    )
    for name, column in (("age_bands", "age_band"), ("tenure_bands", "tenure_band")):
        for group in compared["people"][name]:
            members = [key for key in both if a[key][column] == group["name"]]
            assert group["people"] == len(members) > 0
            assert group["a_cents"] == sum(employer(a[key]) for key in members)
            assert group["b_cents"] == sum(employer(b[key]) for key in members)
    assert sum(group["people"] for group in compared["people"]["levels"]) == len(both)


def test_people_add_up_to_the_costs_of_the_year(
    compared: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    everybody = compared["people"]["everybody"]
    for side, name in (("a", "baseline"), ("b", "rich")):
        cost = costs(connection, name)[2027]
        money = cost["employer_gross_cents"] + cost["reallocated_cents"]
        alone = compared["people"][f"only_{side}"]["employer_cents"]
        assert everybody[f"{side}_cents"] + alone == money > 0


def test_a_hire_of_the_same_number_may_be_another_person(copied: Path) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update fct_workforce_snapshot set birth_date = birth_date + 1 "
            "where scenario_id = 'rich' and employee_id like 'NH_2027%'"
        )
        hires = connection.execute(
            "select count(*) from fct_workforce_snapshot "
            "where scenario_id = 'rich' and employee_id like 'NH_2027%'"
        ).fetchall()[0][0]
    with open_result(copied) as result:
        found = compare(result, "baseline", "rich").people
    assert found.same_id == hires > 0
    assert found.only_a.people == found.only_b.people == hires


def test_shared_draws_are_told_from_others(copied: Path) -> None:
    with open_result(copied) as result:
        notes = compare(result, "baseline", "rich").notes
    assert "share their draws (those of 'baseline', seed 42)" in notes[0]
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update dim_scenario set draws = 'rich', first_year = 2024 where scenario_id = 'rich'"
        )
    with open_result(copied) as result:
        notes = compare(result, "baseline", "rich").notes
    assert "do not share their draws" in notes[0]
    assert "first year: 2025 in A, 2024 in B" in notes[1]


def test_what_differs_in_the_rules_is_named_with_its_source(compared: dict[str, Any]) -> None:
    found = {each["parameter"]: each for each in compared["parameters"]}
    assert {"match_formula", "core_formula", "core_rate", "auto_enrollment_rate"} <= found.keys()
    assert "cola_rate" not in found
    rate = found["auto_enrollment_rate"]
    assert (rate["a"], rate["b"], rate["source_a"]) == (2000, 6000, "default")
    assert rate["source_b"] == "config/scenarios/rich.yaml: plan.auto_enrollment_rate"
    assert found["match_vesting_schedule"]["source_b"] == "follows from match_vesting"
    tables = {each["table"]: each for each in compared["tables"]}
    assert tables.keys() == {"match_tiers", "core_tiers", "vesting_steps"}
    assert [row["match_rate_e5"] for row in tables["match_tiers"]["only_b"]] == [100_000, 50_000]
    assert tables["core_tiers"]["only_a"] == []


def test_years_and_the_year_of_people_are_chosen(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = called(
        capsys, *AB, database, "--years", "2025", "2027", "--year", "2026", "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert [year["simulation_year"] for year in found["years"]] == [2025, 2027]
    assert found["people"]["simulation_year"] == 2026


def test_the_terminal_shows_what_the_json_holds(
    database: Path, compared: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = called(capsys, *AB, database)
    assert code == 0
    assert "\x1b" not in out
    cost = compared["years"][0]["net_employer_cost_cents"]
    for cents in (cost["a"], cost["b"]):
        assert f"{cents // 100:,}.{cents % 100:02}" in out
    assert "everybody in both" in out
    assert "config/scenarios/rich.yaml" in out
    assert "match rate 100 %" in out


def test_the_workbook_holds_numbers_and_says_where_they_come_from(
    database: Path, compared: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a book.xlsx"
    assert called(capsys, *AB, database, "--output", file)[0] == 0
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == [
        *("Summary", "By year", "Age bands", "Tenure bands", "Levels", "Parameters", "Metadata")
    ]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert all(cell.data_type != "f" for row in sheet for cell in row)
    figures = list(book["By year"].iter_rows(min_row=2))
    assert len(figures) == len(YEARS) * len(MEASURES)
    for (year, label, a, b, difference, relative), measure in zip(
        figures, MEASURES * len(YEARS), strict=True
    ):
        found = next(y for y in compared["years"] if y["simulation_year"] == year.value)
        scale = {"money": 100, "rate": 100_000, "count": 1}[measure.kind]
        assert label.value == measure.label
        for cell, key in ((a, "a"), (b, "b"), (difference, "difference")):
            assert round(cell.value * scale) == found[measure.key][key]
            assert (
                cell.number_format
                == {"money": "#,##0.00", "rate": "0.00 %", "count": "#,##0"}[measure.kind]
                or measure.kind == "count"
            )
        assert (relative.value is None) == (found[measure.key]["a"] == 0)
    metadata = {row[0]: row[1:] for row in book["Metadata"].iter_rows(values_only=True)}
    assert metadata["seed"][:2] == ("42", "42")
    assert metadata["draws"][:2] == ("baseline", "baseline")
    assert metadata["core_rate"] == (
        *(0.01, 0.03, "default", "config/scenarios/rich.yaml: plan.core_rate"),
    )
    for name in ("read by planwise", "read by duckdb", "read by dbt-core", "simulated by planwise"):
        assert metadata[name][0] not in (None, "unknown")
    digests = compared["provenance"]["digests"]
    assert "main.fct_plan_cost" in digests
    assert not any(name.startswith("inputs.") for name in digests)
    for name, digest in digests.items():
        assert metadata[name][:2] == (digest["digest"], digest["rows"])


def test_the_digests_are_those_of_planwise_digest(
    database: Path, compared: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(called(capsys, "digest", database)[1])["tables"]
    for name, digest in compared["provenance"]["digests"].items():
        assert found[name] == digest


def test_names_that_a_spreadsheet_would_run_stay_text(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "=cmd|' /C calc'!A0"
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update dim_scenario set parameter_sources = ?", [json.dumps({"core_rate": evil})]
        )
        connection.execute("update dim_age_band set age_band = '=1+1' where min_age = 25")
        connection.execute(
            "update fct_workforce_snapshot set age_band = '=1+1' where age_band = '25-34'"
        )
        connection.execute("update dim_job_level set level_name = 'a\x07b\ufffe' where level = 1")
    file = tmp_path / "x.xlsx"
    assert called(capsys, *AB, copied, "--output", file)[0] == 0
    book = openpyxl.load_workbook(file)
    assert "=1+1" in [row[0] for row in book["Age bands"].iter_rows(values_only=True)]
    assert evil in [cell.value for row in book["Parameters"] for cell in row]
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)
    assert any("_x0007_" in str(row[0]) for row in book["Levels"].iter_rows(values_only=True))
    code, out, _ = called(capsys, *AB, copied)
    assert code == 0
    assert "\x07" not in out


MADE = {
    "two of the same": (("baseline", "baseline"), 2, ("A and B are both 'baseline'",)),
    "unknown A": (("basline", "rich"), 2, ("A:", "did you mean baseline?", "baseline, rich")),
    "unknown B": (("baseline", "x\x1b[31m"), 2, ("B:", "no scenario 'x?[31m'", "baseline, rich")),
    "replicate": (("baseline", "rich", "--replicate", "2"), 2, ("no replicate 2", "there is: 1")),
    "years": (("baseline", "rich", "--years", "2030"), 2, ("--years: 2030", "2025, 2026, 2027")),
    "year": (("baseline", "rich", "--year", "2024"), 2, ("--year: 2024 was not simulated",)),
    "no year": (("baseline", "rich", "--year", "soon"), 2, ("--year: expected years", "'soon'")),
    "extension": (("baseline", "rich", "--output", "x.pdf"), 2, (".xlsx or .json",)),
    "folder missing": (
        *(("baseline", "rich", "--output", "no/x.xlsx"), 1, ("folder no does not exist",)),
    ),
    "both forms": (("baseline", "rich", "--json", "--output", "x.json"), 2, ("not allowed with",)),
    "one name": (("baseline",), 2, ("B",)),
}


@pytest.mark.parametrize("case", MADE)
def test_a_mistake_is_one_line(
    case: str, database: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words, code, said = MADE[case]
    refused(capsys, code, said, "compare", "--database", database, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_unless_it_is_forced(
    database: Path, tmp_path: Path, capsys: Any
) -> None:
    file = tmp_path / "x.json"
    file.write_text("mine", encoding="utf-8")
    refused(capsys, 2, ("is there already", "--force"), *AB, database, "--output", file)
    assert file.read_text(encoding="utf-8") == "mine"
    assert called(capsys, *AB, database, "--output", file, "--force")[0] == 0
    assert json.loads(file.read_text(encoding="utf-8"))["schema_version"] == 1
    refused(capsys, 2, ("is a folder",), *AB, database, "--output", _folder(tmp_path / "y.xlsx"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "y.xlsx"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_the_database_itself_is_never_the_output(
    database: Path, tmp_path: Path, capsys: Any
) -> None:
    named = Path(shutil.copy(database, tmp_path / "result.json"))
    before = named.read_bytes()
    refused(capsys, 2, ("is the database",), *AB, named, "--output", named, "--force")
    assert named.read_bytes() == before


def test_a_database_that_is_none_of_ours_is_refused(tmp_path: Path, capsys: Any) -> None:
    refused(capsys, 1, ("no such database", "--database"), *AB, tmp_path / "none.duckdb")
    text = tmp_path / "text.duckdb"
    text.write_text("hello", encoding="utf-8")
    refused(capsys, 1, ("text.duckdb", "cannot be opened"), *AB, text)
    refused(capsys, 1, (str(tmp_path),), *AB, tmp_path)
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("create table fct_plan_cost as select 1 as x")
        connection.execute("create view dim_scenario as select 1 as scenario_id")
    refused(capsys, 1, ("no result of planwise", "dim_scenario"), *AB, other)


@pytest.mark.parametrize(
    ("change", "lack"),
    [
        ("drop table fct_plan_cost", "table fct_plan_cost"),
        ("alter table dim_scenario drop column draws", "dim_scenario.draws"),
        ("alter table fct_workforce_snapshot drop core_cents", "fct_workforce_snapshot.core_cents"),
    ],
)
def test_a_result_without_the_plan_is_told_as_such(
    change: str, lack: str, copied: Path, capsys: Any
) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(change)
    refused(capsys, 1, (lack, "older planwise", "planwise simulate"), *AB, copied)


def test_a_result_without_a_scenario_is_told_as_such(copied: Path, capsys: Any) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute("delete from dim_scenario")
    refused(capsys, 1, ("holds no scenario",), *AB, copied)


def test_a_disk_that_is_full_leaves_nothing(database: Path, tmp_path: Path) -> None:
    for name in ("x.xlsx", "x.json"):
        done = run_planwise(
            *(*AB, database, "--output", name),
            cwd=tmp_path,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000)),
        )
        assert done.returncode == 1
        assert f"{name}: cannot be written" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert list(tmp_path.iterdir()) == []


def test_the_page_names_every_sheet_and_every_key(
    database: Path, compared: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    assert called(capsys, *AB, database, "--output", tmp_path / "x.xlsx")[0] == 0
    for sheet in openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames:
        assert f"| {sheet} |" in page
    for key in (*compared, *compared["people"], *compared["years"][0], *PUBLISHED_TABLES):
        assert f"`{key}`" in page, key


def test_a_database_in_use_names_its_user(copied: Path) -> None:
    with duckdb.connect(str(copied)):
        done = run_planwise(*AB, copied, cwd=copied.parent)
    assert done.returncode == 1
    assert "in use by another process" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_comparison_shows_an_ssn(database: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("x.xlsx", "x.json"):
        assert called(capsys, *AB, database, "--output", tmp_path / name)[0] == 0
        assert SSN.encode() not in contents(tmp_path / name)
        assert SSN.replace("-", "").encode() not in contents(tmp_path / name)
