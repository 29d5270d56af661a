"""A run that fails, is stopped or is killed: its record, and a report that says what happened."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from reporting_runs import bench_result, embedded, parsed, planwise, stopped, text_of
from test_reporting_page import test_the_page_is_sound as assert_sound

from planwise.analysis.run_report import gather_report
from planwise.baselines import project_digest
from planwise.errors import WarehouseError
from planwise.profile_files import FOLDER, UNFINISHED_FOLDER
from planwise.reporting.html.page import report_page
from planwise.run_files import RunFiles
from planwise.run_record import UNFINISHED_NAME, RunAccount, read_account
from planwise.runs.manifest import read_manifest
from planwise.warehouse.lock import database_lock

MANY = ("--years", "2025-2030")
RESULT = Path("output") / "simulation.duckdb"


@pytest.fixture
def place(folder: Path, tmp_path: Path) -> Path:
    """A census beside an earlier result, to be used up."""
    return Path(shutil.copytree(folder, tmp_path / "here"))


def work(place: Path) -> Path:
    return RunFiles((place / RESULT).resolve()).work


def record(place: Path) -> RunAccount:
    return read_account(work(place), UNFINISHED_NAME)


def report(place: Path, *words: str) -> tuple[str, str]:
    """What the command says, and the page."""
    done = planwise("report", "--force", *words, cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, (place / RESULT.with_suffix(".report.html")).read_text(encoding="utf-8")


def banner(page: str) -> dict[str, str]:
    """What the page says that happened."""
    section = parsed(page).find(".//section[@id='end']")
    assert section is not None
    return {"": text_of(section.find("h2") or ET.Element("h2"))} | {
        text_of(each[0]): text_of(each[1]) for each in section.iter("div")
    }


def test_a_model_that_fails_in_the_second_year_is_on_record(broken: Path) -> None:
    account, error = record(broken), (broken / "error.txt").read_text(encoding="utf-8")
    end = account.end
    assert end is not None
    assert (end.status, end.phase, end.finished_years) == ("failed", "year 2026", (2025,))
    assert "int_hires" in end.models
    assert error == f"planwise: {end.error}\n"
    assert "int_hires failed in year 2026: " in end.error
    names = [phase.name for phase in account.phases]
    assert names == ["foundation", "year 2025", "year 2026 (not finished)"]
    assert all(phase.wall_s > 0 for phase in account.phases)
    assert all(phase.models for phase in account.phases[:2])
    assert account.phases[1].checkpoint is not None
    assert account.wall_s >= sum(phase.wall_s for phase in account.phases) - 1e-6
    assert account.details is not None
    assert account.details.circumstances.census is not None
    said = (broken / "said.txt").read_text(encoding="utf-8")
    assert str(work(broken) / UNFINISHED_NAME) in said
    assert f"planwise report {broken / RESULT} shows what happened" in said


def test_its_metrics_are_written_all_the_same(broken: Path) -> None:
    lines = [json.loads(line) for line in (broken / "metrics.jsonl").read_text().splitlines()]
    phases = [line["name"] for line in lines if line["kind"] == "phase"]
    assert phases == ["foundation", "year 2025"]
    assert lines[-1]["kind"] == "run"
    assert lines[-1]["wall_s"] >= sum(line["wall_s"] for line in lines if line["kind"] == "phase")
    assert {line["simulation_year"] for line in lines if line["kind"] == "model"} == {None, 2025}
    assert f"metrics      {broken / 'metrics.jsonl'}" in (broken / "said.txt").read_text()


def test_its_profiles_are_kept_beside_those_of_the_run_before(broken: Path, tmp_path: Path) -> None:
    kept = work(broken) / UNFINISHED_FOLDER
    assert f"profiles     {kept}\n" in (broken / "said.txt").read_text(encoding="utf-8")
    names = sorted(each.name for each in kept.iterdir())
    assert len(names) == 20, "a plan and DuckDB's own JSON of each of the slowest ten"
    assert {name.split("-")[1] for name in names} <= {"foundation", "2025", "2026"}
    text = (kept / next(name for name in names if name.endswith(".txt"))).read_text("utf-8")
    assert "operator" in text
    assert "no plan" not in text
    assert not (work(broken) / FOLDER).exists(), "the run before was not asked for any"
    place = Path(shutil.copytree(broken, tmp_path / "here"))
    (work(place) / FOLDER).mkdir()
    (work(place) / FOLDER / "of-the-run-before.txt").touch()
    shutil.rmtree(work(place) / UNFINISHED_FOLDER)
    (work(place) / UNFINISHED_FOLDER).symlink_to(tmp_path)  # it cannot be written to, nor removed
    words = ("simulate", "--census", "census.csv", "--scenario", "baseline", "rich", "--profile")
    done = planwise(*words, "--dbt-project", "dbt", cwd=place)
    assert done.returncode == 1
    assert done.stderr == (broken / "error.txt").read_text(encoding="utf-8")
    assert "warning: the profiles of the run could not be written: " in done.stdout
    assert "\nprofiles " not in done.stdout
    assert [each.name for each in (work(place) / FOLDER).iterdir()] == ["of-the-run-before.txt"]
    assert place.is_dir()


def test_its_report_says_so_and_shows_the_year_that_is_finished(broken: Path) -> None:
    page = report_page(gather_report(broken / RESULT))
    assert_sound(page)
    told = banner(page)
    assert "<b>no</b> such year" in told["Error"]
    assert told["Where"].startswith("year 2026, batch ")
    assert "int_hires" in told["Where"]
    assert (told["Finished years"], told["Not finished"]) == ("2025", "2026")
    assert "--resume: it goes on after 2025" in told["To go on"]
    data = embedded(page)
    assert {row["year"] for row in data["headcount"] + data["plan_cost"]} == {2025}
    assert len(data["run"]["phases"]) == 3


def test_the_result_before_is_as_it_was_and_can_be_reported(broken: Path, folder: Path) -> None:
    page = report_page(gather_report(broken / RESULT, finished=True))
    assert parsed(page).find(".//section[@id='end']") is None
    assert (work(broken) / "run.json").read_bytes() == (work(folder) / "run.json").read_bytes()
    assert {row["year"] for row in embedded(page)["headcount"]} == {2025, 2026}


@pytest.mark.parametrize(
    ("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_run_that_is_stopped_leaves_what_it_measured(
    place: Path, number: signal.Signals, code: int, name: str
) -> None:
    words = ("simulate", "--census", "census.csv", *MANY)
    done, said = stopped("year 2025: ", number, *words, cwd=place)
    assert done == code, said
    account = record(place)
    assert account.end is not None
    assert (account.end.status, account.end.error) == ("interrupted", name)
    years = account.end.finished_years
    assert years[0] == 2025
    out, page = report(place)
    assert "This run was interrupted in year 20" in out
    assert f"stopped by {name}" in out
    assert banner(page)["Finished years"] == ", ".join(map(str, years))
    assert {row["year"] for row in embedded(page)["headcount"]} == set(years)
    assert not [each for each in place.rglob("*") if each.name.startswith(f".{UNFINISHED_NAME}")]


def test_a_run_that_was_killed_is_told_from_what_is_there(place: Path) -> None:
    """Nor does looking at it stand in the way of going on, after which nothing is left of it."""
    (work(place) / UNFINISHED_NAME).write_text("{}", encoding="utf-8")
    (work(place) / UNFINISHED_FOLDER).mkdir()
    words = ("simulate", "--census", "census.csv", *MANY)
    done, said = stopped("year 2025: ", signal.SIGKILL, *words, cwd=place)
    assert done == -signal.SIGKILL, said
    assert not (work(place) / UNFINISHED_NAME).exists()
    assert not (work(place) / UNFINISHED_FOLDER).exists()
    out, page = report(place)
    assert out.startswith("This run stopped without saying why: it left no record")
    told = banner(page)
    assert told["Finished years"].startswith("2025")
    assert "--resume" in told["To go on"]
    assert embedded(page)["run"] is None
    assert embedded(page)["headcount"][0]["year"] == 2025
    again = planwise(*words, "--resume", cwd=place)
    assert (again.returncode, again.stderr) == (0, "")
    assert f"resumed after {told['Finished years'].split(', ')[-1]}" in again.stdout
    _, page = report(place)
    assert parsed(page).find(".//section[@id='end']") is None
    assert {each.name for each in work(place).iterdir()} == {
        *("run.json", "run_manifest.json", "checkpoints", "logs", "profiles", "target")
    }


def test_where_the_record_cannot_be_written_the_error_stays_what_it_was(
    broken: Path, tmp_path: Path
) -> None:
    """As on a full disk; here a folder is where the file would be."""
    place = Path(shutil.copytree(broken, tmp_path / "here"))
    (work(place) / UNFINISHED_NAME).unlink()
    (work(place) / UNFINISHED_NAME).mkdir()
    words = ("simulate", "--census", "census.csv", "--scenario", "baseline", "rich")
    done = planwise(*words, "--dbt-project", "dbt", "--resume", cwd=place)
    assert done.returncode == 1
    assert done.stderr == (broken / "error.txt").read_text(encoding="utf-8")
    assert "warning: the record of the run could not be written: " in done.stdout
    assert not [each for each in place.rglob(".*") if "unfinished" in each.name]


def test_a_run_that_goes_on_is_not_one_that_stopped(broken: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(broken, tmp_path / "here"))
    with database_lock(place / RESULT):
        assert gather_report(place / RESULT).unfinished is None
        (place / RESULT).unlink()
        with pytest.raises(WarehouseError, match="is still making it"):
            gather_report(place / RESULT)


def test_a_bench_is_held_against_the_run_that_did_not_finish(broken: Path, tmp_path: Path) -> None:
    """Its project has another model than that of the run before, whose manifest is there too."""
    file, output = tmp_path / "found.json", tmp_path / "r.html"
    words = ("report", RESULT, "--bench", file, "--output", output, "--force")
    before, now = read_manifest(work(broken)), read_manifest(RunFiles(broken / RESULT).building)
    assert before is not None
    assert now is not None
    digests = [project_digest(each.identity["project"]["files"]) for each in (before, now)]
    assert digests[0] != digests[1]
    codes = []
    for project, more in ((0, ()), (1, ()), (0, ("--finished",)), (1, ("--finished",))):
        content = bench_result() | {"project": digests[project]}
        file.write_text(json.dumps(content), encoding="utf-8")
        done = planwise(*words, *more, cwd=broken)
        codes.append(done.returncode)
        assert (done.stderr == "") == (done.returncode == 0)
        assert done.returncode == 0 or "other files of the project" in done.stderr
    assert codes == [2, 0, 0, 2]
    # As of a run that failed in its first year: there is its record and nothing else.
    place = Path(shutil.copytree(broken, tmp_path / "here"))
    shutil.rmtree(RunFiles((place / RESULT).resolve()).building)
    done = planwise(*words, cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--bench: nothing tells which project the run had" in done.stderr
    assert planwise(*words, "--finished", cwd=place).returncode == 2  # of the other project


def spoilt(file: Path, **instead: Any) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    content["end"] |= instead
    file.write_text(json.dumps(content), encoding="utf-8")


def test_a_record_that_is_not_the_runs_or_is_damaged_is_not_believed(
    broken: Path, tmp_path: Path
) -> None:
    place = Path(shutil.copytree(broken, tmp_path / "here"))
    file = work(place) / UNFINISHED_NAME
    spoilt(file, run_id="another")
    found = gather_report(place / RESULT).unfinished
    assert found is not None
    assert (found.account, found.finished) == (None, (2025,))
    spoilt(file, status=["failed"])
    found = gather_report(place / RESULT).unfinished
    assert found is not None
    assert "cannot be used" in found.why
    RunFiles((place / RESULT).resolve()).building_database.unlink()
    page = report_page(gather_report(place / RESULT))
    assert_sound(page)
    assert banner(page)["Finished years"] == "2025"
