"""What a run has not kept is left out of its report, which says what and why."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from reporting_runs import embedded, parsed, planwise, tables

from planwise.analysis.run_report import gather_report
from planwise.analysis.timeline import batch_bars, model_bars
from planwise.errors import DatabaseLockedError, WarehouseError
from planwise.reporting.html.page import report_page
from planwise.results import ModelRecord
from planwise.run_files import RunFiles
from planwise.run_record import PhaseAccount, RunAccount

PLAIN = Path(__file__).parents[1] / "projects" / "plain"
LACKS = "Parts that this report cannot have"


def lacks(page: str) -> dict[str, str]:
    """Why each part is missing."""
    return dict(tables(parsed(page))[LACKS][1:])  # type: ignore[arg-type]  # rows of two cells


def drawn(page: str) -> set[str | None]:
    return {each.get("data-chart") for each in parsed(page).iter("figure")}


def test_a_complete_run_lacks_nothing(page: str) -> None:
    assert LACKS not in tables(parsed(page))


@pytest.mark.parametrize("damage", ["gone", "no JSON"])
def test_without_a_record_there_are_the_figures(copied: Path, damage: str) -> None:
    file = RunFiles(copied).work / "run.json"
    file.unlink()
    if damage != "gone":
        file.write_text("{", encoding="utf-8")
    page = report_page(gather_report(copied))
    assert drawn(page) == {*("headcount", "payroll", "participation", "deferral", "cost", "money")}
    assert list(lacks(page)) == ["How the run went"]
    assert embedded(page)["run"] is None
    assert "Findings" in tables(parsed(page))


def test_the_record_of_an_older_planwise_gives_its_times(copied: Path) -> None:
    file = RunFiles(copied).work / "run.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    del content["details"]
    for phase in content["phases"]:
        phase.pop("start_s")
        for model in phase["models"]:
            del model["start_s"], model["batch"]
    file.write_text(json.dumps(content), encoding="utf-8")
    page = report_page(gather_report(copied))
    assert {"phases", "slowest"} <= drawn(page)
    assert not {"timeline", "memory", "checkpoints"} & drawn(page)
    assert ["an older planwise" in why for why in lacks(page).values()] == [True]


@pytest.mark.parametrize("table", ["fct_headcount", "fct_plan_cost"])
def test_a_table_that_is_missing_or_another_is_named(copied: Path, table: str) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f"drop table {table}")
    found = gather_report(copied)
    assert [table in lack.why for lack in found.lacks] == [True]
    with duckdb.connect(str(copied)) as connection:
        connection.execute(f"create table {table} (scenario_id varchar)")
    page = report_page(gather_report(copied))
    assert [f"column {table}.replicate_id" in why for why in lacks(page).values()] == [True]


def test_another_project_gets_the_part_of_the_engineer(tmp_path: Path) -> None:
    shutil.copytree(PLAIN, tmp_path / "project")
    words = ("simulate", "--dbt-project", "project", "--years", "2025-2026")
    assert planwise(*words, cwd=tmp_path).returncode == 0
    done = planwise("report", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("not in it: ") == 3
    page = (tmp_path / "output" / "simulation.report.html").read_text(encoding="utf-8")
    assert {"timeline", "phases", "slowest", "memory"} <= drawn(page)
    assert lacks(page).keys() == {"Headcount and payroll", "The retirement plan", "The census"}
    assert "2025 to 2026" in page


def test_a_run_in_place_gets_a_report(tmp_path: Path) -> None:
    project = Path(shutil.copytree(PLAIN, tmp_path / "project"))
    (project / "profiles.yml").write_text(
        "small:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: own.duckdb}\n",
        encoding="utf-8",
    )
    inputs = planwise("inputs", "--database", "own.duckdb", "--years", "2025", cwd=tmp_path)
    assert inputs.returncode == 0, inputs.stderr
    done = planwise(
        *("simulate", "--dbt-project", "project", "--profiles-dir", "project"),
        *("--years", "2025"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    done = planwise("report", "own.duckdb", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "own.report.html").is_file()


def test_resumed_years_are_named(copied: Path) -> None:
    file = RunFiles(copied).work / "run.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["details"]["resumed_years"] = [2025]
    content["phases"] = [content["phases"][0], content["phases"][2]]
    file.write_text(json.dumps(content), encoding="utf-8")
    page = report_page(gather_report(copied))
    assert list(lacks(page)) == ["How 2025 went"]
    assert [row[0] for row in tables(parsed(page))["Time by phase"][1:]] == [
        "foundation",
        "year 2026",
    ]


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own.duckdb"
    with duckdb.connect(str(own)) as connection:
        connection.execute("create table t as select 1 as a")
    with pytest.raises(WarehouseError, match="is no result of planwise"):
        gather_report(own)
    with pytest.raises(WarehouseError, match="no such database"):
        gather_report(tmp_path / "none.duckdb")
    text = tmp_path / "text.duckdb"
    text.write_text("not a database\n" * 100, encoding="utf-8")
    with pytest.raises(WarehouseError, match=r"text\.duckdb"):
        gather_report(text)


def test_a_database_in_use_is_refused(copied: Path, tmp_path: Path) -> None:
    program = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); "
        "time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(copied)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            with pytest.raises(DatabaseLockedError, match="in use"):
                gather_report(copied)
        finally:
            process.kill()


def test_lanes_hold_no_two_models_at_once() -> None:
    def model(name: str, start: float | None, wall: float, batch: int) -> ModelRecord:
        return ModelRecord(name, name, 2025, wall, 0.0, 1, "x", batch=batch, start_s=start)

    models = (
        *(model("a", 0.0, 2.0, 1), model("b", 1.0, 2.0, 1), model("c", 2.0, 1.0, 2)),
        *(model("d", 2.5, 0.1, 2), model("unknown", None, 1.0, 2)),
    )
    run = RunAccount(9.0, (), "", (PhaseAccount("year 2025", 5.0, 0.0, models),))
    bars = model_bars(run)
    assert [(bar.model.name, bar.lane) for bar in bars] == [
        *(("a", 1), ("b", 2), ("c", 1)),
        ("d", 3),
    ]
    batches = batch_bars(bars)
    assert [(b.number, b.models, b.start_s, b.wall_s) for b in batches] == [
        (1, 2, 0.0, 3.0),
        (2, 2, 2.0, 1.0),
    ]


def test_a_project_of_many_models_and_years_stays_small(copied: Path) -> None:
    file = RunFiles(copied).work / "run.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    phase = content["phases"][1]
    more = [
        {**phase["models"][n % 10], "unique_id": f"m{n}", "name": f"model_{n:04}", "batch": n}
        for n in range(200)
    ]
    years = [{**phase, "name": f"year {2025 + n}", "models": more} for n in range(50)]
    content["phases"] = [content["phases"][0], *years]
    file.write_text(json.dumps(content), encoding="utf-8")
    page = report_page(gather_report(copied))
    assert len(page.encode()) < 1_000_000
    assert len(embedded(page)["run"]["models"]) == 400
    assert "that took longest" in page
