"""From two censuses to a simulation in which the same kinds of people leave."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hazards_runs import (
    AGES,
    END,
    START,
    TENURES,
    Row,
    band,
    completed_years,
    planwise,
    read,
    those_who_stay,
    write,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("PLANWISE_SHARED_DATA", ROOT.parent / "shared" / "data"))
BALTIMORE = FOLDER / "baltimore_fy2018_census.csv"
ACTUAL = {"<2": 26, "2-4": 16, "5-9": 13, "10-19": 9, "20+": 13}
"""Per cent of the city's people who left in the year after, by tenure."""

AGE_MULT = {"<25": 0.7, "25-34": 1.4, "35-44": 1.0, "45-54": 0.8, "55-64": 1.2, "65+": 2.0}
TENURE_MULT = {"<2": 1.8, "2-4": 1.3, "5-9": 1.0, "10-19": 0.5, "20+": 0.8}
BASE, FIRST_YEAR = 0.12, 1.5


def hazard(row: Row) -> float:
    recent = FIRST_YEAR if row["hire_date"] > "2023-12-31" else 1.0
    age = band(AGES, completed_years(row["birth_date"], START))
    tenure = band(TENURES, completed_years(row["hire_date"], START))
    return BASE * recent * AGE_MULT[age] * TENURE_MULT[tenure]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30,000 people, those who stay, the fit, and a year simulated with it and without."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "config" / "scenarios").mkdir(parents=True)
    generate = ("census", "generate", "--employees", "30000", "--census-date", str(START))
    fit = ("census", "hazards", "--from", "a.csv", "--from-date", str(START), "--to", "b.csv")
    simulate = ("simulate", "--census", "a.csv", "--years", "2025", "--database", "r.duckdb")
    words: tuple[tuple[str, ...], ...] = (
        (*generate, "--output", "a.csv"),
        (
            *fit,
            "--to-date",
            str(END),
            "--output",
            "config/scenarios/fitted.yaml",
            "--json",
            "--full-credibility",
            "271",
        ),
        (*simulate, "--scenario", "baseline", "fitted"),
    )
    for number, command in enumerate(words):
        if number == 1:
            write(folder / "b.csv", those_who_stay(read(folder / "a.csv"), hazard))
        done = planwise(*command, cwd=folder)
        assert (done.returncode, done.stderr) == (0, "")
        (folder / f"{number}.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def separations(folder: Path, *words: str) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """Rows by scenario, then by kind and band."""
    done = planwise("separations", "--database", "r.duckdb", "--json", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return {
        found["scenario_id"]: {(row["kind"], row["band"]): row for row in found["bands"]}
        for found in json.loads(done.stdout)
    }


@pytest.mark.slow
def test_the_hazards_that_people_were_drawn_by_are_found(fitted: Path) -> None:
    found = json.loads((fitted / "1.txt").read_text(encoding="utf-8"))
    for table, label, true in (
        ("age_bands", "age_band", AGE_MULT),
        ("tenure_bands", "tenure_band", TENURE_MULT),
    ):
        raw = {row[label]: row["raw_multiplier_e5"] / 100_000 for row in found[table]}
        leavers = {row[label]: row["leavers"] for row in found[table]}
        # Multipliers are known up to a common factor: that of the largest band.
        largest = max(leavers, key=lambda name: leavers[name])
        for name in true:
            ratio = raw[name] / raw[largest] / (true[name] / true[largest])
            # Three standard errors of both counts.
            assert abs(ratio - 1) < 3 * (1 / leavers[name] + 1 / leavers[largest]) ** 0.5, name


@pytest.mark.slow
def test_the_simulation_with_the_fit_loses_the_people_that_the_employer_lost(fitted: Path) -> None:
    stay = {row["employee_id"] for row in read(fitted / "b.csv")}
    people: Counter[tuple[str, str]] = Counter()
    left: Counter[tuple[str, str]] = Counter()
    for row in read(fitted / "a.csv"):
        # A day later, on 1 January, as the simulation does.
        day = START.replace(year=2025, month=1, day=1)
        for key in (
            ("all", ""),
            ("age", band(AGES, completed_years(row["birth_date"], day))),
            ("tenure", band(TENURES, completed_years(row["hire_date"], day))),
        ):
            people[key] += 1
            left[key] += row["employee_id"] not in stay
    simulated = separations(fitted)
    for key, count in people.items():
        row = simulated["fitted"][key]
        assert row["people"] == count
        assert abs(row["leavers"] - left[key]) <= max(0.025 * count, 3 * left[key] ** 0.5), key
    fitted_total = simulated["fitted"]["all", ""]["leavers"]
    assert abs(fitted_total - left["all", ""]) <= 0.005 * left["all", ""]

    def apart(scenario: str) -> float:
        """How far the tenure bands' shares are from those of the employer, together."""
        return sum(
            abs(simulated[scenario][key]["leavers"] - left[key]) / people[key]
            for key in people
            if key[0] == "tenure"
        )

    assert apart("fitted") < apart("baseline") / 3


@pytest.mark.slow
def test_separations_are_those_of_the_snapshot_and_of_the_headcount(fitted: Path) -> None:
    with duckdb.connect(str(fitted / "r.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select scenario_id, opening, experienced_leavers + reduction_in_force "
            "from main.fct_headcount order by all"
        ).fetchall()
    found = separations(fitted)
    assert list(found) == ["baseline", "fitted"]
    for scenario, opening, leavers in rows:
        bands = found[scenario]
        total = bands["all", ""]
        assert (total["people"], total["leavers"]) == (opening, leavers)
        assert total["share_e5"] == round(leavers / opening * 100_000)
        for kind in ("age", "tenure"):
            of_kind = [row for key, row in bands.items() if key[0] == kind]
            assert sum(row["people"] for row in of_kind) == opening
            assert sum(row["leavers"] for row in of_kind) == leavers
        assert [key[1] for key in bands if key[0] == "tenure"] == list(ACTUAL)
    alone = separations(fitted, "--scenario", "fitted", "--year", "2025")
    assert alone == {"fitted": found["fitted"]}
    text = planwise("separations", "--database", "r.duckdb", cwd=fitted).stdout
    share = found["fitted"]["tenure", "<2"]["share_e5"]
    assert f"{round(share / 1000, 1)} %" in text
    assert "fitted: leavers of 2025" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scenario", "fited"), 2, "did you mean fitted?"),
        (("--year", "2031"), 2, "2031 was not simulated"),
        (("--replicate", "2"), 2, "has no replicate 2"),
        (("--database", "no.duckdb"), 1, "no.duckdb: no such database"),
        (("--database", "a.csv"), 1, "a.csv"),
        (("--database", "other.duckdb"), 1, "is no result of planwise"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    fitted: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    with duckdb.connect(str(fitted / "other.duckdb")) as connection:
        connection.execute("create or replace table t as select 1 as one")
    done = planwise("separations", "--database", "r.duckdb", *words, cwd=fitted)
    assert (done.returncode, done.stdout) == (code, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not BALTIMORE.is_file(), reason="the Baltimore census is not here")
def test_the_table_of_the_document_is_what_the_city_census_gives(tmp_path: Path) -> None:
    """The city published shares, not a second census: one is made that has exactly these."""
    people: dict[str, list[str]] = {name: [] for name in ACTUAL}
    rows = read(BALTIMORE)
    day = END.replace(year=2018, month=6, day=30)
    for row in rows:
        if row["hire_date"] and row["hire_date"] <= "2018-06-30":
            name = band(TENURES, completed_years(row["hire_date"], day))
            people[name].append(row["employee_id"])
    gone: set[str] = set()
    for name, ids in people.items():
        ids.sort(key=lambda one: hashlib.sha256(one.encode()).digest())
        gone.update(ids[: round(len(ids) * ACTUAL[name] / 100)])
    write(tmp_path / "b.csv", (row for row in rows if row["employee_id"] not in gone))
    (tmp_path / "config" / "scenarios").mkdir(parents=True)
    for name, leavers in (("fitted-1082", "1082"), ("fitted-271", "271")):
        done = planwise(
            *("census", "hazards", "--from", BALTIMORE, "--from-date", "2018-06-30"),
            *("--to", "b.csv", "--to-date", "2019-06-30", "--full-credibility", leavers),
            *("--output", f"config/scenarios/{name}.yaml"),
            cwd=tmp_path,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert f"{len(gone):,} no longer in the second census" in done.stdout
    done = planwise(
        *("simulate", "--census", BALTIMORE, "--census-date", "2018-06-30", "--years", "2019"),
        *("--scenario", "baseline", "fitted-1082", "fitted-271", "--database", "r.duckdb"),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = separations(tmp_path)
    documented = {
        cells[0]: cells[1:]
        for cells in (
            [cell.strip() for cell in line.strip("| ").split("|")]
            for line in (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8").splitlines()
            if line.startswith("|")
        )
    }
    for name, actual in (("all", "14.4"), *ACTUAL.items()):
        key = ("all", "") if name == "all" else ("tenure", name)
        of_scenarios = [found[each][key] for each in ("baseline", "fitted-1082", "fitted-271")]
        shown = [f"{(row['share_e5'] + 50) // 100 / 10:.1f} %" for row in of_scenarios]
        expected = [f"{of_scenarios[0]['people']:,}", f"{actual} %", *shown]
        assert documented[name] == expected
    for name, actual_share in ACTUAL.items():
        believed = found["fitted-271"]["tenure", name]
        assert abs(believed["share_e5"] - actual_share * 1000) < 1500
